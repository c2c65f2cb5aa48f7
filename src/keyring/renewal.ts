import { type Change, type Key, type KeyVersion, KmsError, type RecordChange } from '#domain/domain.ts';
import type { Parts } from './change.ts';
import { decodeKey, decodeVersion, encodeKey, encodeVersion } from './key-record.ts';
import { bindingOf, macBindingOf } from './open.ts';
import type { JudgedRow } from './records.ts';

/** Rows between two turns of the loop: a millisecond of work. */
const slice = 16;

/** What becomes of one row: nothing where it is as it should be. */
interface Renewed {
  readonly record?: RecordChange;
  readonly applied?: () => void;
}

/**
 * Brings every row under the root of now: its MAC, and what it wraps. Rows that are written meanwhile come under it by
 * themselves, so that one way through all of them is enough; after a restart it begins anew, and passes over what is done.
 */
export class Renewal {
  readonly #parts: Parts;
  #after = 0;
  #seen = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Rows that were looked at. */
  get seen(): number {
    return this.#seen;
  }

  /**
   * Of at most `limit` rows, between which others have their turn. To be asked for again where its change meets a 'conflict';
   * undefined once there is no row left.
   */
  async step(limit: number): Promise<{ readonly change: Change; readonly done: () => void } | undefined> {
    const { records } = this.#parts;
    const rows = await records.scan(this.#after, limit);
    if (rows.length === 0) return undefined;
    const renewed: Renewed[] = [];
    for (let i = 0; i < rows.length; i += slice) {
      const judged = rows.slice(i, i + slice).map((row) => records.judge(row));
      renewed.push(...(await Promise.all(judged.map((row) => this.#renew(row)))));
      await new Promise(setImmediate);
    }
    const change: Change = {
      records: renewed.flatMap(({ record }) => (record === undefined ? [] : [record])),
      summary: '',
      applied: () => {
        for (const { applied } of renewed) applied?.();
      },
    };
    const done = () => {
      this.#after = rows.at(-1)!.place;
      this.#seen += rows.length;
    };
    return { change, done };
  }

  async #renew(row: JudgedRow): Promise<Renewed> {
    const { kind, id, revision: expect, outdated } = row;
    if (kind === 'key') return await this.#renewKey(row);
    const value = await this.#renewedValue(row);
    if (value !== undefined) return { record: { kind, id, expect, value } };
    return outdated ? { record: { kind, id, expect, value: row.value as object, renewed: true } } : {};
  }

  /** Undefined where nothing in it is wrapped under a key that goes. */
  async #renewedValue({ kind, id, value }: JudgedRow): Promise<object | undefined> {
    if (kind === 'setting') return this.#parts.wrappingKeys.renewed(id, value);
    if (kind !== 'version') return undefined;
    const version = decodeVersion(value);
    const key = await this.#keyOf(id);
    const renewed = await renewVersion(this.#parts, key, version);
    return renewed === version ? undefined : encodeVersion(renewed);
  }

  /** Of a version's row: destroyed ones have nothing that is wrapped, so their key is still there. */
  async #keyOf(versionId: string): Promise<Key> {
    const keyId = versionId.slice(0, versionId.lastIndexOf('/'));
    const row = await this.#parts.records.read('key', keyId);
    if (row === undefined) throw new KmsError('tampered', `The version ${versionId} has no key.`);
    return decodeKey(row.revision, row.value);
  }

  async #renewKey({ id, revision, value, outdated }: JudgedRow): Promise<Renewed> {
    const key = decodeKey(revision, value);
    const current = await renewVersion(this.#parts, key, key.current);
    const next = key.next && (await renewVersion(this.#parts, key, key.next));
    if (current === key.current && next === key.next) {
      return outdated ? { record: { kind: 'key', id, expect: revision, value: value as object, renewed: true } } : {};
    }
    const renewed: Key = Object.freeze({ ...key, current, ...(next && { next }), revision: revision + 1 });
    return {
      record: { kind: 'key', id, expect: revision, value: encodeKey(renewed) },
      applied: () => this.#parts.keys.renew(renewed),
    };
  }
}

/** The version with its material under the realm's key of now; the same object where it is. Rejects with 'tampered'. */
export async function renewVersion(parts: Parts, key: Key, version: KeyVersion): Promise<KeyVersion> {
  const { wrapped, wrappedMac } = version;
  if (wrapped === undefined && wrappedMac === undefined) return version;
  const { versionKeys } = parts;
  const material = wrapped && (await versionKeys.rewrap(key, bindingOf(key, version.version), wrapped));
  const mac = wrappedMac && (await versionKeys.rewrap(key, macBindingOf(key, version.version), wrappedMac));
  if (material === wrapped && mac === wrappedMac) return version;
  return Object.freeze({ ...version, ...(material && { wrapped: material }), ...(mac && { wrappedMac: mac }) });
}
