import assert from 'node:assert/strict';
import { test } from 'node:test';
import { argon2id } from '#crypto/crypto.ts';
import { SecretBytes } from '#domain/domain.ts';

const derive = (password: string, salt: string, memoryKiB: number, passes: number, parallelism: number, length = 32) =>
  argon2id(new SecretBytes(Buffer.from(password)), Buffer.from(salt), { memoryKiB, passes, parallelism }, length);

// Known answers of the reference implementation's own test (version 1.3, no secret and no associated data).
const answers = [
  ['password', 'somesalt', 65536, 2, 1, '09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7'],
  ['password', 'somesalt', 256, 2, 1, '9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe'],
  ['password', 'somesalt', 256, 2, 2, '6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037'],
  ['password', 'diffsalt', 65536, 2, 1, 'bdf32b05ccc42eb15d58fd19b1f856b113da1e9a5874fdcc544308565aa8141c'],
] as const;

test('Argon2id gives the known answers', async () => {
  for (const [password, salt, memoryKiB, passes, lanes, answer] of answers) {
    using key = await derive(password, salt, memoryKiB, passes, lanes);
    assert.equal(Buffer.from(key.expose()).toString('hex'), answer);
  }
});

test('refuses salts, costs and lengths out of range', async () => {
  for (const attempt of [
    () => derive('p', 'short', 256, 2, 1),
    () => derive('p', 'somesalt', 7, 2, 1),
    () => derive('p', 'somesalt', 15, 2, 2),
    () => derive('p', 'somesalt', 256, 0, 1),
    () => derive('p', 'somesalt', 256, 2, 0),
    () => derive('p', 'somesalt', 256, 2, 1, 3),
    () => derive('p', 'somesalt', Number.NaN, 2, 1),
  ]) {
    await assert.rejects(attempt, { code: 'invalid-parameter' });
  }
});

test('the loop turns while it is computed', async () => {
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  await derive('password', 'somesalt', 65536, 2, 1);
  clearInterval(timer);
  assert.ok(turns > 3, `only ${turns} turns`);
});
