import { importFfi } from './ffi.ts';

/** OpenSSL's heap for private numbers, and ours for secrets. */
export interface SecureHeap {
  readonly size: number;
  /** Bytes from its beginning that are never swapped out. */
  readonly locked: number;
  /** 0n where it has no room. What is allocated here is never freed. */
  allocate(length: number): bigint;
}

/** Bytes. Address space only, until they are used: 16,384 opened keys of RSA-4096, and as many older versions, need 108 MiB. */
const size = 128 * 1024 * 1024;
/** The size of a P-256 scalar, and of an AES-256 key. */
const smallest = 32n;

// <sys/resource.h> and <sys/mman.h> of Linux.
const limitOfLocked = 8;
const lockOnFault = 1;
const lockedCompletely = 1;

/**
 * CRYPTO_secure_malloc(3): between pages that can't be touched, locked, left out of core dumps, wiped when freed. Node would open it for
 * `--secure-heap`, which takes a process started for it; asked by ffi it is the same heap. Undefined where it can't be had.
 */
export async function openSecureHeap(): Promise<SecureHeap | undefined> {
  try {
    const { dlopen, getRawPointer } = await importFfi();
    const { functions } = dlopen(null, {
      CRYPTO_secure_malloc_init: { arguments: ['u64', 'u64'], return: 'i32' },
      CRYPTO_secure_malloc: { arguments: ['u64', 'pointer', 'i32'], return: 'pointer' },
      CRYPTO_secure_malloc_initialized: { arguments: [], return: 'i32' },
      getrlimit: { arguments: ['i32', 'pointer'], return: 'i32' },
      setrlimit: { arguments: ['i32', 'pointer'], return: 'i32' },
      mlock2: { arguments: ['pointer', 'u64', 'i32'], return: 'i32' },
    } as const);
    // Up to what the operator allows; without that, most systems allow 8 MiB.
    const limit = new BigUint64Array(2);
    if (functions.getrlimit(limitOfLocked, getRawPointer(limit.buffer)) === 0) {
      limit[0] = limit[1]!;
      functions.setrlimit(limitOfLocked, getRawPointer(limit.buffer));
    }
    const opened = functions.CRYPTO_secure_malloc_init(BigInt(size), smallest);
    // Opened by Node for --secure-heap, at a size of the operator's.
    if (opened === 0 && functions.CRYPTO_secure_malloc_initialized() !== 1) return undefined;
    const allocate = (length: number) => functions.CRYPTO_secure_malloc(BigInt(length), 0n, 0);
    if (opened !== lockedCompletely) {
      // It is there, but the limit is lower than its size: the low end, where it fills first, is locked as far as that goes.
      const start = allocate(4096) & ~0xfffn;
      let part = size / 2;
      while (part >= 4096 && functions.mlock2(start, BigInt(part), lockOnFault) !== 0) part /= 2;
      return { size, locked: part >= 4096 ? part : 0, allocate };
    }
    return { size, locked: size, allocate };
  } catch {
    return undefined;
  }
}
