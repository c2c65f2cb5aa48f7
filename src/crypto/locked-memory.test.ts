import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { SecretBytes } from '#domain/domain.ts';
import { argon2id, generateMaterial, guardMemory, hkdf, openMaterial } from './crypto.ts';
import { LockedMemory } from './locked-memory.ts';

const missing = process.platform !== 'linux' && 'skipped: the secure heap is looked at through /proc of Linux';

test('secrets move into memory that is locked and in no core dump, and what they came from is wiped', {
  skip: missing,
}, async () => {
  const guard = await guardMemory();
  assert.equal(guard.heap, 256 * 1024 * 1024);
  assert.ok(guard.locked > 0, 'nothing of the heap is locked');
  const before = Buffer.from('0123456789abcdef0123456789abcdef');
  const secret = new SecretBytes(before);
  assert.deepEqual(before, Buffer.alloc(32));
  assert.equal(Buffer.from(secret.expose()).toString(), '0123456789abcdef0123456789abcdef');
  assert.equal(secret.expose().buffer.byteLength, 64 * 1024);
  // "lo": locked, "dd": left out of dumps (proc(5)).
  const heap = readFileSync('/proc/self/smaps', 'latin1')
    .split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)
    .filter((mapping) => /^VmFlags:.* lo .*dd/m.test(mapping));
  assert.equal(heap.length, 1);
  const copy = secret.expose();
  secret.dispose();
  assert.deepEqual(Buffer.from(copy), Buffer.alloc(32));
});

test('keys are made, derived and opened there', { skip: missing }, async () => {
  const where = (secret: SecretBytes) => secret.expose().buffer.byteLength;
  const { material } = await generateMaterial('aes-256');
  assert.equal(where(material), 64 * 1024);
  assert.equal(where(hkdf('sha256', material, Buffer.alloc(0), Buffer.alloc(0), 48)), 64 * 1024);
  assert.equal(
    where(hkdf('sha256', openMaterial('aes-256', material), Buffer.alloc(0), Buffer.alloc(0), 9)),
    64 * 1024,
  );
  const { material: pair } = await generateMaterial('rsa-2048');
  assert.equal(where(pair), 64 * 1024);
});

/** A heap of one chunk, which sees what is given back. */
function smallMemory() {
  const chunk = new ArrayBuffer(64 * 1024);
  let left = 1;
  const heap = { size: chunk.byteLength, locked: 0, allocate: () => (left-- > 0 ? 1n : 0n) };
  return { chunk: new Uint8Array(chunk), memory: new LockedMemory(heap, () => chunk) };
}

test('a piece is wiped before another secret gets it, and never belongs to two', () => {
  const { chunk, memory } = smallMemory();
  const [a, b] = [{}, {}];
  const first = memory.keep(a, new Uint8Array(20).fill(1))!;
  const second = memory.keep(b, new Uint8Array(32).fill(2))!;
  assert.equal(second.byteOffset - first.byteOffset, 32);
  memory.release(a, first);
  assert.deepEqual(chunk.subarray(0, 32), new Uint8Array(32));
  assert.equal(memory.keep(a, new Uint8Array(17).fill(3))!.byteOffset, first.byteOffset);
  assert.deepEqual(second, new Uint8Array(32).fill(2));
});

test('what has no room stays where it was, and what was never kept is not given back', () => {
  const { memory } = smallMemory();
  assert.equal(memory.keep({}, new Uint8Array(64 * 1024 + 1)), undefined);
  const kept = Array.from({ length: 64 }, () => memory.keep({}, new Uint8Array(1024))!);
  assert.equal(new Set(kept.map(({ byteOffset }) => byteOffset)).size, 64);
  assert.equal(memory.keep({}, new Uint8Array(1)), undefined);
  memory.release({}, new Uint8Array(1024));
  assert.equal(memory.keep({}, new Uint8Array(1024)), undefined);
});

test('Argon2id gets its memory from there, several at a time, and gives it back', { skip: missing }, async () => {
  await guardMemory();
  const derive = (memoryKiB: number) =>
    argon2id(
      SecretBytes.copyOf(Buffer.from('password')),
      Buffer.from('somesalt'),
      { memoryKiB, passes: 2, parallelism: 1 },
      32,
    );
  const [a, b, c, small] = await Promise.all([derive(65536), derive(32768), derive(65536), derive(256)]);
  assert.equal(
    Buffer.from(a.expose()).toString('hex'),
    '09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7',
  );
  assert.deepEqual(c.expose(), a.expose());
  assert.equal(
    Buffer.from(small.expose()).toString('hex'),
    '9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe',
  );
  assert.notDeepEqual(b.expose(), a.expose());
  const resident = () => process.memoryUsage().rss;
  const busy = resident();
  await new Promise((resolve) => setTimeout(resolve, 5500));
  assert.ok(resident() < busy - 48 * 1024 * 1024, `${resident()} of ${busy} bytes are still resident`);
  assert.deepEqual((await derive(65536)).expose(), a.expose());
});
