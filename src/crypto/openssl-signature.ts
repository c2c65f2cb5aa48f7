import {
  type SignKeyObjectInput,
  sign as signSync,
  type VerifyKeyObjectInput,
  verify as verifySync,
} from 'node:crypto';
import { type HashName, type KeySpec, specFacts } from '#domain/domain.ts';
import { type KeyHandle, objectOf } from './key-handle.ts';

// From about 100 us on, a hop to the thread pool costs less than what the loop would lose.
const signsFast: ReadonlySet<KeySpec> = new Set<KeySpec>(['ec-p256', 'ed25519']);

function verifiesFast(spec: KeySpec): boolean {
  return signsFast.has(spec) || spec === 'ml-dsa-44' || specFacts(spec).family === 'rsa';
}

/** How OpenSSL is to do it, beyond the key. */
type Options = Omit<SignKeyObjectInput & VerifyKeyObjectInput, 'key'>;

/** Signs a whole message; `hash` null where the algorithm brings its own (Ed25519, ML-DSA and SLH-DSA with an empty context). */
export function signMessage(
  handle: KeyHandle,
  hash: HashName | null,
  message: Uint8Array,
  options: Options = {},
): Uint8Array | Promise<Uint8Array> {
  const key = { ...options, key: objectOf(handle) };
  if (signsFast.has(handle.spec)) return signSync(hash, message, key);
  return new Promise((resolve, reject) => {
    signSync(hash, message, key, (error, signature) => (error ? reject(error) : resolve(signature)));
  });
}

/** Throws, rejects or answers false for a signature that is wrong. */
export function verifyMessage(
  handle: KeyHandle,
  hash: HashName | null,
  message: Uint8Array,
  signature: Uint8Array,
  options: Options = {},
): boolean | Promise<boolean> {
  const key = { ...options, key: objectOf(handle) };
  if (verifiesFast(handle.spec)) return verifySync(hash, message, key, signature);
  return new Promise((resolve, reject) => {
    verifySync(hash, message, key, signature, (error, valid) => (error ? reject(error) : resolve(valid)));
  });
}
