import { importFfi } from './ffi.ts';
import { none, type Pointer } from './openssl.ts';

/** Keys and signatures of OpenSSL's EVP interface, for what `node:crypto` has no way to ask of it. */
export interface OpenSslKeys {
  readonly address: (memory: ArrayBuffer) => Pointer;
  /** d2i(3): reads at the address that is stored at `from`, and moves it on. The key is to be freed. */
  readonly readPrivateKey: (target: Pointer, from: Pointer, length: bigint) => Pointer;
  readonly readPublicKey: (target: Pointer, from: Pointer, length: bigint) => Pointer;
  readonly freeKey: (key: Pointer) => void;
  /** The context holds the key for itself. To be freed. */
  readonly newContext: (library: Pointer, key: Pointer, properties: Pointer) => Pointer;
  readonly freeContext: (context: Pointer) => void;
  readonly fetchSignature: (library: Pointer, name: Pointer, properties: Pointer) => Pointer;
  /** What is signed is a digest already. */
  readonly signDigestInit: (context: Pointer, algorithm: Pointer, parameters: Pointer) => number;
  readonly verifyDigestInit: (context: Pointer, algorithm: Pointer, parameters: Pointer) => number;
  readonly signMessageInit: (context: Pointer, algorithm: Pointer, parameters: Pointer) => number;
  readonly verifyMessageInit: (context: Pointer, algorithm: Pointer, parameters: Pointer) => number;
  readonly sign: (context: Pointer, out: Pointer, outLength: Pointer, data: Pointer, length: bigint) => number;
  readonly verify: (context: Pointer, signature: Pointer, length: bigint, data: Pointer, dataLength: bigint) => number;
  /** What failed is this thread's affair until it is cleared: `node:crypto` would find it. */
  readonly clearErrors: () => void;
}

/** Undefined where the symbols can't be reached: OpenSSL is older than 3.4, or isn't inside this process. */
export async function loadOpenSslKeys(): Promise<OpenSslKeys | undefined> {
  try {
    const ffi = await importFfi();
    const read = { arguments: ['pointer', 'pointer', 'i64'], return: 'pointer' } as const;
    const init = { arguments: ['pointer', 'pointer', 'pointer'], return: 'i32' } as const;
    const { functions } = ffi.dlopen(null, {
      d2i_AutoPrivateKey: read,
      d2i_PUBKEY: read,
      EVP_PKEY_free: { arguments: ['pointer'], return: 'void' },
      EVP_PKEY_CTX_new_from_pkey: { arguments: ['pointer', 'pointer', 'pointer'], return: 'pointer' },
      EVP_PKEY_CTX_free: { arguments: ['pointer'], return: 'void' },
      EVP_SIGNATURE_fetch: { arguments: ['pointer', 'pointer', 'pointer'], return: 'pointer' },
      EVP_PKEY_sign_init_ex2: init,
      EVP_PKEY_verify_init_ex2: init,
      EVP_PKEY_sign_message_init: init,
      EVP_PKEY_verify_message_init: init,
      EVP_PKEY_sign: { arguments: ['pointer', 'pointer', 'pointer', 'pointer', 'u64'], return: 'i32' },
      EVP_PKEY_verify: { arguments: ['pointer', 'pointer', 'u64', 'pointer', 'u64'], return: 'i32' },
      ERR_clear_error: { arguments: [], return: 'void' },
    } as const);
    return {
      address: (memory) => ffi.getRawPointer(memory),
      readPrivateKey: functions.d2i_AutoPrivateKey,
      readPublicKey: functions.d2i_PUBKEY,
      freeKey: functions.EVP_PKEY_free,
      newContext: functions.EVP_PKEY_CTX_new_from_pkey,
      freeContext: functions.EVP_PKEY_CTX_free,
      fetchSignature: functions.EVP_SIGNATURE_fetch,
      signDigestInit: functions.EVP_PKEY_sign_init_ex2,
      verifyDigestInit: functions.EVP_PKEY_verify_init_ex2,
      signMessageInit: functions.EVP_PKEY_sign_message_init,
      verifyMessageInit: functions.EVP_PKEY_verify_message_init,
      sign: functions.EVP_PKEY_sign,
      verify: functions.EVP_PKEY_verify,
      clearErrors: functions.ERR_clear_error,
    };
  } catch {
    return undefined;
  }
}

type Parameter = readonly [name: string, value: string | number];

/** Bytes of an OSSL_PARAM of <openssl/core.h>: key, type, data, size, size of the answer. */
const parameterSize = 40;
const unsignedInteger = 2;
const utf8String = 4;
const room = 32;

/** A name and a list of parameters as OpenSSL reads them, in memory of its own. */
export class Parameters {
  /** What the addresses point into: it lives as long as they are used. */
  readonly memory: ArrayBuffer;
  readonly name: Pointer;
  readonly list: Pointer;

  constructor(openssl: OpenSslKeys, name: string, parameters: readonly Parameter[]) {
    const listAt = room * (1 + 2 * parameters.length);
    // The list ends with a parameter that is all zeros.
    this.memory = new ArrayBuffer(listAt + parameterSize * (parameters.length + 1));
    const bytes = Buffer.from(this.memory);
    const start = openssl.address(this.memory);
    bytes.write(name, 0, room - 1, 'latin1');
    parameters.forEach(([key, value], index) => {
      const keyAt = room * (1 + 2 * index);
      const valueAt = keyAt + room;
      const at = listAt + parameterSize * index;
      bytes.write(key, keyAt, room - 1, 'latin1');
      bytes.writeBigUInt64LE(start + BigInt(keyAt), at);
      bytes.writeBigUInt64LE(start + BigInt(valueAt), at + 16);
      if (typeof value === 'number') {
        bytes.writeUInt32LE(value, valueAt);
        bytes.writeUInt32LE(unsignedInteger, at + 8);
        bytes.writeBigUInt64LE(4n, at + 24);
      } else {
        bytes.write(value, valueAt, room - 1, 'latin1');
        bytes.writeUInt32LE(utf8String, at + 8);
        bytes.writeBigUInt64LE(BigInt(value.length), at + 24);
      }
    });
    this.name = start;
    this.list = parameters.length === 0 ? none : start + BigInt(listAt);
  }
}
