import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { decodeHeader, decryptStream, headerLength } from '#client/client.ts';
import { openMaterial } from '#crypto/crypto.ts';
import { KmsError, SecretBytes } from '#domain/domain.ts';
import { canonicalContext } from '#keyring/context.ts';
import { envelopeKey, envelopeOverhead, openEnvelope, readEnvelope, sealEnvelope } from '#keyring/envelope.ts';
import { convergentExample, envelopeExample, fileExample } from './examples.ts';

const page = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
const block = (lines: readonly string[]) => ['```text', ...lines.map((line) => line.trimEnd()), '```'].join('\n');

test('the envelope of the page is the one that follows from its text', () => {
  assert.ok(page('envelope-format.md').includes(block(envelopeExample().lines)));
});

test('Claviger opens the envelope of the page, with its context only', () => {
  const { facts } = envelopeExample();
  const { realm, keyId, version, whole } = facts;
  using material = new SecretBytes(Uint8Array.from(facts.key));
  const key = envelopeKey(realm, keyId, version, openMaterial('aes-256', material))!;
  assert.deepEqual(readEnvelope(realm, whole), { keyId, version });
  assert.equal(whole.length, facts.plaintext.length + envelopeOverhead);
  assert.deepEqual(canonicalContext({ pairs: facts.context }), facts.canonicalContext);
  assert.deepEqual(openEnvelope(key, facts.canonicalContext, whole), facts.plaintext);
  assert.throws(() => openEnvelope(key, new Uint8Array(), whole), KmsError);
});

test('a convergent key makes exactly the envelope of the page, and opens it', () => {
  const { lines, facts } = convergentExample();
  assert.ok(page('envelope-format.md').includes(block(lines)));
  using material = new SecretBytes(Uint8Array.from(facts.key));
  const key = envelopeKey(facts.realm, facts.keyId, facts.version, openMaterial('aes-256', material), true)!;
  assert.deepEqual(sealEnvelope(key, facts.canonicalContext, facts.plaintext), facts.whole);
  assert.deepEqual(openEnvelope(key, facts.canonicalContext, facts.whole), facts.plaintext);
});

test('the file of the page is the one that follows from its text', () => {
  assert.ok(page('file-format.md').includes(block(fileExample().lines)));
});

test('Claviger decrypts the file of the page', async () => {
  const { facts } = fileExample();
  const header = decodeHeader(facts.whole.subarray(0, headerLength(facts.whole)))!;
  assert.equal(header.keyName, 'first');
  assert.deepEqual(header.context, facts.context);
  const keys = {
    generateDataKey: () => Promise.reject(new Error('not asked for')),
    decrypt: async () => ({ plaintext: Uint8Array.from(facts.key) }),
  };
  async function* source() {
    yield facts.whole;
  }
  const pieces: Buffer[] = [];
  for await (const piece of decryptStream(keys, source())) pieces.push(Buffer.from(piece));
  assert.deepEqual(Buffer.concat(pieces), facts.plaintext);
});
