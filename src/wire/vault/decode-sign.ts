import { type Command, KmsError, type MessageType, type NaturalScheme } from '#domain/domain.ts';
import type { JsonObject } from '#wire/common/common.ts';
import { algorithmWord, contextOf, keyVersion, macHash, requiredInput } from './decode-transit.ts';
import { boolean, text } from './fields.ts';
import { hashOf, keyRef, undress } from './names.ts';
import type { Input } from './row.ts';

interface Asked {
  readonly scheme: NaturalScheme;
  readonly messageType: MessageType;
}

type Purpose = 'sign' | 'verify';

export function usesJws(body: JsonObject): boolean {
  const marshaling = text(body, 'marshaling_algorithm') ?? 'asn1';
  if (marshaling !== 'asn1' && marshaling !== 'jws') {
    throw new KmsError('invalid-parameter', '"marshaling_algorithm" must be "asn1" or "jws".');
  }
  return marshaling === 'jws';
}

/** What Vault's request says of the algorithm: the key picks from it. */
function asked(input: Input, purpose: Purpose): Asked {
  const { body } = input;
  const word = algorithmWord(input);
  const prehashed = boolean(body, 'prehashed') ?? false;
  const rsa = rsaAlgorithm(body);
  if (word === 'none' && !(prehashed && rsa === 'pkcs1')) {
    throw new KmsError('invalid-parameter', '"none" needs prehashed=true and signature_algorithm=pkcs1v15.');
  }
  const hash = word === 'none' ? word : hashOf(word);
  const encoding = usesJws(body) ? 'p1363' : 'der';
  return {
    scheme: { family: 'natural', hash, rsa, saltLength: saltLength(body, purpose), encoding },
    messageType: prehashed ? 'digest' : 'raw',
  };
}

function rsaAlgorithm(body: JsonObject): NaturalScheme['rsa'] {
  switch (text(body, 'signature_algorithm')) {
    case undefined:
    case 'pss':
      return 'pss';
    case 'pkcs1v15':
      return 'pkcs1';
  }
  throw new KmsError('invalid-parameter', '"signature_algorithm" must be "pss" or "pkcs1v15".');
}

/** Vault's `auto` is as long as can be when signing, and whatever it is when verifying. */
function saltLength(body: JsonObject, purpose: Purpose): NaturalScheme['saltLength'] {
  const given = Object.hasOwn(body, 'salt_length') ? body.salt_length : undefined;
  const word = typeof given === 'number' ? String(given) : (text(body, 'salt_length') ?? 'auto').toLowerCase();
  if (word === 'auto') return purpose === 'sign' ? 'max' : 'auto';
  if (word === 'hash') return 'digest';
  if (/^\d{1,4}$/.test(word)) return Number(word);
  throw new KmsError('invalid-parameter', '"salt_length" must be "auto", "hash" or a number of bytes.');
}

export function decodeSign(input: Input): Command<'sign'> {
  const version = keyVersion(input.body);
  return {
    kind: 'sign',
    key: keyRef(input.path.name),
    message: requiredInput(input.item, 'input'),
    ...asked(input, 'sign'),
    context: contextOf(input.item),
    ...(version === undefined ? {} : { version }),
  };
}

/** A batch verifies signatures or MACs, never some of each: what its first item has, every item has. */
export function assertOneProof(items: readonly JsonObject[]): void {
  const proof = Object.hasOwn(items[0]!, 'hmac') ? 'hmac' : 'signature';
  if (items.every((item) => text(item, proof) !== undefined)) return;
  throw new KmsError('invalid-parameter', `some elements of batch_input are missing '${proof}'`);
}

export function decodeVerify(input: Input): Command<'verify' | 'verify-mac'> {
  const { item } = input;
  const signature = text(item, 'signature');
  const mac = text(item, 'hmac');
  if (signature !== undefined && mac !== undefined) {
    throw new KmsError('invalid-parameter', 'Give one of "signature" and "hmac", not both.');
  }
  const key = keyRef(input.path.name);
  const message = requiredInput(item, 'input');
  if (mac !== undefined) {
    const { version, bytes } = undressed(mac, 'hmac', false);
    return { kind: 'verify-mac', key, ...macHash(input), message, mac: bytes, version };
  }
  if (signature === undefined) throw new KmsError('invalid-parameter', 'Give a "signature" or an "hmac" to verify.');
  const { version, bytes } = undressed(signature, 'signature', usesJws(input.body));
  return {
    kind: 'verify',
    key,
    message,
    ...asked(input, 'verify'),
    signature: bytes,
    version,
    context: contextOf(item),
  };
}

function undressed(
  given: string,
  name: string,
  url: boolean,
): { readonly version: number; readonly bytes: Uint8Array } {
  const value = undress(given, url);
  if (value === undefined) {
    throw new KmsError('malformed', `"${name}" must be vault:v<version>: and base64${url ? 'url' : ''} after it.`);
  }
  return value;
}
