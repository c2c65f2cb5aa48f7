import type { HsmHash } from './contract.ts';

/** The binding, which is an optional dependency with a part in C++. */
export type Binding = typeof import('pkcs11js');
export type Module = InstanceType<Binding['PKCS11']>;
export type Handle = Buffer;
export interface Attribute {
  readonly type: number;
  readonly value?: Buffer | boolean | number | string;
}

/** Rejects where it wasn't installed, or not compiled. */
export async function importBinding(): Promise<Binding> {
  const loaded = (await import('pkcs11js')) as Binding & { readonly default?: Binding };
  return loaded.default ?? loaded;
}

/** The return value that a call of the binding failed with; undefined: it failed otherwise. */
export function returnValue(error: unknown): number | undefined {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'number' && code > 0 ? code : undefined;
}

/** CKM_, CKG_MGF1_ and length of the digest in bytes of each hash. */
export function hashFacts(
  binding: Binding,
  hash: HsmHash,
): { readonly mechanism: number; readonly mgf: number; readonly hmac: number; readonly length: number } {
  switch (hash) {
    case 'SHA-1':
      return {
        mechanism: binding.CKM_SHA_1,
        mgf: binding.CKG_MGF1_SHA1,
        hmac: binding.CKM_SHA_1_HMAC,
        length: 20,
      };
    case 'SHA-224':
      return {
        mechanism: binding.CKM_SHA224,
        mgf: binding.CKG_MGF1_SHA224,
        hmac: binding.CKM_SHA224_HMAC,
        length: 28,
      };
    case 'SHA-256':
      return {
        mechanism: binding.CKM_SHA256,
        mgf: binding.CKG_MGF1_SHA256,
        hmac: binding.CKM_SHA256_HMAC,
        length: 32,
      };
    case 'SHA-384':
      return {
        mechanism: binding.CKM_SHA384,
        mgf: binding.CKG_MGF1_SHA384,
        hmac: binding.CKM_SHA384_HMAC,
        length: 48,
      };
    case 'SHA-512':
      return {
        mechanism: binding.CKM_SHA512,
        mgf: binding.CKG_MGF1_SHA512,
        hmac: binding.CKM_SHA512_HMAC,
        length: 64,
      };
  }
}
