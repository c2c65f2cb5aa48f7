import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  getFips,
  hash,
  type KeyObject,
  verify,
} from 'node:crypto';
import type { HashName, KeySpec } from '#domain/domain.ts';
import { KeyHandle, objectOf } from './key-handle.ts';
import { none, type Pointer } from './openssl.ts';
import { loadOpenSslKeys, type OpenSslKeys, Parameters } from './openssl-keys.ts';

/**
 * What OpenSSL signs and `node:crypto` has no way to ask for (26.10): a digest that is given, by ECDSA with the deterministic nonce
 * of RFC 6979, by Ed25519ph (RFC 8032 section 5.1) or by SM2, and the mu of ML-DSA (FIPS 204 algorithm 7 line 6).
 */
export type DirectScheme = `ECDSA ${HashName}` | 'ED25519ph' | 'SM2' | 'ML-DSA-44' | 'ML-DSA-65' | 'ML-DSA-87';

interface SetUp {
  readonly parameters: Parameters;
  readonly algorithm: Pointer;
  readonly signInit: OpenSslKeys['signDigestInit'];
  readonly verifyInit: OpenSslKeys['verifyDigestInit'];
}

// One piece of memory for one signature at a time: a key while it is handed over, what is signed, the signature, where d2i reads
// and how long OpenSSL says the signature is.
const at = { key: 0, input: 8192, signature: 8192 + 64, from: 16384, length: 16392, size: 16400 } as const;
const maxKey = at.input - at.key;
const maxInput = at.signature - at.input;
const maxSignature = at.from - at.signature;

/** Synchronous: from the beginning to the end of a call nothing else uses the memory. */
export class DirectSignatures {
  readonly #openssl: OpenSslKeys;
  readonly #bytes: Buffer;
  readonly #start: Pointer;
  readonly #setUps = new Map<DirectScheme, SetUp>();
  /** Of private keys that sign more than once; OpenSSL wipes what it frees. */
  readonly #kept = new WeakMap<KeyHandle, Map<DirectScheme, Pointer>>();
  readonly #seen = new WeakSet<KeyHandle>();
  readonly #unused: FinalizationRegistry<Pointer>;

  constructor(openssl: OpenSslKeys) {
    this.#openssl = openssl;
    const memory = new ArrayBuffer(at.size);
    this.#bytes = Buffer.from(memory);
    this.#start = openssl.address(memory);
    this.#unused = new FinalizationRegistry((context) => openssl.freeContext(context));
  }

  /** `input`: the digest or the mu, 64 bytes at most. ECDSA answers DER. */
  sign(key: KeyHandle, scheme: DirectScheme, input: Uint8Array): Uint8Array {
    const kept = this.#keptContext(key, scheme);
    const context = kept ?? this.#open(key, scheme);
    try {
      const bytes = this.#bytes;
      this.#setInput(input);
      bytes.writeBigUInt64LE(BigInt(maxSignature), at.length);
      const { sign } = this.#openssl;
      const done = sign(context, this.#at('signature'), this.#at('length'), this.#at('input'), BigInt(input.length));
      if (done !== 1) throw this.#failure('sign');
      const length = Number(bytes.readBigUInt64LE(at.length));
      return Buffer.from(bytes.subarray(at.signature, at.signature + length));
    } finally {
      if (kept === undefined) this.#openssl.freeContext(context);
    }
  }

  verify(key: KeyHandle, scheme: DirectScheme, input: Uint8Array, signature: Uint8Array): boolean {
    if (signature.length > maxSignature) return false;
    const context = this.#open(key, scheme);
    try {
      this.#setInput(input);
      this.#bytes.set(signature, at.signature);
      const [signed, size] = [this.#at('signature'), BigInt(signature.length)];
      const valid = this.#openssl.verify(context, signed, size, this.#at('input'), BigInt(input.length)) === 1;
      if (!valid) this.#openssl.clearErrors();
      return valid;
    } finally {
      this.#openssl.freeContext(context);
    }
  }

  #at(place: keyof typeof at): Pointer {
    return this.#start + BigInt(at[place]);
  }

  #setInput(input: Uint8Array): void {
    if (input.length > maxInput) throw new RangeError('more than a digest');
    this.#bytes.set(input, at.input);
  }

