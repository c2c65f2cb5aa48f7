import { readEntries } from '#audit/audit.ts';
import { type Action, type Entry, type Key, KmsError, type LastUse, type RecordChange } from '#domain/domain.ts';
import type { Keyring } from '#keyring/keyring.ts';
import type { Store } from '#store/store.ts';
import type { CommitQueue } from './commit-queue.ts';
import { from, notValid } from './lines.ts';

/** What counts as a use of a key's material. */
const uses: ReadonlySet<string> = new Set<Action>([
  'encrypt',
  'decrypt',
  're-encrypt',
  'generate-data-key',
  'generate-data-key-pair',
  'sign',
  'request-certificate',
  'verify',
  'generate-mac',
  'verify-mac',
  'derive-shared-secret',
  'encapsulate',
  'decapsulate',
  // Values are closed and opened under the secret's key.
  'create-secret',
  'put-secret-value',
  'get-secret-value',
  'read-secret-version',
  'write-secret',
  'import-secret',
]);

/** Keys of a realm that are remembered until they are written: more of them are written sooner. */
const most = 65_536;
/** Rows of one transaction: others must not wait long behind it. */
const chunk = 500;
/** Lines that are worth writing down how far the ledger was read, even if none of them used a key. */
const worthwhile = 10_000;
const position = 'last-uses';

type Noted = Map<string, Map<string, Entry>>;

/**
 * When each key was last used, by what. Known from the ledger: what is noted in memory is written now and then, and how far the ledger
 * is written down with it; what the ledger has beyond that is read again at the start. So nothing is lost that was answered, and a use
 * costs a note.
 */
export class LastUses {
  readonly #store: Pick<Store, 'ledger'>;
  readonly #ledger: { readonly size: number };
  readonly #commits: CommitQueue;
  readonly #failed: (error: unknown) => void;
  /** By realm and key id. */
  #noted: Noted = new Map();
  /** Being written. */
  #leaving: Noted = new Map();
  #keyring: Keyring | undefined;
  #writing: Promise<void> = Promise.resolve();
  #writingSoon = false;
  #reading: Promise<void> = Promise.resolve();
  /** Lines before it are noted; undefined once that is all of them. */
  #readTo: number | undefined = 0;
  #written = 0;
  #revision = 0;

  constructor(
    store: Pick<Store, 'ledger'>,
    ledger: { readonly size: number },
    commits: CommitQueue,
    failed: (error: unknown) => void,
  ) {
    this.#store = store;
    this.#ledger = ledger;
    this.#commits = commits;
    this.#failed = failed;
  }

  /** Takes a line that is durable. */
  note(line: Entry): void {
    if (!uses.has(line.action) || line.summary === notValid || line.key === undefined) return;
    this.#remember(line, line.key);
    if (line.action !== 're-encrypt' || line.summary === undefined) return;
    const start = line.summary.lastIndexOf(from(''));
    if (start !== -1) this.#remember(line, line.summary.slice(start + from('').length));
  }

  #remember(line: Entry, keyId: string): void {
    let keys = this.#noted.get(line.realm);
    if (keys === undefined) {
      keys = new Map();
      this.#noted.set(line.realm, keys);
    }
    keys.set(keyId, line);
    if (keys.size >= most && !this.#writingSoon) {
      this.#writingSoon = true;
      this.write().catch(this.#failed);
    }
  }

  /** Goes on with another keyring, from where the last one came to; undefined while there is none. */
  follow(keyring: Keyring | undefined): void {
    this.#keyring = keyring;
    if (keyring === undefined) return;
    this.#readTo = 0;
    const read = this.#reading.then(() => this.#catchUp(keyring));
    this.#reading = read.catch(() => {});
    read.catch(this.#failed);
  }

  /** Reads what the ledger has beyond what is written. */
  async #catchUp(keyring: Keyring): Promise<void> {
    const stored = await keyring.records.read('setting', position);
    const { upTo = 0 } = (stored?.value ?? {}) as { upTo?: number };
    this.#revision = stored?.revision ?? 0;
    this.#written = upTo;
    const end = this.#ledger.size;
    for (let next = upTo; next < end && this.#keyring === keyring; ) {
      const entries = await readEntries(this.#store, next, Math.min(1000, end - next));
      if (entries.length === 0) break;
      for (const { entry } of entries) if (entry.outcome === 'ok' && !this.#knowsLater(entry)) this.note(entry);
      next += entries.length;
      this.#readTo = next;
      // Between the requests, not before them.
      await new Promise(setImmediate);
    }
    if (this.#keyring === keyring) this.#readTo = undefined;
  }

  /** Requests are answered while the ledger is still being read. */
  #knowsLater({ realm, key, time }: Entry): boolean {
    const known = key === undefined ? undefined : this.#noted.get(realm)?.get(key);
    return known !== undefined && known.time > time;
  }

  /** What is known of a key. */
  async of({ realm, id }: Key): Promise<LastUse | undefined> {
    await this.#reading;
    if (this.#readTo !== undefined) throw new KmsError('unavailable', 'The ledger has not been read yet; ask again.');
    const line = this.#noted.get(realm)?.get(id) ?? this.#leaving.get(realm)?.get(id);
    if (line !== undefined) return lastUseOf(line);
    if (this.#keyring === undefined) throw new KmsError('sealed', 'The server is sealed.');
    const stored = await this.#keyring.records.read('last-use', `${realm}/${id}`);
    return stored?.value as LastUse | undefined;
  }

  /** Makes durable what was noted. Resolves to the number of keys. */
  write(): Promise<number> {
    const writing = this.#writing.then(() => this.#write());
    this.#writing = writing.then(
      () => {},
      () => {},
    );
    return writing;
  }

  async #write(): Promise<number> {
    const keyring = this.#keyring;
    const upTo = this.#readTo ?? this.#ledger.size;
    // Whoever's line is durable by now has noted it one turn later.
    await new Promise(setImmediate);
    this.#writingSoon = false;
    if (keyring === undefined || (this.#noted.size === 0 && upTo < this.#written + worthwhile)) return 0;
    this.#leaving = this.#noted;
    this.#noted = new Map();
    try {
      return await this.#writeAll(keyring, upTo);
    } catch (error) {
      this.#takeBack();
      throw error;
    } finally {
      this.#leaving = new Map();
    }
  }

  async #writeAll(keyring: Keyring, upTo: number): Promise<number> {
    let records: RecordChange[] = [];
    let written = 0;
    for (const [realm, keys] of this.#leaving) {
      for (const [keyId, line] of keys) {
        if (records.length === chunk) {
          await this.#commits.change({ records, summary: '' });
          records = [];
        }
        const id = `${realm}/${keyId}`;
        const expect = (await keyring.records.read('last-use', id))?.revision ?? 0;
        records.push({ kind: 'last-use', id, expect, value: lastUseOf(line) });
        written++;
      }
    }
    records.push({ kind: 'setting', id: position, expect: this.#revision, value: { upTo } });
    await this.#commits.change({ records, summary: '' });
    this.#revision++;
    this.#written = upTo;
    return written;
  }

  #takeBack(): void {
    const later = this.#noted;
    this.#noted = this.#leaving;
    for (const [realm, keys] of later) {
      const before = this.#noted.get(realm);
      this.#noted.set(realm, before === undefined ? keys : new Map([...before, ...keys]));
    }
  }
}

function lastUseOf({ time, action, protocol, operation, requestId }: Entry): LastUse {
  return { at: time, action, protocol, operation, requestId };
}
