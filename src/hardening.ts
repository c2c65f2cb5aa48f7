import { writeFileSync } from 'node:fs';

/** What a process can do by itself so that key material in its memory stays there. See docs/threat-model.md for what it can't. */
export function harden(): void {
  process.umask(0o077);
  // No debugger by signal: it would hand over the heap.
  process.on('SIGUSR1', () => {});
  try {
    // A core dump of this process holds no memory segments (core(5)).
    writeFileSync('/proc/self/coredump_filter', '0');
  } catch {
    // Not Linux, or no such file: the operator's limits on core dumps apply.
  }
}
