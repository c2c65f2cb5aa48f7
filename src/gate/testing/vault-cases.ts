/** One request that succeeds for every row of Vault's door about keys, secrets, tokens, policies and mounts; `login-cases.ts` has the others. */
import type { Key } from '#domain/domain.ts';
import {
  b64,
  blobOf,
  type Case,
  type Cases,
  canaries,
  ec,
  fresh,
  plaintext,
  type Ready,
  signatureOf,
} from './cases.ts';
import { byId, type House, plain, textOf } from './house.ts';

const aes = { spec: 'aes-256', usages: ['encrypt', 'mac'] } as const;

interface VaultNeeds {
  readonly key?: Parameters<House['key']>[0];
  readonly ready?: Ready;
  readonly body?: (key: Key, house: House) => object | undefined | Promise<object | undefined>;
}

/** A request of Vault on a key of its own, whose name stands for `:name`. */
function vault(method: string, path: string, { key: kind, ready, body }: VaultNeeds = {}): Case {
  return async (doors) => {
    const key = await doors.house.key({ ...aes, ...kind, name: fresh('vault') });
    await ready?.(key, doors.house);
    const fields = await body?.(key, doors.house);
    return () => doors.vault(method, path.replace(':name', key.names[0]!), fields);
  };
}

/** A request with a token of its own, which may end by it. */
function vaultToken(method: string, path: string, byAccessor: boolean | 'itself'): Case {
  return async (doors) => {
    const { token, credential } = await doors.house.perform({ kind: 'create-token', ttl: 1_000_000 });
    if (byAccessor === 'itself') return () => doors.vault(method, path, { token: textOf(token) });
    const body = byAccessor ? { accessor: credential.id } : method === 'GET' ? undefined : {};
    return () => doors.vault(method, path, body, byAccessor ? undefined : textOf(token));
  };
}

/** A request about a secret of its own, which has a value. */
function vaultSecret(method: string, path: string, body?: object): Case {
  return async (doors) => {
    const name = fresh('kv');
    const secret = { name: path === 'kv' ? `kv/${name}` : name };
    const value = { form: 'text', bytes: plain(JSON.stringify({ a: canaries.plaintext })) } as const;
    await doors.house.perform({ kind: 'write-secret', secret, value });
    return () => doors.vault(method, `${path}/${name}`, body);
  };
}

const vaultBlob = async (key: Key, house: House) => ({ ciphertext: `vault:v1:${await blobOf(key, house)}` });
const input = () => ({ input: b64(canaries.input) });

const aclPolicy = 'path "transit/*" { capabilities = ["update"] }';
const askedPaths = { paths: ['transit/encrypt/k', 'sys/mounts'] };

