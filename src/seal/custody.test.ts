import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KmsError, Plaintext, SecretBytes } from '#domain/domain.ts';
import { Custody, passphraseSeal, type SealedRoot } from './seal.ts';

const cost = { memoryKiB: 64, passes: 1, parallelism: 1 };
const rootBytes = '0123456789abcdef0123456789abcdef';
const secret = (text: string) => new SecretBytes(Buffer.from(text));
const given = (text: string) => new Plaintext(Buffer.from(text));
const invalid = (error: unknown) => error instanceof KmsError && error.code === 'invalid-unseal';
const isRoot = (root: SecretBytes) => Buffer.from(root.expose()).toString() === rootBytes;

class File {
  sealed: SealedRoot;
  writes = 0;

  constructor(wrapped: Uint8Array) {
    this.sealed = { wrapped };
  }

  read(): SealedRoot {
    return this.sealed;
  }

  write(sealed: SealedRoot): void {
    this.writes++;
    this.sealed = sealed;
  }
}

async function made() {
  const file = new File(await passphraseSeal(secret('old'), cost).wrap(secret(rootBytes)));
  return { file, custody: new Custody(file, { cost }) };
}

const opens = async (custody: Custody, text: string) => {
  const { root, opened } = await custody.open(given(text));
  assert.ok(isRoot(root));
  opened();
};

test('a renewal writes nothing until it is kept; then both open, until the new one has', async () => {
  const { file, custody } = await made();
  const renewal = await custody.renew(given('old'), isRoot);
  const next = Buffer.from(renewal.passphrase.release()).toString();
  assert.equal(file.writes, 0);
  await assert.rejects(custody.open(given(next)), invalid);
  renewal.keep();
  await opens(custody, 'old');
  assert.equal(file.writes, 1);
  await opens(custody, next);
  assert.equal(file.sealed.former, undefined);
  await assert.rejects(custody.open(given('old')), invalid);
});

test('only the new passphrase proves that it has arrived, and settling ends the former', async () => {
  const { custody } = await made();
  const renewal = await custody.renew(given('old'), isRoot);
  await assert.rejects(renewal.prove(given('old')), invalid);
  await renewal.prove(renewal.passphrase);
  renewal.keep();
  renewal.settle();
  await assert.rejects(custody.open(given('old')), invalid);
});

test('whichever of two passphrases makes another one stays good for itself, and the other goes', async () => {
  const { custody } = await made();
  const first = await custody.renew(given('old'), isRoot);
  first.keep();
  const second = await custody.renew(given('old'), isRoot);
  second.keep();
  await opens(custody, 'old');
  await assert.rejects(custody.open(first.passphrase), invalid);
  const third = await custody.renew(second.passphrase, isRoot);
  third.keep();
  await assert.rejects(custody.open(given('old')), invalid);
  await opens(custody, Buffer.from(second.passphrase.release()).toString());
});

test('a root that the server does not run on proves nothing and is not renewed', async () => {
  const { file, custody } = await made();
  const other = await passphraseSeal(secret('mine'), cost).wrap(secret('f'.repeat(32)));
  file.write({ wrapped: other });
  await assert.rejects(custody.prove(given('mine'), isRoot), invalid);
  await assert.rejects(custody.renew(given('mine'), isRoot), invalid);
});

test('pads are letters and digits, of the length asked for and never the same', async () => {
  const { custody } = await made();
  const pads = Array.from({ length: 20 }, () => Buffer.from(custody.pad(47).release()).toString());
  for (const pad of pads) assert.match(pad, /^[A-Za-z0-9]{47}$/);
  assert.equal(new Set(pads).size, 20);
  assert.equal(custody.pad(0).length, 0);
});
