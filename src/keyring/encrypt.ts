import { rsaDecrypt, rsaEncrypt } from '#crypto/crypto.ts';
import {
  type Command,
  type Context,
  type EncryptionScheme,
  isSymmetric,
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
import {
  type EnvelopeHeader,
  type EnvelopeKey,
  envelopeKey,
  isEnvelope,
  openEnvelope,
  readEnvelope,
  sealEnvelope,
} from './envelope.ts';
import { assertPrivate, type OpenVersion } from './open.ts';
import { additionalData, countUse, openDerived, openRaw, sealDerived, sealRaw } from './raw.ts';
import { assertUsage } from './state.ts';
import { openFor, then } from './version.ts';

type Maybe<T> = T | Promise<T>;

const nothing = new Uint8Array(0);

export function used(key: Key, version: number, materialId?: string): Used {
  return { realm: key.realm, keyId: key.id, version, materialId };
}

/** Key pairs have one material for life, which nobody needs to tell from another. */
function materialIdOf({ spec }: Key, { version }: OpenVersion): string | undefined {
  return isSymmetric(spec) ? version.materialId : undefined;
}

export function encrypt(parts: Parts, key: Key, command: Command<'encrypt'>): Maybe<Outcome<Result<'encrypt'>>> {
  assertUsage(key, 'encrypt');
  const scheme = schemeOf(key, command.scheme);
  const context = contextOf(key, scheme, command.context);
  return then(openFor(parts, key, command.version, 'protect'), (open) => {
    const change = scheme === 'raw-aead' ? countUse(parts, key, open.version.version) : undefined;
    const result = {
      realm: key.realm,
      keyId: key.id,
      version: open.version.version,
      materialId: materialIdOf(key, open),
      ciphertext: isDerivedRaw(key)
        ? sealDerived(key, open.handle, command.context, command.plaintext.release())
        : seal(open, scheme, context, command.plaintext.release()),
    };
    return change === undefined ? { result } : { result, change };
  });
}

export function decrypt(parts: Parts, key: Key, command: Command<'decrypt'>): Maybe<Outcome<Result<'decrypt'>>> {
  return then(opened(parts, key, command), ({ version, materialId, plaintext }) => ({
    result: { realm: key.realm, keyId: key.id, version, materialId, plaintext: new Plaintext(plaintext) },
  }));
}

interface Opened {
  readonly version: number;
  readonly materialId: string | undefined;
  readonly plaintext: Uint8Array;
}

function opened(
  parts: Parts,
  key: Key,
  {
    key: ref,
    scheme: asked,
    ciphertext,
    context: bound,
    version: named,
    rightsOnly,
    dryRun,
  }: Omit<Command<'decrypt'>, 'kind'>,
): Maybe<Opened> {
  assertUsage(key, 'encrypt');
  const scheme = schemeOf(key, asked);
  const context = contextOf(key, scheme, bound);
  if (rightsOnly === true) {
    if (dryRun !== true) throw new KmsError('invalid-parameter', 'Only a dry run leaves the ciphertext aside.');
    return then(openFor(parts, key, named, 'process'), ({ version: { version, materialId } }) => ({
      ...{ version, materialId, plaintext: nothing },
    }));
  }
  if (scheme === 'raw-aead') {
    // Found by what looked like an envelope, which no raw key makes.
    if (ref === undefined) throw invalid();
    const version = named ?? key.current.version;
    assertMade(key, version);
    return then(openFor(parts, key, version, 'process'), (open) => {
      const plaintext = key.derived
        ? openDerived(key, open.handle, bound, ciphertext)
        : openRaw(open.handle, context, ciphertext);
      if (plaintext === undefined) throw invalid();
      return { version, materialId: materialIdOf(key, open), plaintext };
    });
  }
  if (scheme !== 'envelope') {
    return then(openFor(parts, key, named, 'process'), async (open) => {
      assertPrivate(key, open.version);
      const plaintext = await rsaDecrypt(open.handle, scheme, ciphertext);
      if (plaintext === undefined) throw invalid();
      return { version: open.version.version, materialId: undefined, plaintext };
    });
  }
  if (key.opensBare === true && named !== undefined && asked === 'natural' && !isEnvelope(key.realm, ciphertext)) {
    return openedBare(parts, key, named, bound, ciphertext);
  }
  const header = readEnvelope(key.realm, ciphertext);
  if (header.keyId !== key.id && key.copyOf?.includes(header.keyId) !== true) {
    throw new KmsError('wrong-key', 'The ciphertext was made by another key than the request names.', key.id);
  }
  assertMade(key, header.version);
  if (named !== undefined && named !== header.version) throw invalid();
  return then(openFor(parts, key, header.version, 'process'), (open) => ({
    version: header.version,
    materialId: open.version.materialId,
    plaintext: openEnvelope(envelopeOf(key, header, open), context, ciphertext),
  }));
}

/** By the material itself, as whoever had it before it was imported used it. Nothing is encrypted so here. */
function openedBare(parts: Parts, key: Key, number: number, context: Context, ciphertext: Uint8Array): Maybe<Opened> {
  assertMade(key, number);
  return then(openFor(parts, key, number, 'process'), ({ version, handle }) => {
    if (version.fingerprint === undefined) throw invalid();
    const plaintext = key.derived
      ? openDerived(key, handle, context, ciphertext)
      : openRaw(handle, additionalData(key, context), ciphertext);
    if (plaintext === undefined) throw invalid();
    return { version: number, materialId: version.materialId, plaintext };
  });
}

/** What opens it: of a copy, also what the key made whose material it has. */
function envelopeOf(key: Key, { keyId, version }: EnvelopeHeader, open: OpenVersion): EnvelopeKey {
  if (keyId === key.id) return open.envelope ?? unreachable(key);
  return envelopeKey(key.realm, keyId, version, open.handle, key.convergent === true) ?? unreachable(key);
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
    ...(command.source !== undefined && { key: command.source }),
    ...(command.rightsOnly === true && { rightsOnly: true, dryRun: command.dryRun }),
    ...(command.sourceVersion !== undefined && { version: command.sourceVersion }),
  });
  try {
    const open = await openFor(parts, target, command.targetVersion, 'protect');
    const change = scheme === 'raw-aead' ? countUse(parts, target, open.version.version) : undefined;
    const ciphertext = isDerivedRaw(target)
      ? sealDerived(target, open.handle, command.targetContext, former.plaintext)
      : seal(open, scheme, context, former.plaintext);
    const result = {
      ...used(target, open.version.version, materialIdOf(target, open)),
      ciphertext,
      source: used(source, former.version, former.materialId),
    };
    return change === undefined ? { result } : { result, change };
  } finally {
    // Nobody gets to see it.
    former.plaintext.fill(0);
  }
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
  if (scheme === 'raw-aead') return sealRaw(open.handle, context, plaintext);
  if (scheme !== 'envelope') return rsaEncrypt(open.handle, scheme, plaintext);
  if (open.envelope === undefined) throw new KmsError('wrong-usage', 'The key does not encrypt messages.');
  return sealEnvelope(open.envelope, context, plaintext);
}

