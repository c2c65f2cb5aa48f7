import { importFfi } from '#crypto/ffi.ts';

type Fallocate = (fd: number, mode: number, offset: bigint, length: bigint) => number;

/** fallocate(2) of the machine's own C library, which Node doesn't offer (26.10); undefined where there is none. */
async function loadFallocate(): Promise<Fallocate | undefined> {
  try {
    const ffi = await importFfi();
    const fallocate = { arguments: ['i32', 'i32', 'i64', 'i64'], return: 'i32' } as const;
    return ffi.dlopen(null, { fallocate }).functions.fallocate;
  } catch {
    return undefined;
  }
}

/**
 * Makes the file `size` bytes long, with its place on the disk found once and for all: threads that write into it hold its lock about half
 * as long. Where that can't be done the file stays as it is, and whoever writes is told of a disk that is full.
 */
export async function preallocate(fd: number, size: number): Promise<void> {
  const fallocate = await loadFallocate();
  fallocate?.(fd, 0, 0n, BigInt(size));
}
