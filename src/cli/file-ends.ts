import {
  closeSync,
  createReadStream,
  existsSync,
  fstatSync,
  openSync,
  type ReadStream,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { CliError } from './command.ts';

/** Where bytes come from. */
export interface Input extends Disposable {
  readonly fd: number;
  /** A regular file, which any number of threads can read at any place. */
  readonly regular: boolean;
  stream(): AsyncIterable<Uint8Array>;
}

/** Where bytes go. Nothing has the name that was asked for before `keep`. */
export interface Sink {
  /** For writing at any place; undefined for standard output. */
  readonly fd: number | undefined;
  readonly path: string | undefined;
  write(bytes: Uint8Array): Promise<void>;
  keep(): Promise<void>;
  discard(): Promise<void>;
}

/** `-` is standard input. Throws CliError. */
export function openInput(name: string): Input {
  if (name === '-') {
    return { fd: 0, regular: false, stream: () => process.stdin, [Symbol.dispose]: () => {} };
  }
  const fd = attempt(`${name} can't be read`, () => openSync(name, 'r'));
  const stat = fstatSync(fd);
  if (stat.isDirectory()) {
    closeSync(fd);
    throw new CliError(`${name} is a folder: pack it first, such as with tar.`);
  }
  // A stream that is given up closes its descriptor, whatever it was told: so from then on it is the stream's.
  let stream: ReadStream | undefined;
  return {
    fd,
    regular: stat.isFile(),
    stream() {
      stream = createReadStream('', { fd, highWaterMark: 256 * 1024 });
      return stream;
    },
    [Symbol.dispose]() {
      if (stream === undefined) closeSync(fd);
      else stream.destroy();
    },
  };
}

/** `-` is standard output. Throws CliError where the name is taken and `force` isn't set. */
export function openOutput(
  name: string,
  options: { readonly force: boolean; readonly mode: number; readonly unlike: Input },
): Sink {
  if (name === '-') return standardOutput();
  const path = resolve(name);
  const isFree = () => {
    if (!options.force && existsSync(path)) {
      throw new CliError(`${name} is there already: choose another name with -o, or overwrite it with --force.`);
    }
  };
  isFree();
  if (existsSync(path) && isSame(path, options.unlike)) throw new CliError(`${name} is the input itself.`);
  if (existsSync(path) && !statSync(path).isFile()) throw new CliError(`${name} is not a file.`);
  // Beside its target, so that the rename stays within one file system; nobody else's file is ever opened for it.
  const part = join(dirname(path), `.${basename(path)}.${process.pid}.part`);
  const fd = attempt(`${name} can't be written`, () => openSync(part, 'wx', options.mode));
  const remove = () => rmSync(part, { force: true });
  const interrupted = (signal: NodeJS.Signals) => {
    remove();
    process.exit(signal === 'SIGINT' ? 130 : 143);
  };
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  const close = () => {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
    closeSync(fd);
  };
  return {
    fd,
    path: name,
    async write(bytes) {
      for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
    },
    async keep() {
      close();
      try {
        isFree();
        renameSync(part, path);
      } catch (error) {
        remove();
        throw error;
      }
    },
    async discard() {
      close();
      remove();
    },
  };
}

function standardOutput(): Sink {
  const { stdout } = process;
  // Each failed write is told to whoever wrote; without a listener the same error would end the process.
  stdout.on('error', () => {});
  return {
    fd: undefined,
    path: undefined,
    write: (bytes) =>
      new Promise((done, fail) => {
        // The memory is used again once this resolves.
        stdout.write(bytes, (error) =>
          error ? fail(new CliError(`Standard output was closed: ${error.message}.`)) : done(),
        );
      }),
    async keep() {},
    async discard() {},
  };
}

function isSame(path: string, { fd }: Input): boolean {
  const a = statSync(path);
  const b = fstatSync(fd);
  return a.dev === b.dev && a.ino === b.ino;
}

function attempt<T>(what: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw new CliError(`${what}: ${(error as Error).message}.`);
  }
}