/** Only keys from Vault are both. */
const isDerivedRaw = (key: Key): boolean => key.derived && key.class === 'raw';

function schemeOf(key: Key, scheme: EncryptionScheme): Exclude<EncryptionScheme, 'natural'> {
  const rsa = specFacts(key.spec).family === 'rsa';
  const symmetric = key.class === 'raw' ? 'raw-aead' : 'envelope';
  if (scheme === 'natural') return rsa ? 'rsa-oaep-sha256' : symmetric;
  const fits = rsa ? scheme !== 'envelope' && scheme !== 'raw-aead' : scheme === symmetric;
  if (!fits) {
    throw new KmsError('wrong-algorithm', `This key (${key.class} ${key.spec}) can't encrypt by ${scheme}.`, key.id);
  }
  return scheme;
}

function contextOf(key: Key, scheme: EncryptionScheme, context: Context): Uint8Array {
  if (scheme === 'raw-aead') return additionalData(key, context);
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

/** A version that never was is a forgery, so it gets the answer of every other one. */
function assertMade(key: Key, version: number): void {
  if (!(version >= 1 && version <= key.current.version)) throw invalid();
}

function invalid(): KmsError {
  return new KmsError('invalid-ciphertext', 'The ciphertext is not valid for this key and context.');
}

function unreachable(key: Key): never {
  throw new KmsError('internal', `A ${key.spec} key has no envelope.`);
}
