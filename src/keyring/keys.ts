import { type Key, type KeyRef, KmsError, type RecordReader } from '#domain/domain.ts';
import { ClockCache } from './clock-cache.ts';
import { decodeKey, nameRecordId } from './key-record.ts';

/** The keys lately used, by id and by name, and the way to those that weren't. */
export class Keys {
  readonly #records: RecordReader;
  // Ids are unique across realms.
  readonly #byId: ClockCache<Key>;
  readonly #byName: ClockCache<string>;
  // Counts changes, so that a row read before a change isn't taken into memory after it.
  #changes = 0;

  constructor(records: RecordReader, capacity: number) {
    this.#records = records;
    this.#byId = new ClockCache(capacity);
    this.#byName = new ClockCache(capacity);
  }

  /**
   * The key that `ref` names in `realm`; at once when it was lately used. Undefined when there is none, when it is destroyed, and
   * when the reference names another realm.
   */
  find(realm: string, ref: KeyRef): Key | undefined | Promise<Key | undefined> {
    if (ref.realm !== undefined && ref.realm !== realm) return undefined;
    if (ref.by === 'id') return this.#byIdIn(realm, ref.id);
    const id = this.#byName.get(nameRecordId(realm, ref.name));
    return id === undefined ? this.#resolve(realm, ref.name) : this.#byIdIn(realm, id);
  }

  /** Whether `key` is the newest that memory knows. False once it was changed, and for what memory has let go. */
  isCurrent(key: Key): boolean {
    return this.#byId.get(key.id) === key;
  }

  #byIdIn(realm: string, id: string): Key | undefined | Promise<Key | undefined> {
    const key = this.#byId.get(id);
    if (key === undefined) return this.#load(realm, id);
    return key.realm === realm ? key : undefined;
  }

  async #resolve(realm: string, name: string): Promise<Key | undefined> {
    const recordId = nameRecordId(realm, name);
    const changes = this.#changes;
    const record = await this.#records.read('name', recordId);
    // A key without a name answers to its id.
    if (record === undefined) return this.#byIdIn(realm, name);
    const { key } = record.value as { key: string };
    if (changes === this.#changes) this.#byName.set(recordId, key);
    return this.#byIdIn(realm, key);
  }

  async #load(realm: string, id: string): Promise<Key | undefined> {
    const changes = this.#changes;
    const record = await this.#records.read('key', `${realm}/${id}`);
    if (record === undefined) return undefined;
    const key = decodeKey(record.revision, record.value);
    if (isGone(key)) return undefined;
    if (key.realm !== realm || key.id !== id) throw new KmsError('tampered', 'A stored key is not where it belongs.');
    const known = this.#byId.get(id);
    if (known !== undefined) return known;
    // What was read before a change may be what it changed.
    if (changes !== this.#changes) return this.#load(realm, id);
    this.#byId.set(id, key);
    return key;
  }

  /** Called when a change is durable: from now on everybody sees `key`. */
  replace(key: Key, oldNames: readonly string[] = []): void {
    this.#changes++;
    for (const name of oldNames) this.forgetName(key.realm, name);
    if (isGone(key)) this.#byId.delete(key.id);
    else this.#byId.set(key.id, key);
  }

  forgetName(realm: string, name: string): void {
    this.#changes++;
    this.#byName.delete(nameRecordId(realm, name));
  }
}

export function isGone(key: Key): boolean {
  return key.current.state === 'destroyed' || key.current.state === 'destroyed-compromised';
}
