/** What the tests of this room stand on: a keyring over the memory store, whose changes the rig commits as the gate would. */
import assert from 'node:assert/strict';
import {
  type Change,
  type Command,
  type ErrorCode,
  type Key,
  KmsError,
  type Outcome,
  Plaintext,
  type RecordKind,
  type RecordWrite,
  SecretBytes,
  type StoredRecord,
} from '#domain/domain.ts';
import { toUtf8, view } from '#encoding/encoding.ts';
import { Keyring, type KeyringOptions, type ProtectedChange, readHead } from '#keyring/keyring.ts';
import { memoryStore, type Store } from '#store/store.ts';

export const startTime = Date.UTC(2026, 10, 24, 12);
export const day = 24 * 60 * 60 * 1000;
export const realm = '111122223333';
const capacity = 100;
/** The ledger is another room's: it stays empty here. */
const ledger = { size: 0, checkpointed: 0, root: new Uint8Array(32), frontier: new Uint8Array(0) };

export const rootBytes = (fill = 7) => new Uint8Array(32).fill(fill);

type Options = Omit<KeyringOptions, 'clock'>;

export class Ring {
  readonly store: Store;
  keyring: Keyring;
  now = startTime;

  private constructor(store: Store, keyring: Keyring) {
    this.store = store;
    this.keyring = keyring;
  }

  static async open(store: Store = memoryStore(), options: Options = { capacity }): Promise<Ring> {
    const ring: Ring = new Ring(store, await openKeyring(store, { ...options, clock: () => ring.now }));
    return ring;
  }

  /** A keyring that remembers nothing, over what the store holds now: what a restart gives. */
  async restart(options: Options = { capacity }): Promise<void> {
    this.keyring = await openKeyring(this.store, { ...options, clock: () => this.now });
  }

  async do<T>(proposed: Outcome<T> | Promise<Outcome<T>>): Promise<T> {
    const { result, change } = await proposed;
    if (change !== undefined) await this.commit(change);
    return result;
  }

  async commit(change: Change): Promise<void> {
    await this.write(await this.keyring.protect(change.records));
    change.applied?.();
    await change.finish?.();
  }

  async write(rows: ProtectedChange): Promise<void> {
    const next = this.keyring.nextHead([rows], ledger, this.now);
    await this.store.commit({ changes: [rows.writes], block: undefined, head: next.bytes, anchor: next.bytes });
    this.keyring.adopt(next);
  }

  async key(more: Partial<Command<'create-key'>> = {}, of = realm): Promise<Key> {
    const command = { kind: 'create-key', spec: 'aes-256', usages: ['encrypt'], class: 'enveloped', ...more } as const;
    return (await this.do(this.keyring.createKey(of, command, this.now))).key;
  }

  /** As the keyring has it now. */
  async fresh(key: Key): Promise<Key> {
    const found = await this.keyring.find(key.realm, byId(key));
    assert.ok(found, 'the key is there');
    return found;
  }

  encrypt = (key: Key, text: string | Uint8Array, more: Partial<Command<'encrypt'>> = {}) =>
    this.do(
      Promise.try(() =>
        this.keyring.encrypt(key, {
          ...{ kind: 'encrypt', key: byId(key), plaintext: plain(text), context: {}, scheme: 'natural', ...more },
        }),
      ),
    );

  async decrypt(key: Key, ciphertext: Uint8Array, more: Partial<Command<'decrypt'>> = {}): Promise<string> {
    const command = { kind: 'decrypt', key: byId(key), ciphertext, context: {}, scheme: 'natural', ...more } as const;
    const { plaintext } = await this.do(Promise.try(() => this.keyring.decrypt(key, command)));
    return view(plaintext.release()).toString('utf8');
  }

  rotate = async (key: Key): Promise<Key> =>
    (await this.do(this.keyring.rotateKey(key, { kind: 'rotate-key', key: byId(key) }, this.now))).key;

  update = async (key: Key, patch: Command<'update-key'>['patch']): Promise<Key> =>
    (
      await this.do(
        Promise.try(() => this.keyring.updateKey(key, { kind: 'update-key', key: byId(key), patch }, this.now)),
      )
    ).key;

  async row(kind: RecordKind, id: string): Promise<StoredRecord> {
    const row = await this.store.read(kind, id);
    assert.ok(row, `${kind} ${id} is stored`);
    return row;
  }

  /** Writes a row past the keyring, as whoever can write the database can. */
  async forge(kind: RecordKind, id: string, next: StoredRecord | undefined): Promise<void> {
    const now = await this.store.read(kind, id);
    const write: RecordWrite = { kind, id, expect: now?.revision ?? 0, next };
    const head = (await this.store.head())!;
    await this.store.commit({ changes: [[write]], block: undefined, head, anchor: undefined });
  }
}

async function openKeyring(store: Store, options: KeyringOptions): Promise<Keyring> {
  using root = new SecretBytes(rootBytes());
  const head = await store.head();
  return Keyring.open(root, store, head === undefined ? undefined : readHead(head)?.sealed, options);
}

export const byId = ({ id }: Pick<Key, 'id'>) => ({ by: 'id', id }) as const;
export const byName = (name: string) => ({ by: 'name', name }) as const;
export const plain = (text: string | Uint8Array) => new Plaintext(typeof text === 'string' ? toUtf8(text) : text);

export function refused(code: ErrorCode, act: Promise<unknown> | (() => unknown), what?: string): Promise<void> {
  const acting = typeof act === 'function' ? Promise.try(act) : act;
  return assert.rejects(acting, (error) => {
    if (!(error instanceof KmsError)) throw error;
    assert.equal(error.code, code, `${what ?? ''} ${error.message}`);
    return true;
  });
}
