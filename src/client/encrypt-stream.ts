import { type ChunkEngine, concat, InauthenticError, openChunks, sealChunks, takeExactly } from './chunked.ts';
import { ApiError } from './errors.ts';
import { decodeHeader, encodeHeader, type FileHeader, fixedHeaderLength, headerLength } from './file-format.ts';
import { webCryptoEngine } from './web-crypto-engine.ts';

/** What makes and opens data keys: `ClavigerClient` is one. */
export interface DataKeys {
  generateDataKey(
    key: string,
    context: FileHeader['context'],
  ): Promise<{
    readonly realm: string;
    readonly keyId: string;
    readonly version: number;
    readonly plaintext: Uint8Array;
    readonly ciphertext: Uint8Array;
  }>;
  decrypt(
    ciphertext: Uint8Array,
    context: FileHeader['context'],
    key?: string,
  ): Promise<{ readonly plaintext: Uint8Array }>;
}

/** The bytes don't begin as a file of ours does. */
export class NotEncryptedFileError extends Error {
  constructor() {
    super('This is not a file that Claviger encrypted, or its header is damaged.');
    this.name = 'NotEncryptedFileError';
  }
}

export interface NewFile {
  /** The encoded header: goes first, and is the context of the encryption. */
  readonly header: Uint8Array<ArrayBuffer>;
  /** 32 bytes; the caller wipes them. */
  readonly dataKey: Uint8Array;
}

/** Asks for a data key under `key` (a name or id) and writes it into a header. */
export async function newFile(keys: DataKeys, key: string, context: FileHeader['context'] = []): Promise<NewFile> {
  const made = await keys.generateDataKey(key, context);
  // The header holds the bytes of a UUID.
  if (made.keyId.startsWith('mrk-')) {
    throw new ApiError(
      'unsupported',
      'Files are encrypted with keys of one region, not with multi-Region keys.',
      200,
      '',
    );
  }
  const header = encodeHeader({
    realm: made.realm,
    keyId: made.keyId,
    keyVersion: made.version,
    keyName: key === made.keyId ? '' : key,
    wrappedKey: made.ciphertext,
    context,
  });
  return { header, dataKey: made.plaintext };
}

/** The data key of a file with that header. `context`, if given, must be what the file says. */
export async function openDataKey(
  keys: DataKeys,
  header: FileHeader,
  context?: FileHeader['context'],
): Promise<Uint8Array> {
  if (context !== undefined) {
    for (const [key, value] of context) {
      if (!header.context.some(([k, v]) => k === key && v === value)) {
        throw new InauthenticError(`The file's context does not hold ${key}=${value}.`);
      }
    }
  }
  const { plaintext } = await keys.decrypt(header.wrappedKey, header.context, header.keyId);
  return plaintext;
}

/** Reads the header off the start of a stream. Throws NotEncryptedFileError. */
export async function readHeader(source: AsyncIterable<Uint8Array>): Promise<{
  readonly header: FileHeader;
  readonly headerBytes: Uint8Array;
  readonly rest: AsyncIterable<Uint8Array>;
}> {
  const fixed = await takeExactly(source, fixedHeaderLength);
  const length = headerLength(fixed.head);
  if (length === undefined) throw new NotEncryptedFileError();
  const fields = await takeExactly(fixed.rest, length - fixedHeaderLength);
  const headerBytes = concat(fixed.head, fields.head);
  const header = decodeHeader(headerBytes);
  if (header === undefined) throw new NotEncryptedFileError();
  return { header, headerBytes, rest: fields.rest };
}

/** Encrypts a stream of any length under a fresh data key of `key`, in flat memory. */
export async function* encryptStream(
  keys: DataKeys,
  source: AsyncIterable<Uint8Array>,
  options: { readonly key: string; readonly context?: FileHeader['context']; readonly engine?: ChunkEngine },
): AsyncGenerator<Uint8Array> {
  const { header, dataKey } = await newFile(keys, options.key, options.context);
  try {
    yield header;
    yield* sealChunks(options.engine ?? webCryptoEngine, dataKey, header, source);
  } finally {
    dataKey.fill(0);
  }
}

/**
 * Decrypts what `encryptStream` made. Yields authenticated bytes only, but the file is whole only once the stream has ended
 * without an error: keep what comes out apart until then.
 */
export async function* decryptStream(
  keys: DataKeys,
  source: AsyncIterable<Uint8Array>,
  options: { readonly context?: FileHeader['context']; readonly engine?: ChunkEngine } = {},
): AsyncGenerator<Uint8Array> {
  const { header, headerBytes, rest } = await readHeader(source);
  const dataKey = await openDataKey(keys, header, options.context);
  try {
    yield* openChunks(options.engine ?? webCryptoEngine, dataKey, headerBytes, rest);
  } finally {
    dataKey.fill(0);
  }
}
