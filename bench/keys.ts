import { statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ClockCache } from '#keyring/clock-cache.ts';
import { few, furnish } from './furnish.ts';
import { type Claviger, load, median, residentMiB, startClaviger } from './load.ts';

/**
 * A server with a million keys against one with ten: start, throughput, memory, and what an access to the cache costs.
 *
 *   node bench/keys.ts [--keys 1000000] [--data DIR, kept and used again] [--rounds 5] [--seconds 4]
 */
const { values } = parseArgs({
  options: {
    keys: { type: 'string', default: '1000000' },
    data: { type: 'string', default: join(tmpdir(), 'claviger-bench-keys') },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
  },
});
const keys = Number(values.keys);
interface Started {
  readonly claviger: Claviger;
  readonly seconds: number;
}

async function timedStart(folder: string): Promise<Started> {
  const from = performance.now();
  const claviger = await startClaviger(['--bench-no-tls'], folder);
  return { claviger, seconds: (performance.now() - from) / 1000 };
}

/** Ten keys in turn, or all of the sample in turn. */
function script(claviger: Claviger, ids: readonly string[]) {
  const body = JSON.stringify({ plaintext: Buffer.alloc(32, 7).toString('base64') });
  return {
    path: `/v1/transit/encrypt/${ids[0]}`,
    headers: { 'X-Vault-Token': claviger.credentials.token },
    body,
    paths: ids.map((id) => `/v1/transit/encrypt/${id}`),
  };
}

const manyFolder = `${values.data}-${keys}`;
const fewFolder = `${values.data}-${few}`;
console.error(`furnishing ${keys} keys (once; kept in ${manyFolder})`);
const many = await furnish(manyFolder, keys);
const ten = await furnish(fewFolder, few);
const megabytes = statSync(join(manyFolder, 'claviger.db')).size / 1e6;

const starts: number[] = [];
for (let i = 0; i < 2; i++) {
  const { claviger, seconds } = await timedStart(manyFolder);
  starts.push(seconds);
  await claviger.stop();
}
const big = await timedStart(manyFolder);
const small = await timedStart(fewFolder);
starts.push(big.seconds);
console.log(
  `start with ${keys} keys (database ${megabytes.toFixed(0)} MB): ${median(starts).toFixed(2)} s; with ${few}: ${small.seconds.toFixed(2)} s`,
);

const seconds = Number(values.seconds);
const ratios: number[] = [];
const spread: number[] = [];
for (let round = 0; round < Number(values.rounds); round++) {
  const a = await load(small.claviger, script(small.claviger, ten.ids.slice(0, few)), 64, seconds);
  const b = await load(big.claviger, script(big.claviger, many.ids.slice(0, few)), 64, seconds);
  const c = await load(big.claviger, script(big.claviger, many.ids), 64, seconds);
  ratios.push(b.perSecond / a.perSecond);
  spread.push(c.perSecond / a.perSecond);
}
console.log(`throughput on 10 keys of ${keys}, to that with ${few} in all: ${median(ratios).toFixed(3)}`);
console.log(`throughput on ${many.ids.length} keys in turn (never in the cache): ${median(spread).toFixed(3)}`);
console.log(`resident memory after that: ${residentMiB(big.claviger.pid).toFixed(0)} MiB`);
await Promise.all([big.claviger.stop(), small.claviger.stop()]);

const capacity = 100_000;
const cache = new ClockCache<object>(capacity);
const names = Array.from({ length: capacity * 2 }, (_, i) => `key-${i}`);
for (const name of names) cache.set(name, {});
const accesses = 2_000_000;
let hits = 0;
const from = performance.now();
for (let i = 0; i < accesses; i++) {
  const name = names[Math.floor(names.length * ((i * 0.618033988749895) % 1) ** 4)]!;
  if (cache.get(name) !== undefined) hits++;
  else cache.set(name, {});
}
console.log(
  `cache access, ${capacity} entries, ${((100 * hits) / accesses).toFixed(0)} % hits: ${(((performance.now() - from) * 1000) / accesses).toFixed(2)} us`,
);
