import { writeFileSync } from 'node:fs';
import { url as inspectorUrl } from 'node:inspector';
import { refusedNodeOptions } from '#config/config.ts';
import { importFfi } from '#crypto/ffi.ts';
import { KmsError } from '#domain/domain.ts';

/** What a process can do by itself so that key material in its memory stays there. See docs/threat-model.md for what it can't. */
export function harden(): void {
  process.umask(0o077);
  // No debugger by signal: it would hand over the heap.
  process.on('SIGUSR1', () => {});
  try {
    // A core dump of this process holds no memory segments (core(5)). Before `leaveNoDump`, which gives this file to root.
    writeFileSync('/proc/self/coredump_filter', '0');
  } catch {
    // Not Linux, or no such file: the operator's limits on core dumps apply.
  }
}

/** Throws 'unavailable' where Node was told to open the server's memory to others, or to run code before it. */
export function assertUnwatched(): void {
  const options = refusedNodeOptions();
  if (options.length > 0)
    throw new KmsError('unavailable', `A server doesn't start with these options of Node: ${options.join(', ')}.`);
  // By a signal that came before ours was taken.
  if (inspectorUrl() !== undefined)
    throw new KmsError('unavailable', 'A server does not start while a debugger listens in its process.');
}

// <sys/resource.h> and <sys/prctl.h> of Linux.
const limitOfCores = 4;
const setDumpable = 4;
const getDumpable = 3;

/**
 * No core dump of any kind, whatever the system's pattern and limits say, and nobody but root may attach to this process or read its
 * memory (prctl(2), PR_SET_DUMPABLE): neither gdb nor another process of the same user. It is the address space's, so every thread's.
 * Answers whether it holds.
 */
export async function leaveNoDump(): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  try {
    const { dlopen, getRawPointer } = await importFfi();
    const { lib, functions } = dlopen(null, {
      setrlimit: { arguments: ['i32', 'pointer'], return: 'i32' },
      prctl: { arguments: ['i32', 'u64', 'u64', 'u64', 'u64'], return: 'i32' },
    } as const);
    const none = new BigUint64Array(2);
    const limited = functions.setrlimit(limitOfCores, getRawPointer(none.buffer)) === 0;
    functions.prctl(setDumpable, 0n, 0n, 0n, 0n);
    const undumpable = functions.prctl(getDumpable, 0n, 0n, 0n, 0n) === 0;
    lib.close();
    return limited && undumpable;
  } catch {
    return false;
  }
}
