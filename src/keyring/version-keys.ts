import { hmac, type KeyHandle, randomBytes } from '#crypto/crypto.ts';
import { type Key, KmsError, type RecordChange, SecretBytes, type WrappedMaterial } from '#domain/domain.ts';
import { toUtf8 } from '#encoding/encoding.ts';
import type { Shelf } from '#store/store.ts';
import { keyRecordId } from './key-record.ts';
import type { RealmKeys } from './realm-keys.ts';
import { encodeBinding, openWrapped, unwrapMaterial, wrapMaterial } from './root.ts';

type Place = Pick<Key, 'realm' | 'id' | 'slot'>;

const secretLength = 32;

/** 'lacking': there should be one, and none was destroyed; the shelf is not the living one. */
type Shelved = 'here' | 'destroyed' | 'lacking';

/** The caller owns `key`. */
export interface NewVersionKey {
  readonly key: SecretBytes;
  /** What the key is to know of it. */
  readonly own: Pick<Key, 'slot'>;
  readonly records: readonly RecordChange[];
  readonly applied: () => void;
}

/** The only keys that wrap versions: one for all of a key's, of the key of its realm and of the secret that lies on the shelf for it. */
export class VersionKeys {
  readonly #realmKeys: RealmKeys;
  readonly #shelf: Shelf | undefined;

  /** Without a shelf keys have no secret of their own. */
  constructor(realmKeys: RealmKeys, shelf?: Shelf) {
    this.#realmKeys = realmKeys;
    this.#shelf = shelf;
  }

  /** What wraps the key's versions from now on. The caller owns it. Rejects with 'tampered' where its realm should have a key and hasn't. */
  async of(place: Place): Promise<SecretBytes> {
    return this.#derived((await this.#realmKeys.handlesOf(place.realm)).handle, place);
  }

  /**
   * Of a key that is made: with a new secret, on the shelf already; for the first one of a realm also the record that goes with it. `before`:
   * the same key, which lives; its secret goes on, so that no other of it is left on the shelf when it is destroyed.
   */
  async ofNew({ realm, id }: Omit<Place, 'slot'>, before?: Place): Promise<NewVersionKey> {
    const { handle, record, applied } = await this.#realmKeys.ofOrNew(realm);
    const goesOn = before?.slot !== undefined && this.shelved(before) === 'here';
    const slot = goesOn ? before.slot : await this.#put(keyRecordId({ realm, id }));
    const own = slot === undefined ? {} : { slot };
    const key = this.#derived(handle, { realm, id, ...own });
    return { key, own, records: record === undefined ? [] : [record], applied };
  }

  /** What a version of the key holds, whichever root it was wrapped under. The caller owns it. Rejects with 'tampered'. */
  async unwrap(place: Place, bound: object, wrapped: Uint8Array): Promise<SecretBytes> {
    const { handle, former } = await this.#realmKeys.handlesOf(place.realm);
    using key = this.#derived(handle, place);
    if (former === undefined) return unwrapMaterial(key, bound, wrapped);
    const opened = openWrapped(key, bound, wrapped);
    if (opened !== undefined) return opened;
    using before = this.#derived(former.handle, place);
    return unwrapMaterial(before, bound, wrapped);
  }

  /** Under the root of now: the same array where it is. Rejects with 'tampered'. */
  async rewrap(place: Place, bound: object, wrapped: WrappedMaterial): Promise<WrappedMaterial> {
    const { handle, former } = await this.#realmKeys.handlesOf(place.realm);
    if (former === undefined) return wrapped;
    const [key, before] = this.#withSecret(place, (secret) => [
      derived(handle, place, secret),
      derived(former.handle, place, secret),
    ]);
    try {
      const binding = encodeBinding(bound);
      using material = openWrapped(before!, binding, wrapped);
      if (material !== undefined) return wrapMaterial(key!, binding, material);
      unwrapMaterial(key!, binding, wrapped).dispose();
      return wrapped;
    } finally {
      key!.dispose();
      before!.dispose();
    }
  }

  /** Whether the secret that the key has of its own, if it has one, is on the shelf; if not, why. */
  shelved(place: Place): Shelved {
    const { slot } = place;
    if (slot === undefined) return 'here';
    const secret = this.#read(place);
    secret?.fill(0);
    if (secret !== undefined) return 'here';
    return this.#shelf?.isErased(slot) === true ? 'destroyed' : 'lacking';
  }

  async #put(owner: string): Promise<number | undefined> {
    const secret = randomBytes(secretLength);
    try {
      return await this.#shelf?.put(secret, owner);
    } finally {
      secret.fill(0);
    }
  }

  #read(place: Place): Uint8Array | undefined {
    const { slot } = place;
    return slot === undefined ? undefined : this.#shelf?.read({ slot, owner: keyRecordId(place) });
  }

  #derived(realmKey: KeyHandle, place: Place): SecretBytes {
    return this.#withSecret(place, (secret) => derived(realmKey, place, secret));
  }

  /** The secret that lies on the shelf for the key, if one does, is wiped afterwards. Throws 'tampered' where there should be one. */
  #withSecret<T>(place: Place, use: (secret: Uint8Array) => T): T {
    if (place.slot === undefined) return use(none);
    const secret = this.#read(place);
    if (secret === undefined) throw notOnShelf(place.id, this.shelved(place));
    try {
      return use(secret);
    } finally {
      secret.fill(0);
    }
  }
}

const none = new Uint8Array(0);

function notOnShelf(id: string, shelved: Shelved): KmsError {
  const why =
    shelved === 'lacking'
      ? 'the shelf is not the living one'
      : 'it was destroyed after this copy of the database was made';
  return new KmsError('tampered', `The secret of the key is not on the shelf: ${why}.`, id);
}

/**
 * HKDF-Extract (RFC 5869 section 2.2) with SHA-256: the realm's key is the salt, and the key material is what lies on the shelf, with the
 * name of the key whose it is. Whoever lacks either has nothing.
 */
function derived(realmKey: KeyHandle, { realm, id }: Place, secret: Uint8Array): SecretBytes {
  const name = toUtf8(`claviger/v1/version-key/${realm.length}:${realm}/${id}/`);
  const input = Buffer.concat([secret, name]);
  try {
    return new SecretBytes(hmac('sha256', realmKey, input));
  } finally {
    input.fill(0);
  }
}
