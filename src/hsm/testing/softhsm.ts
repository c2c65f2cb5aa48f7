import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const modules = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/lib64/pkcs11/libsofthsm2.so',
  '/usr/local/lib/softhsm/libsofthsm2.so',
  '/opt/homebrew/lib/softhsm/libsofthsm2.so',
];

/** The module of SoftHSM2, where it is. */
export const softHsmModule: string = modules.find((path) => existsSync(path)) ?? '';

/** Undefined: SoftHSM2 and the binding are there. */
export const softHsmAbsent: string | undefined = absent();

function absent(): string | undefined {
  if (softHsmModule === '') return 'skipped: SoftHSM2 is not here; tools/setup installs it';
  for (const program of ['softhsm2-util', 'pkcs11-tool']) {
    const { error } = spawnSync(program, ['--help'], { stdio: 'ignore' });
    if (error !== undefined) return `skipped: ${program} is not here; tools/setup installs it`;
  }
  try {
    createRequire(import.meta.url)('pkcs11js');
    return undefined;
  } catch {
    return 'skipped: pkcs11js is not built; tools/setup builds it, where a C++ compiler is';
  }
}

export const userPin = '48213';
const officerPin = '90817263';

/** Tokens of SoftHSM2 in a directory of their own. One at a time in a process: the library finds them by its environment. */
export class SoftHsm implements Disposable {
  readonly directory: string;
  readonly #tokens: string;
  #first = '';

  constructor() {
    this.directory = mkdtempSync(join(tmpdir(), 'claviger-softhsm-'));
    this.#tokens = join(this.directory, 'tokens');
    const settings = join(this.directory, 'softhsm2.conf');
    mkdirSync(this.#tokens, { mode: 0o700 });
    const lines = [`directories.tokendir = ${this.#tokens}`, 'objectstore.backend = file', 'log.level = ERROR'];
    writeFileSync(settings, `${lines.join('\n')}\n`);
    this.env = { SOFTHSM2_CONF: settings };
    process.env.SOFTHSM2_CONF = settings;
  }

  /** What a program needs to find the same tokens. */
  readonly env: { readonly SOFTHSM2_CONF: string };

  /** Answers its serial. */
  addToken(label: string, pin = userPin): string {
    if (this.#first === '') this.#first = label;
    const before = new Set(readdirSync(this.#tokens));
    this.#run('softhsm2-util', ['--init-token', '--free', '--label', label, '--pin', pin, '--so-pin', officerPin]);
    const made = readdirSync(this.#tokens).find((name) => !before.has(name));
    // The directory is called after a UUID whose second half is the serial.
    return made!.replaceAll('-', '').slice(-16);
  }

  /** The token is made anew: its keys are gone, its label stays, its serial is another. */
  reinitialise(label: string): void {
    this.#run('softhsm2-util', ['--delete-token', '--token', label]);
    this.addToken(label);
  }

  /** Another program at the token that was added first. */
  pkcs11Tool(args: readonly string[]): string {
    const token = ['--token-label', this.#first];
    return this.#run('pkcs11-tool', ['--module', softHsmModule, '--login', '--pin', userPin, ...token, ...args]);
  }

  changePin(label: string, from: string, to: string): void {
    const login = ['--module', softHsmModule, '--token-label', label, '--login', '--pin', from];
    this.#run('pkcs11-tool', [...login, '--change-pin', '--new-pin', to]);
  }

  /** The tokens can't be reached, as when somebody pulls the cable. */
  leave(): void {
    renameSync(this.#tokens, `${this.#tokens}.away`);
  }

  comeBack(): void {
    renameSync(`${this.#tokens}.away`, this.#tokens);
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  #run(program: string, args: readonly string[]): string {
    return execFileSync(program, args, {
      encoding: 'utf8',
      env: { ...process.env, ...this.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }
}

/** What the token is to be disturbed by, from now on: see faulty-module.c. */
export interface Fault {
  readonly call: string;
  readonly skip?: number;
  readonly times?: number;
  readonly action: 'fail' | 'wait' | 'close' | 'finalize';
  /** Return value, or milliseconds. */
  readonly value?: number;
}

/** SoftHSM2 behind a module that can be told to fail. */
export class FaultyModule {
  readonly path: string;
  readonly #fault: string;

  constructor(directory: string) {
    this.path = join(directory, 'faulty.so');
    this.#fault = join(directory, 'fault');
    const source = fileURLToPath(new URL('./faulty-module.c', import.meta.url));
    const headers = join(dirname(createRequire(import.meta.url).resolve('pkcs11js')), 'includes', 'pkcs11');
    execFileSync('cc', ['-shared', '-fPIC', '-O1', '-I', headers, '-o', this.path, source, '-ldl', '-lpthread']);
    chmodSync(this.path, 0o755);
    process.env.CLAVIGER_HSM_REAL = softHsmModule;
    process.env.CLAVIGER_HSM_FAULT = this.#fault;
  }

  disturb({ call, skip = 0, times = 1, action, value = 0 }: Fault): void {
    writeFileSync(this.#fault, `${call} ${skip} ${times} ${action} ${value}`);
  }

  /** Whether the fault has not happened as often as it was to. */
  get waits(): boolean {
    return existsSync(this.#fault) && readFault(this.#fault) !== '';
  }

  /** How often it is still to happen. */
  get left(): number {
    return Number(readFault(this.#fault).split(' ')[2] ?? 0);
  }

  calm(): void {
    rmSync(this.#fault, { force: true });
  }
}

const readFault = (path: string) => readFileSync(path, 'utf8');

/** Undefined: there is a C compiler. */
export const compilerAbsent: string | undefined = (() => {
  try {
    execFileSync('cc', ['--version'], { stdio: 'ignore' });
    return softHsmAbsent;
  } catch {
    return 'skipped: no C compiler, so no module that fails when it is told to';
  }
})();
