import { derNull, derOctetString, derOid, derSequence } from '#encoding/encoding.ts';
import type { HsmHash } from './contract.ts';
import { type Binding, hashFacts, type Mechanism } from './cryptoki.ts';
import type { PackedUse } from './packing.ts';

/** How one use is asked of the token. */
export interface Asked {
  readonly call: 'encrypt' | 'decrypt' | 'sign';
  readonly mechanism: Mechanism;
  readonly data: Buffer;
}

export const gcmTag = 16;
/** CKZ_DATA_SPECIFIED. */
const dataSpecified = 1;
/** Bytes of an RSA modulus, and so of what its key answers: keys of 16384 bits. */
const longestRsa = 2048;

/** Bytes of the longest answer to a use. */
export function roomFor({ use, data }: PackedUse): number {
  switch (use) {
    case 'encrypt-gcm':
      return data.length + gcmTag;
    case 'decrypt-gcm':
      return data.length;
    case 'decrypt-oaep':
      return longestRsa;
    case 'sign-ecdsa':
      return 132;
    case 'sign-pkcs1':
    case 'sign-pss':
      return longestRsa;
    case 'mac':
      return 64;
  }
}

export function asked(binding: Binding, { use, hash, iv, aad, data }: PackedUse): Asked {
  switch (use) {
    case 'encrypt-gcm':
      return { call: 'encrypt', mechanism: gcm(binding, iv, aad), data };
    case 'decrypt-gcm':
      return { call: 'decrypt', mechanism: gcm(binding, iv, aad), data };
    case 'sign-ecdsa':
      return { call: 'sign', mechanism: { mechanism: binding.CKM_ECDSA }, data };
    case 'sign-pkcs1':
      return {
        call: 'sign',
        mechanism: { mechanism: binding.CKM_RSA_PKCS },
        data: digestInfo(hash, data),
      };
    case 'sign-pss': {
      const { mechanism: hashAlg, mgf, length } = hashFacts(binding, hash);
      const parameter = { type: binding.CK_PARAMS_RSA_PSS, hashAlg, mgf, saltLen: length };
      return { call: 'sign', mechanism: { mechanism: binding.CKM_RSA_PKCS_PSS, parameter }, data };
    }
    case 'mac':
      return { call: 'sign', mechanism: { mechanism: hashFacts(binding, hash).hmac }, data };
    case 'decrypt-oaep': {
      const { mechanism: hashAlg, mgf } = hashFacts(binding, hash);
      const parameter = { type: binding.CK_PARAMS_RSA_OAEP, hashAlg, mgf, source: dataSpecified };
      return { call: 'decrypt', mechanism: { mechanism: binding.CKM_RSA_PKCS_OAEP, parameter }, data };
    }
  }
}

/** CK_GCM_PARAMS as PKCS#11 v3.0 lays it out, with ulIvBits. */
export function gcm(binding: Binding, iv: Buffer, aad: Buffer): Mechanism {
  const parameter = { type: binding.CK_PARAMS_GCM, iv, ivBits: iv.length * 8, aad, tagBits: gcmTag * 8 };
  return { mechanism: binding.CKM_AES_GCM, parameter };
}

const hashOids = {
  'SHA-1': '1.3.14.3.2.26',
  'SHA-224': '2.16.840.1.101.3.4.2.4',
  'SHA-256': '2.16.840.1.101.3.4.2.1',
  'SHA-384': '2.16.840.1.101.3.4.2.2',
  'SHA-512': '2.16.840.1.101.3.4.2.3',
} as const satisfies Record<HsmHash, string>;

/** RFC 8017 section 9.2: CKM_RSA_PKCS pads, and leaves this to whoever calls it. */
function digestInfo(hash: HsmHash, digest: Uint8Array): Buffer {
  return Buffer.from(derSequence(derSequence(derOid(hashOids[hash]), derNull), derOctetString(digest)));
}
