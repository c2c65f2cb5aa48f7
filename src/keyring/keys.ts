import { type Key, type KeyRef, KmsError, type RecordReader } from '#domain/domain.ts';
import { ClockCache } from './clock-cache.ts';
import { decodeKey, keyRecordId, nameRecordId } from './key-record.ts';

// How many marks the generations have: a power of 16, so that a mark is read off a key id's first hex digits.
const marks = 4096;
const markDigits = 3;

/** The keys lately used, by id and by name, and the way to those that weren't. */
export class Keys {
  readonly #records: RecordReader;
  readonly #byId: ClockCache<Key>;
  readonly #byName: ClockCache<string>;
  // Bumped when a key changes; what was decided under another generation is decided again before it is answered.
  readonly #generations = new Uint32Array(marks);

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
    if (ref.by === 'id') return this.#cached(realm, ref.id) ?? this.#load(realm, ref.id);
    const id = this.#byName.get(nameRecordId(realm, ref.name));
    if (id === undefined) return this.#resolve(realm, ref.name);
    return this.#cached(realm, id) ?? this.#load(realm, id);
  }

  #cached(realm: string, id: string): Key | undefined {
    return this.#byId.get(`${realm}/${id}`);
  }

  async #resolve(realm: string, name: string): Promise<Key | undefined> {
    const recordId = nameRecordId(realm, name);
    const generation = this.generationOf(recordId);
    const record = await this.#records.read('name', recordId);
    // A key without a name answers to its id.
    if (record === undefined) return this.#cached(realm, name) ?? this.#load(realm, name);
    const { key } = record.value as { key: string };
    if (generation === this.generationOf(recordId)) this.#byName.set(recordId, key);
    return this.#cached(realm, key) ?? this.#load(realm, key);
  }

  async #load(realm: string, id: string): Promise<Key | undefined> {
    const recordId = `${realm}/${id}`;
    const generation = this.generationOf(id);
    const record = await this.#records.read('key', recordId);
    if (record === undefined) return undefined;
    const key = decodeKey(record.revision, record.value);
    if (isGone(key)) return undefined;
    if (keyRecordId(key) !== recordId) throw new KmsError('tampered', 'A stored key is not where it belongs.');
    // A change that was applied while the row was on its way must not be undone in memory.
    if (generation === this.generationOf(id)) this.#byId.set(recordId, key);
    return key;
  }

  /** Changes whenever the key of this id (or one that shares its mark) changes. */
  generationOf(id: string): number {
    return this.#generations[markOf(id)]!;
  }

  /** Called when a change is durable: from now on everybody sees `key`, and what was decided on the former one is stale. */
  replace(key: Key, oldNames: readonly string[] = []): void {
    this.#bump(key.id);
    for (const name of oldNames) this.forgetName(key.realm, name);
    if (isGone(key)) this.#byId.delete(keyRecordId(key));
    else this.#byId.set(keyRecordId(key), key);
  }

  forgetName(realm: string, name: string): void {
    const recordId = nameRecordId(realm, name);
    this.#bump(recordId);
    this.#byName.delete(recordId);
  }

  #bump(id: string): void {
    const mark = markOf(id);
    this.#generations[mark] = (this.#generations[mark]! + 1) >>> 0;
  }
}

/** Names start with their realm's digits, so they share few marks; a shared mark only costs a second decision. */
function markOf(id: string): number {
  const mark = Number.parseInt(id.slice(0, markDigits), 16);
  return Number.isNaN(mark) ? 0 : mark;
}

export function isGone(key: Key): boolean {
  return key.current.state === 'destroyed' || key.current.state === 'destroyed-compromised';
}
