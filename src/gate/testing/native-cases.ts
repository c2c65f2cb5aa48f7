/** One request that succeeds for every row of our own API about keys, people and the ledger; `role-cases.ts` has those about roles. */
import { randomBytes, sealBundle } from '#crypto/crypto.ts';
import type { CredentialSet } from '#domain/domain.ts';
import { toBase64, toUtf8 } from '#encoding/encoding.ts';
import { backupCases } from './backup-cases.ts';
import {
  blobOf,
  type Case,
  type Cases,
  canaries,
  fresh,
  freshRegion,
  madeRegion,
  pending,
  plaintext,
  type Ready,
  replicaRegion,
  type WithKey,
} from './cases.ts';
import type { Doors } from './doors.ts';
import { byId, type House, plain } from './house.ts';
import { rootCases } from './root-cases.ts';
import { sealCases } from './seal-cases.ts';
import { shareCases } from './share-cases.ts';

/** A request of our own API on a key of its own, whose id stands for `{key}`. */
function native(template: string, body?: WithKey, more: Parameters<House['key']>[0] = {}, ready?: Ready): Case {
  const [method, path] = template.split(' ') as [string, string];
  return async (doors) => {
    const key = await doors.house.key({ ...more, name: fresh('native') });
    await ready?.(key, doors.house);
    const fields = await body?.(key, doors.house);
    const target = path.replace('{key}', key.id).replace('aliases/{name}', `aliases/${fresh('other')}`);
    return () => doors.native(method, target, fields);
  };
}

/** A request about somebody who was made for it. */
function aboutSomebody(method: string, path: (set: CredentialSet) => string, body?: object): Case {
  return async (doors) => {
    const set = await doors.house.hire(fresh('somebody'), 'auditor');
    return () => doors.native(method, path(set), body);
  };
}

/** A secret from elsewhere, of which a version was destroyed. */
const arriving = (name: string) => ({
  name,
  rules: { keep: 5 },
  notes: { owner: 'payments' },
  createdAt: '2026-01-01T00:00:00Z',
  changedAt: '2026-01-02T00:00:00Z',
  versions: [
    { number: 1, createdAt: '2026-01-01T00:00:00Z', state: 'destroyed' },
    { number: 2, createdAt: '2026-01-02T00:00:00Z', value: 'e30=' },
  ],
});

/** A key from elsewhere with two versions, of which one has a key for MACs. */
const arrivingKey = (name: string, wrappingKey: Uint8Array) => ({
  name,
  ...{ spec: 'aes-256', usages: ['encrypt', 'mac'], minDecryptionVersion: 1 },
  versions: [
    { version: 1, createdAt: '2026-01-01T00:00:00Z', withMacKey: true },
    { version: 2, createdAt: '2026-01-02T00:00:00Z' },
  ],
  wrapped: toBase64(sealBundle(wrappingKey, [toUtf8(canaries.material), randomBytes(32), randomBytes(32)])),
});

const childToken = async ({ house }: Doors) => house.perform({ kind: 'create-token', ttl: 1_000_000 });

