import { digestLatin1 } from '#crypto/crypto.ts';
import { view } from '#encoding/encoding.ts';
import type { LeafBlock } from '#store/store.ts';
import { type Hash, hashLength, leafPrefix } from './merkle.ts';

/**
 * The bytes of a block: for each leaf its length (4 bytes, big-endian), its RFC 6962 leaf hash (32 bytes) and the leaf itself. The
 * hash is written down so that a verifier can name the very line that was altered.
 */
const lengthBytes = 4;
const headerBytes = lengthBytes + hashLength;

export interface Leaf {
  readonly hash: Hash;
  /** A view into the block. */
  readonly bytes: Uint8Array;
}

/** Writes lines (one character per byte), hashing each where it stands; `onHash` is called for each in order. */
export function blockOfLines(first: number, lines: readonly string[], onHash: (hash: Hash) => void): LeafBlock {
  let total = lines.length * headerBytes;
  for (const line of lines) total += line.length;
  // Memory of its own, not a slice of Node's shared pool, so that a store may hand it to another thread without copying.
  const bytes = Buffer.allocUnsafeSlow(total);
  let at = 0;
  let last: string | undefined;
  let hash: Hash = '';
  for (const line of lines) {
    const start = at + headerBytes;
    const end = start + line.length;
    if (line === last) {
      // The same leaf has the same hash, and both stand there already.
      const size = headerBytes + line.length;
      bytes.copyWithin(at, at - size, at);
      onHash(hash);
      at = end;
      continue;
    }
    last = line;
    bytes.write(line, start, line.length, 'latin1');
    // The prefix to hash stands for a moment where the hash's last byte goes, so that the leaf is not copied for it.
    bytes[start - 1] = leafPrefix;
    hash = digestLatin1('sha256', bytes.subarray(start - 1, end));
    bytes.writeUInt32BE(line.length, at);
    bytes.write(hash, at + lengthBytes, hashLength, 'latin1');
    onHash(hash);
    at = end;
  }
  return { first, count: lines.length, bytes };
}

/** A block of leaves with the hashes that are given, right or wrong: for copies of a log. */
export function encodeLeafBlock(first: number, leaves: readonly Leaf[]): LeafBlock {
  const bytes = Buffer.allocUnsafeSlow(leaves.reduce((sum, leaf) => sum + headerBytes + leaf.bytes.length, 0));
  let at = 0;
  for (const leaf of leaves) {
    at = bytes.writeUInt32BE(leaf.bytes.length, at);
    at += bytes.write(leaf.hash, at, hashLength, 'latin1');
    bytes.set(leaf.bytes, at);
    at += leaf.bytes.length;
  }
  return { first, count: leaves.length, bytes };
}

/** The leaves that can be read from the front, and how many bytes after them can't. Hashes are as stored, not checked. */
export function readLeaves(bytes: Uint8Array): { readonly leaves: readonly Leaf[]; readonly unread: number } {
  const buffer = view(bytes);
  const leaves: Leaf[] = [];
  let at = 0;
  while (buffer.length - at >= headerBytes) {
    const start = at + headerBytes;
    const end = start + buffer.readUInt32BE(at);
    if (end > buffer.length) break;
    leaves.push({ hash: buffer.toString('latin1', at + lengthBytes, start), bytes: buffer.subarray(start, end) });
    at = end;
  }
  return { leaves, unread: buffer.length - at };
}

/** Undefined unless the bytes are exactly as many leaves as the block says. */
export function decodeLeafBlock(block: LeafBlock): readonly Leaf[] | undefined {
  const { leaves, unread } = readLeaves(block.bytes);
  return unread === 0 && leaves.length === block.count ? leaves : undefined;
}
