/**
 * Records what OpenBao answers to the script, or to one scenario of it:
 *
 *   node test/conformance/vault/differential/record.ts [--bao PATH] [--only SCENARIO]
 */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { parseArgs } from 'node:util';
import { program } from '../../../programs.ts';
import { play, type Server } from './play.ts';
import { recordingOf } from './recordings.ts';
import { script } from './script.ts';

const { values } = parseArgs({ options: { bao: { type: 'string', default: 'bao' }, only: { type: 'string' } } });
const { path: bao, version, missing } = program(values.bao, ['version'], /^OpenBao v(\S+)/);
if (missing) throw new Error(missing);
const token = 'root';

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

async function ready(url: string): Promise<void> {
  for (let tries = 0; tries < 150; tries++) {
    const answer = await fetch(`${url}/v1/sys/health`).catch(() => undefined);
    if (answer?.status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('OpenBao did not become ready');
}

async function mount(url: string, path: string, how: object): Promise<void> {
  const request = { method: 'POST', headers: { 'x-vault-token': token }, body: JSON.stringify(how) };
  const answer = await fetch(`${url}/v1/sys/mounts/${path}`, request);
  if (!answer.ok) throw new Error(`OpenBao did not mount ${path}: ${answer.status}`);
}

for (const scenario of script) {
  if (values.only !== undefined && scenario.name !== values.only) continue;
  const address = `127.0.0.1:${await freePort()}`;
  const options = [`-dev-listen-address=${address}`, `-dev-root-token-id=${token}`, '-dev-no-store-token'];
  const child = spawn(bao, ['server', '-dev', ...options], { stdio: 'ignore' });
  try {
    const server: Server = { url: `http://${address}`, token };
    await ready(server.url);
    await mount(server.url, 'transit', { type: 'transit' });
    // Beside `secret/` with versions, which a development server of OpenBao has.
    await mount(server.url, 'kv', { type: 'kv', options: { version: '1' } });
    const answers = await play(scenario, server);
    writeFileSync(recordingOf(scenario.name), `${JSON.stringify({ openbao: version, answers }, undefined, 1)}\n`);
  } finally {
    child.kill();
  }
}
