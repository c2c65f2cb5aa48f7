import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deriveEd25519, generateMaterial, openMaterial, openPublicKey, publicKeyOf, sign, verify } from './crypto.ts';

const text = (words: string) => new TextEncoder().encode(words);
const ed25519 = { family: 'ed25519' } as const;

const { material } = await generateMaterial('ed25519');
const parent = openMaterial('ed25519', material);

test('derives the same pair for the same context, and another for every other', () => {
  const one = deriveEd25519(parent, text('one'));
  assert.deepEqual(deriveEd25519(parent, text('one')).publicKey, one.publicKey);
  assert.notDeepEqual(deriveEd25519(parent, text('two')).publicKey, one.publicKey);
  assert.notDeepEqual(publicKeyOf(parent), publicKeyOf(one.pair));
  assert.equal(one.publicKey.length, 32);
});

test('what one context signs verifies with the public key of that context alone', async () => {
  const [one, two] = [deriveEd25519(parent, text('one')), deriveEd25519(parent, text('two'))];
  const signature = await sign(one.pair, ed25519, 'raw', text('message'));
  for (const [pair, valid] of [
    [one.pair, true],
    [two.pair, false],
    [parent, false],
  ] as const) {
    const publicKey = openPublicKey('ed25519', publicKeyOf(pair));
    assert.equal(await verify(publicKey, ed25519, 'raw', text('message'), signature), valid);
  }
});
