import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { verifyExportFile } from './data-directory.ts';
import { exportLedger, readExport, verifyExport } from './export.ts';
import { storeLog } from './log-item.ts';
import { gather, keyOf, linesOf, rowsOf, sampleLog, sampleSigner } from './sample-log.ts';

const signer = sampleSigner(1);
const keys = [keyOf(signer)];
const log = sampleLog(signer, [1, 70, 3, 200, 5], { every: 2, signLast: false });
const copy = await gather(exportLedger(storeLog(rowsOf(log))));

test('writes a line for each leaf and for each checkpoint where it stands', () => {
  assert.equal(copy.length, 279 + 2);
  assert.match(copy[0]!, /^\{"i":0,"h":"[A-Za-z0-9+/=]{44}","leaf":"\{\\"time\\":\\"2026-/);
  assert.deepEqual(JSON.parse(copy[71]!), { checkpoint: log.checkpoints[0] });
  assert.deepEqual(JSON.parse(copy[275]!), { checkpoint: log.checkpoints[1] });
});

test('a copy says what its store says', async () => {
  const report = await verifyExport(linesOf(copy), keys);
  assert.deepEqual([report.ok, report.size, report.checkpoints, report.unsignedTail], [true, 279, 2, 5]);
  assert.deepEqual(await gather(exportLedger(readExport(linesOf(copy)))), copy);
});

test('names the line of a copy that is not of its form', async () => {
  const forms = [
    '',
    '{}',
    'null',
    '[]',
    '{"i":8}',
    ' {}',
    `${copy[8]} `,
    copy[8]!.replace('"i":8', '"i":8.0'),
    copy[8]!.replace('{"i":8,', '{"x":1,"i":8,'),
  ];
  for (const form of [...forms, '['.repeat(600_000), copy[71]!.replace('"size":71', '"size":-71')]) {
    const report = await verifyExport(linesOf(copy.with(8, form)), keys);
    assert.deepEqual([report.ok, report.firstWrong?.line], [false, 9], form.slice(0, 100));
    assert.match(report.firstWrong!.reason, /line 9 of the copy is not of the form/);
  }
});

test('refuses to copy a block that can not be taken apart', async () => {
  const damaged = { ...log, blocks: log.blocks.with(1, { ...log.blocks[1]!, count: 71 }) };
  await assert.rejects(gather(exportLedger(storeLog(rowsOf(damaged)))), { code: 'tampered' });
});

test('verifies a copy in a file, and a cut one as far as it goes', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'audit-export-'));
  const path = join(dir, 'log.jsonl');
  try {
    const text = copy.map((line) => `${line}\n`).join('');
    await writeFile(path, text);
    assert.equal((await verifyExportFile(path, keys)).ok, true);
    await writeFile(path, text.slice(0, -20));
    assert.equal((await verifyExportFile(path, keys)).firstWrong?.line, 279);
    await writeFile(path, `${copy[0]}\n${'x'.repeat(2_000_000)}`);
    assert.equal((await verifyExportFile(path, keys)).firstWrong?.line, 2);
  } finally {
    await rm(dir, { recursive: true });
  }
});
