import { generateMaterial, type KeyHandle, openMaterial } from '#crypto/crypto.ts';
import {
  type Command,
  type ImportWrapping,
  importWrappings,
  type Key,
  KmsError,
  type Outcome,
  type Result,
  type SecretBytes,
  type WrappingSpec,
  wrappingSpecs,
} from '#domain/domain.ts';
import { view } from '#encoding/encoding.ts';
import type { Parts } from './change.ts';
import { assertExternal } from './imported.ts';
import { openWrapped, wrapMaterial } from './root.ts';
import { assertNotEnding } from './state.ts';

const lifetime = 24 * 60 * 60 * 1000;

/**
 * An import token holds the private half of its wrapping key, so that nothing is kept for tokens that are never used:
 *
 *   'CI' 2 | format 1 | wrapping 1 | wrapping spec 1 | valid to 8 | PKCS#8 of the wrapping key, wrapped under the realm key
 *
 * The wrap binds all that stands before it, realm and key.
 */
const magic = 0x4349;
const format = 1;
const bodyAt = 13;
const maxToken = 6144;

interface Terms {
  readonly wrapping: ImportWrapping;
  readonly spec: WrappingSpec;
  /** Milliseconds since the epoch. */
  readonly validTo: number;
}

const bindingOf = ({ realm, id }: Key, terms: Terms) => ({ purpose: 'import-token', realm, key: id, format, ...terms });

/** A fresh wrapping key for material of `key`. */
export async function importParameters(
  parts: Parts,
  key: Key,
  { wrapping, wrappingSpec: spec }: Command<'get-import-parameters'>,
  now: number,
): Promise<Outcome<Result<'get-import-parameters'>>> {
  assertExternal(key);
  assertNotEnding(key);
  assertFits(key, wrapping, spec);
  const realmKey = await parts.realmKeys.of(key.realm);
  const { material, publicKey } = await generateMaterial(spec);
  using privateKey = material;
  const terms = { wrapping, spec, validTo: now + lifetime };
  const head = Buffer.alloc(bodyAt);
  head.writeUInt16BE(magic, 0);
  head[2] = format;
  head[3] = importWrappings.indexOf(wrapping);
  head[4] = wrappingSpecs.indexOf(spec);
  head.writeBigUInt64BE(BigInt(terms.validTo), 5);
  const token = Buffer.concat([head, wrapMaterial(realmKey, bindingOf(key, terms), privateKey)]);
  const { realm, id: keyId } = key;
  return { result: { realm, keyId, wrappingKey: publicKey!, token, validTo: terms.validTo } };
}

/** RSAES-OAEP holds less than the modulus: no RSA key, and no P-521 key under the smallest modulus. */
function assertFits({ spec, id }: Key, wrapping: ImportWrapping, wrappingSpec: WrappingSpec): void {
  if (wrapping === 'rsa-aes-kwp-sha1' || wrapping === 'rsa-aes-kwp-sha256') return;
  if (spec.startsWith('rsa-') || (spec === 'ec-p521' && wrappingSpec === 'rsa-2048')) {
    throw new KmsError('unsupported', `${spec} material is too long for ${wrapping} and ${wrappingSpec}.`, id);
  }
}

/** The wrapping key of a token of this key. Throws 'invalid-import-token', 'expired-import-token' once its day is over. */
export function openImportToken(
  realmKey: SecretBytes,
  key: Key,
  token: Uint8Array,
  now: number,
): { readonly wrappingKey: KeyHandle; readonly wrapping: ImportWrapping } {
  const terms = readTerms(token);
  const body = terms && openWrapped(realmKey, bindingOf(key, terms), token.subarray(bodyAt));
  if (terms === undefined || body === undefined) {
    throw new KmsError('invalid-import-token', 'The import token is not one of this key.', key.id);
  }
  using privateKey = body;
  if (terms.validTo <= now) {
    throw new KmsError('expired-import-token', 'The import token has expired; ask for new parameters.', key.id);
  }
  return { wrappingKey: openMaterial(terms.spec, privateKey), wrapping: terms.wrapping };
}

function readTerms(token: Uint8Array): Terms | undefined {
  if (token.length <= bodyAt || token.length > maxToken) return undefined;
  const bytes = view(token);
  const [wrapping, spec] = [importWrappings[bytes[3]!], wrappingSpecs[bytes[4]!]];
  if (bytes.readUInt16BE(0) !== magic || bytes[2] !== format || wrapping === undefined || spec === undefined) {
    return undefined;
  }
  return { wrapping, spec, validTo: Number(bytes.readBigUInt64BE(5)) };
}
