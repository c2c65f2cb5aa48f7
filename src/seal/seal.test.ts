import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KmsError, SecretBytes } from '#domain/domain.ts';
import { passphraseSeal } from './seal.ts';

const quick = { memoryKiB: 64, passes: 1, parallelism: 1 };
const secret = (text: string) => new SecretBytes(Buffer.from(text));
const invalid = (error: unknown) => error instanceof KmsError && error.code === 'invalid-unseal';

test('opens what it wrapped, with the cost that the file names', async () => {
  const wrapped = await passphraseSeal(secret('correct horse'), quick).wrap(secret('0123456789abcdef0123456789abcdef'));
  const root = await passphraseSeal(secret('correct horse')).unwrap(wrapped);
  assert.equal(Buffer.from(root.expose()).toString(), '0123456789abcdef0123456789abcdef');
});

test('wraps the same root differently each time and never shows it', async () => {
  const seal = passphraseSeal(secret('p'), quick);
  const root = secret('0123456789abcdef0123456789abcdef');
  const [a, b] = [await seal.wrap(root), await seal.wrap(root)];
  assert.notDeepEqual(a, b);
  assert.equal(Buffer.from(a).includes('0123456789'), false);
});

test('refuses another passphrase and every flipped byte', async () => {
  const wrapped = await passphraseSeal(secret('right'), quick).wrap(secret('0123456789abcdef0123456789abcdef'));
  await assert.rejects(passphraseSeal(secret('wrong')).unwrap(wrapped), invalid);
  for (let i = 0; i < wrapped.length; i++) {
    // Flips of the cost's high bytes would only be slow; their low bits are covered.
    const damaged = Uint8Array.from(wrapped);
    damaged[i]! ^= i < 13 && i % 4 !== 0 ? 0x80 : 1;
    await assert.rejects(passphraseSeal(secret('right')).unwrap(damaged), invalid, `byte ${i}`);
  }
  await assert.rejects(passphraseSeal(secret('right')).unwrap(wrapped.subarray(0, 40)), invalid);
});
