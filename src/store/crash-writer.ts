/*
 * Run by crash.test.ts as a process of its own: commits batch after batch, several under way at once, and prints the number of
 * each one that was acknowledged, until it is killed.
 */
import { writeSync } from 'node:fs';
import { toUtf8 } from '#encoding/encoding.ts';
import { put } from './contract.ts';
import { type Batch, openSqliteStore } from './store.ts';

const underWay = 4;

/** Every batch is told by its number: a key of its own, a counter row, leaves, a checkpoint now and then, head and anchor. */
function numbered(n: number): Batch {
  return {
    changes: n % 3 === 0 ? [[put(`key ${n}`, 0), put('counter', n / 3)]] : [],
    block: { first: 2 * n, count: 2, bytes: toUtf8(`${n}`.padEnd(n % 5000, '.')) },
    head: toUtf8(`${n}`),
    anchor: toUtf8(`${n}`),
    ...(n % 7 === 0 && { checkpoint: { size: 2 * n + 2, note: `${n}` } }),
  };
}

const [path, anchorPath] = process.argv.slice(2) as [string, string];
const store = await openSqliteStore({ path, anchorPath });
const head = await store.head();
let next = head === undefined ? 0 : Number(Buffer.from(head).toString()) + 1;

async function commitForEver(): Promise<never> {
  for (;;) {
    const n = next++;
    await store.commit(numbered(n));
    writeSync(1, `${n}\n`);
  }
}
await Promise.all(Array.from({ length: underWay }, commitForEver));
