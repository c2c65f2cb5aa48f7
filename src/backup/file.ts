import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { InauthenticError, openChunks, sealChunks, takeExactly, webCryptoEngine } from '#client/client.ts';
import { digestOfStream } from '#crypto/crypto.ts';
import { KmsError, type Plaintext } from '#domain/domain.ts';
import { fromUtf8, toUtf8 } from '#encoding/encoding.ts';
import {
  type BackupHeader,
  damagedBackup,
  decodeBackupHeader,
  encodeBackupHeader,
  fixedLength,
  jsonLength,
} from './header.ts';

/*
 * A backup: its header, then a C2SP chunked-encryption message under the backup's own key whose context is the header, byte for byte.
 * In the message, for each file: length of the name 1, name, length 8 (big-endian), bytes; and a name of length 0 at the end.
 */

/** One file of a backup. */
export interface Part {
  readonly name: string;
  readonly content: { readonly path: string } | { readonly bytes: Uint8Array };
}

export interface WrittenBackup {
  readonly bytes: number;
  /** SHA-256 of the whole file, in hexadecimal digits. */
  readonly digest: string;
}

/** What a backup may hold: a name can't lead anywhere else. */
const partName = /^(?:claviger\.db|ledger\.pub|canaries\.json|rotators\.json|tls\/[A-Za-z0-9][A-Za-z0-9._-]{0,99})$/;

/**
 * Whole, on disk and read back when it resolves; else there is no file of that name, and what was there before is still there.
 * Rejects with 'already-exists', 'storage-full' or 'unavailable'.
 */
export async function writeBackup(
  path: string,
  header: BackupHeader,
  key: Plaintext,
  parts: readonly Part[],
): Promise<WrittenBackup> {
  const draft = `${path}.part`;
  try {
    await assertAbsent(path);
    await rm(draft, { force: true });
    const written = await writeDraft(draft, encodeBackupHeader(header), key, parts);
    await readBackup(draft, async () => key, { begin: async () => ({ write: async () => {}, end: async () => {} }) });
    await rename(draft, path);
    await flushFolder(dirname(path));
    return written;
  } catch (error) {
    await rm(draft, { force: true }).catch(() => {});
    throw asKmsError(error, path);
  }
}

async function assertAbsent(path: string): Promise<void> {
  if ((await stat(path).catch(() => undefined)) !== undefined) {
    throw new KmsError('already-exists', `${path} is there already: no backup is written over.`);
  }
}

async function writeDraft(
  draft: string,
  header: Uint8Array,
  key: Plaintext,
  parts: readonly Part[],
): Promise<WrittenBackup> {
  const file = await open(draft, 'wx', 0o600);
  try {
    let bytes = 0;
    const write = async (piece: Uint8Array) => {
      await file.writeFile(piece);
      bytes += piece.length;
    };
    await write(header);
    for await (const piece of sealChunks(webCryptoEngine, key.release(), header, contentOf(parts))) await write(piece);
    await file.sync();
    return { bytes, digest: await digestOfStream(createReadStream(draft)) };
  } finally {
    await file.close();
  }
}

async function* contentOf(parts: readonly Part[]): AsyncGenerator<Uint8Array> {
  for (const { name, content } of parts) {
    if (!partName.test(name)) throw new KmsError('internal', `A backup holds no ${name}.`);
    const length = 'path' in content ? (await stat(content.path)).size : content.bytes.length;
    const title = toUtf8(name);
    const head = Buffer.alloc(1 + title.length + 8);
    head[0] = title.length;
    head.set(title, 1);
    head.writeBigUInt64BE(BigInt(length), 1 + title.length);
    yield head;
    if ('bytes' in content) yield content.bytes;
    else yield* createReadStream(content.path, { end: Math.max(0, length - 1) });
  }
  yield Uint8Array.of(0);
}

/** Where the files of a backup go. What it was given counts only once `readBackup` has resolved. */
export interface Sink {
  begin(name: string): Promise<{ write(piece: Uint8Array): Promise<void>; end(): Promise<void> }>;
}

