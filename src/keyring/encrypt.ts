import { rsaDecrypt, rsaEncrypt } from '#crypto/crypto.ts';
import {
  type Command,
  type Context,
  type EncryptionScheme,
  type Key,
  KmsError,
  type Outcome,
  Plaintext,
  type Result,
  specFacts,
  type Used,
} from '#domain/domain.ts';
import type { Parts } from './change.ts';
import { canonicalContext } from './context.ts';
import { openEnvelope, readEnvelope, sealEnvelope } from './envelope.ts';
import type { OpenVersion } from './open.ts';
import { assertUsage } from './state.ts';
import { openFor, then } from './version.ts';

type Maybe<T> = T | Promise<T>;

export function used(key: Key, version: number): Used {
  return { realm: key.realm, keyId: key.id, version };
}

export function encrypt(parts: Parts, key: Key, command: Command<'encrypt'>): Maybe<Outcome<Result<'encrypt'>>> {
  assertUsage(key, 'encrypt');
  const scheme = schemeOf(key, command.scheme);
  const context = contextOf(key, scheme, command.context);
  return then(openFor(parts, key, command.version, 'protect'), (open) => ({
    result: {
      realm: key.realm,
      keyId: key.id,
      version: open.version.version,
      ciphertext: seal(open, scheme, context, command.plaintext.release()),
    },
  }));
}

export function decrypt(parts: Parts, key: Key, command: Command<'decrypt'>): Maybe<Outcome<Result<'decrypt'>>> {
  return then(opened(parts, key, command), ({ version, plaintext }) => ({
    result: { realm: key.realm, keyId: key.id, version, plaintext: new Plaintext(plaintext) },
  }));
}

interface Opened {
  readonly version: number;
  readonly plaintext: Uint8Array;
}

function opened(
  parts: Parts,
  key: Key,
  { scheme: asked, ciphertext, context: bound, version: named }: Omit<Command<'decrypt'>, 'kind'>,
): Maybe<Opened> {
  assertUsage(key, 'encrypt');
  const scheme = schemeOf(key, asked);
  const context = contextOf(key, scheme, bound);
  if (scheme !== 'envelope') {
    return then(openFor(parts, key, named, 'process'), async (open) => {
      const plaintext = await rsaDecrypt(open.handle, scheme, ciphertext);
      if (plaintext === undefined) throw invalid();
      return { version: open.version.version, plaintext };
    });
  }
  const header = readEnvelope(key.realm, ciphertext);
  if (header.keyId !== key.id) {
    throw new KmsError('wrong-key', 'The ciphertext was made by another key than the request names.', key.id);
  }
  // A version that never was is a forged header, so it gets the answer of every other forgery.
  if (header.version < 1 || header.version > key.current.version) throw invalid();
  if (named !== undefined && named !== header.version) throw invalid();
  return then(openFor(parts, key, header.version, 'process'), (open) => ({
    version: header.version,
    plaintext: openEnvelope(open.envelope ?? unreachable(key), context, ciphertext),
  }));
}

export async function reEncrypt(
  parts: Parts,
  source: Key,
  target: Key,
  command: Command<'re-encrypt'>,
): Promise<Outcome<Result<'re-encrypt'>>> {
  assertUsage(target, 'encrypt');
  const scheme = schemeOf(target, command.targetScheme);
  const context = contextOf(target, scheme, command.targetContext);
  const former = await opened(parts, source, {
    ciphertext: command.ciphertext,
    context: command.sourceContext,
    scheme: command.sourceScheme,
    ...(command.sourceVersion !== undefined && { version: command.sourceVersion }),
  });
  const open = await openFor(parts, target, command.targetVersion, 'protect');
  const ciphertext = await seal(open, scheme, context, former.plaintext);
  return { result: { ...used(target, open.version.version), ciphertext, source: used(source, former.version) } };
}

/** The id of the key that an envelope names, for requests that leave it to the ciphertext. */
export function keyNamedBy(realm: string, ciphertext: Uint8Array): string {
  return readEnvelope(realm, ciphertext).keyId;
}

function seal(
  open: OpenVersion,
  scheme: Exclude<EncryptionScheme, 'natural'>,
  context: Uint8Array,
  plaintext: Uint8Array,
): Uint8Array {
  if (scheme !== 'envelope') return rsaEncrypt(open.handle, scheme, plaintext);
  if (open.envelope === undefined) throw new KmsError('wrong-usage', 'The key does not encrypt messages.');
  return sealEnvelope(open.envelope, context, plaintext);
}

function schemeOf(key: Key, scheme: EncryptionScheme): Exclude<EncryptionScheme, 'natural'> {
  const rsa = specFacts(key.spec).family === 'rsa';
  if (scheme === 'natural') return rsa ? 'rsa-oaep-sha256' : 'envelope';
  if (rsa === (scheme === 'envelope')) {
    throw new KmsError('wrong-algorithm', `A ${key.spec} key can't encrypt by ${scheme}.`, key.id);
  }
  return scheme;
}

function contextOf(key: Key, scheme: EncryptionScheme, context: Context): Uint8Array {
  if (key.derived && (context.derivation === undefined || context.derivation.length === 0)) {
    throw new KmsError('invalid-parameter', 'This key is derived per context: a context is required.', key.id);
  }
  const { derivation, ...others } = context;
  const bound = canonicalContext(key.derived ? context : others);
  if (scheme !== 'envelope' && bound.length > 0) {
    throw new KmsError('invalid-parameter', 'RSA ciphertexts can not be bound to a context.', key.id);
  }
  return bound;
}

function invalid(): KmsError {
  return new KmsError('invalid-ciphertext', 'The ciphertext is not valid for this key and context.');
}

function unreachable(key: Key): never {
  throw new KmsError('internal', `A ${key.spec} key has no envelope.`);
}
