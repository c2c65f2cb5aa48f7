import { randomBytes } from '#crypto/crypto.ts';
import { KmsError, type RecordChange, type RecordReader, SecretBytes } from '#domain/domain.ts';
import { fromBase64, toBase64 } from '#encoding/encoding.ts';
import { rootLength, unwrapMaterial, wrapMaterial } from './root.ts';

const recordId = (realm: string) => `realm-key/${realm}`;
const binding = (realm: string) => ({ purpose: 'realm-key', realm });

/** One key per realm, under the root; a realm's versions hang from it and from nothing else. */
export class RealmKeys {
  readonly #records: RecordReader;
  readonly #wrapping: SecretBytes;
  // Few, and needed for every opening: kept as long as the server is unsealed.
  readonly #open = new Map<string, SecretBytes>();

  constructor(records: RecordReader, wrapping: SecretBytes) {
    this.#records = records;
    this.#wrapping = wrapping;
  }

  /** The realm's key, which stays this room's. Rejects with 'tampered' where there should be one and isn't. */
  async of(realm: string): Promise<SecretBytes> {
    const key = await this.#find(realm);
    if (key === undefined) throw new KmsError('tampered', `The key of realm ${realm} is missing from the database.`);
    return key;
  }

  /** As `of`; for a realm without one, a new key and the record that must become durable with its first use. */
  async ofOrNew(realm: string): Promise<{ key: SecretBytes; record?: RecordChange; applied: () => void }> {
    const known = await this.#find(realm);
    if (known !== undefined) return { key: known, applied: () => {} };
    const key = new SecretBytes(randomBytes(rootLength));
    const wrapped = toBase64(wrapMaterial(this.#wrapping, binding(realm), key));
    return {
      key,
      record: { kind: 'setting', id: recordId(realm), expect: 0, value: { wrapped } },
      applied: () => this.#open.set(realm, key),
    };
  }

  async #find(realm: string): Promise<SecretBytes | undefined> {
    const open = this.#open.get(realm);
    if (open !== undefined) return open;
    const record = await this.#records.read('setting', recordId(realm));
    if (record === undefined) return undefined;
    const { wrapped } = record.value as { wrapped: string };
    const key = unwrapMaterial(this.#wrapping, binding(realm), fromBase64(wrapped)!);
    this.#open.set(realm, key);
    return key;
  }

  dispose(): void {
    for (const key of this.#open.values()) key.dispose();
    this.#open.clear();
  }
}
