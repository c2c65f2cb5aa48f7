import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import {
  type HashName,
  isSymmetric,
  type Key,
  type KeySpec,
  keySpecs,
  type SignatureScheme,
  specFacts,
} from '#domain/domain.ts';
import { byId, plain, Ring, refused } from './testing/ring.ts';

let ring: Ring;
before(async () => {
  ring = await Ring.open();
});

/** Slow to generate or to sign: a second each. One of their family stands for them. */
const slow: readonly KeySpec[] = (Object.keys(keySpecs) as KeySpec[]).filter(
  (spec) => /^slh-dsa-.*(?:192|256|128s)/.test(spec) || spec === 'rsa-4096' || spec === 'rsa-3072',
);
const tried = (Object.keys(keySpecs) as KeySpec[]).filter((spec) => !slow.includes(spec));

function schemeOf(spec: KeySpec): SignatureScheme {
  const { family, hash } = specFacts(spec);
  switch (family) {
    case 'rsa':
      return { family: 'rsa-pss', hash: 'sha256' };
    case 'ec':
      return { family: 'ecdsa', hash: hash! };
    case 'ed25519':
    case 'ml-dsa':
    case 'slh-dsa':
    case 'sm2':
      return { family };
    case 'aes':
    case 'chacha20':
    case 'hmac':
    case 'x25519':
    case 'ml-kem':
      throw new Error(`${spec} does not sign`);
  }
}

const signing = (key: Key, text: string) =>
  ({ key: byId(key), message: plain(text), messageType: 'raw', scheme: schemeOf(key.spec), context: {} }) as const;
const sign = (key: Key, text: string, version?: number) =>
  ring.do(ring.keyring.sign(key, { kind: 'sign', ...signing(key, text), ...(version !== undefined && { version }) }));
const verify = async (key: Key, text: string, signature: Uint8Array, version: number) =>
  (await ring.do(ring.keyring.verify(key, { kind: 'verify', ...signing(key, text), signature, version }))).valid;
const mac = (key: Key, hash: HashName, text: string) =>
  ring.do(ring.keyring.generateMac(key, { kind: 'generate-mac', key: byId(key), hash, message: plain(text) }));
const macHolds = async (key: Key, hash: HashName, text: string, bytes: Uint8Array, version = 1) =>
  (
    await ring.do(
      ring.keyring.verifyMac(key, {
        kind: 'verify-mac',
        key: byId(key),
        hash,
        message: plain(text),
        mac: bytes,
        version,
      }),
    )
  ).valid;

for (const spec of tried) {
  const { usages } = specFacts(spec);
  test(`${spec}: created, used, rotated; what the first version made still holds`, async () => {
    let key = await ring.key({ spec, usages });
    const used: Array<(now: Key) => Promise<void>> = [];
    if (usages.includes('encrypt')) {
      const { ciphertext } = await ring.encrypt(key, 'data');
      const version = isSymmetric(spec) ? {} : { version: 1 };
      used.push(async (now) => assert.equal(await ring.decrypt(now, ciphertext, version), 'data'));
    }
    if (usages.includes('sign')) {
      const { signature } = await sign(key, 'signed');
      used.push(async (now) => {
        assert.equal(await verify(now, 'signed', signature, 1), true);
        assert.equal(await verify(now, 'forged', signature, 1), false);
        if (now.current.version > 1) assert.equal(await verify(now, 'signed', signature, 2), false);
      });
    }
    if (usages.includes('mac')) {
      const hash = specFacts(spec).hash ?? 'sha256';
      const { mac: made } = await mac(key, hash, 'mac');
      used.push(async (now) => {
        assert.equal(await macHolds(now, hash, 'mac', made), true);
        assert.equal(await macHolds(now, hash, 'Mac', made), false);
        if (now.current.version > 1) assert.equal(await macHolds(now, hash, 'mac', made, 2), false);
      });
    }
    for (const check of used) await check(key);
    key = await ring.rotate(key);
    assert.equal(key.current.version, 2);
    for (const check of used) await check(key);
    await ring.restart();
    key = await ring.fresh(key);
    for (const check of used) await check(key);
    const publicKey = ring.do(ring.keyring.getPublicKey(key, { kind: 'get-public-key', key: byId(key), version: 1 }));
    if (isSymmetric(spec)) await refused('wrong-usage', publicKey);
    else assert.ok((await publicKey).publicKey.length > 30);
  });
}

test('the specs that are left out here are of families that are not', () => {
  for (const spec of slow) {
    const { family } = specFacts(spec);
    assert.ok(
      tried.some((one) => specFacts(one).family === family),
      spec,
    );
  }
});

