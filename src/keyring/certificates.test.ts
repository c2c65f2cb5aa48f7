import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { createAuthority, issueServerCertificate, openPublicKey, wrapForTransfer } from '#crypto/crypto.ts';
import { type Key, SecretBytes } from '#domain/domain.ts';
import { fromPem } from '#encoding/encoding.ts';
import { byId, Ring, realm, refused, startTime } from './testing/ring.ts';

let ring: Ring;
beforeEach(async () => {
  ring = await Ring.open();
});

const authority = createAuthority('of a test', startTime);
const der = (pem: string) => fromPem('CERTIFICATE', pem)!;
const issued = () => issueServerCertificate(authority, { hosts: ['localhost'], now: startTime, days: 7 });

/** The private half of what was issued, as it is imported. */
async function brought(pem: string) {
  const { publicKey } = await ring.do(ring.keyring.wrappingKey(realm));
  using secret = new SecretBytes(fromPem('PRIVATE KEY', pem)!);
  return { hash: 'sha256', wrapped: wrapForTransfer(openPublicKey('rsa-4096', publicKey), 'sha256', secret) } as const;
}

async function imported(pem: string): Promise<Key> {
  const facts = { kind: 'import-key', name: 'certified', specs: ['ec-p256'], usages: ['sign'] } as const;
  return (await ring.do(ring.keyring.importKey(realm, { ...facts, brought: await brought(pem) }, ring.now))).key;
}

const set = async (key: Key, certificates: readonly Uint8Array[], version?: number): Promise<Key> => {
  const command = { kind: 'set-certificates', key: byId(key), certificates } as const;
  return (await ring.do(ring.keyring.setCertificates(key, version === undefined ? command : { ...command, version })))
    .key;
};
const request = (key: Key, version?: number) => {
  const command = { kind: 'request-certificate', key: byId(key) } as const;
  return ring.keyring.requestCertificate(key, version === undefined ? command : { ...command, version });
};
const described = async (key: Key) =>
  (await ring.do(ring.keyring.describeKey(key, { kind: 'describe-key', key: byId(key), withVersions: true }))).versions;

test('certificates stay with the version whose public half they certify, also when it is no longer the newest', async () => {
  const [first, second] = [issued(), issued()];
  let key = await imported(first.key);
  const chain = [der(first.certificate), der(authority.certificate)];
  key = await set(key, chain);
  const command = { kind: 'import-key-version', key: byId(key), brought: await brought(second.key) } as const;
  ({ key } = await ring.do(ring.keyring.importVersion(key, command, ring.now)));
  key = await set(key, [der(second.certificate)]);
  await ring.restart();
  const versions = await described(await ring.fresh(key));
  const hex = (list: readonly Uint8Array[] = []) => list.map((bytes) => Buffer.from(bytes).toString('hex'));
  assert.deepEqual(
    versions.map(({ certificates }) => hex(certificates)),
    [hex(chain), hex([der(second.certificate)])],
  );
  await set(await ring.fresh(key), [der(first.certificate)], 1);
  assert.deepEqual(hex((await described(await ring.fresh(key)))[0]!.certificates), hex([der(first.certificate)]));
  await refused('version-not-found', set(await ring.fresh(key), chain, 3));
});

test('certificates of others, of authorities and in another order are refused', async () => {
  const own = issued();
  const key = await imported(own.key);
  const [leaf, root] = [der(own.certificate), der(authority.certificate)];
  for (const [what, chain] of Object.entries({
    none: [],
    "another key's": [der(issued().certificate)],
    'an authority': [root],
    'in reverse': [root, leaf],
    'two of the key': [leaf, leaf],
    'no certificate': [Uint8Array.of(0x30, 0)],
    'cut off': [leaf.subarray(0, -1)],
  })) {
    await refused('invalid-parameter', set(key, chain), what);
  }
});

test('a certificate is requested for keys that sign, by versions that may', async () => {
  const pair = await ring.key({ spec: 'ed25519', usages: ['sign'] });
  assert.ok((await request(pair)).result.request.length > 100);
  const rotated = await ring.rotate(pair);
  await refused('version-too-old', request(rotated, 1));
  assert.equal((await request(rotated, 2)).result.version, 2);
  await refused('wrong-usage', request(await ring.key()));
  const derived = await ring.key({ spec: 'ed25519', usages: ['sign'], derived: true });
  await refused('unsupported', request(derived));
  await refused('unsupported', set(derived, []));
});