/** By the template of the row. 'GET /status' reads nothing and leaves no line, so it has no case. */
export const nativeCases: Cases = {
  'GET /metrics': native('GET /metrics'),
  'POST /seal': async (doors) => () => doors.native('POST', '/seal'),
  ...sealCases,
  ...rootCases,
  ...shareCases,
  ...backupCases,
  'GET /keys': native('GET /keys'),
  'POST /keys': native('POST /keys', () => ({ spec: 'aes-256', name: fresh('named') })),
  'GET /keys/{key}': native('GET /keys/{key}'),
  'GET /keys/{key}/last-use': native('GET /keys/{key}/last-use'),
  'PATCH /keys/{key}': native('PATCH /keys/{key}', () => ({ description: 'other' })),
  'DELETE /keys/{key}': native('DELETE /keys/{key}', undefined, { deletionAllowed: true }),
  'POST /keys/{key}/enable': native('POST /keys/{key}/enable', undefined, {}, (key, house) =>
    house.perform({ kind: 'disable-key', key: byId(key) }),
  ),
  'POST /keys/{key}/disable': native('POST /keys/{key}/disable'),
  'POST /keys/{key}/versions/{version}/disable': native(
    'POST /keys/{key}/versions/1/disable',
    undefined,
    {},
    (key, house) => house.perform({ kind: 'rotate-key', key: byId(key) }),
  ),
  'POST /keys/{key}/versions/{version}/enable': native(
    'POST /keys/{key}/versions/1/enable',
    undefined,
    {},
    async (key, house) => {
      await house.perform({ kind: 'rotate-key', key: byId(key) });
      await house.perform({ kind: 'disable-key-version', key: byId(key), version: 1 });
    },
  ),
  'POST /keys/{key}/rotate': native('POST /keys/{key}/rotate'),
  'POST /keys/{key}/schedule-destruction': native('POST /keys/{key}/schedule-destruction', () => ({ days: 8 })),
  'POST /keys/{key}/cancel-destruction': native('POST /keys/{key}/cancel-destruction', undefined, {}, pending),
  'POST /keys/{key}/explain-access': native('POST /keys/{key}/explain-access', () => ({
    principal: 'founder',
    action: 'decrypt',
  })),
  'POST /keys/{key}/replicate': native(
    'POST /keys/{key}/replicate',
    async (_, house) => ({ region: await madeRegion(house) }),
    { multiRegion: true },
  ),
  'POST /keys/{key}/primary-region': native(
    'POST /keys/{key}/primary-region',
    async (key, house) => ({ region: await replicaRegion(key, house) }),
    { multiRegion: true },
  ),
  'POST /keys/{key}/encrypt': native('POST /keys/{key}/encrypt', plaintext),
  'POST /keys/{key}/data-key': native('POST /keys/{key}/data-key', () => ({ bytes: 32 })),
  'POST /decrypt': native('POST /decrypt', async (key, house) => ({ ciphertext: await blobOf(key, house) })),
  'GET /imports/wrapping-key': native('GET /imports/wrapping-key'),
  'POST /imports/keys': async (doors) => {
    const { publicKey } = await doors.house.perform({ kind: 'get-wrapping-key' });
    return () => doors.native('POST', '/imports/keys', arrivingKey(fresh('moved'), publicKey));
  },
  'POST /imports/secrets': async (doors) => {
    // The realm's own key for secrets is made with the first of them.
    await doors.house.perform({
      kind: 'create-secret',
      name: fresh('first'),
      value: { form: 'text', bytes: plain('v') },
    });
    return () => doors.native('POST', '/imports/secrets', arriving(fresh('moved')));
  },
  'GET /aliases': native('GET /aliases'),
  'PUT /keys/{key}/aliases/{name}': native('PUT /keys/{key}/aliases/{name}'),
  'PATCH /keys/{key}/aliases/{name}': async (doors) => {
    const [from, to] = [await doors.house.key({ name: fresh('moves') }), await doors.house.key()];
    return () => doors.native('PATCH', `/keys/${to.id}/aliases/${from.names[0]}`);
  },
  'DELETE /aliases/{name}': async (doors) => {
    const key = await doors.house.key({ name: fresh('leaves') });
    return () => doors.native('DELETE', `/aliases/${key.names[0]}`);
  },
  'GET /realms': native('GET /realms'),
  'POST /realms': native('POST /realms', () => ({ name: fresh('realm') })),
  'POST /regions': native('POST /regions', () => ({ name: fresh('region'), region: freshRegion() })),
  'GET /identities': native('GET /identities'),
  'POST /identities': native('POST /identities', () => ({ name: fresh('person'), role: 'auditor' })),
  'POST /identities/{name}/disable': aboutSomebody('POST', ({ identity }) => `/identities/${identity}/disable`),
  'POST /identities/{name}/credentials': aboutSomebody('POST', ({ identity }) => `/identities/${identity}/credentials`),
  'DELETE /credentials/{id}': aboutSomebody('DELETE', ({ accessKeyId }) => `/credentials/${accessKeyId}`),
  'GET /grants': native('GET /grants'),
  'POST /grants': async (doors) => {
    const { identity } = await doors.house.hire(fresh('grantee'));
    return () => doors.native('POST', '/grants', { grantee: identity, role: 'auditor' });
  },
  'DELETE /grants/{id}': async (doors) => {
    const { identity: name } = await doors.house.hire(fresh('grantee'));
    const grantee = { kind: 'principal', name } as const;
    const { grant } = await doors.house.perform({
      ...{ kind: 'create-grant', grantee, role: 'auditor', scope: { kind: 'realm' } },
    });
    return () => doors.native('DELETE', `/grants/${grant.id}`);
  },
  'POST /tokens': native('POST /tokens', () => ({ ttlSeconds: 60 })),
  'GET /tokens/{accessor}': async (doors) => {
    const { credential } = await childToken(doors);
    return () => doors.native('GET', `/tokens/${credential.id}`);
  },
  'POST /tokens/{accessor}/renew': async (doors) => {
    const { credential } = await childToken(doors);
    return () => doors.native('POST', `/tokens/${credential.id}/renew`, {});
  },
  'DELETE /tokens/{accessor}': async (doors) => {
    const { credential } = await childToken(doors);
    return () => doors.native('DELETE', `/tokens/${credential.id}`);
  },
  'GET /audit/entries': native('GET /audit/entries'),
  'GET /audit/proofs/{index}': async (doors) => () => doors.native('GET', '/audit/proofs/0'),
  'GET /audit/checkpoint': native('GET /audit/checkpoint'),
};
