import type { HashName } from '#domain/domain.ts';
import { derNull, derOctetString, derOid, derSequence } from '#encoding/encoding.ts';
import { digest, digestLength, equalSecrets } from './hash.ts';

// How RSA signatures encode a digest before the raw private operation: RFC 8017 section 9. OpenSSL does this for messages, but
// not for digests that are given.

const hashOid = {
  sha1: '1.3.14.3.2.26',
  sha224: '2.16.840.1.101.3.4.2.4',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
  'sha3-224': '2.16.840.1.101.3.4.2.7',
  'sha3-256': '2.16.840.1.101.3.4.2.8',
  'sha3-384': '2.16.840.1.101.3.4.2.9',
  'sha3-512': '2.16.840.1.101.3.4.2.10',
} as const satisfies Record<HashName, string>;

/** DigestInfo, section 9.2 step 2: the digest and the name of its hash. */
export function digestInfo(hash: HashName, hashed: Uint8Array): Uint8Array {
  return derSequence(derSequence(derOid(hashOid[hash]), derNull), derOctetString(hashed));
}

/** EMSA-PKCS1-v1_5, section 9.2: 00 01 FF..FF 00 and the content; undefined where fewer than 8 padding bytes would be left. */
export function emsaPkcs1(content: Uint8Array, length: number): Buffer | undefined {
  const separator = length - content.length - 1;
  if (separator < 10) return undefined;
  const encoded = Buffer.alloc(length, 0xff);
  encoded[0] = 0x00;
  encoded[1] = 0x01;
  encoded[separator] = 0x00;
  encoded.set(content, separator + 1);
  return encoded;
}

const trailer = 0xbc;
const zeros = Buffer.alloc(8);

/** The longest salt that fits beside the digest, in bytes; negative where not even the digest fits. */
export function maxSaltLength(hash: HashName, modulusBits: number): number {
  return Math.ceil((modulusBits - 1) / 8) - digestLength[hash] - 2;
}

/** EMSA-PSS-ENCODE, section 9.1.1, from step 3 on. The caller has checked the salt's length. */
export function emsaPss(hash: HashName, hashed: Uint8Array, salt: Uint8Array, modulusBits: number): Buffer {
  const h = digest(hash, Buffer.concat([zeros, hashed, salt]));
  const encoded = Buffer.alloc(Math.ceil((modulusBits - 1) / 8));
  const dbLength = encoded.length - h.length - 1;
  encoded[dbLength - salt.length - 1] = 0x01;
  encoded.set(salt, dbLength - salt.length);
  xorInto(encoded, mgf1(hash, h, dbLength));
  encoded[0]! &= topMask(modulusBits);
  encoded.set(h, dbLength);
  encoded[encoded.length - 1] = trailer;
  return encoded;
}

/** EMSA-PSS-VERIFY, section 9.1.2. `saltLength` undefined accepts whatever length the encoding has. */
export function verifyEmsaPss(
  hash: HashName,
  hashed: Uint8Array,
  encoded: Uint8Array,
  saltLength: number | undefined,
  modulusBits: number,
): boolean {
  const dbLength = encoded.length - digestLength[hash] - 1;
  if (dbLength < 1 || encoded[encoded.length - 1] !== trailer) return false;
  if ((encoded[0]! & ~topMask(modulusBits)) !== 0) return false;
  const h = encoded.subarray(dbLength, encoded.length - 1);
  const db = Buffer.from(encoded.subarray(0, dbLength));
  xorInto(db, mgf1(hash, h, dbLength));
  db[0]! &= topMask(modulusBits);
  const one = db.findIndex((byte) => byte !== 0);
  if (one < 0 || db[one] !== 0x01) return false;
  const salt = db.subarray(one + 1);
  if (saltLength !== undefined && salt.length !== saltLength) return false;
  return equalSecrets(h, digest(hash, Buffer.concat([zeros, hashed, salt])));
}

/** The bits of the first byte that an encoding of `modulusBits - 1` bits may set. */
function topMask(modulusBits: number): number {
  return 0xff >> (8 * Math.ceil((modulusBits - 1) / 8) - (modulusBits - 1));
}

/** Section B.2.1. */
function mgf1(hash: HashName, seed: Uint8Array, length: number): Buffer {
  const blocks: Buffer[] = [];
  const counter = Buffer.alloc(4);
  for (let i = 0; i * digestLength[hash] < length; i++) {
    counter.writeUInt32BE(i);
    blocks.push(digest(hash, Buffer.concat([seed, counter])));
  }
  return Buffer.concat(blocks, length);
}

function xorInto(target: Uint8Array, mask: Uint8Array): void {
  for (let i = 0; i < mask.length; i++) target[i]! ^= mask[i]!;
}
