import { fstatSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { decryptStream, encryptStream, newFile, openDataKey } from '#client/client.ts';
import { type Call, type Command, pairs, UsageError, wholeNumber } from './command.ts';
import { decryptFile, encryptFile, readFileHeader, streamEngine } from './file-crypt.ts';
import { type Input, openInput, openOutput, type Sink } from './file-ends.ts';
import { Progress } from './progress.ts';

const ending = '.clv';
const defaultKey = 'first';

const shared = {
  output: { type: 'string', short: 'o', value: 'OUT', help: 'where to; - for standard output' },
  force: { type: 'boolean', short: 'f', help: 'overwrite OUT' },
  threads: { type: 'string', value: 'N', help: 'threads for large files (default: one per processor, at most 8)' },
} as const;

export const fileCommands: readonly Command[] = [
  {
    name: 'encrypt',
    takes: 'FILE',
    summary: 'Encrypt a file of any size under a data key of its own',
    words: [1, 1],
    options: {
      ...shared,
      output: { ...shared.output, help: `where to (default FILE${ending}); - for standard output` },
      key: { type: 'string', short: 'k', value: 'KEY', help: `name or id of the key (default ${defaultKey})` },
      context: {
        type: 'string',
        short: 'c',
        multiple: true,
        value: 'K=V',
        help: 'bind this pair to it; may be repeated',
      },
    },
    more: [
      'FILE may be - for standard input. The key, its version and the context stand in the file, in the clear; the data key stands',
      'there encrypted. The format is C2SP chunked-encryption (AES-256-GCM, committing), with our header as its context.',
    ],
    run: encrypt,
  },
  {
    name: 'decrypt',
    takes: 'FILE',
    summary: 'Decrypt a file that claviger encrypted',
    words: [1, 1],
    options: {
      ...shared,
      output: { ...shared.output, help: `where to (default FILE without ${ending}); - for standard output` },
      context: { type: 'string', short: 'c', multiple: true, value: 'K=V', help: 'refuse a file without this pair' },
    },
    more: [
      'Exits 3 when the file was altered, cut short or extended. OUT appears only once everything is proven; standard output gets',
      'proven bytes only, and is the whole file only if the exit code is 0.',
    ],
    run: decrypt,
  },
];

async function encrypt(call: Call): Promise<void> {
  const name = call.words[0]!;
  const target = call.text('output') ?? (name === '-' ? '-' : `${name}${ending}`);
  const context = pairs(call.texts('context'));
  const key = call.text('key') ?? defaultKey;
  const { client } = call.connect();
  using input = openInput(name);
  const sink = openOutput(target, { force: call.flag('force'), mode: 0o666, unlike: input });
  await finished(call, input, sink, async (progress) => {
    if (input.regular && sink.fd !== undefined) {
      await encryptFile(input.fd, sink.fd, () => newFile(client, key, context), working(call, progress));
      return;
    }
    const options = { key, context, engine: streamEngine };
    await pour(encryptStream(client, counted(input.stream(), progress), options), sink);
  });
}

async function decrypt(call: Call): Promise<void> {
  const name = call.words[0]!;
  const target = call.text('output') ?? (name === '-' ? '-' : defaultTarget(name));
  const texts = call.texts('context');
  const context = texts.length === 0 ? undefined : pairs(texts);
  const { client } = call.connect();
  using input = openInput(name);
  const sink = openOutput(target, { force: call.flag('force'), mode: 0o600, unlike: input });
  await finished(call, input, sink, async (progress) => {
    if (input.regular && sink.fd !== undefined) {
      const { header, bytes } = readFileHeader(input.fd);
      await decryptFile(input.fd, sink.fd, bytes, () => openDataKey(client, header, context), working(call, progress));
      return;
    }
    const options = { engine: streamEngine, ...(context !== undefined && { context }) };
    await pour(decryptStream(client, counted(input.stream(), progress), options), sink);
  });
}

function defaultTarget(name: string): string {
  if (name.endsWith(ending) && name.length > ending.length) return name.slice(0, -ending.length);
  throw new UsageError(`The name does not end in ${ending}: say where to with -o OUT.`);
}

function working(call: Call, progress: Progress) {
  const given = call.text('threads');
  const threads = given === undefined ? Math.min(8, availableParallelism()) : wholeNumber('--threads', given);
  if (threads < 1 || threads > 64) throw new UsageError('--threads is 1 to 64.');
  return { threads, onProgress: (bytes: number) => progress.update(bytes) };
}

/** The output gets its name only when `work` is through; otherwise nothing is left of it. */
async function finished(
  call: Call,
  input: Input,
  sink: Sink,
  work: (progress: Progress) => Promise<void>,
): Promise<void> {
  const total = input.regular ? fstatSync(input.fd).size : undefined;
  const progress = new Progress(total, process.stderr.isTTY === true && !call.out.json);
  try {
    await work(progress);
  } catch (error) {
    progress.end();
    await sink.discard();
    throw error;
  }
  const told = progress.end();
  await sink.keep();
  if (sink.path === undefined) return;
  call.out.result({ output: sink.path }, () => call.out.note(`${sink.path}: ${told}`));
}

async function pour(stream: AsyncIterable<Uint8Array>, sink: Sink): Promise<void> {
  for await (const bytes of stream) await sink.write(bytes);
}

async function* counted(stream: AsyncIterable<Uint8Array>, progress: Progress): AsyncGenerator<Uint8Array> {
  let total = 0;
  for await (const bytes of stream) {
    yield bytes;
    total += bytes.length;
    progress.update(total);
  }
}
