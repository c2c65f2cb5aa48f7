import {
  createECDH,
  createPublicKey,
  decapsulate,
  encapsulate,
  type KeyObject,
  sign as signWith,
  verify as verifyWith,
} from 'node:crypto';
import { promisify } from 'node:util';
import { type KeyFamily, type KeySpec, SecretBytes, specFacts } from '#domain/domain.ts';
import { type DerElement, derTag, readDer } from '#encoding/encoding.ts';
import { assertOffered } from './fips.ts';
import type { GeneratedMaterial } from './generate.ts';
import { equalSecrets } from './hash.ts';
import { curveNames, type EcSpec, isEcSpec, isOfSpec, readPkcs8 } from './key-handle.ts';
import { randomBytes } from './random.ts';
import { isSoundRsa } from './rsa-soundness.ts';

type Sign = (hash: string | null, message: Uint8Array, key: KeyObject) => Promise<Buffer>;
const sign = promisify(signWith) as unknown as Sign;

/**
 * Material made elsewhere, if it is what `spec` says: raw bytes of exactly that length, or PKCS#8 DER (RFC 5958) of a sound private
 * key of that curve, modulus or parameter set, from which the public key is derived. Undefined for anything else. The caller
 * still owns `given`, and owns the result, which OpenSSL has encoded anew.
 */
export async function readForeignMaterial(spec: KeySpec, given: SecretBytes): Promise<GeneratedMaterial | undefined> {
  assertOffered(spec);
  const { bytes } = specFacts(spec);
  if (bytes !== undefined) {
    return given.length === bytes ? { material: new SecretBytes(Buffer.from(given.expose())) } : undefined;
  }
  const object = readGiven(given);
  if (object === undefined || !isOfSpec(object, spec)) return undefined;
  const publicObject = await soundPublicKey(spec, object);
  if (publicObject === undefined) return undefined;
  return {
    material: new SecretBytes(object.export({ format: 'der', type: 'pkcs8' })),
    publicKey: publicObject.export({ format: 'der', type: 'spki' }),
  };
}

function readGiven(given: SecretBytes): KeyObject | undefined {
  // OpenSSL also takes what follows the key, and keys that are encrypted or not PKCS#8 at all: here they are one element of DER.
  const [outer, ...rest] = readDer(given.expose()) ?? [];
  if (outer?.tag !== derTag.sequence || rest.length > 0) return undefined;
  try {
    return readPkcs8(given.expose());
  } catch {
    return undefined;
  }
}

/** The public half of a private key, each part of which fits the others. */
async function soundPublicKey(spec: KeySpec, object: KeyObject): Promise<KeyObject | undefined> {
  using der = new SecretBytes(object.export({ format: 'der', type: 'pkcs8' }));
  try {
    const inner = privateKeyOf(der.expose());
    if (inner === undefined) return undefined;
    if (isEcSpec(spec)) return ecPublicKey(spec, object, inner);
    const { family } = specFacts(spec);
    if (family === 'rsa' && !(await isSoundRsa(elementsOf(inner).map(({ body }) => body)))) return undefined;
    const publicObject = createPublicKey(object);
    return (await fitsItself(family, object, publicObject)) ? publicObject : undefined;
  } catch {
    // What OpenSSL reads and then can't work with.
    return undefined;
  }
}

/** The PrivateKey of a PKCS#8 structure: SEQUENCE { version, algorithm, OCTET STRING, ... }. */
function privateKeyOf(pkcs8: Uint8Array): Uint8Array | undefined {
  const [, , key] = readDer(readDer(pkcs8)?.[0]?.body ?? pkcs8) ?? [];
  return key?.tag === derTag.octetString ? key.body : undefined;
}

const elementsOf = (inner: Uint8Array): readonly DerElement[] => readDer(readDer(inner)?.[0]?.body ?? inner) ?? [];

/**
 * The point that belongs to the private number: OpenSSL believes the one that stands beside it in the encoding (RFC 5915 section 3),
 * so a planted one would go unnoticed until a signature doesn't verify. Throws for a number out of range.
 */
function ecPublicKey(spec: EcSpec, object: KeyObject, inner: Uint8Array): KeyObject | undefined {
  const namedCurve = curveNames[spec];
  const scalar = elementsOf(inner)[1];
  if (scalar?.tag !== derTag.octetString) return undefined;
  const pair = createECDH(namedCurve);
  pair.setPrivateKey(scalar.body);
  const point = pair.getPublicKey();
  const beside = createPublicKey(object).export({ format: 'raw-public' });
  if (!equalSecrets(point, beside)) return undefined;
  return createPublicKey({ format: 'raw-public', key: point, asymmetricKeyType: 'ec', namedCurve });
}

/** Whether what the private half makes, the public half takes. X25519 needs no look: its public half is computed, not read. */
async function fitsItself(family: KeyFamily, object: KeyObject, publicObject: KeyObject): Promise<boolean> {
  if (family === 'x25519') return true;
  if (family === 'ml-kem') {
    const { sharedKey, ciphertext } = encapsulate(publicObject);
    return equalSecrets(decapsulate(object, ciphertext), sharedKey);
  }
  const message = randomBytes(32);
  const hash = family === 'rsa' ? 'sha256' : family === 'sm2' ? 'sm3' : null;
  return verifyWith(hash, message, publicObject, await sign(hash, message, object));
}
