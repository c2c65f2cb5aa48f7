import { Ed25519Signer } from '#crypto/crypto.ts';
import { type Entry, errorCodes, SecretBytes } from '#domain/domain.ts';
import type { LeafBlock, LedgerCheckpoint, Store } from '#store/store.ts';
import { CheckpointSigner } from './checkpoint.ts';
import { newLedger, openLedger } from './ledger.ts';
import { parseVerifierKey, type VerifierKey } from './note.ts';

// For this room's tests only: logs as a server would leave them, from a seed.

/** Numbers in [0, 1) from a seed (mulberry32), so that a failing run can be run again. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function below(random: () => number, limit: number): number {
  return Math.floor(random() * limit);
}

export function sampleEntry(i: number, random: () => number = seeded(i)): Entry {
  const refused = random() < 0.2;
  return {
    time: 1_795_000_000_000 + i * 37,
    requestId: `request-${i}`,
    protocol: random() < 0.5 ? 'vault' : 'aws-kms',
    operation: random() < 0.1 ? 'POST transit/encrypt/"\u00fc\n' : 'TrentService.Encrypt',
    peer: `127.0.0.1:${40_000 + below(random, 20_000)}`,
    realm: '000000000001',
    principal: 'developer',
    credential: 'CLAVABCDEFGHIJKLMNOP',
    action: 'encrypt',
    ...(refused ? {} : { key: `key-${below(random, 9)}`, version: 1 + below(random, 5) }),
    outcome: refused ? errorCodes[below(random, errorCodes.length)]! : 'ok',
    ...(random() < 0.1 && { summary: 'rotated' }),
  };
}

export function sampleSigner(fill: number, origin = 'claviger/0123456789ab'): CheckpointSigner {
  return new CheckpointSigner(origin, new Ed25519Signer(new SecretBytes(new Uint8Array(32).fill(fill))));
}

export function keyOf(signer: CheckpointSigner): VerifierKey {
  return parseVerifierKey(signer.verifierKey)!;
}

export interface SampleLog {
  readonly blocks: LeafBlock[];
  readonly checkpoints: LedgerCheckpoint[];
}

/** Batches of the given sizes; a checkpoint ends every `every`th batch, and the last if `signLast`. */
export function sampleLog(
  signer: CheckpointSigner,
  batches: readonly number[],
  { every = 3, signLast = true, random = seeded(1) } = {},
): SampleLog {
  const log: SampleLog = { blocks: [], checkpoints: [] };
  const ledger = openLedger(newLedger);
  for (const [i, count] of batches.entries()) {
    const entries = Array.from({ length: count }, (_, k) => sampleEntry(ledger.size + k, random));
    const signs = (i + 1) % every === 0 || (signLast && i === batches.length - 1);
    const extension = ledger.extend(entries, signs ? signer : undefined);
    if (extension.block !== undefined) log.blocks.push(extension.block);
    if (extension.checkpoint !== undefined) log.checkpoints.push(extension.checkpoint);
    ledger.adopt(extension);
  }
  return log;
}

/** Answers as a store over these rows would, whatever is in them. */
export function rowsOf({ blocks, checkpoints }: SampleLog): Pick<Store, 'ledger'> {
  return {
    async ledger(from, limit) {
      return {
        blocks: blocks
          .filter(({ first, count }) => first + count > from)
          .toSorted((a, b) => a.first - b.first)
          .slice(0, limit),
        checkpoints: checkpoints.filter(({ size }) => size >= from).toSorted((a, b) => a.size - b.size),
      };
    },
  };
}

export async function* linesOf(lines: readonly string[]): AsyncGenerator<string> {
  yield* lines;
}

export async function gather<T>(items: AsyncIterable<T>): Promise<T[]> {
  return Array.fromAsync(items);
}
