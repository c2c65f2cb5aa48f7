import { generateMaterial, type KeyHandle, openMaterial } from '#crypto/crypto.ts';
import {
  KmsError,
  type Outcome,
  type RecordReader,
  type Result,
  type SecretBytes,
  type WrappedMaterial,
} from '#domain/domain.ts';
import { fromBase64, toBase64 } from '#encoding/encoding.ts';
import type { RealmKeys } from './realm-keys.ts';
import { wrapMaterial } from './root.ts';

const spec = 'rsa-4096';
const prefix = 'wrapping-key/';
const recordId = (realm: string) => prefix + realm;
const binding = (realm: string) => ({ purpose: 'wrapping-key', realm, spec });

interface Stored {
  readonly publicKey: string;
  readonly wrapped: string;
}

/** One RSA pair per realm, for whose public half clients wrap the keys that they bring. Its private half hangs from the realm key. */
export class WrappingKeys {
  readonly #records: RecordReader;
  readonly #realmKeys: RealmKeys;
  // Seconds of work: who asks meanwhile waits for the same pair.
  readonly #underWay = new Map<string, Promise<Outcome<Result<'get-wrapping-key'>>>>();

  constructor(records: RecordReader, realmKeys: RealmKeys) {
    this.#records = records;
    this.#realmKeys = realmKeys;
  }

  /** The realm's public wrapping key; for a realm without one, a new pair and the records that must become durable with it. */
  async publicKey(realm: string): Promise<Outcome<Result<'get-wrapping-key'>>> {
    const stored = await this.#find(realm);
    if (stored !== undefined) return { result: { publicKey: fromBase64(stored.publicKey)! } };
    const known = this.#underWay.get(realm);
    if (known !== undefined) return known;
    const making = this.#make(realm).finally(() => this.#underWay.delete(realm));
    this.#underWay.set(realm, making);
    return making;
  }

  /** What opens material that was wrapped for this realm. Rejects with 'invalid-wrapping' where no pair was made yet. */
  async open(realm: string): Promise<KeyHandle> {
    const stored = await this.#find(realm);
    if (stored === undefined) throw new KmsError('invalid-wrapping', 'Nothing was wrapped for this realm yet.');
    using privateKey = await this.#realmKeys.unwrap(realm, binding(realm), fromBase64(stored.wrapped)!);
    return openMaterial(spec, privateKey);
  }

  /** What a setting's row says once its pair is under the realm's key of now. Undefined where there is nothing to be done. */
  async renewed(id: string, value: unknown): Promise<object | undefined> {
    if (!id.startsWith(prefix)) return undefined;
    const realm = id.slice(prefix.length);
    const stored = value as Stored;
    const wrapped = fromBase64(stored.wrapped) as WrappedMaterial;
    const next = await this.#realmKeys.rewrap(realm, binding(realm), wrapped);
    return next === wrapped ? undefined : { ...stored, wrapped: toBase64(next) };
  }

  async #find(realm: string): Promise<Stored | undefined> {
    return (await this.#records.read('setting', recordId(realm)))?.value as Stored | undefined;
  }

  async #make(realm: string): Promise<Outcome<Result<'get-wrapping-key'>>> {
    const { material, publicKey } = await generateMaterial(spec);
    using privateKey: SecretBytes = material;
    const realmKey = await this.#realmKeys.ofOrNew(realm);
    const value: Stored = {
      publicKey: toBase64(publicKey!),
      wrapped: toBase64(wrapMaterial(realmKey.key, binding(realm), privateKey)),
    };
    const records = [
      { kind: 'setting', id: recordId(realm), expect: 0, value } as const,
      ...(realmKey.record === undefined ? [] : [realmKey.record]),
    ];
    return {
      result: { publicKey: publicKey! },
      change: { records, summary: 'made the wrapping key', applied: realmKey.applied },
    };
  }
}