/** Reads the header alone. Rejects with 'invalid-parameter' where it is no backup, and 'tampered'. */
export async function readBackupHeader(path: string): Promise<BackupHeader> {
  const { header, close } = await opened(path);
  close();
  return header;
}

/** Rejects with 'tampered' where anything of it was altered, left out, added or moved. `keyOf`: the backup's own key. */
export async function readBackup(
  path: string,
  keyOf: (header: BackupHeader) => Promise<Plaintext>,
  sink: Sink,
): Promise<BackupHeader> {
  const { header, bytes, rest, close } = await opened(path);
  try {
    const key = await keyOf(header);
    await split(openChunks(webCryptoEngine, key.release(), bytes, rest), sink);
    return header;
  } catch (error) {
    throw error instanceof InauthenticError ? damagedBackup() : error;
  } finally {
    close();
  }
}

async function opened(path: string) {
  const source = createReadStream(path, { highWaterMark: 256 * 1024 });
  const close = () => source.destroy();
  try {
    const fixed = await takeExactly(source, fixedLength);
    const length = jsonLength(fixed.head);
    const json = await takeExactly(fixed.rest, length);
    if (json.head.length !== length) throw damagedBackup();
    const bytes = Buffer.concat([fixed.head, json.head]);
    return { header: decodeBackupHeader(json.head), bytes, rest: json.rest, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** Gives each file of the content to the sink, and takes nothing but whole files. */
async function split(content: AsyncGenerator<Uint8Array>, sink: Sink): Promise<void> {
  const pieces = new Pieces(content);
  const seen = new Set<string>();
  for (;;) {
    const [length] = await pieces.exactly(1);
    if (length === 0) break;
    const name = fromUtf8(await pieces.exactly(length!)) ?? '';
    if (!partName.test(name) || seen.has(name)) throw damagedBackup();
    seen.add(name);
    const file = await sink.begin(name);
    let left = Number((await pieces.exactly(8)).readBigUInt64BE());
    while (left > 0) {
      const piece = await pieces.upTo(left);
      await file.write(piece);
      left -= piece.length;
    }
    await file.end();
  }
  await pieces.assertEnd();
}

/** A stream, taken in the lengths that its reader asks for. */
class Pieces {
  readonly #source: AsyncGenerator<Uint8Array>;
  #left: Uint8Array = new Uint8Array();

  constructor(source: AsyncGenerator<Uint8Array>) {
    this.#source = source;
  }

  /** Some bytes, at most so many; good until the next call only. Rejects with 'tampered' where there are none. */
  async upTo(most: number): Promise<Uint8Array> {
    while (this.#left.length === 0) {
      const next = await this.#source.next();
      if (next.done) throw damagedBackup();
      this.#left = next.value;
    }
    const piece = this.#left.subarray(0, most);
    this.#left = this.#left.subarray(piece.length);
    return piece;
  }

  async exactly(length: number): Promise<Buffer> {
    const whole = Buffer.alloc(length);
    for (let filled = 0; filled < length; ) {
      const piece = await this.upTo(length - filled);
      whole.set(piece, filled);
      filled += piece.length;
    }
    return whole;
  }

  async assertEnd(): Promise<void> {
    if (this.#left.length > 0 || !(await this.#source.next()).done) throw damagedBackup();
  }
}

/** Makes the files in `folder`, each on disk when its end resolves. */
export function folderSink(folder: string): Sink {
  return {
    async begin(name) {
      const path = join(folder, name);
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      const file: FileHandle = await open(path, 'wx', 0o600);
      // The process's umask is strict, also where a file is meant for others.
      if (name === 'ledger.pub') await file.chmod(0o644);
      return {
        write: (piece) => file.writeFile(piece),
        async end() {
          await file.sync();
          await file.close();
        },
      };
    },
  };
}

export async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function asKmsError(error: unknown, path: string): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new KmsError('storage-full', `There is no room for the backup ${path}.`);
  }
  return syscall === undefined
    ? error
    : new KmsError('unavailable', `The backup ${path} can't be written (${code}, ${syscall}).`);
}