/** By method and first path, as the rows have them. Rows that only say what isn't offered have no case. */
export const vaultCases: Cases = {
  'POST transit/keys/:name': async (doors) => {
    const name = fresh('made');
    return () => doors.vault('POST', `transit/keys/${name}`, { type: 'aes256-gcm96' });
  },
  'GET transit/keys/:name': vault('GET', 'transit/keys/:name'),
  'LIST transit/keys': vault('LIST', 'transit/keys'),
  'DELETE transit/keys/:name': vault('DELETE', 'transit/keys/:name', { key: { deletionAllowed: true } }),
  'POST transit/keys/:name/config': vault('POST', 'transit/keys/:name/config', {
    body: () => ({ deletion_allowed: true }),
  }),
  'POST transit/keys/:name/rotate': vault('POST', 'transit/keys/:name/rotate'),
  'DELETE transit/keys/:name/soft-delete': vault('DELETE', 'transit/keys/:name/soft-delete'),
  'POST transit/keys/:name/soft-delete-restore': vault('POST', 'transit/keys/:name/soft-delete-restore', {
    ready: (key, house) => house.perform({ kind: 'disable-key', key: byId(key) }),
  }),
  'POST transit/keys/:name/trim': vault('POST', 'transit/keys/:name/trim', {
    ready: async (key, house) => {
      await house.perform({ kind: 'rotate-key', key: byId(key) });
      const patch = { minDecryptionVersion: 2, minEncryptionVersion: 2 };
      await house.perform({ kind: 'update-key', key: byId(key), patch });
    },
    body: () => ({ min_available_version: 2 }),
  }),
  'POST transit/encrypt/:name': vault('POST', 'transit/encrypt/:name', { body: plaintext }),
  'POST transit/decrypt/:name': vault('POST', 'transit/decrypt/:name', { body: vaultBlob }),
  'POST transit/rewrap/:name': vault('POST', 'transit/rewrap/:name', { body: vaultBlob }),
  'POST transit/datakey/:form/:name': vault('POST', 'transit/datakey/plaintext/:name', { body: () => ({}) }),
  'POST transit/random': vault('POST', 'transit/random', { body: () => ({ bytes: 32 }) }),
  'POST transit/hash': vault('POST', 'transit/hash', { body: input }),
  'POST transit/hmac/:name': vault('POST', 'transit/hmac/:name', { body: input }),
  'POST transit/sign/:name': vault('POST', 'transit/sign/:name', { key: ec, body: input }),
  'POST transit/verify/:name': vault('POST', 'transit/verify/:name', {
    key: ec,
    body: async (key, house) => ({
      input: b64(canaries.message),
      signature: `vault:v1:${await signatureOf(key, house)}`,
    }),
  }),
  'POST auth/token/create': vault('POST', 'auth/token/create', { body: () => ({ ttl: '1h' }) }),
  'POST auth/token/create-orphan': vault('POST', 'auth/token/create-orphan', { body: () => ({ ttl: '1h' }) }),
  'POST auth/token/lookup': vaultToken('POST', 'auth/token/lookup', 'itself'),
  'POST auth/token/renew': vaultToken('POST', 'auth/token/renew', 'itself'),
  'POST auth/token/revoke': vaultToken('POST', 'auth/token/revoke', 'itself'),
  'GET auth/token/lookup-self': vaultToken('GET', 'auth/token/lookup-self', false),
  'POST auth/token/lookup-accessor': vaultToken('POST', 'auth/token/lookup-accessor', true),
  'POST auth/token/renew-self': vaultToken('POST', 'auth/token/renew-self', false),
  'POST auth/token/renew-accessor': vaultToken('POST', 'auth/token/renew-accessor', true),
  'POST auth/token/revoke-self': vaultToken('POST', 'auth/token/revoke-self', false),
  'POST auth/token/revoke-accessor': vaultToken('POST', 'auth/token/revoke-accessor', true),
  'LIST sys/policies/acl': vault('LIST', 'sys/policies/acl'),
  'GET sys/policies/acl/:policy': vault('GET', 'sys/policies/acl/default'),
  'POST sys/policies/acl/:policy': vault('POST', 'sys/policies/acl/written', { body: () => ({ policy: aclPolicy }) }),
  'DELETE sys/policies/acl/:policy': vault('DELETE', 'sys/policies/acl/written'),
  'LIST sys/policy': vault('LIST', 'sys/policy'),
  'GET sys/policy': vault('GET', 'sys/policy'),
  'GET sys/policy/:policy': vault('GET', 'sys/policy/default'),
  'POST sys/policy/:policy': vault('POST', 'sys/policy/written', { body: () => ({ policy: aclPolicy }) }),
  'DELETE sys/policy/:policy': vault('DELETE', 'sys/policy/written'),
  'POST sys/capabilities-self': vault('POST', 'sys/capabilities-self', { body: () => askedPaths }),
  'POST sys/capabilities': vault('POST', 'sys/capabilities', {
    body: async (_, house) => ({ ...askedPaths, token: textOf((await house.perform({ kind: 'create-token' })).token) }),
  }),
  'POST sys/capabilities-accessor': vault('POST', 'sys/capabilities-accessor', {
    body: async (_, house) => ({
      ...askedPaths,
      accessor: (await house.perform({ kind: 'create-token' })).credential.id,
    }),
  }),
  'GET secret/data/*': vaultSecret('GET', 'secret/data'),
  'POST secret/data/*': vaultSecret('POST', 'secret/data', { data: { a: canaries.plaintext } }),
  'PATCH secret/data/*': vaultSecret('PATCH', 'secret/data', { data: { b: canaries.message } }),
  'DELETE secret/data/*': vaultSecret('DELETE', 'secret/data'),
  'POST secret/delete/*': vaultSecret('POST', 'secret/delete', { versions: [1] }),
  'POST secret/undelete/*': vaultSecret('POST', 'secret/undelete', { versions: [1] }),
  'POST secret/destroy/*': vaultSecret('POST', 'secret/destroy', { versions: [1] }),
  'GET secret/subkeys/*': vaultSecret('GET', 'secret/subkeys'),
  'GET secret/metadata/*': vaultSecret('GET', 'secret/metadata'),
  'POST secret/metadata/*': vaultSecret('POST', 'secret/metadata', { max_versions: 3 }),
  'PATCH secret/metadata/*': vaultSecret('PATCH', 'secret/metadata', { custom_metadata: { a: 'b' } }),
  'LIST secret/metadata': async (doors) => {
    await vaultSecret('GET', 'secret/data')(doors);
    return () => doors.vault('LIST', 'secret/metadata');
  },
  'DELETE secret/metadata/*': vaultSecret('DELETE', 'secret/metadata'),
  'GET secret/config': vault('GET', 'secret/config'),
  'POST secret/config': vault('POST', 'secret/config', { body: () => ({ max_versions: 10 }) }),
  'GET kv/*': vaultSecret('GET', 'kv'),
  'POST kv/*': vaultSecret('POST', 'kv', { a: canaries.plaintext }),
  'LIST kv': async (doors) => {
    await vaultSecret('GET', 'kv')(doors);
    return () => doors.vault('LIST', 'kv');
  },
  'DELETE kv/*': vaultSecret('DELETE', 'kv'),
};
