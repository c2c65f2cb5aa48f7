import { closeSync, openSync, readSync } from 'node:fs';
import { KmsError } from '#domain/domain.ts';

/** Bytes: more than any passphrase, PIN or share has. */
const longest = 64 * 1024;

/**
 * What a file or an open descriptor, such as a pipe, holds, without the newline at its end: the caller's to wipe. `readFileSync` would leave
 * copies of it in buffers that nobody wipes. Throws 'invalid-parameter' for more than 64 KiB.
 */
export function readSecret(from: string | number): Uint8Array {
  const file = typeof from === 'number' ? from : openSync(from, 'r');
  const bytes = Buffer.from(new ArrayBuffer(longest + 1));
  try {
    let length = 0;
    for (let read = 1; read > 0 && length < bytes.length; length += read) {
      read = readSync(file, bytes, length, bytes.length - length, null);
    }
    if (length > longest) throw new KmsError('invalid-parameter', 'A secret has at most 64 KiB.');
    return withoutNewline(bytes.subarray(0, length));
  } finally {
    bytes.fill(0);
    if (typeof from === 'string') closeSync(file);
  }
}

/** A copy outside V8's heap, which would move it and leave copies behind. */
function withoutNewline(bytes: Buffer): Uint8Array {
  const end = bytes.at(-1) === 0x0a ? bytes.length - (bytes.at(-2) === 0x0d ? 2 : 1) : bytes.length;
  const line = new Uint8Array(new ArrayBuffer(end));
  line.set(bytes.subarray(0, end));
  return line;
}
