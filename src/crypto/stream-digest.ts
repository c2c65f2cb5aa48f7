import { createHash } from 'node:crypto';

/** SHA-256 of everything in `source`, in hexadecimal digits. */
export async function digestOfStream(source: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of source) hash.update(piece);
  return hash.digest('hex');
}
