import { type Key, type KeyRef, KmsError, type RecordReader } from '#domain/domain.ts';
import { ClockCache } from './clock-cache.ts';
import { decodeKey, nameRecordId } from './key-record.ts';

/** A row on its way from the store. What changes the row meanwhile makes it `stale`: what was read is then read again. */
interface Reading {
  stale: boolean;
}

/** More than there are requests under way. */
const mostLately = 4096;

/** The keys lately used, by id and by name, and the way to those that weren't. */
export class Keys {
  readonly #records: RecordReader;
  // By id, which is unique across realms, save of multi-Region keys: see `cacheId`.
  readonly #byId: ClockCache<Key>;
  readonly #byName: ClockCache<string>;
  // What was let go last: the revision, so that a request under way is not done again only because others came between.
  readonly #lately = new Map<string, number>();
  // By a key's id in the cache and by a name's record id.
  readonly #readings = new Map<string, Set<Reading>>();

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

  /** Whether `key` is the newest that memory knows. False once it was changed, and for what memory has let go long since. */
  isCurrent(key: Key): boolean {
    const kept = cacheId(key.realm, key.id);
    const known = this.#byId.get(kept);
    return known === key || (known?.revision ?? this.#lately.get(kept)) === key.revision;
  }

  #keep(kept: string, key: Key): void {
    const gone = this.#byId.set(kept, key);
    if (gone === undefined) return;
    const [oldest] = this.#lately.keys();
    if (this.#lately.size >= mostLately) this.#lately.delete(oldest!);
    this.#lately.set(cacheId(gone.realm, gone.id), gone.revision);
  }

  #byIdIn(realm: string, id: string): Key | undefined | Promise<Key | undefined> {
    const key = this.#byId.get(cacheId(realm, id));
    if (key === undefined) return this.#load(realm, id);
    return key.realm === realm ? key : undefined;
  }

  #resolve(realm: string, name: string): Promise<Key | undefined> {
    const recordId = nameRecordId(realm, name);
    return this.#read('name', recordId, recordId, (record) => {
      // A key without a name answers to its id.
      if (record === undefined) return this.#byIdIn(realm, name);
      const { key } = record.value as { key: string };
      this.#byName.set(recordId, key);
      return this.#byIdIn(realm, key);
    });
  }

  #load(realm: string, id: string): Promise<Key | undefined> {
    const kept = cacheId(realm, id);
    return this.#read('key', `${realm}/${id}`, kept, (record) => {
      const known = this.#byId.get(kept);
      if (known !== undefined) return known.realm === realm ? known : undefined;
      if (record === undefined) return undefined;
      const key = decodeKey(record.revision, record.value);
      if (isGone(key)) return undefined;
      if (key.realm !== realm || key.id !== id) throw new KmsError('tampered', 'A stored key is not where it belongs.');
      this.#keep(kept, key);
      return key;
    });
  }

  /** `take` gets the row in the same turn in which it is known that nothing has changed it meanwhile. */
  async #read<T>(
    kind: 'key' | 'name',
    recordId: string,
    watched: string,
    take: (record: Awaited<ReturnType<RecordReader['read']>>) => T | Promise<T>,
  ): Promise<T> {
    for (;;) {
      const reading: Reading = { stale: false };
      const others = this.#readings.get(watched) ?? new Set();
      this.#readings.set(watched, others.add(reading));
      try {
        const record = await this.#records.read(kind, recordId);
        if (!reading.stale) return await take(record);
      } finally {
        others.delete(reading);
        if (others.size === 0) this.#readings.delete(watched);
      }
    }
  }

  /** Called when a change is durable: from now on everybody sees `key`. */
  replace(key: Key, oldNames: readonly string[] = []): void {
    const kept = cacheId(key.realm, key.id);
    this.#outdate(kept);
    this.#lately.delete(kept);
    for (const name of oldNames) this.forgetName(key.realm, name);
    if (isGone(key)) this.#byId.delete(kept);
    else this.#keep(kept, key);
  }

  /** As `replace`, of a key that says the same as before: it takes nobody's place in memory. */
  renew(key: Key): void {
    const kept = cacheId(key.realm, key.id);
    if (this.#byId.get(kept) !== undefined) this.replace(key);
    else {
      this.#outdate(kept);
      this.#lately.delete(kept);
    }
  }

  forgetName(realm: string, name: string): void {
    const recordId = nameRecordId(realm, name);
    this.#outdate(recordId);
    this.#byName.delete(recordId);
  }

  #outdate(watched: string): void {
    for (const reading of this.#readings.get(watched) ?? []) reading.stale = true;
  }
}

/** A multi-Region key has the same id in each of its realms. */
function cacheId(realm: string, id: string): string {
  return id.startsWith('mrk-') ? `${realm}/${id}` : id;
}

export function isGone(key: Key): boolean {
  return key.current.state === 'destroyed' || key.current.state === 'destroyed-compromised';
}
