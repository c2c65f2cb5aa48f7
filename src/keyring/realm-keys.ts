import { type KeyHandle, openMaterial, randomBytes } from '#crypto/crypto.ts';
import { KmsError, type RecordChange, type RecordReader, SecretBytes, type WrappedMaterial } from '#domain/domain.ts';
import { fromBase64, toBase64 } from '#encoding/encoding.ts';
import { openWrapped, type Root, rootLength, unwrapMaterial, wrapMaterial } from './root.ts';

const prefix = 'realm-key/';
const recordId = (realm: string) => `${prefix}${realm}`;
const binding = (realm: string, role?: 'former') => ({ purpose: 'realm-key', realm, ...(role && { role }) });

interface Stored {
  /** Under the root of now. Where that came of a rotation that goes on: under the one before. */
  readonly wrapped: string;
  /** Under a root that comes, or has come: the key that it brings along, and the one that it replaces. */
  readonly next?: { readonly wrapped: string; readonly former: string };
}

interface RealmKey {
  readonly key: SecretBytes;
  /** The same, for who derives many keys of it. */
  readonly handle: KeyHandle;
  /** What was wrapped before the rotation that is under way. */
  readonly former?: { readonly key: SecretBytes; readonly handle: KeyHandle };
}

const handleOf = (key: SecretBytes): KeyHandle => openMaterial('hmac-sha256', key);

/** One key per realm, under the root; a realm's versions hang from it and from nothing else. A new root brings new ones. */
export class RealmKeys {
  readonly #records: RecordReader;
  readonly #wrapping: SecretBytes;
  // Few, and needed for every opening: kept as long as the server is unsealed.
  readonly #open = new Map<string, RealmKey>();

  constructor(records: RecordReader, wrapping: SecretBytes) {
    this.#records = records;
    this.#wrapping = wrapping;
  }

  /** What is wrapped from now on in the realm; it stays this room's. Rejects with 'tampered' where there should be one and isn't. */
  async of(realm: string): Promise<SecretBytes> {
    return (await this.#existing(realm)).key;
  }

  /** What keys are derived of; `former`: until the rotation of the root is over. They stay this room's. */
  async handlesOf(
    realm: string,
  ): Promise<{ readonly handle: KeyHandle; readonly former?: { readonly handle: KeyHandle } }> {
    return this.#existing(realm);
  }

  /** Material of the realm, whichever of its keys it is under. The caller owns it. Rejects with 'tampered'. */
  async unwrap(realm: string, bound: object, wrapped: Uint8Array): Promise<SecretBytes> {
    const { key, former } = await this.#existing(realm);
    if (former === undefined) return unwrapMaterial(key, bound, wrapped);
    return openWrapped(key, bound, wrapped) ?? unwrapMaterial(former.key, bound, wrapped);
  }

  /** Under the realm's key of now: the same array where it is. Rejects with 'tampered'. */
  async rewrap(realm: string, bound: object, wrapped: WrappedMaterial): Promise<WrappedMaterial> {
    const { key, former } = await this.#existing(realm);
    if (former === undefined) return wrapped;
    using material = openWrapped(former.key, bound, wrapped);
    if (material !== undefined) return wrapMaterial(key, bound, material);
    unwrapMaterial(key, bound, wrapped).dispose();
    return wrapped;
  }

  /** As `of`; for a realm without one, a new key and the record that must become durable with its first use. */
  async ofOrNew(
    realm: string,
  ): Promise<{ key: SecretBytes; handle: KeyHandle; record?: RecordChange; applied: () => void }> {
    const known = await this.#find(realm);
    if (known !== undefined) return { ...known, applied: () => {} };
    const key = new SecretBytes(randomBytes(rootLength));
    const value: Stored = { wrapped: toBase64(wrapMaterial(this.#wrapping, binding(realm), key)) };
    const handle = handleOf(key);
    return {
      ...{ key, handle },
      record: { kind: 'setting', id: recordId(realm), expect: 0, value },
      applied: () => this.#open.set(realm, { key, handle }),
    };
  }

  /** New keys of every realm, for the root that comes next. */
  async under(next: Root): Promise<readonly RecordChange[]> {
    const changes: RecordChange[] = [];
    for await (const { id, revision, value } of this.#all()) {
      const realm = id.slice(prefix.length);
      const { wrapped } = value;
      using key = new SecretBytes(randomBytes(rootLength));
      const renewed = {
        wrapped: toBase64(wrapMaterial(next.wrapping, binding(realm), key)),
        former: toBase64(wrapMaterial(next.wrapping, binding(realm, 'former'), await this.of(realm))),
      };
      changes.push({ kind: 'setting', id, expect: revision, value: { wrapped, next: renewed } satisfies Stored });
    }
    return changes;
  }

  /** The former ones are needed no more. */
  async settled(): Promise<readonly RecordChange[]> {
    const changes: RecordChange[] = [];
    for await (const { id, revision, value } of this.#all()) {
      if (value.next === undefined) continue;
      const { wrapped } = value.next;
      changes.push({ kind: 'setting', id, expect: revision, value: { wrapped } satisfies Stored });
    }
    return changes;
  }

  async *#all() {
    for (let after = ''; ; ) {
      const rows = await this.#records.list('setting', prefix, after, page);
      for (const { id, revision, value } of rows) yield { id, revision, value: value as Stored };
      if (rows.length < page) return;
      after = rows.at(-1)!.id;
    }
  }

  async #existing(realm: string): Promise<RealmKey> {
    const key = this.#open.get(realm) ?? (await this.#find(realm));
    if (key === undefined) throw new KmsError('tampered', `The key of realm ${realm} is missing from the database.`);
    return key;
  }

  async #find(realm: string): Promise<RealmKey | undefined> {
    const open = this.#open.get(realm);
    if (open !== undefined) return open;
    const record = await this.#records.read('setting', recordId(realm));
    if (record === undefined) return undefined;
    const found = this.#opened(realm, record.value as Stored);
    const known = this.#open.get(realm);
    // Two who looked at once keep one.
    if (known === undefined) {
      this.#open.set(realm, found);
      return found;
    }
    found.key.dispose();
    found.former?.key.dispose();
    return known;
  }

  #opened(realm: string, { wrapped, next }: Stored): RealmKey {
    const open = (text: string, role?: 'former') =>
      openWrapped(this.#wrapping, binding(realm, role), fromBase64(text) ?? new Uint8Array(0));
    const [key, former] = next === undefined ? [] : [open(next.wrapped), open(next.former, 'former')];
    if (key !== undefined && former !== undefined) {
      return { key, handle: handleOf(key), former: { key: former, handle: handleOf(former) } };
    }
    // What a rotation brought along that never came to its new root is under no root.
    const current = unwrapMaterial(this.#wrapping, binding(realm), fromBase64(wrapped)!);
    return { key: current, handle: handleOf(current) };
  }

  dispose(): void {
    for (const { key, former } of this.#open.values()) {
      key.dispose();
      former?.key.dispose();
    }
    this.#open.clear();
  }
}

const page = 500;
