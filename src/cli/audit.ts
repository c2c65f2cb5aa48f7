import { createWriteStream, readFileSync, writeFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';
import {
  decodeProof,
  encodeProof,
  exportDataDirectory,
  parseVerifierKeys,
  type Report,
  type VerifierKey,
  verifyDataDirectory,
  verifyExportFile,
  verifyProof,
} from '#audit/audit.ts';
import type { AuditEntry, ClavigerClient } from '#client/client.ts';
import { fromBase64 } from '#encoding/encoding.ts';
import { type Call, CliError, type Command, exitCodes, UsageError, wholeNumber } from './command.ts';
import { printable, shortTime } from './output.ts';

const keyOption = { type: 'string', value: 'FILE', help: 'the verifier key (default: DATA/ledger.pub)' } as const;
const followEvery = 2000;

export const auditCommands: readonly Command[] = [
  {
    name: 'audit tail',
    summary: 'Show the newest lines of the ledger',
    options: {
      lines: { type: 'string', short: 'n', value: 'N', help: 'how many (default 20)' },
      follow: { type: 'boolean', short: 'f', help: 'go on with what comes' },
    },
    more: ['Reading the ledger is itself recorded. --follow leaves out the lines that it makes by looking.'],
    run: tail,
  },
  {
    name: 'audit show',
    takes: 'INDEX',
    summary: 'Show one line of the ledger; the first is 0',
    words: [1, 1],
    async run(call) {
      const index = wholeNumber('INDEX', call.words[0]!);
      const { entries } = await call.connect().client.readAudit(index, 1);
      const entry = entries[0];
      if (entry?.index !== index) throw new CliError(`The ledger has no line with index ${index}.`);
      call.out.result(entry, () =>
        call.out.facts(Object.entries(entry).map(([name, value]) => [name, String(value)] as const)),
      );
    },
  },
  {
    name: 'audit verify',
    summary: 'Prove that no line was changed, dropped, added or moved; needs no server',
    options: {
      log: { type: 'string', value: 'FILE', help: 'verify this copy instead of the data folder' },
      key: keyOption,
      checkpoint: {
        type: 'string',
        value: 'FILE',
        help: 'a checkpoint that you kept: the log must have grown from it',
      },
    },
    more: ['Exits 0 when everything holds, and 3 with the first line that is wrong.'],
    run: verify,
  },
  {
    name: 'audit export',
    summary: 'Write a copy of the ledger, a line each, to verify elsewhere with --log; needs no server',
    options: { output: { type: 'string', short: 'o', value: 'FILE', help: 'write it to a file (default: print it)' } },
    more: ['The copy holds the lines and the signed checkpoints. With DATA/ledger.pub it can be verified anywhere.'],
    run: exportCopy,
  },
  {
    name: 'audit prove',
    takes: 'INDEX',
    summary: 'Print the proof (c2sp.org/tlog-proof) that a line is in the ledger',
    words: [1, 1],
    options: { output: { type: 'string', short: 'o', value: 'FILE', help: 'write it to a file' } },
    async run(call) {
      const { index, leaf, path, checkpoint } = await call
        .connect()
        .client.proveAudit(wholeNumber('INDEX', call.words[0]!));
      const text = encodeProof({ index, leaf: bytes(leaf), path: path.map(bytes), checkpoint });
      const file = call.text('output');
      if (file !== undefined) writeFileSync(file, text);
      call.out.result({ index, leaf, path, checkpoint }, () => call.out.line(file ?? text.trimEnd()));
    },
  },
  {
    name: 'audit check-proof',
    takes: 'FILE',
    summary: 'Check such a proof; needs no server',
    words: [1, 1],
    options: { key: keyOption },
    async run(call) {
      const proof = decodeProof(readFileSync(call.words[0]!));
      const proven = proof && verifyProof(proof, readKeys(call.text('key') ?? `${call.dataDir}/ledger.pub`));
      if (proof === undefined || proven === undefined) throw new Unverified('The proof does not hold.');
      call.out.result({ index: proof.index, ...proven }, () => {
        call.out.line(call.out.paint.green(`Line ${proof.index + 1} of ${proven.size} is in the ledger:`));
        call.out.facts(Object.entries(proven.entry).map(([name, value]) => [name, String(value)] as const));
      });
    },
  },
  {
    name: 'audit checkpoint',
    summary: 'Print the newest signed checkpoint, to keep it elsewhere',
    async run(call) {
      const answer = await call.connect().client.readCheckpoint();
      call.out.result(answer, () => call.out.line(answer.checkpoint.trimEnd()));
    },
  },
];

/** Something that was to be proven is not so: exit code 3. */
export class Unverified extends Error {}

async function tail(call: Call): Promise<void> {
  const count = wholeNumber('-n', call.text('lines') ?? '20');
  const { client } = call.connect();
  const { size } = await client.readAudit(0, 1);
  let next = Math.max(0, size - count);
  if (!call.flag('follow')) {
    const entries = await readFrom(client, next, size - next);
    call.out.result({ entries }, () =>
      call.out.table(
        ['INDEX', 'TIME (UTC)', 'WHO', 'THROUGH', 'ACTION', 'KEY', 'OUTCOME', 'FROM'],
        entries.map((entry) => cells(entry)),
      ),
    );
    return;
  }
  for (;;) {
    const entries = await readFrom(client, next, 1000);
    for (const entry of entries) {
      next = entry.index + 1;
      if (entry.action === 'read-audit' && entry.protocol === 'native') continue;
      call.out.line(call.out.json ? JSON.stringify(entry) : printable(cells(entry).join('  ')));
    }
    if (entries.length < 1000) await wait(followEvery);
  }
}

async function exportCopy(call: Call): Promise<void> {
  const file = call.text('output');
  const lines = Readable.from(exportDataDirectory(call.dataDir)).map((line: string) => `${line}\n`);
  if (file === undefined) await pipeline(lines, process.stdout, { end: false });
  else await pipeline(lines, createWriteStream(file, { mode: 0o600 }));
}

async function readFrom(client: ClavigerClient, from: number, count: number): Promise<readonly AuditEntry[]> {
  const found: AuditEntry[] = [];
  while (found.length < count) {
    const { entries } = await client.readAudit(from + found.length, Math.min(1000, count - found.length));
    if (entries.length === 0) break;
    found.push(...entries);
  }
  return found;
}

function cells(entry: AuditEntry): string[] {
  const key =
    entry.key === undefined ? '' : `${entry.key.slice(0, 8)}${entry.version === undefined ? '' : ` v${entry.version}`}`;
  return [
    String(entry.index),
    shortTime(entry.time),
    entry.principal === '' ? '-' : entry.principal,
    entry.protocol,
    entry.action === '' ? '-' : entry.action,
    key,
    entry.outcome,
    entry.peer,
  ];
}

async function verify(call: Call): Promise<number> {
  const { out } = call;
  const log = call.text('log');
  const keyFile = call.text('key');
  const kept = call.text('checkpoint');
  const shown = process.stderr.isTTY && !out.json;
  const options = {
    ...(kept !== undefined && { kept: readFileSync(kept, 'utf8') }),
    onProgress: (lines: number) => {
      if (shown) process.stderr.write(`\r${lines} lines`);
    },
  };
  if (log === undefined && keyFile !== undefined) throw new UsageError('--key goes with --log.');
  const report =
    log === undefined
      ? await verifyDataDirectory(call.dataDir, options)
      : await verifyExportFile(log, readKeys(keyFile ?? `${call.dataDir}/ledger.pub`), options);
  if (shown) process.stderr.write('\r\u001b[K');
  out.result(report, () => showReport(call, report));
  return report.ok ? exitCodes.ok : exitCodes.unverified;
}

function showReport({ out }: Call, report: Report): void {
  const { firstWrong, lastCheckpoint } = report;
  if (firstWrong !== undefined) {
    out.line(out.paint.red(`The ledger does not verify: ${firstWrong.reason}.`));
    out.line(`The ${report.size} lines before are what was written.`);
    return;
  }
  out.line(out.paint.green(`The ledger verifies: ${report.size} lines, ${report.checkpoints} checkpoints.`));
  if (lastCheckpoint?.time !== undefined) {
    const at = shortTime(new Date(lastCheckpoint.time).toISOString());
    out.line(`The newest checkpoint is over ${lastCheckpoint.size} lines, up to ${at} UTC.`);
  }
  if (report.unsignedTail > 0) out.line(`${report.unsignedTail} lines after it are not signed yet.`);
}

function readKeys(path: string): readonly VerifierKey[] {
  const keys = parseVerifierKeys(readFileSync(path, 'utf8'));
  if (keys === undefined) throw new CliError(`There is no verifier key in ${path}.`);
  return keys;
}

function bytes(text: string): Uint8Array {
  const decoded = fromBase64(text);
  if (decoded === undefined) throw new CliError('The server answered damaged base64.');
  return decoded;
}
