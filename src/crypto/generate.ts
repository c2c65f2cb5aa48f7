import { createPublicKey, generateKeyPair } from 'node:crypto';
import { type KeySpec, SecretBytes, specFacts } from '#domain/domain.ts';
import { assertOffered } from './fips.ts';
import { curveNames, isEcSpec, type KeyHandle, objectOf, pairType } from './key-handle.ts';
import { randomBytes } from './random.ts';

export interface GeneratedMaterial {
  /** Symmetric: the raw bytes. Key pairs: PKCS#8 DER. The caller owns and disposes it. */
  readonly material: SecretBytes;
  /** SubjectPublicKeyInfo DER, for key pairs. */
  readonly publicKey?: Uint8Array;
}

/** New material from OpenSSL's CSPRNG. Pairs are made on the thread pool: a large RSA key takes seconds. */
export async function generateMaterial(spec: KeySpec): Promise<GeneratedMaterial> {
  assertOffered(spec);
  const { bytes } = specFacts(spec);
  return bytes !== undefined ? { material: new SecretBytes(randomBytes(bytes)) } : generatePair(spec);
}

type PairCallback = (error: Error | null, publicKey: Buffer, privateKey: Buffer) => void;

// The types list one overload for each kind of key; ours is chosen at run time.
const generateDer = generateKeyPair as unknown as (type: string, options: object, done: PairCallback) => void;

function generatePair(spec: KeySpec): Promise<GeneratedMaterial> {
  const options = {
    ...parametersOf(spec),
    publicKeyEncoding: { format: 'der', type: 'spki' },
    privateKeyEncoding: { format: 'der', type: 'pkcs8' },
  };
  return new Promise((resolve, reject) => {
    generateDer(pairType(spec), options, (error, publicKey, privateKey) => {
      if (error) reject(error);
      else resolve({ material: new SecretBytes(privateKey), publicKey });
    });
  });
}

function parametersOf(spec: KeySpec): object {
  const { modulusBits } = specFacts(spec);
  if (modulusBits !== undefined) return { modulusLength: modulusBits, publicExponent: 65537 };
  if (spec === 'sm2') return { namedCurve: 'SM2' };
  return isEcSpec(spec) ? { namedCurve: curveNames[spec] } : {};
}

/** SubjectPublicKeyInfo DER of a private key. */
export function publicKeyOf(handle: KeyHandle): Uint8Array {
  const object = objectOf(handle);
  const publicObject = object.type === 'private' ? createPublicKey(object) : object;
  return publicObject.export({ format: 'der', type: 'spki' });
}
