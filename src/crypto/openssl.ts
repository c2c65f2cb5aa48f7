import { importFfi } from './ffi.ts';

export type Pointer = bigint;

/** AES-256-GCM and HMAC-SHA-512 of OpenSSL's EVP interface, called without an object of Node's around each message. */
export interface OpenSsl {
  readonly cipher: Pointer;
  readonly fetchCipher: (library: Pointer, name: Pointer, properties: Pointer) => Pointer;
  readonly address: (memory: ArrayBuffer) => Pointer;
  readonly newContext: () => Pointer;
  readonly freeContext: (context: Pointer) => void;
  readonly control: (context: Pointer, command: number, length: number, data: Pointer) => number;
  readonly encryptInit: (context: Pointer, cipher: Pointer, engine: Pointer, key: Pointer, iv: Pointer) => number;
  readonly encryptUpdate: (context: Pointer, out: Pointer, outLength: Pointer, data: Pointer, length: number) => number;
  readonly encryptFinal: (context: Pointer, out: Pointer, outLength: Pointer) => number;
  readonly decryptInit: (context: Pointer, cipher: Pointer, engine: Pointer, key: Pointer, iv: Pointer) => number;
  readonly decryptUpdate: (context: Pointer, out: Pointer, outLength: Pointer, data: Pointer, length: number) => number;
  readonly decryptFinal: (context: Pointer, out: Pointer, outLength: Pointer) => number;
  /** The HMAC algorithm (EVP_MAC-HMAC(7)). */
  readonly hmac: Pointer;
  readonly newMac: (mac: Pointer) => Pointer;
  readonly freeMac: (context: Pointer) => void;
  readonly macInit: (context: Pointer, key: Pointer, length: bigint, parameters: Pointer) => number;
  readonly macUpdate: (context: Pointer, data: Pointer, length: bigint) => number;
  /** What failed is this thread's affair until it is cleared: `node:crypto` would find it. */
  readonly clearErrors: () => void;
  readonly macFinal: (context: Pointer, out: Pointer, outLength: Pointer, outSize: bigint) => number;
}

export const none: Pointer = 0n;
/** EVP_CTRL_AEAD_GET_TAG and EVP_CTRL_AEAD_SET_TAG of OpenSSL's <openssl/evp.h>. */
export const getTag = 0x10;
export const setTag = 0x11;

/** The OpenSSL inside this very process; undefined where its symbols can't be reached. Whoever uses it tests it first. */
export async function loadOpenSsl(): Promise<OpenSsl | undefined> {
  try {
    const ffi = await importFfi();
    const init = { arguments: ['pointer', 'pointer', 'pointer', 'pointer', 'pointer'], return: 'i32' } as const;
    const update = { arguments: ['pointer', 'pointer', 'pointer', 'pointer', 'i32'], return: 'i32' } as const;
    const final = { arguments: ['pointer', 'pointer', 'pointer'], return: 'i32' } as const;
    const { functions } = ffi.dlopen(null, {
      EVP_CIPHER_fetch: { arguments: ['pointer', 'pointer', 'pointer'], return: 'pointer' },
      EVP_CIPHER_CTX_new: { arguments: [], return: 'pointer' },
      EVP_CIPHER_CTX_free: { arguments: ['pointer'], return: 'void' },
      EVP_CIPHER_CTX_ctrl: { arguments: ['pointer', 'i32', 'i32', 'pointer'], return: 'i32' },
      EVP_EncryptInit_ex: init,
      EVP_EncryptUpdate: update,
      EVP_EncryptFinal_ex: final,
      EVP_DecryptInit_ex: init,
      EVP_DecryptUpdate: update,
      EVP_DecryptFinal_ex: final,
      ERR_clear_error: { arguments: [], return: 'void' },
      EVP_MAC_fetch: { arguments: ['pointer', 'pointer', 'pointer'], return: 'pointer' },
      EVP_MAC_CTX_new: { arguments: ['pointer'], return: 'pointer' },
      EVP_MAC_CTX_free: { arguments: ['pointer'], return: 'void' },
      EVP_MAC_init: { arguments: ['pointer', 'pointer', 'u64', 'pointer'], return: 'i32' },
      EVP_MAC_update: { arguments: ['pointer', 'pointer', 'u64'], return: 'i32' },
      EVP_MAC_final: { arguments: ['pointer', 'pointer', 'pointer', 'u64'], return: 'i32' },
    } as const);
    // Names as C strings: what isn't written is the zero at their end.
    const names = new ArrayBuffer(32);
    new Uint8Array(names).set(new TextEncoder().encode('AES-256-GCM'));
    new Uint8Array(names).set(new TextEncoder().encode('HMAC'), 16);
    const openssl: OpenSsl = {
      cipher: functions.EVP_CIPHER_fetch(none, ffi.getRawPointer(names), none),
      hmac: functions.EVP_MAC_fetch(none, ffi.getRawPointer(names) + 16n, none),
      fetchCipher: functions.EVP_CIPHER_fetch,
      clearErrors: functions.ERR_clear_error,
      newMac: functions.EVP_MAC_CTX_new,
      freeMac: functions.EVP_MAC_CTX_free,
      macInit: functions.EVP_MAC_init,
      macUpdate: functions.EVP_MAC_update,
      macFinal: functions.EVP_MAC_final,
      address: (memory) => ffi.getRawPointer(memory),
      newContext: functions.EVP_CIPHER_CTX_new,
      freeContext: functions.EVP_CIPHER_CTX_free,
      control: functions.EVP_CIPHER_CTX_ctrl,
      encryptInit: functions.EVP_EncryptInit_ex,
      encryptUpdate: functions.EVP_EncryptUpdate,
      encryptFinal: functions.EVP_EncryptFinal_ex,
      decryptInit: functions.EVP_DecryptInit_ex,
      decryptUpdate: functions.EVP_DecryptUpdate,
      decryptFinal: functions.EVP_DecryptFinal_ex,
    };
    return openssl.cipher !== none && openssl.hmac !== none ? openssl : undefined;
  } catch {
    return undefined;
  }
}
