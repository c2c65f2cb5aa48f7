import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  verify as verifyMessage,
} from 'node:crypto';
import { KmsError } from '#domain/domain.ts';
import { type DirectSignatures, direct } from './direct-signature.ts';
import { KeyHandle, objectOf } from './key-handle.ts';

// SM2 signatures (GB/T 32918.2, ISO/IEC 14888-3) over SM3. What is signed is SM3(ZA || message), where ZA stands for signer and curve.
// `node:crypto` (26.10) always leaves the signer's identity empty, so the digest is made here and OpenSSL signs it by ffi.

/** Bytes of an SM3 digest. */
export const sm3Length = 32;

/** The identity that GB/T 35276 gives to whoever has no other. */
const identity = Buffer.from('1234567812345678', 'latin1');

/** GB/T 32918.5: a, b and the generator's coordinates. */
const curve = Buffer.from(
  'fffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffc' +
    '28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93' +
    '32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7' +
    'bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0',
  'hex',
);

/** GB/T 32918.2 section 5.5: the identity's length in bits, two bytes, comes before it. */
function digestFor(object: KeyObject, signer: Uint8Array, message: Uint8Array): Buffer {
  const publicObject = object.type === 'private' ? createPublicKey(object) : object;
  const point = publicObject.export({ format: 'der', type: 'spki' }).subarray(-64);
  const bits = Buffer.alloc(2);
  bits.writeUInt16BE(signer.length * 8);
  const za = createHash('sm3').update(bits).update(signer).update(curve).update(point).digest();
  return createHash('sm3').update(za).update(message).digest();
}

/** Signs what `node:crypto` finds right with the identity that it has, and refuses another digest. */
function works(openssl: DirectSignatures): boolean {
  const { privateKey: der } = generateKeyPairSync('ec', {
    namedCurve: 'SM2',
    privateKeyEncoding: { format: 'der', type: 'pkcs8' },
    publicKeyEncoding: { format: 'der', type: 'spki' },
  });
  const privateObject = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const publicObject = createPublicKey(privateObject);
  const [signing, verifying] = [new KeyHandle('sm2', privateObject), new KeyHandle('sm2', publicObject)];
  const message = Buffer.from('abc');
  const input = digestFor(publicObject, new Uint8Array(0), message);
  const signature = openssl.sign(signing, 'SM2', input);
  return (
    verifyMessage('sm3', message, publicObject, signature) &&
    openssl.verify(verifying, 'SM2', input, signature) &&
    !openssl.verify(verifying, 'SM2', digestFor(publicObject, identity, message), signature)
  );
}

function openSm2(): DirectSignatures | undefined {
  try {
    return direct !== undefined && works(direct) ? direct : undefined;
  } catch {
    return undefined;
  }
}

const engine = openSm2();

function offered(): DirectSignatures {
  if (engine === undefined)
    throw new KmsError('unsupported', 'This server has no SM2: its OpenSSL can not be asked for it.');
  return engine;
}

/** `input`: the message, or the digest of ZA and message where `hashed`. DER. Throws 'unsupported' where OpenSSL can't be asked by ffi. */
export function signSm2(handle: KeyHandle, input: Uint8Array, hashed: boolean): Uint8Array {
  return offered().sign(handle, 'SM2', hashed ? input : digestFor(objectOf(handle), identity, input));
}

/** Throws 'unsupported' as `signSm2` does. */
export function verifySm2(handle: KeyHandle, input: Uint8Array, hashed: boolean, signature: Uint8Array): boolean {
  return offered().verify(handle, 'SM2', hashed ? input : digestFor(objectOf(handle), identity, input), signature);
}
