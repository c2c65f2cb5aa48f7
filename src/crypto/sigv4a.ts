import { createECDH, verify } from 'node:crypto';
import type { SecretBytes } from '#domain/domain.ts';
import { fromHex, toUtf8 } from '#encoding/encoding.ts';
import { hmac } from './hmac.ts';
import { type KeyHandle, objectOf, openPublicKey } from './key-handle.ts';

/** The order of P-256, less two (SP 800-186 section 3.2.1.3): candidates above it are drawn again. */
const highest = fromHex('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc63254f')!;
/** SubjectPublicKeyInfo of a P-256 key, up to its point. */
const spkiHead = fromHex('3059301306072a8648ce3d020106082a8648ce3d030107034200')!;
const label = toUtf8('AWS4-ECDSA-P256-SHA256');

/**
 * The public key of the pair that Signature Version 4A derives from a secret access key (AWS, "SigV4a"): the private one is drawn from
 * HMAC-SHA-256 in counter mode (SP 800-108 section 4.1), as FIPS 186-5 appendix A.2.2 draws by testing candidates. The caller still owns `secret`.
 */
export function sigV4aPublicKey(secret: SecretBytes, accessKeyId: string): KeyHandle {
  const id = toUtf8(accessKeyId);
  for (let attempt = 1; attempt < 256; attempt++) {
    const fixed = Uint8Array.of(0, 0, 0, 1, ...label, 0, ...id, attempt, 0, 0, 1, 0);
    const candidate = hmac('sha256', secret, fixed);
    if (exceeds(candidate, highest)) continue;
    increment(candidate);
    const pair = createECDH('prime256v1');
    pair.setPrivateKey(candidate);
    candidate.fill(0);
    return openPublicKey('ec-p256', new Uint8Array([...spkiHead, ...pair.getPublicKey()]));
  }
  // One candidate in 2^32 is refused: 255 of them in a row are not met with.
  throw new Error('no key can be derived');
}

/** Whether the holder of the pair signed `text`. False for a signature that is no DER; about 70 us on the loop. */
export function isSigV4aSignature(publicKey: KeyHandle, text: string, signature: Uint8Array): boolean {
  try {
    return verify('sha256', toUtf8(text), objectOf(publicKey), signature);
  } catch {
    return false;
  }
}

/** Of two numbers of the same length. Takes the same time whatever they are. */
function exceeds(a: Uint8Array, b: Uint8Array): boolean {
  let borrow = 0;
  for (let i = a.length - 1; i >= 0; i--) borrow = ((b[i]! - a[i]! - borrow) >> 31) & 1;
  return borrow === 1;
}

/** Adds one, in time that does not depend on the number. */
function increment(number: Uint8Array): void {
  let carry = 1;
  for (let i = number.length - 1; i >= 0; i--) {
    const sum = number[i]! + carry;
    number[i] = sum;
    carry = sum >> 8;
  }
}
