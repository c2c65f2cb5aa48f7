import { type Context, KmsError } from '#domain/domain.ts';
import { compareBytes, toUtf8 } from '#encoding/encoding.ts';

/** Bytes; the canonical form of all parts together. */
export const maxContext = 8 * 1024;

// One tag per kind of protocol field, so that what one protocol binds can't be claimed through another.
const tags = { pairs: 1, associatedData: 2, derivation: 3 } as const;

const empty = new Uint8Array(0);

/**
 * The context as bytes to authenticate. No parts: no bytes. Each part: tag(1), then for pairs count(2) and, sorted by the UTF-8
 * bytes of the keys, len(2) key len(2) value; for bytes len(4) bytes. Injective, because every part carries its lengths.
 * Throws 'invalid-parameter' for lone surrogates, repeated keys and more than 8 KiB.
 */
export function canonicalContext(context: Context): Uint8Array {
  const parts: Uint8Array[] = [];
  if (context.pairs !== undefined && context.pairs.length > 0) parts.push(encodePairs(context.pairs));
  if (context.associatedData !== undefined && context.associatedData.length > 0) {
    parts.push(encodeBytes(tags.associatedData, context.associatedData));
  }
  if (context.derivation !== undefined && context.derivation.length > 0) {
    parts.push(encodeBytes(tags.derivation, context.derivation));
  }
  if (parts.length === 0) return empty;
  const whole = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  if (whole.length > maxContext) {
    throw new KmsError(
      'invalid-parameter',
      `The context is ${whole.length} bytes long; at most ${maxContext} are allowed.`,
    );
  }
  return whole;
}

function encodePairs(pairs: NonNullable<Context['pairs']>): Uint8Array {
  const encoded = pairs.map(([key, value]) => [utf8(key), utf8(value)] as const);
  encoded.sort(([a], [b]) => compareBytes(a, b));
  let length = 3;
  for (const [index, [key, value]] of encoded.entries()) {
    if (index > 0 && compareBytes(encoded[index - 1]![0], key) === 0) {
      throw new KmsError('invalid-parameter', 'The context names a key twice.');
    }
    if (key.length > 0xffff || value.length > 0xffff) {
      throw new KmsError('invalid-parameter', 'A key or value of the context is longer than 65535 bytes.');
    }
    length += 4 + key.length + value.length;
  }
  if (encoded.length > 0xffff) throw new KmsError('invalid-parameter', 'The context has too many pairs.');
  const out = Buffer.allocUnsafe(length);
  out[0] = tags.pairs;
  out.writeUInt16BE(encoded.length, 1);
  let at = 3;
  for (const pair of encoded) {
    for (const part of pair) {
      out.writeUInt16BE(part.length, at);
      out.set(part, at + 2);
      at += 2 + part.length;
    }
  }
  return out;
}

function encodeBytes(tag: number, bytes: Uint8Array): Uint8Array {
  const out = Buffer.allocUnsafe(5 + bytes.length);
  out[0] = tag;
  out.writeUInt32BE(bytes.length, 1);
  out.set(bytes, 5);
  return out;
}

function utf8(text: string): Uint8Array {
  if (!text.isWellFormed())
    throw new KmsError('invalid-parameter', 'The context holds text that is not valid Unicode.');
  return toUtf8(text);
}
