import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { beforeEach, test } from 'node:test';
import { randomBytes, sealBundle } from '#crypto/crypto.ts';
import { type Command, type KeySpec, Plaintext } from '#domain/domain.ts';
import { fromBase64, toUtf8 } from '#encoding/encoding.ts';
import { byId, byName, plain, Ring, realm, refused } from './testing/ring.ts';

let ring: Ring;
beforeEach(async () => {
  ring = await Ring.open();
});

interface Given {
  readonly version: number;
  readonly material: Uint8Array;
  readonly macKey?: Uint8Array;
}

type Facts = Partial<Command<'import-key-versions'>>;

async function command(given: readonly Given[], more: Facts = {}): Promise<Command<'import-key-versions'>> {
  const { publicKey } = await ring.do(ring.keyring.wrappingKey(realm));
  const pieces = given.flatMap(({ material, macKey }) => (macKey === undefined ? [material] : [material, macKey]));
  return {
    ...{ kind: 'import-key-versions', name: 'pay', spec: 'aes-256', usages: ['encrypt', 'mac'] },
    versions: given.map(({ version, macKey }) => ({ version, createdAt: version, withMacKey: macKey !== undefined })),
    wrapped: sealBundle(publicKey, pieces),
    ...{ minDecryptionVersion: given[0]?.version ?? 1, minEncryptionVersion: 0, derived: false, convergent: false },
    ...{ exportable: false, backupAllowed: false, deletionAllowed: false },
    ...more,
  };
}

async function bring(given: readonly Given[], more: Facts = {}) {
  const asked = await command(given, more);
  const before = await ring.keyring.find(realm, byName(asked.name));
  return ring.do(ring.keyring.importVersions(realm, before, asked, ring.now));
}

const fresh = (version: number): Given => ({ version, material: randomBytes(32), macKey: randomBytes(32) });

/** What OpenBao made of its own keys, and those keys. */
interface Recorded {
  readonly plaintext: string;
  readonly context: string;
  readonly associatedData: string;
  readonly keys: ReadonlyArray<{
    readonly type: string;
    readonly derived: boolean;
    readonly convergent: boolean;
    readonly versions: ReadonlyArray<
      Readonly<Record<'key' | 'macKey' | 'ciphertext' | 'bound' | 'hmac' | 'hmac512', string>> & { version: number }
    >;
  }>;
}

const recorded: Recorded = JSON.parse(readFileSync(new URL('testing/openbao-transit.json', import.meta.url), 'utf8'));
const specs: Readonly<Record<string, KeySpec>> = {
  'aes128-gcm96': 'aes-128',
  'aes256-gcm96': 'aes-256',
  'chacha20-poly1305': 'chacha20-poly1305',
};
const bare = (dressed: string) => fromBase64(dressed.split(':')[2]!)!;

for (const { type, derived, convergent, versions } of recorded.keys) {
  const kind = convergent ? 'convergent' : derived ? 'derived' : 'plain';
  test(`a ${kind} ${type} key of OpenBao opens and checks here what it made there`, async () => {
    const given = versions.map(({ version, key, macKey }) => ({
      ...{ version, material: fromBase64(key)!, macKey: fromBase64(macKey)! },
    }));
    const { key } = await bring(given, { spec: specs[type]!, derived, convergent });
    const derivation = derived ? { derivation: toUtf8(recorded.context) } : {};
    const bound = { ...derivation, associatedData: toUtf8(recorded.associatedData) };
    for (const one of versions) {
      const { version } = one;
      const open = (ciphertext: string, context: object) =>
        ring.decrypt(key, bare(ciphertext), { key: byId(key), version, context });
      assert.equal(await open(one.ciphertext, derivation), recorded.plaintext);
      assert.equal(await open(one.bound, bound), recorded.plaintext);
      await refused('invalid-ciphertext', open(one.bound, derivation));
      if (derived) {
        await refused('invalid-ciphertext', open(one.ciphertext, { derivation: toUtf8('tenant-8') }));
        await refused('invalid-parameter', open(one.ciphertext, {}));
      }
      for (const [hash, mac] of [
        ['sha256', one.hmac],
        ['sha512', one.hmac512],
      ] as const) {
        const asked = {
          kind: 'verify-mac',
          key: byId(key),
          version,
          hash,
          message: plain(recorded.plaintext),
        } as const;
        const { valid } = await ring.do(ring.keyring.verifyMac(key, { ...asked, mac: bare(mac) }));
        assert.ok(valid, `${hash} of version ${version}`);
      }
    }
    const newest = await ring.fresh(key);
    const [first, second] = [
      await ring.encrypt(newest, recorded.plaintext, { context: derivation }),
      await ring.encrypt(await ring.fresh(key), recorded.plaintext, { context: derivation }),
    ];
    assert.equal(Buffer.compare(first.ciphertext, second.ciphertext) === 0, convergent);
    if (convergent) assert.deepEqual(Buffer.from(first.ciphertext), Buffer.from(bare(versions.at(-1)!.ciphertext)));
    assert.equal(await ring.decrypt(newest, first.ciphertext, { context: derivation }), recorded.plaintext);
  });
}

