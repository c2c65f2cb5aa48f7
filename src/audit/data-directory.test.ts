import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { openSqliteStore } from '#store/store.ts';
import { verifyDataDirectory } from './data-directory.ts';
import { newLedger, openLedger } from './ledger.ts';
import { proveEntry, verifyProof } from './prove.ts';
import { keyOf, sampleEntry, sampleSigner } from './sample-log.ts';

const signer = sampleSigner(1);

async function dataDirectory(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'audit-data-'));
  t.after(() => rm(dir, { recursive: true }));
  await writeFile(join(dir, 'ledger.pub'), `${signer.verifierKey}\n${sampleSigner(2).verifierKey}\n`);
  return dir;
}

/** A server's ledger without the server: `grow` commits a batch, with a checkpoint every fourth time. */
async function openWriter(dir: string) {
  const store = await openSqliteStore({ path: join(dir, 'claviger.db'), anchorPath: join(dir, 'anchor') });
  const ledger = openLedger(newLedger);
  let batches = 0;
  return {
    store,
    async grow(lines: number) {
      const entries = Array.from({ length: lines }, (_, i) => sampleEntry(ledger.size + i));
      const extension = ledger.extend(entries, ++batches % 4 === 0 ? signer : undefined);
      const { block, checkpoint } = extension;
      const head = new Uint8Array(1);
      await store.commit({ changes: [], block, head, anchor: undefined, ...(checkpoint && { checkpoint }) });
      ledger.adopt(extension);
    },
  };
}

test('verifies the ledger of a data folder, and names the line that was altered in its file', async (t) => {
  const dir = await dataDirectory(t);
  const { store, grow } = await openWriter(dir);
  for (let i = 0; i < 42; i++) await grow(1 + (i % 7));
  await store.close();
  const lines: number[] = [];
  const report = await verifyDataDirectory(dir, { onProgress: (read) => lines.push(read) });
  assert.deepEqual([report.ok, report.size, report.checkpoints, lines.at(-1)], [true, 168, 10, 168]);

  const file = join(dir, 'claviger.db');
  const bytes = await readFile(file);
  const at = bytes.indexOf('"request-100"');
  assert.ok(at > 0);
  bytes[at + 1]! ^= 1;
  await writeFile(file, bytes);
  const altered = await verifyDataDirectory(dir);
  assert.deepEqual([altered.ok, altered.firstWrong?.line, altered.firstWrong?.through], [false, 101, 101]);
});

test('verifies a ledger that its server goes on writing', async (t) => {
  const dir = await dataDirectory(t);
  const { store, grow } = await openWriter(dir);
  for (let i = 0; i < 8; i++) await grow(3);
  let growing = true;
  const growth = (async () => {
    while (growing) await grow(2);
  })();
  try {
    for (let size = 0, i = 0; i < 10; i++) {
      const report = await verifyDataDirectory(dir);
      assert.equal(report.firstWrong, undefined);
      assert.ok(report.size > size);
      size = report.size;
    }
  } finally {
    growing = false;
    await growth;
    await store.close();
  }
});

test('proves a line from a store', async (t) => {
  const { store, grow } = await openWriter(await dataDirectory(t));
  for (let i = 0; i < 300; i++) await grow(1);
  const proof = await proveEntry(store, 271);
  await store.close();
  assert.equal(verifyProof(proof, [keyOf(signer)])?.entry.requestId, 'request-271');
});

test('says that a folder has no verifier key', async (t) => {
  const dir = await dataDirectory(t);
  await writeFile(join(dir, 'ledger.pub'), 'no key\n');
  await assert.rejects(verifyDataDirectory(dir), { code: 'invalid-parameter' });
  await assert.rejects(verifyDataDirectory(join(dir, 'nowhere')), { code: 'invalid-parameter' });
});
