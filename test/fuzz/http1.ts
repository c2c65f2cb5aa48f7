/**
 * Differential fuzzing of our HTTP/1.1 reader against Node's own: what ours accepts, Node's must accept as the same requests.
 *
 *   node test/fuzz/http1.ts [--inputs N] [--seed S] [--minutes M]
 */
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { Dice, makeInput } from './http1-inputs.ts';
import { type Reading, readWithNode, readWithOurs } from './http1-parsers.ts';

export interface FuzzReport {
  readonly inputs: number;
  /** Requests that both accepted, and how many of them were of the method that Node's parser doesn't know. */
  readonly accepted: number;
  readonly lists: number;
  /** Inputs of which ours refused something. */
  readonly refused: number;
  readonly seconds: number;
  readonly disagreements: readonly string[];
}

/** Node's parser doesn't know LIST, so where ours has read a LIST, Node's gets a LOCK: as long, and framed the same. */
function forNode(bytes: Buffer, lists: readonly number[] = []): Buffer {
  if (lists.length === 0) return bytes;
  const renamed = Buffer.from(bytes);
  for (const at of lists) renamed.write('LOCK', at, 'latin1');
  return renamed;
}

/** Why the two readings can't both stand; undefined when ours is no more permissive. */
export function disagreement(bytes: Buffer, ours: Reading): string | undefined {
  const node = readWithNode(forNode(bytes, ours.lists));
  for (const [i, request] of ours.requests.entries()) {
    const other = node.requests[i];
    if (other === undefined) return `request ${i} is accepted by ours only (${node.end})`;
    const method = request.method === 'LIST' ? 'LOCK' : request.method;
    if (method !== other.method) return `request ${i} differs in its method`;
    for (const part of ['target', 'headers', 'body'] as const) {
      if (request[part] !== other[part]) return `request ${i} differs in its ${part}`;
    }
  }
  const open = ours.end === 'clean' || ours.end === 'partial';
  if (open && node.requests.length !== ours.requests.length)
    return 'Node has read more requests than ours, which waits';
  if (ours.end === 'clean' && node.end !== 'clean') return `ours ends clean, Node with ${node.end}`;
  return undefined;
}

const same = (a: Reading, b: Reading): boolean =>
  a.end === b.end && JSON.stringify(a.requests) === JSON.stringify(b.requests);

function splitDisagreement(bytes: Buffer, dice: Dice, whole: Reading): string | undefined {
  const cuts: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    at += 1 + dice.below(dice.once(2) ? 4 : 200);
    if (at < bytes.length) cuts.push(at);
  }
  const split = readWithOurs(bytes, cuts);
  return same(split, whole) ? undefined : `split at ${cuts} ours reads otherwise: ${split.end}`;
}

/** Stops after `inputs` or `seconds`, whichever is first, or at the tenth disagreement. */
export function fuzz(options: { inputs: number; seed: number; seconds: number }): FuzzReport {
  const dice = new Dice(options.seed);
  const start = performance.now();
  const disagreements: string[] = [];
  let inputs = 0;
  let accepted = 0;
  let lists = 0;
  let refused = 0;
  while (inputs < options.inputs && disagreements.length < 10) {
    if (inputs % 1000 === 0 && performance.now() - start > options.seconds * 1000) break;
    inputs++;
    const bytes = makeInput(dice);
    let wrong: string | undefined;
    try {
      const ours = readWithOurs(bytes);
      accepted += ours.requests.length;
      for (const request of ours.requests) if (request.method === 'LIST') lists++;
      if (ours.end !== 'clean' && ours.end !== 'partial' && ours.end !== 'closed') refused++;
      wrong = disagreement(bytes, ours) ?? splitDisagreement(bytes, dice, ours);
    } catch (error) {
      wrong = `throws ${(error as Error).stack}`;
    }
    if (wrong !== undefined)
      disagreements.push(`input ${inputs}: ${wrong}\n${JSON.stringify(bytes.toString('latin1'))}`);
  }
  return { inputs, accepted, lists, refused, seconds: (performance.now() - start) / 1000, disagreements };
}

function main(): void {
  const { values } = parseArgs({
    options: {
      inputs: { type: 'string', default: '200000' },
      seed: { type: 'string', default: '1' },
      minutes: { type: 'string', default: '60' },
    },
  });
  const seed = Number(values.seed);
  const report = fuzz({ inputs: Number(values.inputs), seed, seconds: Number(values.minutes) * 60 });
  const rate = Math.round(report.inputs / report.seconds);
  process.stdout.write(
    `${report.inputs} inputs from seed ${seed} in ${report.seconds.toFixed(1)} s (${rate}/s): ${report.accepted} requests accepted ` +
      `(${report.lists} of them LIST), ${report.refused} inputs refused, ${report.disagreements.length} disagreements\n`,
  );
  for (const text of report.disagreements) process.stdout.write(`${text}\n`);
  process.exitCode = report.disagreements.length === 0 ? 0 : 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main();