test('a convergent key of OpenBao meets no nonce twice with other associated data', async () => {
  const { key } = await bring([fresh(1)], { derived: true, convergent: true });
  const seal = async (text: string, associatedData?: string) => {
    const context = {
      derivation: toUtf8('tenant-7'),
      ...(associatedData !== undefined && { associatedData: toUtf8(associatedData) }),
    };
    const { ciphertext } = await ring.encrypt(await ring.fresh(key), text, { context });
    assert.equal(await ring.decrypt(await ring.fresh(key), ciphertext, { context }), text);
    return Buffer.from(ciphertext).toString('hex');
  };
  const all = [await seal('m'), await seal('m', 'row 1'), await seal('m', 'row 2'), await seal('\0\0\0\x05row 1m')];
  assert.equal(await seal('m', 'row 1'), all[1]);
  assert.equal(new Set(all.map((sealed) => sealed.slice(0, 24))).size, all.length);
});

test('a key comes with its settings, its times, and the numbers that it had', async () => {
  const { key, added } = await bring([fresh(3), fresh(4), fresh(5)], {
    ...{ minDecryptionVersion: 4, minEncryptionVersion: 5, exportable: true, backupAllowed: true },
    ...{ deletionAllowed: true, rotationPeriodDays: 30 },
  });
  assert.equal(added, 3);
  assert.deepEqual(
    [key.names, key.class, key.createdAt, key.current.version, key.minAvailableVersion],
    [...[['pay'], 'raw', 3, 5, 3]],
  );
  assert.deepEqual(
    [key.exportable, key.backupAllowed, key.deletionAllowed, key.rotation?.periodDays],
    [...[true, true, true, 30]],
  );
  await ring.restart();
  const found = await ring.fresh(key);
  const { versions } = (
    await ring.keyring.describeKey(found, { kind: 'describe-key', key: byId(key), withVersions: true })
  ).result;
  assert.deepEqual(
    versions.map(({ version, state, createdAt }) => [version, state, createdAt]),
    [
      [3, 'deactivated', 3],
      [4, 'deactivated', 4],
      [5, 'active', 5],
    ],
  );
  await refused('version-too-old', ring.decrypt(found, new Uint8Array(40), { key: byId(key), version: 3 }));
  const { key: rotated } = await ring.do(
    ring.keyring.rotateKey(found, { kind: 'rotate-key', key: byId(key) }, ring.now),
  );
  assert.equal(rotated.current.version, 6);
});

test('the same again changes nothing; further versions and other settings come to the key', async () => {
  const [one, two, three, four] = [fresh(1), fresh(2), fresh(3), fresh(4)];
  const { key } = await bring([two], { rotationPeriodDays: 30 });
  ring.now += 1000;
  assert.equal((await bring([two], { rotationPeriodDays: 30 })).changed, false);
  const sealed = await ring.encrypt(key, 'before');
  const grown = await bring([one, two, three, four], { minDecryptionVersion: 1 });
  assert.deepEqual(
    [grown.added, grown.key.current.version, grown.key.minAvailableVersion, grown.key.rotation],
    [...[3, 4, 0, undefined]],
  );
  assert.equal(await ring.decrypt(grown.key, sealed.ciphertext, { key: byId(key), version: 2 }), 'before');
  assert.equal((await bring([three, four], { minDecryptionVersion: 1 })).changed, false);
  assert.equal((await bring([three, four], { minDecryptionVersion: 3 })).key.minDecryptionVersion, 3);
});

