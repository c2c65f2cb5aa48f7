import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { test } from 'node:test';
import { type KeySpec, KmsError } from '#domain/domain.ts';
import { derInteger, derSequence, readDer } from '#encoding/encoding.ts';
import { certificateRequest } from './certificate-request.ts';
import { generateMaterial } from './generate.ts';
import { openMaterial } from './key-handle.ts';

async function requested(spec: KeySpec, template?: Uint8Array) {
  const { material, publicKey } = await generateMaterial(spec);
  using secret = material;
  const request = await certificateRequest(openMaterial(spec, secret), publicKey!, template);
  const [info, algorithm, signature] = readDer(readDer(request)![0]!.body)!;
  return { request, publicKey: publicKey!, info: info!, algorithm: algorithm!, signature: signature!.body.subarray(1) };
}

const hashes: Partial<Record<KeySpec, string>> = {
  'rsa-2048': 'sha256',
  'ec-p256': 'sha256',
  'ec-p384': 'sha384',
  'ec-p521': 'sha512',
};

for (const spec of [
  'rsa-2048',
  'ec-p256',
  'ec-p384',
  'ec-p521',
  'ed25519',
  'ml-dsa-44',
  'slh-dsa-sha2-128f',
] as const) {
  test(`a request of ${spec} holds its public key and is signed with its private one`, async () => {
    const { publicKey, info, signature } = await requested(spec);
    const [version, subject, key, attributes] = readDer(info.body)!;
    assert.deepEqual([...version!.body], [0]);
    assert.deepEqual([subject!.body.length, attributes!.tag, attributes!.body.length], [0, 0xa0, 0]);
    assert.deepEqual(Buffer.from(key!.whole), Buffer.from(publicKey));
    const pair = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
    assert.ok(verify(hashes[spec] ?? null, info.whole, pair, signature));
  });
}

test('subject and attributes of a template are taken over, its key is not', async () => {
  const first = await requested('ec-p256');
  const second = await requested('ed25519', first.request);
  const [, subject, key, attributes] = readDer(second.info.body)!;
  const [, formerSubject, , formerAttributes] = readDer(first.info.body)!;
  assert.deepEqual([subject!.whole, attributes!.whole], [formerSubject!.whole, formerAttributes!.whole]);
  assert.deepEqual(Buffer.from(key!.whole), Buffer.from(second.publicKey));
});

test('what is no request is no template', async () => {
  const { request } = await requested('ec-p256');
  const wrong = [
    new Uint8Array(0),
    request.subarray(0, -1),
    Buffer.concat([request, request]),
    derSequence(derInteger(Uint8Array.of(0))),
    derSequence(derSequence(derInteger(Uint8Array.of(1))), derSequence(), derSequence()),
  ];
  for (const template of wrong) {
    await assert.rejects(requested('ec-p256', template), (error) => {
      return error instanceof KmsError && error.code === 'invalid-parameter';
    });
  }
});

test('keys that do not sign request nothing', async () => {
  await assert.rejects(requested('x25519'), (error) => error instanceof KmsError && error.code === 'wrong-algorithm');
});
