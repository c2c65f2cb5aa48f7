import {
  allows,
  type Key,
  type KeyUsage,
  type KeyVersion,
  KmsError,
  type VersionOperation,
  type VersionState,
} from '#domain/domain.ts';

/** The state of a version as the whole key lets it be: the key's own switch and planned end stand above it. */
export function stateOf(key: Key, version: KeyVersion): VersionState {
  if (version.state === 'destroyed' || version.state === 'destroyed-compromised') return version.state;
  if (key.destruction !== undefined) return 'destroy-scheduled';
  if (!key.enabled && (version.state === 'active' || version.state === 'deactivated')) return 'suspended';
  // Vault lets a range of versions protect; without such a minimum only the newest does.
  const inRange = key.minEncryptionVersion > 0 && version.version >= key.minEncryptionVersion;
  return version.state === 'deactivated' && inRange ? 'active' : version.state;
}

/** Throws the refusal that fits the state, unless the table of the lifecycle allows `operation`. */
export function assertAllowed(key: Key, version: KeyVersion, operation: VersionOperation): void {
  const state = stateOf(key, version);
  if (allows(state, operation)) return;
  switch (state) {
    case 'suspended':
      if (!key.enabled) throw new KmsError('disabled', 'The key is disabled; enable it first.', key.id);
      throw new KmsError('disabled', `Version ${version.version} of the key is disabled; enable it first.`, key.id);
    case 'destroy-scheduled':
      throw new KmsError('pending-destruction', 'The key is pending deletion; cancel the deletion first.', key.id);
    case 'destroyed':
    case 'destroyed-compromised':
      throw new KmsError('version-not-found', `Version ${version.version} of the key was destroyed.`, key.id);
    case 'deactivated':
      throw new KmsError(
        'version-too-old',
        `Version ${version.version} of the key only decrypts and verifies.`,
        key.id,
      );
    case 'pending-generation':
    case 'pending-import':
    case 'failed':
    case 'pre-active':
    case 'active':
    case 'compromised':
      throw new KmsError('invalid-state', `The key version is ${state}, which does not allow this.`, key.id);
  }
}

export function assertUsage(key: Key, usage: KeyUsage): void {
  if (!key.usages.includes(usage)) {
    throw new KmsError('wrong-usage', `The key is for ${key.usages.join(', ')}, not for ${usage}.`, key.id);
  }
}

/** Management of a key that is waiting for its end is refused, save what ends the wait. */
export function assertNotEnding(key: Key): void {
  if (key.destruction !== undefined) {
    throw new KmsError('pending-destruction', 'The key is pending deletion; cancel the deletion first.', key.id);
  }
}
