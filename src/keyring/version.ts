import { type Key, KmsError, type VersionOperation } from '#domain/domain.ts';
import type { Parts } from './change.ts';
import { assertImported } from './imported.ts';
import type { OpenVersion } from './open.ts';
import { assertAllowed } from './state.ts';

/**
 * The version that a use asks for (default: the newest), opened, if its state and the key's minima allow the operation. At once
 * when it was lately used.
 */
export function openFor(
  parts: Parts,
  key: Key,
  version: number | undefined,
  operation: VersionOperation,
): OpenVersion | Promise<OpenVersion> {
  const number = version ?? key.current.version;
  assertImported(parts, key);
  assertInRange(key, number, operation);
  if (number === key.current.version) {
    assertAllowed(key, key.current, operation);
    return parts.versions.open(key, number);
  }
  const open = parts.versions.opened(key, number);
  if (open !== undefined) {
    assertAllowed(key, open.version, operation);
    return open;
  }
  // The state is judged before anything is opened: material that is destroyed can't be.
  return parts.versions.facts(key, number).then((facts) => {
    assertAllowed(key, facts, operation);
    return parts.versions.open(key, number);
  });
}

function assertInRange(key: Key, version: number, operation: VersionOperation): void {
  if (!Number.isInteger(version) || version < 1 || version > key.current.version) {
    throw new KmsError('version-not-found', `The key has no version ${version}.`, key.id);
  }
  const minimum = operation === 'protect' ? key.minEncryptionVersion : key.minDecryptionVersion;
  if (version < Math.max(minimum, key.minAvailableVersion)) {
    throw new KmsError(
      'version-too-old',
      `Version ${version} of the key is disallowed by its policy (too old).`,
      key.id,
    );
  }
}

/** Applies `next` at once where `value` is at hand: the hot path makes no promise. */
export function then<A, B>(value: A | Promise<A>, next: (value: A) => B | Promise<B>): B | Promise<B> {
  return value instanceof Promise ? value.then(next) : next(value);
}
