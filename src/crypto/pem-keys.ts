import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { SecretBytes } from '#domain/domain.ts';

/** One SubjectPublicKeyInfo (RFC 7468 section 13): OpenSSL would also take a certificate, or the public half of a private key. */
const publicPem = /^\s*-----BEGIN PUBLIC KEY-----[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----\s*$/;

/** A person's public key. Undefined where `pem` is none, or none that is `wanted`. */
export function publicKeyOfPem(pem: string, wanted: (key: KeyObject) => boolean): KeyObject | undefined {
  return publicPem.test(pem) ? readWanted(() => createPublicKey(pem), wanted) : undefined;
}

/** A person's private key, encrypted under `passphrase` or not; the caller still owns both. Undefined as for a public one. */
export function privateKeyOfPem(
  pem: SecretBytes,
  passphrase: SecretBytes | undefined,
  wanted: (key: KeyObject) => boolean,
): KeyObject | undefined {
  const given = { key: pem.expose() as Buffer, format: 'pem' } as const;
  const opening = passphrase && { passphrase: passphrase.expose() as Buffer };
  return readWanted(() => createPrivateKey({ ...given, ...opening }), wanted);
}

function readWanted(read: () => KeyObject, wanted: (key: KeyObject) => boolean): KeyObject | undefined {
  try {
    const key = read();
    return wanted(key) ? key : undefined;
  } catch {
    return undefined;
  }
}
