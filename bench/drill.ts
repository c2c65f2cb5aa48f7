import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Server } from '#assemble.ts';
import { DataDirectory } from '#data-directory.ts';
import { Plaintext } from '#domain/domain.ts';
import { toUtf8, view } from '#encoding/encoding.ts';
import { run } from '../test/process.ts';

/**
 * A server with many keys: how long its backup takes, and how long until `claviger drill`, a process of its own, has restored and proven it.
 *
 *   node bench/drill.ts [--keys 100000]
 */
const { values } = parseArgs({ options: { keys: { type: 'string', default: '100000' } } });
const keys = Number(values.keys);
const passphrase = 'a passphrase of the bench';
const home = mkdtempSync(join(tmpdir(), 'claviger-bench-drill-'));
const seconds = (since: number) => ((performance.now() - since) / 1000).toFixed(1);
const origin = { protocol: 'bench', operation: 'bench', peer: '', requestId: 'bench' };

async function furnished(data: DataDirectory): Promise<string> {
  data.create();
  const secret = () => new Plaintext(toUtf8(passphrase));
  const server = await Server.found(
    { data, mode: 'development', region: 'us-east-1', version: 'bench', log: console.error, unsafeNoFlush: true },
    { kind: 'passphrase', name: 'passphrase', settings: {}, secret: secret(), show: () => {} },
  );
  try {
    const { token } = await server.bootstrap('developer', 'developer', () => {});
    const proof = { kind: 'token', token: view(token.release()).toString('latin1') } as const;
    let left = keys;
    const maker = async () => {
      while (left-- > 0) {
        const command = { kind: 'create-key', spec: 'aes-256', usages: ['encrypt'], class: 'enveloped' } as const;
        await server.gate.perform(proof, command, origin);
      }
    };
    await Promise.all(Array.from({ length: 256 }, maker));
    const began = performance.now();
    const { file, bytes } = await server.gate.perform(proof, { kind: 'take-backup' }, origin);
    console.log(`backup of ${keys} keys: ${seconds(began)} s, ${(bytes / 1e6).toFixed(1)} MB`);
    return file;
  } finally {
    await server.close();
  }
}

try {
  const backup = await furnished(new DataDirectory(join(home, 'data')));
  const passphraseFile = join(home, 'passphrase');
  writeFileSync(passphraseFile, passphrase);
  const began = performance.now();
  const { code, output } = await run(['drill', '--from', backup, '--passphrase-file', passphraseFile]);
  if (code !== 0) throw new Error(output);
  const report = JSON.parse(output.slice(output.indexOf('{'), output.indexOf('\n\n'))) as {
    recoveryTimeSeconds: number;
  };
  console.log(`drill: ${report.recoveryTimeSeconds} s until it was proven, ${seconds(began)} s with its process`);
} finally {
  rmSync(home, { recursive: true });
}
