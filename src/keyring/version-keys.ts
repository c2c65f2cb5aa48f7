import { hkdf } from '#crypto/crypto.ts';
import type { Key, RecordChange, SecretBytes, WrappedMaterial } from '#domain/domain.ts';
import { canonicalJson, toUtf8 } from '#encoding/encoding.ts';
import type { RealmKeys } from './realm-keys.ts';
import { openWrapped, unwrapMaterial, wrapMaterial } from './root.ts';

type Place = Pick<Key, 'realm' | 'id'>;

const salt = toUtf8('claviger/v1/version-key');

/** The only keys that wrap versions: one for all of a key's, under the key of its realm. */
export class VersionKeys {
  readonly #realmKeys: RealmKeys;

  constructor(realmKeys: RealmKeys) {
    this.#realmKeys = realmKeys;
  }

  /** What wraps the key's versions from now on. The caller owns it. Rejects with 'tampered' where its realm should have a key and hasn't. */
  async of(place: Place): Promise<SecretBytes> {
    return derived(await this.#realmKeys.of(place.realm), place);
  }

  /** As `of`; for the first key of a realm also the record that must become durable with it. */
  async ofNew(place: Place): Promise<{ key: SecretBytes; records: readonly RecordChange[]; applied: () => void }> {
    const { key, record, applied } = await this.#realmKeys.ofOrNew(place.realm);
    return { key: derived(key, place), records: record === undefined ? [] : [record], applied };
  }

  /** What a version of the key holds, whichever root it was wrapped under. The caller owns it. Rejects with 'tampered'. */
  async unwrap(place: Place, bound: object, wrapped: Uint8Array): Promise<SecretBytes> {
    using key = await this.of(place);
    const former = await this.#realmKeys.formerOf(place.realm);
    if (former === undefined) return unwrapMaterial(key, bound, wrapped);
    const opened = openWrapped(key, bound, wrapped);
    if (opened !== undefined) return opened;
    using before = derived(former, place);
    return unwrapMaterial(before, bound, wrapped);
  }

  /** Under the root of now: the same array where it is. Rejects with 'tampered'. */
  async rewrap(place: Place, bound: object, wrapped: WrappedMaterial): Promise<WrappedMaterial> {
    const former = await this.#realmKeys.formerOf(place.realm);
    if (former === undefined) return wrapped;
    using key = await this.of(place);
    using before = derived(former, place);
    using material = openWrapped(before, bound, wrapped);
    if (material !== undefined) return wrapMaterial(key, bound, material);
    unwrapMaterial(key, bound, wrapped).dispose();
    return wrapped;
  }
}

function derived(realmKey: SecretBytes, { realm, id }: Place): SecretBytes {
  return hkdf('sha512', realmKey, salt, toUtf8(canonicalJson({ realm, id })), 32);
}
