import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { generateMaterial, openMaterial, openPublicKey, publicKeyOf } from '#crypto/crypto.ts';
import { type KeySpec, keySpecs, SecretBytes, specFacts } from '#domain/domain.ts';

const specs = Object.keys(keySpecs) as KeySpec[];

test('material of every spec opens as that spec and as no other', async () => {
  for (const spec of specs) {
    const { material, publicKey } = await generateMaterial(spec);
    const { bytes, family } = specFacts(spec);
    assert.equal(publicKey === undefined, bytes !== undefined, spec);
    if (bytes !== undefined) assert.equal(material.length, bytes);
    const handle = openMaterial(spec, material);
    if (publicKey !== undefined) {
      assert.deepEqual(publicKeyOf(handle), publicKey);
      assert.deepEqual(publicKeyOf(openPublicKey(spec, publicKey)), publicKey);
    }
    for (const other of specs) {
      // A HMAC key may be of any length, so any bytes are one.
      if (other === spec || specFacts(other).family === 'hmac') continue;
      const sameLength = bytes !== undefined && specFacts(other).bytes === bytes;
      if (!sameLength) assert.throws(() => openMaterial(other, material), { code: 'internal' }, `${spec} as ${other}`);
      if (publicKey !== undefined) {
        assert.throws(() => openPublicKey(other, publicKey), { code: 'invalid-parameter' }, `${spec} as ${other}`);
      }
    }
    for (const print of [String(handle), JSON.stringify(handle), inspect(handle, { depth: 9, showHidden: true })]) {
      assert.ok(!print.includes(Buffer.from(material.expose()).toString('hex').slice(0, 16)), family);
    }
  }
});

test('two keys are never alike, and RSA keys have the exponent 65537', async () => {
  for (const spec of ['aes-256', 'ec-p256', 'ed25519'] as const) {
    const [a, b] = [await generateMaterial(spec), await generateMaterial(spec)];
    assert.notDeepEqual(a.material.expose(), b.material.expose());
  }
  const { publicKey } = await generateMaterial('rsa-2048');
  const details = createPublicKey({ key: Buffer.from(publicKey!), format: 'der', type: 'spki' }).asymmetricKeyDetails;
  assert.equal(details?.publicExponent, 65537n);
});

test('RSA keys are made beside the loop', async () => {
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  await generateMaterial('rsa-2048');
  clearInterval(timer);
  assert.ok(turns > 3, `only ${turns} turns`);
});

test('a public key has one encoding', async () => {
  const { publicKey } = await generateMaterial('ec-p256');
  const trailing = Buffer.concat([publicKey!, Buffer.alloc(1)]);
  assert.throws(() => openPublicKey('ec-p256', trailing), { code: 'invalid-parameter' });
  assert.throws(() => openPublicKey('ec-p256', publicKey!.subarray(0, -1)), { code: 'invalid-parameter' });
  assert.throws(() => openPublicKey('ec-p256', new Uint8Array(0)), { code: 'invalid-parameter' });
});

test('bytes that are no key are told apart from a crash', () => {
  for (const spec of specs) {
    assert.throws(() => openMaterial(spec, new SecretBytes(Buffer.alloc(specFacts(spec).family === 'hmac' ? 0 : 5))), {
      code: 'internal',
    });
  }
});
