import { SecretBytes } from '#domain/domain.ts';
import { view } from '#encoding/encoding.ts';
import { type KeyHandle, openPublicKey } from './key-handle.ts';
import { unwrapTransferred, wrapForTransfer } from './key-transfer.ts';

/** Several pieces of material on their way together, under one transfer: each with its length before it, 4 bytes, big-endian. */

const lengthBytes = 4;

/** `publicKey`: SubjectPublicKeyInfo DER of RSA 4096. The caller still owns the pieces. Throws for anything else. */
export function sealBundle(publicKey: Uint8Array, pieces: readonly Uint8Array[]): Uint8Array {
  const plain = Buffer.alloc(pieces.reduce((sum, piece) => sum + lengthBytes + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    at = plain.writeUInt32BE(piece.length, at);
    plain.set(piece, at);
    at += piece.length;
  }
  using bundle = new SecretBytes(plain);
  return wrapForTransfer(openPublicKey('rsa-4096', publicKey), 'sha256', bundle);
}

/** So many pieces, which the caller owns. Undefined when anything at all is wrong. */
export function openBundle(
  privateKey: KeyHandle,
  wrapped: Uint8Array,
  count: number,
): readonly SecretBytes[] | undefined {
  using bundle = unwrapTransferred(privateKey, 'sha256', wrapped);
  if (bundle === undefined) return undefined;
  const plain = view(bundle.expose());
  const pieces: SecretBytes[] = [];
  for (let at = 0; at < plain.length; ) {
    const end = plain.length - at < lengthBytes ? Infinity : at + lengthBytes + plain.readUInt32BE(at);
    if (end > plain.length || pieces.length === count) return none(pieces);
    pieces.push(SecretBytes.copyOf(plain.subarray(at + lengthBytes, end)));
    at = end;
  }
  return pieces.length === count ? pieces : none(pieces);
}

function none(pieces: readonly SecretBytes[]): undefined {
  for (const piece of pieces) piece.dispose();
}
