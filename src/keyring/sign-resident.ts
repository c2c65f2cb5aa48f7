import { digestLength, digestToSign, type KeyHandle } from '#crypto/crypto.ts';
import {
  type HashName,
  type Key,
  KmsError,
  type MessageType,
  type ResidentMaterial,
  type SignatureScheme,
} from '#domain/domain.ts';
import { derInteger, derSequence } from '#encoding/encoding.ts';
import type { HsmHash, HsmUse } from '#hsm/hsm.ts';
import type { Residents } from './resident.ts';

/** The private half of a version, in its token. */
export class RemotePair {
  readonly #residents: Residents;
  readonly #key: Key;
  readonly #place: ResidentMaterial;
  readonly #publicKey: KeyHandle;

  constructor(residents: Residents, key: Key, place: ResidentMaterial, publicKey: KeyHandle) {
    this.#residents = residents;
    this.#key = key;
    this.#place = place;
    this.#publicKey = publicKey;
  }

  /** As `sign` of crypto/ does. Rejects with 'unavailable' where the token is out of reach, and 'invalid-state' where it holds no such key. */
  async sign(scheme: SignatureScheme, messageType: MessageType, message: Uint8Array): Promise<Uint8Array> {
    const { hash, digest } = digestToSign(this.#publicKey, scheme, messageType, message);
    const hsm = this.#residents.holding(this.#key, this.#place);
    const use = useOf(scheme, hash, digest);
    const signature = await hsm
      .use({ class: 'private', id: this.#place.objectId }, use)
      .catch((error: unknown) => gone(this.#key, error));
    if (scheme.family !== 'ecdsa' || scheme.encoding === 'p1363') return signature;
    const half = signature.length / 2;
    return derSequence(derInteger(signature.subarray(0, half)), derInteger(signature.subarray(half)));
  }
}

function gone({ id }: Key, error: unknown): never {
  if (!(error instanceof KmsError)) throw error;
  if (error.code !== 'not-found') throw new KmsError(error.code, error.message, id);
  throw new KmsError('invalid-state', 'The material of the key is no longer in its HSM.', id);
}

function useOf(scheme: SignatureScheme, hash: HashName | 'none', data: Uint8Array): HsmUse {
  switch (scheme.family) {
    case 'ecdsa':
      return { use: 'sign-ecdsa', data };
    case 'rsa-pkcs1':
      return { use: 'sign-pkcs1', hash: hashInToken(hash), data };
    case 'rsa-pss':
      assertSalt(scheme, hash);
      return { use: 'sign-pss', hash: hashInToken(hash), data };
    case 'ed25519':
    case 'ed25519ph':
    case 'ml-dsa':
    case 'slh-dsa':
    case 'sm2':
      throw new KmsError('wrong-algorithm', `A key in an HSM does not sign by ${scheme.family}.`);
  }
}

/** Tokens agree on salts as long as the digest only. Who leaves the length to the signer ('auto', and so 'max') gets that one. */
function assertSalt({ saltLength = 'digest' }: SignatureScheme, hash: HashName | 'none'): void {
  if (typeof saltLength === 'string') return;
  if (hash !== 'none' && saltLength === digestLength[hash]) return;
  throw new KmsError('unsupported', 'A key in an HSM signs by RSA-PSS with a salt as long as the digest.');
}

const hashes: Readonly<Partial<Record<HashName | 'none', HsmHash>>> = {
  sha1: 'SHA-1',
  sha224: 'SHA-224',
  sha256: 'SHA-256',
  sha384: 'SHA-384',
  sha512: 'SHA-512',
};

function hashInToken(hash: HashName | 'none'): HsmHash {
  const known = hashes[hash];
  if (known !== undefined) return known;
  throw new KmsError('unsupported', 'An RSA key in an HSM signs with SHA-1 and SHA-2 only.');
}