test('a key serves no usage that it was not made for', async () => {
  const rsa = await ring.key({ spec: 'rsa-2048', usages: ['sign'] });
  await refused('wrong-usage', ring.encrypt(rsa, 'x'));
  await refused('wrong-usage', ring.decrypt(rsa, new Uint8Array(256)));
  const aes = await ring.key();
  await refused('wrong-usage', sign({ ...aes, spec: 'ed25519' }, 'x'));
  await refused('wrong-usage', mac(aes, 'sha256', 'x'));
  const hmac = await ring.key({ spec: 'hmac-sha256', usages: ['mac'] });
  await refused('wrong-usage', ring.encrypt(hmac, 'x'));
  for (const spec of Object.keys(keySpecs) as KeySpec[]) {
    const foreign = (['encrypt', 'sign', 'mac', 'agree', 'encapsulate', 'wrap', 'derive'] as const).filter(
      (usage) => !specFacts(spec).usages.includes(usage),
    );
    for (const usage of foreign)
      await refused('invalid-parameter', ring.key({ spec, usages: [usage] }), `${spec} ${usage}`);
    await refused('invalid-parameter', ring.key({ spec, usages: [] }));
  }
});

test('a MAC of one hash is none of another, and a HMAC key keeps to its own', async () => {
  const aes = await ring.key({ usages: ['encrypt', 'mac'] });
  const made = new Map<HashName, string>();
  for (const hash of ['sha256', 'sha384', 'sha512'] as const) {
    made.set(
      hash,
      Buffer.from((await mac(aes, hash, 'x')).mac)
        .toString('hex')
        .slice(0, 64),
    );
  }
  assert.equal(new Set(made.values()).size, 3);
  const hmac = await ring.key({ spec: 'hmac-sha384', usages: ['mac'] });
  await refused('wrong-algorithm', mac(hmac, 'sha256', 'x'));
  assert.equal((await mac(hmac, 'sha384', 'x')).mac.length, 48);
  for (const length of [0, 1, 47, 49]) assert.equal(await macHolds(hmac, 'sha384', 'x', new Uint8Array(length)), false);
});

test('a key pair makes its MACs with a key derived from it, another for each hash and each version', async () => {
  let pair = await ring.key({ spec: 'ec-p256', usages: ['sign'] });
  const [short, long] = [(await mac(pair, 'sha256', 'x')).mac, (await mac(pair, 'sha512', 'x')).mac];
  assert.notDeepEqual(long.subarray(0, 32), short);
  pair = await ring.rotate(pair);
  assert.equal(await macHolds(pair, 'sha256', 'x', short, 1), true);
  assert.equal(await macHolds(pair, 'sha256', 'x', short, 2), false);
  await ring.restart();
  assert.equal(await macHolds(await ring.fresh(pair), 'sha256', 'x', short, 1), true);
});

test('two keys of one kind never make the same MAC or open the same envelope', async () => {
  const [a, b] = [await ring.key({ usages: ['encrypt', 'mac'] }), await ring.key({ usages: ['encrypt', 'mac'] })];
  assert.notDeepEqual((await mac(a, 'sha256', 'x')).mac, (await mac(b, 'sha256', 'x')).mac);
});

test('data keys and random bytes have the length that was asked for, within bounds, and are never the same', async () => {
  const key = await ring.key();
  const dataKey = (bytes: number) =>
    ring.do(
      Promise.try(() =>
        ring.keyring.generateDataKey(key, {
          ...{ kind: 'generate-data-key', key: byId(key), bytes, context: {}, withPlaintext: true },
        }),
      ),
    );
  for (const bytes of [0, -1, 1025, 1.5, Number.NaN]) await refused('invalid-parameter', dataKey(bytes), `${bytes}`);
  const [one, two] = [await dataKey(32), await dataKey(32)];
  assert.notDeepEqual(one.plaintext!.release(), two.plaintext!.release());
  assert.equal(await ring.decrypt(key, one.ciphertext), Buffer.from(one.plaintext!.release()).toString('utf8'));
  for (const bytes of [1, 1024]) assert.equal((await dataKey(bytes)).plaintext!.length, bytes);
  for (const bytes of [0, 1024 * 1024 + 1, 0.5]) {
    await refused('invalid-parameter', () => ring.keyring.generateRandom({ kind: 'generate-random', bytes }));
  }
  const { result } = ring.keyring.generateRandom({ kind: 'generate-random', bytes: 1024 * 1024 });
  assert.equal(result.bytes.length, 1024 * 1024);
});