  /** Contexts are freed only when their handle is collected, so a key that signs once and is forgotten gets none. */
  #keptContext(key: KeyHandle, scheme: DirectScheme): Pointer | undefined {
    const kept = this.#kept.get(key);
    const context = kept?.get(scheme);
    if (context !== undefined) return context;
    if (!this.#seen.has(key)) {
      this.#seen.add(key);
      return undefined;
    }
    const opened = this.#open(key, scheme);
    this.#unused.register(key, opened);
    if (kept === undefined) this.#kept.set(key, new Map([[scheme, opened]]));
    else kept.set(scheme, opened);
    return opened;
  }

  /** To be freed. Signs with a private key, verifies with a public one. */
  #open(handle: KeyHandle, scheme: DirectScheme): Pointer {
    const openssl = this.#openssl;
    const { parameters, algorithm, signInit, verifyInit } = this.#setUp(scheme);
    const object = objectOf(handle);
    const key = this.#hand(object);
    const context = openssl.newContext(none, key, none);
    openssl.freeKey(key);
    if (context === none) throw this.#failure('set up a key');
    const init = object.type === 'private' ? signInit : verifyInit;
    if (init(context, algorithm, parameters.list) === 1) return context;
    openssl.freeContext(context);
    throw this.#failure('set up a signature');
  }

  /** The key as an object of OpenSSL's own, to be freed. What goes there in between is wiped. */
  #hand(object: KeyObject): Pointer {
    const isPrivate = object.type === 'private';
    const der = object.export({ format: 'der', type: isPrivate ? 'pkcs8' : 'spki' } as never) as unknown as Buffer;
    try {
      if (der.length > maxKey) throw new RangeError('a longer key than any that signs');
      this.#bytes.set(der, at.key);
      this.#bytes.writeBigUInt64LE(this.#at('key'), at.from);
      const read = isPrivate ? this.#openssl.readPrivateKey : this.#openssl.readPublicKey;
      const key = read(none, this.#at('from'), BigInt(der.length));
      if (key === none) throw this.#failure('read a key');
      return key;
    } finally {
      this.#bytes.fill(0, at.key, at.key + der.length);
      der.fill(0);
    }
  }

  #setUp(scheme: DirectScheme): SetUp {
    const known = this.#setUps.get(scheme);
    if (known !== undefined) return known;
    const openssl = this.#openssl;
    const parameters = parametersOf(openssl, scheme);
    const algorithm = openssl.fetchSignature(none, parameters.name, none);
    if (algorithm === none) throw this.#failure(`offer ${scheme}`);
    const ofMessage = isMlDsa(scheme);
    const setUp = {
      parameters,
      algorithm,
      signInit: ofMessage ? openssl.signMessageInit : openssl.signDigestInit,
      verifyInit: ofMessage ? openssl.verifyMessageInit : openssl.verifyDigestInit,
    };
    this.#setUps.set(scheme, setUp);
    return setUp;
  }

  #failure(what: string): Error {
    this.#openssl.clearErrors();
    return new Error(`OpenSSL failed to ${what}`);
  }
}

/** EVP_SIGNATURE-ECDSA(7), -ED25519(7) and -ML-DSA(7). */
function parametersOf(openssl: OpenSslKeys, scheme: DirectScheme): Parameters {
  if (scheme === 'ED25519ph' || scheme === 'SM2') return new Parameters(openssl, scheme, []);
  if (isMlDsa(scheme)) return new Parameters(openssl, scheme, [['mu', 1]]);
  const digest = scheme.slice('ECDSA '.length).toUpperCase();
  // The FIPS module has no nonces of RFC 6979: there they are of its own generator.
  if (getFips() !== 0) return new Parameters(openssl, 'ECDSA', [['digest', digest]]);
  return new Parameters(openssl, 'ECDSA', [
    ['digest', digest],
    ['nonce-type', 1],
  ]);
}

function isMlDsa(scheme: DirectScheme): scheme is `ML-DSA-${44 | 65 | 87}` {
  return scheme.startsWith('ML-DSA-');
}

// RFC 8032 section 7.3: `node:crypto` has no opinion of Ed25519ph.
const seed = Buffer.from('833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42', 'hex');
const signatureOfAbc = Buffer.from(
  '98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406',
  'hex',
);

interface Trial {
  readonly spec: KeySpec;
  readonly scheme: DirectScheme;
  readonly privateKey: KeyObject;
  readonly input: Buffer;
  readonly isRight: (signature: Uint8Array, publicKey: KeyObject) => boolean;
}

function trials(): readonly Trial[] {
  const message = Buffer.from('abc');
  const lattice = generateKeyPairSync('ml-dsa-44').privateKey;
  return [
    {
      spec: 'ec-p256',
      scheme: 'ECDSA sha256',
      privateKey: generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey,
      input: hash('sha256', message, 'buffer'),
      isRight: (signature, key) => verify('sha256', message, key, signature),
    },
    {
      spec: 'ed25519',
      scheme: 'ED25519ph',
      privateKey: createPrivateKey({ key: seed, format: 'raw-private', asymmetricKeyType: 'ed25519' }),
      input: hash('sha512', message, 'buffer'),
      isRight: (signature) => signatureOfAbc.equals(signature),
    },
    {
      spec: 'ml-dsa-44',
      scheme: 'ML-DSA-44',
      privateKey: lattice,
      input: muOf(createPublicKey(lattice).export({ format: 'raw-public' }), message),
      isRight: (signature, key) => verify(null, message, key, signature),
    },
  ];
}

/** FIPS 204 algorithm 7 line 6, with an empty context (algorithm 2 line 10). */
function muOf(publicKey: Uint8Array, message: Uint8Array): Buffer {
  const shake = (data: Uint8Array) => createHash('shake256', { outputLength: 64 }).update(data).digest();
  return shake(Buffer.concat([shake(publicKey), Uint8Array.of(0, 0), message]));
}

/** Signs what `node:crypto` finds right about the message itself, again with the context that is kept, and refuses what is altered. */
function agrees(direct: DirectSignatures): boolean {
  return trials().every(({ spec, scheme, privateKey, input, isRight }) => {
    const publicObject = createPublicKey(privateKey);
    const [signing, verifying] = [new KeyHandle(spec, privateKey), new KeyHandle(spec, publicObject)];
    return [1, 2, 3].every(() => {
      const signature = direct.sign(signing, scheme, input);
      if (!isRight(signature, publicObject) || !direct.verify(verifying, scheme, input, signature)) return false;
      const altered = Buffer.from(input);
      altered[5]! ^= 1;
      return !direct.verify(verifying, scheme, altered, signature);
    });
  });
}

async function openDirectSignatures(): Promise<DirectSignatures | undefined> {
  try {
    const openssl = await loadOpenSslKeys();
    const direct = openssl && new DirectSignatures(openssl);
    return direct !== undefined && agrees(direct) ? direct : undefined;
  } catch {
    return undefined;
  }
}

/** Undefined where OpenSSL can't be reached this way or doesn't do what `node:crypto` finds right. */
export const direct: DirectSignatures | undefined = await openDirectSignatures();
