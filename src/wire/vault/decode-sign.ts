import {
  type Command,
  type HashName,
  type KeySpec,
  KmsError,
  type MessageType,
  type SignatureScheme,
  specFacts,
} from '#domain/domain.ts';
import type { JsonObject } from '#wire/common/common.ts';
import { algorithmWord, contextOf, keyVersion, requiredInput } from './decode-transit.ts';
import { boolean, text } from './fields.ts';
import { hashOf, keyRef, undress, wordsOf } from './names.ts';
import type { Input } from './row.ts';

interface Signing {
  readonly scheme: SignatureScheme;
  readonly messageType: MessageType;
}

/** The request's words, read once. */
interface Words {
  readonly hash: HashName | 'none';
  readonly prehashed: boolean;
  readonly jws: boolean;
  readonly body: JsonObject;
  readonly purpose: 'sign' | 'verify';
}

export function usesJws(body: JsonObject): boolean {
  const marshaling = text(body, 'marshaling_algorithm') ?? 'asn1';
  if (marshaling !== 'asn1' && marshaling !== 'jws') {
    throw new KmsError('invalid-parameter', '"marshaling_algorithm" must be "asn1" or "jws".');
  }
  return marshaling === 'jws';
}

function wordsFrom(input: Input, purpose: Words['purpose']): Words {
  const word = algorithmWord(input);
  return {
    hash: word === 'none' ? 'none' : hashOf(word),
    prehashed: boolean(input.body, 'prehashed') ?? false,
    jws: usesJws(input.body),
    body: input.body,
    purpose,
  };
}

/** What the key's family makes of Vault's parameters. */
function signing(spec: KeySpec, words: Words): Signing {
  const { family } = specFacts(spec);
  switch (family) {
    case 'rsa':
      return rsaSigning(words);
    case 'ec': {
      if (words.hash === 'none') throw noneElsewhere();
      const encoding = words.jws ? 'p1363' : 'der';
      return {
        scheme: { family: 'ecdsa', hash: words.hash, encoding },
        messageType: words.prehashed ? 'digest' : 'raw',
      };
    }
    case 'ed25519':
      if (!words.prehashed) return { scheme: { family: 'ed25519' }, messageType: 'raw' };
      if (words.hash !== 'sha512') {
        throw new KmsError('wrong-algorithm', 'An ed25519 key signs a digest of sha2-512 only (Ed25519ph).');
      }
      return { scheme: { family: 'ed25519ph', hash: 'sha512' }, messageType: 'digest' };
    case 'ml-dsa':
    case 'slh-dsa':
      if (words.prehashed) {
        throw new KmsError('unsupported', `"prehashed" is not offered for ${wordsOf(spec).type} keys.`);
      }
      return { scheme: { family }, messageType: 'raw' };
    case 'aes':
    case 'chacha20':
    case 'hmac':
    case 'x25519':
    case 'ml-kem':
      throw new KmsError('wrong-usage', `key type ${wordsOf(spec).type} does not support signing`);
  }
}

const noneElsewhere = () =>
  new KmsError('invalid-parameter', '"none" needs prehashed=true and signature_algorithm=pkcs1v15.');

function rsaSigning({ hash, prehashed, body, purpose }: Words): Signing {
  const algorithm = text(body, 'signature_algorithm') ?? 'pss';
  const messageType: MessageType = prehashed ? 'digest' : 'raw';
  if (algorithm === 'pkcs1v15') {
    if (hash === 'none' && !prehashed) throw noneElsewhere();
    return { scheme: { family: 'rsa-pkcs1', hash }, messageType };
  }
  if (algorithm !== 'pss') {
    throw new KmsError('invalid-parameter', '"signature_algorithm" must be "pss" or "pkcs1v15".');
  }
  if (hash === 'none') throw noneElsewhere();
  return { scheme: { family: 'rsa-pss', hash, saltLength: saltLength(body, purpose) }, messageType };
}

/** Vault's `auto` is as long as can be when signing, and whatever it is when verifying. */
function saltLength(body: JsonObject, purpose: Words['purpose']): number | 'auto' | 'digest' | 'max' {
  const given = Object.hasOwn(body, 'salt_length') ? body.salt_length : undefined;
  const word = typeof given === 'number' ? String(given) : (text(body, 'salt_length') ?? 'auto').toLowerCase();
  if (word === 'auto') return purpose === 'sign' ? 'max' : 'auto';
  if (word === 'hash') return 'digest';
  if (/^\d{1,4}$/.test(word)) return Number(word);
  throw new KmsError('invalid-parameter', '"salt_length" must be "auto", "hash" or a number of bytes.');
}

/** The row looked at the key before. */
function specOfKey(input: Input): KeySpec {
  if (input.spec === undefined) throw new KmsError('internal', 'The kind of key is not known.');
  return input.spec;
}

export function lookBeforeSigning({ path }: Input): Command<'describe-key'> {
  return { kind: 'describe-key', key: keyRef(path.name) };
}

/** A HMAC needs no look: every key computes it the same way. */
export function lookBeforeVerifying(input: Input): Command<'describe-key'> | undefined {
  const { batch_input: batch } = input.body;
  const items = Array.isArray(batch) ? batch : [input.body];
  const signed = items.some((item) => item !== null && typeof item === 'object' && Object.hasOwn(item, 'signature'));
  return signed ? lookBeforeSigning(input) : undefined;
}

export function decodeSign(input: Input): Command<'sign'> {
  const version = keyVersion(input.body);
  return {
    kind: 'sign',
    key: keyRef(input.path.name),
    message: requiredInput(input.item, 'input'),
    ...signing(specOfKey(input), wordsFrom(input, 'sign')),
    context: contextOf(input.item),
    ...(version === undefined ? {} : { version }),
  };
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
    return { kind: 'verify-mac', key, hash: hashOf(algorithmWord(input)), message, mac: bytes, version };
  }
  if (signature === undefined) throw new KmsError('invalid-parameter', 'Give a "signature" or an "hmac" to verify.');
  const words = wordsFrom(input, 'verify');
  const { version, bytes } = undressed(signature, 'signature', words.jws);
  return {
    kind: 'verify',
    key,
    message,
    ...signing(specOfKey(input), words),
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
