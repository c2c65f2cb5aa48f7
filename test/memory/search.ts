/** What a process has in its memory, as root sees it: every page that is there, and a core dump as gdb makes it, searched for byte strings. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** False, or why memory can't be searched here. */
export const missing: string | false = (() => {
  if (process.platform !== 'linux') return 'skipped: memory is read as Linux shows it';
  if (process.getuid?.() !== 0) return "skipped: only root may read another process's memory";
  try {
    execFileSync('gdb', ['--version'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'skipped: there is no gdb; tools/setup installs gdb';
  }
})();

export type Needles = ReadonlyMap<string, Uint8Array>;

/** A mapping of a process, with the flags of proc(5), VmFlags: `lo` locked, `dd` left out of core dumps. */
interface Mapping {
  readonly from: number;
  readonly to: number;
  readonly flags: readonly string[];
}

export interface Hit {
  readonly name: string;
  readonly address: string;
  /** In memory that is locked and left out of core dumps. */
  readonly guarded: boolean;
}

/** Every page that is there, whether a core would hold it or not. */
export function searchMemory(pid: number, needles: Needles): readonly Hit[] {
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  try {
    return mappingsOf(pid).flatMap((mapping) =>
      present(pid, mapping).flatMap(({ from, to }) => {
        return found(read(memory, from, to), needles).map(({ name, at }) => ({
          name,
          address: (from + at).toString(16),
          guarded: ['lo', 'dd'].every((flag) => mapping.flags.includes(flag)),
        }));
      }),
    );
  } finally {
    closeSync(memory);
  }
}

/** Nothing of what the process has given back since its mappings were read. */
function read(memory: number, from: number, to: number): Buffer {
  const bytes = Buffer.alloc(to - from);
  try {
    return bytes.subarray(0, readSync(memory, bytes, 0, bytes.length, from));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EIO') return bytes.subarray(0, 0);
    throw error;
  }
}

/** The names of what a core dump holds, as gdb makes it. */
export function searchCore(pid: number, needles: Needles): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), 'claviger-core-'));
  try {
    execFileSync('gcore', ['-o', join(folder, 'core'), String(pid)], { stdio: 'pipe' });
    return found(readFileSync(join(folder, `core.${pid}`)), needles).map(({ name }) => name);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function found(bytes: Buffer, needles: Needles): ReadonlyArray<{ readonly name: string; readonly at: number }> {
  const hits: { name: string; at: number }[] = [];
  for (const [name, needle] of needles) {
    for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + 1)) hits.push({ name, at });
  }
  return hits;
}

function mappingsOf(pid: number): readonly Mapping[] {
  const blocks = readFileSync(`/proc/${pid}/smaps`, 'latin1').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  return blocks.flatMap((block) => {
    // What is private and can be read: the rest is files, as they are on the disk.
    const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) rw.p /m.exec(block) ?? [];
    if (from === undefined) return [];
    const flags = /^VmFlags: (.*)$/m.exec(block)?.[1]?.trim().split(' ') ?? [];
    return [{ from: Number.parseInt(from, 16), to: Number.parseInt(to!, 16), flags }];
  });
}

const page = 4096;

/** The parts of a mapping that are in memory or swapped out (proc(5), pagemap), pages that lie together as one. */
function present(pid: number, { from, to }: Mapping): ReadonlyArray<{ readonly from: number; readonly to: number }> {
  const entries = Buffer.alloc(((to - from) / page) * 8);
  const pagemap = openSync(`/proc/${pid}/pagemap`, 'r');
  try {
    readSync(pagemap, entries, 0, entries.length, (from / page) * 8);
  } finally {
    closeSync(pagemap);
  }
  const parts: { from: number; to: number }[] = [];
  for (let i = 0; i < entries.length / 8; i++) {
    // Bits 63 and 62.
    if (entries[8 * i + 7]! < 0x40) continue;
    const at = from + i * page;
    const last = parts.at(-1);
    if (last?.to === at) last.to = at + page;
    else parts.push({ from: at, to: at + page });
  }
  return parts;
}
