import { type Command, type Context, type HashName, KmsError, noContext, Plaintext } from '#domain/domain.ts';
import type { JsonObject } from '#wire/common/common.ts';
import { symmetricUsages } from './decode-keys.ts';
import { boolean, bytes, integer, text } from './fields.ts';
import { hashOf, keyName, keyRef, specOf, undress } from './names.ts';
import type { Input } from './row.ts';

export function contextOf(item: JsonObject): Context {
  const derivation = nonEmpty(item, 'context');
  const associatedData = nonEmpty(item, 'associated_data');
  if (derivation === undefined && associatedData === undefined) return noContext;
  return {
    ...(associatedData === undefined ? {} : { associatedData }),
    ...(derivation === undefined ? {} : { derivation }),
  };
}

function nonEmpty(item: JsonObject, name: string): Uint8Array | undefined {
  const value = bytes(item, name);
  return value?.length === 0 ? undefined : value;
}

/** 0 is Vault's word for the newest. */
export function keyVersion(object: JsonObject): number | undefined {
  const version = integer(object, 'key_version');
  if (version === undefined || version === 0) return undefined;
  if (version < 0) throw new KmsError('invalid-parameter', '"key_version" must not be negative.');
  return version;
}

/** A nonce that the caller chooses is the classic way to lose GCM; every message has a key of its own here. */
function refuseNonce(object: JsonObject): void {
  if (text(object, 'nonce') !== undefined) {
    throw new KmsError('unsupported', '"nonce" is not taken from callers: leave it out.');
  }
}

export function requiredInput(item: JsonObject, name: string): Plaintext {
  const value = bytes(item, name);
  if (value === undefined) throw new KmsError('invalid-parameter', `"${name}" is missing.`);
  return new Plaintext(value);
}

function ciphertextOf(item: JsonObject): { readonly version: number; readonly bytes: Uint8Array } {
  const given = text(item, 'ciphertext');
  if (given === undefined) throw new KmsError('invalid-parameter', '"ciphertext" is missing.');
  const ciphertext = undress(given);
  if (ciphertext === undefined) throw new KmsError('invalid-ciphertext', 'The ciphertext can not be decrypted.');
  return ciphertext;
}

export function decodeEncrypt(input: Input): Command<'encrypt'> {
  const { item } = input;
  refuseNonce(item);
  const version = keyVersion(item);
  const command: Command<'encrypt'> = {
    kind: 'encrypt',
    key: keyRef(input.path.name),
    plaintext: requiredInput(item, 'plaintext'),
    context: contextOf(item),
    scheme: 'natural',
  };
  return version === undefined ? command : { ...command, version };
}

/** Vault's upsert: a key of the type asked for, derived exactly if there is a context. */
export function decodeUpsert({ path, folder, body, item }: Input): Command<'create-key'> {
  const name = keyName(path.name);
  const spec = specOf(text(body, 'type') ?? 'aes256-gcm96', undefined, undefined);
  const usages = symmetricUsages(spec);
  if (usages === undefined) {
    throw new KmsError('unsupported', 'Only symmetric keys are created on the way; create this one first.');
  }
  const derived = text(item, 'context') !== undefined;
  const convergent = boolean(body, 'convergent_encryption') === true;
  if (convergent && !derived) {
    throw new KmsError('invalid-parameter', 'convergent encryption requires derivation to be enabled');
  }
  const command: Command<'create-key'> = {
    kind: 'create-key',
    spec,
    usages,
    class: 'enveloped',
    name,
    derived,
    ifAbsent: true,
    onTheWay: folder,
  };
  return convergent ? { ...command, convergent } : command;
}

export function decodeDecrypt(input: Input): Command<'decrypt'> {
  const { item } = input;
  refuseNonce(item);
  const { version, bytes: ciphertext } = ciphertextOf(item);
  return {
    kind: 'decrypt',
    key: keyRef(input.path.name),
    ciphertext,
    context: contextOf(item),
    scheme: 'natural',
    version,
  };
}

export function decodeRewrap(input: Input): Command<'re-encrypt'> {
  const { item } = input;
  refuseNonce(item);
  const { version, bytes: ciphertext } = ciphertextOf(item);
  const key = keyRef(input.path.name);
  const context = contextOf(item);
  const targetVersion = keyVersion(item);
  return {
    kind: 're-encrypt',
    source: key,
    sourceVersion: version,
    sourceScheme: 'natural',
    sourceContext: context,
    ciphertext,
    target: key,
    targetScheme: 'natural',
    targetContext: context,
    ...(targetVersion === undefined ? {} : { targetVersion }),
  };
}

export function decodeDataKey({ path, body }: Input): Command<'generate-data-key'> {
  if (path.form !== 'plaintext' && path.form !== 'wrapped') {
    throw new KmsError('invalid-parameter', 'The path must say "plaintext" or "wrapped".');
  }
  refuseNonce(body);
  const version = keyVersion(body);
  const bits = integer(body, 'bits') ?? 256;
  if (bits !== 128 && bits !== 256 && bits !== 512) {
    throw new KmsError('invalid-parameter', '"bits" must be 128, 256 or 512.');
  }
  return {
    kind: 'generate-data-key',
    key: keyRef(path.name),
    bytes: bits / 8,
    context: contextOf(body),
    withPlaintext: path.form === 'plaintext',
    scheme: 'natural',
    ...(version === undefined ? {} : { version }),
  };
}

/** Vault's own limit. */
const maxRandom = 128 * 1024;
const sources: readonly string[] = ['platform', 'seal', 'all'];

export function decodeRandom({ path, body }: Input): Command<'generate-random'> {
  formatOf(body, 'base64');
  // `random/32` and `random/platform` have the same shape.
  const first = path.source;
  const inPath = path.bytes ?? (first !== undefined && /^\d+$/.test(first) ? first : undefined);
  const source = first === inPath ? undefined : first;
  if (source !== undefined && !sources.includes(source)) {
    throw new KmsError('invalid-parameter', 'The source of randomness must be "platform", "seal" or "all".');
  }
  const count = inPath === undefined ? (integer(body, 'bytes') ?? 32) : integer({ bytes: inPath }, 'bytes')!;
  if (count < 1 || count > maxRandom) {
    throw new KmsError('invalid-parameter', `"bytes" must be between 1 and ${maxRandom}.`);
  }
  return { kind: 'generate-random', bytes: count };
}

export function formatOf(body: JsonObject, usual: 'hex' | 'base64'): 'hex' | 'base64' {
  const format = text(body, 'format') ?? usual;
  if (format === 'hex' || format === 'base64') return format;
  throw new KmsError('invalid-parameter', '"format" must be "hex" or "base64".');
}

/** The path's word before the body's. */
export function algorithmWord({ path, body }: Input): string | undefined {
  return path.algorithm ?? text(body, 'hash_algorithm') ?? text(body, 'algorithm');
}

export function decodeHash(input: Input): Command<'hash'> {
  formatOf(input.body, 'hex');
  return { kind: 'hash', hash: hashOf(algorithmWord(input)), input: requiredInput(input.body, 'input') };
}

/** Vault's default is SHA-256, which an HMAC key of another hash can't do: without a word the key decides. */
export function macHash(input: Input): { readonly hash?: HashName } {
  const word = algorithmWord(input);
  return word === undefined ? {} : { hash: hashOf(word) };
}

export function decodeHmac(input: Input): Command<'generate-mac'> {
  const version = keyVersion(input.body);
  return {
    kind: 'generate-mac',
    key: keyRef(input.path.name),
    ...macHash(input),
    message: requiredInput(input.item, 'input'),
    ...(version === undefined ? {} : { version }),
  };
}
