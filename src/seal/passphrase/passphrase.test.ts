import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KmsError, SecretBytes } from '#domain/domain.ts';
import { sealContract } from '../testing/contract-suite.ts';
import { passphraseKind, strongCost } from './passphrase.ts';

const quick = { memoryKiB: 64, passes: 1, parallelism: 1 };
const secret = (text: string) => new SecretBytes(Buffer.from(text));

sealContract('passphrase', () => ({
  kind: passphraseKind(quick),
  settings: () => ({}),
  createSecret: () => secret('correct horse'),
  wrongSecret: () => secret('battery staple'),
}));

test('opens what was wrapped at another cost: the wrapped secret names it', async () => {
  const { seal } = await passphraseKind(quick).create({}, secret('correct horse'));
  const wrapped = await seal.wrap(secret('0123456789abcdef'));
  const strong = await passphraseKind(strongCost).open({}, secret('correct horse'));
  using back = await strong.unwrap(wrapped);
  assert.equal(Buffer.from(back.expose()).toString(), '0123456789abcdef');
});

test('refuses a wrapped secret that asks for more memory than any machine should give', async () => {
  const { seal } = await passphraseKind(quick).create({}, secret('correct horse'));
  const wrapped = Buffer.from(await seal.wrap(secret('0123456789abcdef')));
  wrapped.writeUInt32BE(0xffffffff, 1);
  await assert.rejects(seal.unwrap(wrapped), { code: 'invalid-unseal' });
});

test('a passphrase that is set has twelve bytes, and what was wrapped under a shorter one opens', async () => {
  const kind = passphraseKind(quick);
  for (const short of ['', 'elevenbytes']) {
    await assert.rejects(kind.create({}, secret(short)), (error: unknown) => {
      return error instanceof KmsError && error.code === 'invalid-parameter' && /at least 12 bytes/.test(error.message);
    });
  }
  const before = await kind.open({}, secret('short'));
  const wrapped = await before.wrap(secret('0123456789abcdef'));
  (await (await kind.open({}, secret('short'))).unwrap(wrapped)).dispose();
});
