import { type KeyHandle, openMaterial, openPublicKey } from '#crypto/crypto.ts';
import { type Key, type KeyVersion, KmsError, type RecordReader, type SecretBytes } from '#domain/domain.ts';
import { ClockCache } from './clock-cache.ts';
import { type EnvelopeKey, envelopeKey } from './envelope.ts';
import { decodeVersion, versionRecordId } from './key-record.ts';
import { assertNotResident, type Residents } from './resident.ts';
import { RemotePair } from './sign-resident.ts';
import type { VersionKeys } from './version-keys.ts';

/** A version opened for use. */
export interface OpenVersion {
  readonly version: KeyVersion;
  /** Of a version in an HSM its public half. */
  readonly handle: KeyHandle;
  /** For symmetric keys that encrypt, unless they are raw. */
  readonly envelope: EnvelopeKey | undefined;
  /** Does what the private half does, where that is in an HSM. */
  readonly remote: RemotePair | undefined;
}

/** What a wrapped version is bound to. Not the state, which changes while the material doesn't. */
export function bindingOf(key: Pick<Key, 'realm' | 'id' | 'spec' | 'usages' | 'class'>, version: number): object {
  const { realm, id, spec, usages, class: keyClass } = key;
  return { realm, id, version, spec, usages, class: keyClass };
}

/** The same of the key for MACs that a version brought along. */
export function macBindingOf(key: Parameters<typeof bindingOf>[0], version: number): object {
  return { ...bindingOf(key, version), purpose: 'mac' };
}

/** Versions opened lately. Any change of a key empties what it had open, at once. */
export class OpenVersions {
  readonly #records: RecordReader;
  readonly #versionKeys: VersionKeys;
  readonly #residents: Residents;
  // By the key object itself, which is replaced with every change: a stale opening can't be found again.
  readonly #current = new WeakMap<Key, OpenVersion>();
  readonly #older: ClockCache<{ readonly key: Key; readonly open: OpenVersion }>;

  constructor(records: RecordReader, versionKeys: VersionKeys, residents: Residents, capacity: number) {
    this.#records = records;
    this.#versionKeys = versionKeys;
    this.#residents = residents;
    this.#older = new ClockCache(capacity);
  }

  /** The version opened, at once when it was lately used. Throws 'version-not-found'. */
  open(key: Key, version: number): OpenVersion | Promise<OpenVersion> {
    const open = this.opened(key, version);
    if (open !== undefined) return open;
    return version === key.current.version ? this.#openCurrent(key) : this.#openOlder(key, version);
  }

  /** The version if it is open already. */
  opened(key: Key, version: number): OpenVersion | undefined {
    if (version === key.current.version) return this.#current.get(key);
    const kept = this.#older.get(versionRecordId(key, version));
    return kept?.key === key ? kept.open : undefined;
  }

  /** The stored facts of a version, current or older. Rejects with 'version-not-found'. */
  async facts(key: Key, version: number): Promise<KeyVersion> {
    if (version === key.current.version) return key.current;
    const record = await this.#records.read('version', versionRecordId(key, version));
    if (record === undefined) throw new KmsError('version-not-found', `The key has no version ${version}.`, key.id);
    return decodeVersion(record.value);
  }

  /** Material for the few uses that need the bytes themselves. The caller owns the result. */
  async material(key: Key, version: KeyVersion): Promise<SecretBytes> {
    assertPrivate(key, version);
    assertNotResident(key, 'taken out');
    if (version.wrapped === undefined) {
      throw new KmsError('version-not-found', `Version ${version.version} of the key has no material.`, key.id);
    }
    return this.#versionKeys.unwrap(key, bindingOf(key, version.version), version.wrapped);
  }

  /** The version's own key for MACs, if it brought one. The caller owns it. */
  async macKey(key: Key, { version, wrappedMac }: KeyVersion): Promise<SecretBytes | undefined> {
    if (wrappedMac === undefined) return undefined;
    return this.#versionKeys.unwrap(key, macBindingOf(key, version), wrappedMac);
  }

  async #openCurrent(key: Key): Promise<OpenVersion> {
    const open = await this.#unwrap(key, key.current);
    this.#current.set(key, open);
    return open;
  }

  async #openOlder(key: Key, number: number): Promise<OpenVersion> {
    const open = await this.#unwrap(key, await this.facts(key, number));
    this.#older.set(versionRecordId(key, number), { key, open });
    return open;
  }

  async #unwrap(key: Key, version: KeyVersion): Promise<OpenVersion> {
    if (version.publicOnly === true) {
      return { version, handle: openPublicKey(key.spec, version.publicKey!), envelope: undefined, remote: undefined };
    }
    if (version.resident !== undefined) {
      const handle = openPublicKey(key.spec, version.publicKey!);
      const remote = new RemotePair(this.#residents, key, version.resident, handle);
      return { version, handle, envelope: undefined, remote };
    }
    using material = await this.material(key, version);
    const handle = openMaterial(key.spec, material);
    const raw = key.class === 'raw';
    return { version, handle, envelope: raw ? undefined : envelopeOf(key, version.version, handle), remote: undefined };
  }
}

/** Throws 'invalid-state' where only the public half was imported. */
export function assertPrivate(key: Key, { version, publicOnly }: KeyVersion): void {
  if (publicOnly !== true) return;
  throw new KmsError('invalid-state', `Of version ${version} only the public half was imported.`, key.id);
}

function envelopeOf(key: Key, version: number, handle: KeyHandle): EnvelopeKey | undefined {
  return envelopeKey(key.realm, key.id, version, handle, key.convergent === true);
}
