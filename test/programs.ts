/** Programs that tools/setup puts beside the project where it can, and that these suites skip loudly where it couldn't. */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Env } from './harness.ts';

/** Where it puts them. */
export const place = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'claviger-clients');

export interface Program {
  readonly path: string;
  readonly version: string;
  /** False, or why it can't be used here. */
  readonly missing: string | false;
}

/** As setup installed it, else as it is on the PATH. */
export function program(name: string, args: readonly string[], version: RegExp): Program {
  const own = join(place, 'bin', name);
  const path = existsSync(own) ? own : name;
  try {
    const told = execFileSync(path, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const found = version.exec(told)?.[1];
    return { path, version: found ?? '', missing: found === undefined && `skipped: ${name} says ${told.trim()}` };
  } catch {
    return { path, version: '', missing: `skipped: ${name} ${args.join(' ')} does not run; tools/setup installs it` };
  }
}

/** Runs a program with the environment of `claviger env`; answers what it printed. */
export async function run(program: string, args: readonly string[], env: Env): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args, { env: { ...process.env, ...env } });
  return stdout;
}
