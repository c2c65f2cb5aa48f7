import {
  deriveEd25519,
  deriveEd25519AsVault,
  type KeyHandle,
  openPublicKey,
  publicKeyOf,
  sign as signWith,
  verify as verifyWith,
} from '#crypto/crypto.ts';
import {
  type Command,
  type Context,
  type Key,
  KmsError,
  type Outcome,
  type Result,
  type SignatureScheme,
  specFacts,
} from '#domain/domain.ts';
import type { Parts } from './change.ts';
import { canonicalContext } from './context.ts';
import { used } from './encrypt.ts';
import { assertImported } from './imported.ts';
import { schemeOf } from './natural-scheme.ts';
import { assertPrivate, type OpenVersion } from './open.ts';
import { assertAllowed, assertUsage } from './state.ts';
import { openFor } from './version.ts';

export async function sign(parts: Parts, key: Key, command: Command<'sign'>): Promise<Outcome<Result<'sign'>>> {
  assertUsage(key, 'sign');
  const { messageType, message } = command;
  const scheme = schemeOf(key, command.scheme, messageType);
  if (command.boundHash === true) assertBound(key, scheme);
  const open = await openFor(parts, key, command.version, 'protect');
  assertPrivate(key, open.version);
  const derived = key.derived ? derivedPair(key, open, command.context) : undefined;
  const signature = await (open.remote === undefined
    ? signWith(derived?.pair ?? open.handle, scheme, messageType, message.release())
    : open.remote.sign(scheme, messageType, message.release()));
  const result = { ...used(key, open.version.version), signature };
  return { result: derived === undefined ? result : { ...result, publicKey: derived.publicKey } };
}

export async function verify(parts: Parts, key: Key, command: Command<'verify'>): Promise<Outcome<Result<'verify'>>> {
  assertUsage(key, 'sign');
  const { messageType, message, signature } = command;
  const scheme = schemeOf(key, command.scheme, messageType);
  if (command.boundHash === true) assertBound(key, scheme);
  const open = await openFor(parts, key, command.version, 'process');
  const publicKey = openPublicKey(
    key.spec,
    key.derived ? publicKeyOf(derivedPair(key, open, command.context).pair) : open.version.publicKey!,
  );
  const valid = await verifyWith(publicKey, scheme, messageType, message.release(), signature);
  return { result: { ...used(key, open.version.version), valid } };
}

/** What signs for one context. Throws 'invalid-parameter' where none is given. */
function derivedPair(key: Key, { handle }: OpenVersion, { derivation }: Context): DerivedPair {
  if (derivation === undefined || derivation.length === 0) {
    throw new KmsError('invalid-parameter', 'This key is derived per context: a context is required.', key.id);
  }
  // Pairs are raw only where they came from there.
  if (key.class === 'raw') return deriveEd25519AsVault(handle, derivation);
  return deriveEd25519(handle, canonicalContext({ derivation }));
}

interface DerivedPair {
  readonly pair: KeyHandle;
  readonly publicKey: Uint8Array;
}

/** Of the kinds that sign, elliptic curves alone have a hash of their own. */
function assertBound(key: Key, { hash }: SignatureScheme): void {
  const { family, hash: own } = specFacts(key.spec);
  if (family === 'ec' && hash !== own) {
    throw new KmsError('wrong-algorithm', `This ${key.spec} key signs with ${own} only.`, key.id);
  }
}

export async function getPublicKey(
  parts: Parts,
  key: Key,
  command: Command<'get-public-key'>,
): Promise<Outcome<Result<'get-public-key'>>> {
  assertImported(parts, key);
  const version = await parts.versions.facts(key, command.version ?? key.current.version);
  assertAllowed(key, version, 'process');
  if (key.derived) {
    throw new KmsError(
      'unsupported',
      'This key is derived per context: each signature comes with its public key.',
      key.id,
    );
  }
  if (version.publicKey === undefined) {
    throw new KmsError('wrong-usage', `A ${key.spec} key has no public half.`, key.id);
  }
  return { result: { ...used(key, version.version), key, publicKey: version.publicKey } };
}
