import { importFfi } from './ffi.ts';

/** OpenSSL's heap for private numbers, and ours for secrets. */
export interface SecureHeap {
  readonly size: number;
  /** Bytes that are never swapped out, from where it fills first. */
  readonly locked: number;
  /** 0n where it has no room. What is allocated here is never freed. */
  allocate(length: number): bigint;
}

/**
 * Bytes. Address space only, until they are used: a quarter is for Argon2id, whose memory OpenSSL takes from here as well, the rest for keys.
 * The cache's 16,384 keys of RSA 4096, and as many older versions, need 108 MiB.
 */
const size = 256 * 1024 * 1024;
/** The size of a P-256 scalar, and of an AES-256 key. */
const smallest = 32n;
/** The most that Argon2id gets, in bytes. */
export const mostForArgon2 = size / 4;

// <sys/resource.h> and <sys/mman.h> of Linux.
const limitOfLocked = 8;
const lockOnFault = 1;
const dontNeed = 4;
const lockedCompletely = 1;
const page = 4096;

const signatures = {
  CRYPTO_secure_malloc_init: { arguments: ['u64', 'u64'], return: 'i32' },
  CRYPTO_secure_malloc_initialized: { arguments: [], return: 'i32' },
  CRYPTO_secure_malloc: { arguments: ['u64', 'pointer', 'i32'], return: 'pointer' },
  CRYPTO_secure_free: { arguments: ['pointer', 'pointer', 'i32'], return: 'void' },
  getrlimit: { arguments: ['i32', 'pointer'], return: 'i32' },
  setrlimit: { arguments: ['i32', 'pointer'], return: 'i32' },
  mlock2: { arguments: ['pointer', 'u64', 'i32'], return: 'i32' },
  munlock: { arguments: ['pointer', 'u64'], return: 'i32' },
  madvise: { arguments: ['pointer', 'u64', 'i32'], return: 'i32' },
} as const;

/**
 * CRYPTO_secure_malloc(3): between pages that can't be touched, locked, left out of core dumps, wiped when freed. Node would open it for
 * `--secure-heap`, which takes a process started for it; asked by ffi it is the same heap. Undefined where it can't be had.
 */
export async function openSecureHeap(): Promise<SecureHeap | undefined> {
  try {
    const { dlopen, getRawPointer } = await importFfi();
    const { functions } = dlopen(null, signatures);
    // Up to what the operator allows; without that, most systems allow 8 MiB.
    const limit = new BigUint64Array(2);
    if (functions.getrlimit(limitOfLocked, getRawPointer(limit.buffer)) === 0) {
      limit[0] = limit[1]!;
      functions.setrlimit(limitOfLocked, getRawPointer(limit.buffer));
    }
    // Opened already: by us, or for a test by Node.
    if (functions.CRYPTO_secure_malloc_initialized() === 1) return undefined;
    const opened = functions.CRYPTO_secure_malloc_init(BigInt(size), smallest);
    if (opened === 0) return undefined;
    const allocate = (length: number) => functions.CRYPTO_secure_malloc(BigInt(length), 0n, 0);

    const length = BigInt(mostForArgon2);
    let idle = 0n;
    argon2Part = {
      rest() {
        idle = allocate(mostForArgon2);
        if (idle === 0n) return;
        // Its pages go back to the system, and are zeros when they are asked for again.
        functions.munlock(idle, length);
        functions.madvise(idle, length, dontNeed);
      },
      wake() {
        if (idle === 0n) return;
        functions.mlock2(idle, length, lockOnFault);
        functions.CRYPTO_secure_free(idle, 0n, 0);
        idle = 0n;
      },
    };
    // The first to come takes its part whole, so that keys fill the others.
    argon2Part.rest();
    if (opened === lockedCompletely) return { size, locked: size, allocate };
    // It is there, but the limit is lower than its size: as much is locked of where keys go first as the limit lets.
    const start = allocate(page);
    let part = size / 4;
    while (part >= page && functions.mlock2(start, BigInt(part), lockOnFault) !== 0) part /= 2;
    return { size, locked: part >= page ? part : 0, allocate };
  } catch {
    return undefined;
  }
}

/** The part of the heap that Argon2id uses: at rest it takes no memory, and nobody can have it. */
interface Argon2Part {
  rest(): void;
  wake(): void;
}

let argon2Part: Argon2Part | undefined;
let lent = 0;
let resting: NodeJS.Timeout | undefined;
const waiting: (() => void)[] = [];
/** Milliseconds after the last use. To wake it costs a wipe of the whole. */
const restAfter = 5000;

/** Runs what takes that many bytes of the secure heap once they are free, in the order of asking. `bytes`: at most `mostForArgon2`. */
export async function withArgon2Memory<T>(bytes: number, run: () => Promise<T>): Promise<T> {
  if (argon2Part === undefined) return run();
  // As OpenSSL's heap divides itself.
  const need = 2 ** Math.ceil(Math.log2(bytes));
  while (lent > 0 && lent + need > mostForArgon2) await new Promise<void>((resolve) => waiting.push(resolve));
  clearTimeout(resting);
  if (lent === 0) argon2Part.wake();
  lent += need;
  try {
    return await run();
  } finally {
    lent -= need;
    for (const go of waiting.splice(0)) go();
    if (lent === 0) resting = setTimeout(() => lent === 0 && argon2Part?.rest(), restAfter).unref();
  }
}
