import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { furnish } from './furnish.ts';
import { type Claviger, cpuSeconds, load, startClaviger } from './load.ts';

/**
 * Rotation of the root key of a server with many keys, on one core: versions per second and per second of CPU, without other work and
 * while clients encrypt, and what these notice of it.
 *
 *   node bench/root-rotation.ts [--keys 1000000] [--data DIR, kept and used again]
 */
const { values } = parseArgs({
  options: {
    keys: { type: 'string', default: '1000000' },
    data: { type: 'string', default: join(tmpdir(), 'claviger-bench-keys') },
  },
});
const keys = Number(values.keys);
const folder = `${values.data}-${keys}`;

interface Status {
  readonly rotating: boolean;
  readonly renewed?: number;
  readonly rows?: number;
}

async function ask(claviger: Claviger, method: string, path: string): Promise<Status> {
  const headers = { Authorization: `Bearer ${claviger.credentials.token}` };
  const answer = await fetch(`${claviger.url}/claviger/v1${path}`, { method, headers });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Status;
}

/** Seconds, and seconds of CPU of all the server's threads, until everything is under the new root. */
async function rotate(claviger: Claviger): Promise<{ readonly seconds: number; readonly cpu: number }> {
  const [from, cpu] = [performance.now(), cpuSeconds(claviger.pid)];
  for (let status = await ask(claviger, 'POST', '/root/rotate'); status.rotating; ) {
    await sleep(200);
    status = await ask(claviger, 'GET', '/root');
    if (process.stderr.isTTY) process.stderr.write(`\r${status.renewed ?? 0} of ${status.rows ?? 0} rows\u001b[K`);
  }
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  return { seconds: (performance.now() - from) / 1000, cpu: cpuSeconds(claviger.pid) - cpu };
}

const tell = (what: string, { seconds, cpu }: { readonly seconds: number; readonly cpu: number }) =>
  console.log(
    `${what}: ${keys} versions in ${seconds.toFixed(1)} s, ${Math.round(keys / seconds)} a second; ${Math.round(keys / cpu)} a second of CPU`,
  );

const { ids } = await furnish(folder, keys);
const claviger = await startClaviger(['--bench-no-tls'], folder);
try {
  tell('at rest', await rotate(claviger));
  const request = {
    path: `/v1/transit/encrypt/${ids[0]}`,
    headers: { 'X-Vault-Token': claviger.credentials.token },
    body: JSON.stringify({ plaintext: Buffer.alloc(32, 7).toString('base64') }),
  };
  const connections = 16;
  await load(claviger, request, connections, 3);
  const before = await load(claviger, request, connections, 5);
  const rotation = rotate(claviger);
  const meanwhile = await load(claviger, request, connections, 10);
  tell('while clients encrypt', await rotation);
  const show = (name: string, { perSecond, p50, p99 }: typeof before) =>
    console.log(`${name}: ${Math.round(perSecond)} requests a second, p50 ${p50} ms, p99 ${p99} ms`);
  show(`encryption, ${connections} connections, before`, before);
  show(`encryption, ${connections} connections, meanwhile`, meanwhile);
} finally {
  await claviger.stop();
}