test('refuses what differs from the key of that name that is here', async () => {
  const [one, two] = [fresh(1), fresh(2)];
  const { key } = await bring([one, two]);
  await refused('already-exists', bring([one, fresh(2)]));
  await refused('already-exists', bring([one]));
  await refused('already-exists', bring([one, two], { derived: true }));
  await refused('already-exists', bring([one, two], { spec: 'chacha20-poly1305' }));
  assert.equal((await ring.fresh(key)).revision, key.revision);
  await ring.key({ name: 'own', usages: ['encrypt', 'mac'] });
  await refused('already-exists', bring([one], { name: 'own' }));
});

test('refuses material, numbers and settings that make no key', async () => {
  const one = fresh(1);
  await refused('wrong-material', bring([{ version: 1, material: randomBytes(31) }]));
  await refused('invalid-parameter', bring([]));
  await refused('invalid-parameter', bring([one, fresh(3)]));
  await refused('invalid-parameter', bring([one], { minDecryptionVersion: 2 }));
  await refused('invalid-parameter', bring([one, fresh(2)], { minDecryptionVersion: 2, minEncryptionVersion: 1 }));
  await refused('invalid-parameter', bring([one], { convergent: true }));
  await refused('invalid-parameter', bring([one], { usages: ['sign'] }));
  await refused('invalid-parameter', bring([one], { name: 'aws/secretsmanager' }));
  await refused('invalid-wrapping', bring([one], { wrapped: randomBytes(600) }));
  const { wrapped } = await command([one]);
  await refused('invalid-wrapping', bring([{ version: 1, material: randomBytes(32) }], { wrapped }));
  wrapped[wrapped.length - 1]! ^= 1;
  await refused('invalid-wrapping', bring([one], { wrapped }));
  assert.equal(await ring.keyring.find(realm, byName('pay')), undefined);
});

test('key pairs come too, and a version that ends takes its key for MACs along', async () => {
  const pair = () => generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' });
  const macKey = randomBytes(32);
  const { key } = await bring(
    [
      { version: 1, material: pair(), macKey },
      { version: 2, material: pair() },
    ],
    {
      ...{ spec: 'ed25519', usages: ['sign'], deletionAllowed: true },
    },
  );
  const asked = { key: byId(key), message: new Plaintext(toUtf8('m')), messageType: 'raw', context: {} } as const;
  const scheme = { family: 'ed25519' } as const;
  const { signature } = await ring.do(ring.keyring.sign(key, { kind: 'sign', ...asked, scheme }));
  const { valid } = await ring.do(ring.keyring.verify(key, { kind: 'verify', ...asked, scheme, signature }));
  assert.ok(valid);
  await ring.do(ring.keyring.destroyKey(key, ring.now));
  const rows = await ring.store.list('version', '', '', 10);
  assert.doesNotMatch(Buffer.from(rows[0]!.body).toString(), /wrappedMac/);
});

test('gives no key that was made here a version that somebody knows, though no number is on both sides', async () => {
  const facts = { name: 'own', spec: 'ed25519', usages: ['sign'] } as const;
  const own = await ring.key(facts);
  const pair = () => generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' });
  await refused('already-exists', bring([{ version: 2, material: pair() }], facts));
  assert.equal((await ring.fresh(own)).revision, own.revision);
  const { key } = await bring([{ version: 1, material: pair() }], { ...facts, name: 'pair' });
  const rotated = await ring.rotate(key);
  await refused('already-exists', bring([{ version: 3, material: pair() }], { ...facts, name: 'pair' }));
  assert.equal((await ring.fresh(key)).revision, rotated.revision);
});

test('refuses numbers that no row has the digits for, and bundles with more in them than is said', async () => {
  await refused('invalid-parameter', bring([fresh(100_000_000)]));
  const { publicKey } = await ring.do(ring.keyring.wrappingKey(realm));
  const wrapped = sealBundle(publicKey, [randomBytes(32), new Uint8Array(0), new Uint8Array(0)]);
  await refused('invalid-wrapping', bring([{ version: 1, material: randomBytes(32) }], { wrapped }));
});
