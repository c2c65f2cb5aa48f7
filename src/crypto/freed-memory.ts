import { importFfi } from './ffi.ts';

// glibc's <malloc.h>: what is freed is filled with this byte, and what is allocated with its complement.
const perturb = -6;
const filling = 0xff;
/** A thread keeps so many freed pieces of a size at hand, up to that many bytes, and hands them out again as they are. */
const keptOfSize = 7;
const largestKept = 1032;

interface Malloc {
  readonly option: (name: number, value: number) => number;
  readonly allocate: (size: bigint) => bigint;
  readonly fill: (address: bigint, byte: number, size: bigint) => bigint;
  readonly free: (address: bigint) => void;
}

async function loadMalloc(): Promise<Malloc | undefined> {
  try {
    const { functions } = (await importFfi()).dlopen(null, {
      mallopt: { arguments: ['i32', 'i32'], return: 'i32' },
      malloc: { arguments: ['u64'], return: 'pointer' },
      memset: { arguments: ['pointer', 'i32', 'u64'], return: 'pointer' },
      free: { arguments: ['pointer'], return: 'void' },
    } as const);
    return { option: functions.mallopt, allocate: functions.malloc, fill: functions.memset, free: functions.free };
  } catch {
    // Another C library.
    return undefined;
  }
}

const malloc = await loadMalloc();

/**
 * Runs what reads a private key of `length` bytes. OpenSSL's decoders free their copies of the encoding as they are; here glibc fills them,
 * and those of a size that a thread keeps at hand are taken out and filled by hand.
 */
export function wipingFreed<T>(length: number, read: () => T): T {
  if (malloc === undefined) return read();
  malloc.option(perturb, filling);
  try {
    return read();
  } finally {
    malloc.option(perturb, 0);
    // A buffer that grows is a third larger than what is asked for.
    for (let size = length; size <= Math.min((length * 4) / 3 + 16, largestKept); size += 16) sweep(malloc, size);
  }
}

function sweep({ allocate, fill, free }: Malloc, size: number): void {
  const pieces = Array.from({ length: keptOfSize }, () => allocate(BigInt(size)));
  for (const piece of pieces) if (piece !== 0n) fill(piece, 0, BigInt(size));
  for (const piece of pieces) free(piece);
}
