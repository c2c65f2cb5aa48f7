import type { Change, Command, Key, KeyRef, RecordReader, SecretBytes } from '#domain/domain.ts';
import type { Store } from '#store/store.ts';
import { decapsulate, deriveSharedSecret, encapsulate } from './agree.ts';
import { createAlias, deleteAlias, updateAlias } from './alias.ts';
import { assertNotRolledBack, isAuthentic, type LedgerState, type SealedHead, sealHead } from './anchor.ts';
import { backupKey, restoreKey, touchedByRestore } from './backup.ts';
import { importKey, importVersion } from './bring.ts';
import { requestCertificate, setCertificates } from './certificates.ts';
import type { Parts } from './change.ts';
import { createKey } from './create.ts';
import { generateDataKey, generateDataKeyPair, generateRandom } from './data-key.ts';
import { cancelDestruction, destroyKey, scheduleDestruction, trimKey } from './destroy.ts';
import { type DueKey, dueKeys, isDue } from './due.ts';
import { decrypt, encrypt, keyNamedBy, reEncrypt } from './encrypt.ts';
import { exportKey, exportWrapped } from './export.ts';
import { disposeFormer, type FormerRoot, forgetRoot, formerRoot, rememberRoot } from './former-root.ts';
import { deleteImported, expireImported, importMaterial } from './import.ts';
import { importParameters } from './import-token.ts';
import { importVersions } from './import-versions.ts';
import { cacheSize, readKeyCache, setKeyCache } from './key-cache.ts';
import { getKeyRules, setKeyRules, withoutKeyRules } from './key-rules.ts';
import { changeKeyStore, createKeyStore, listKeyStores } from './key-stores.ts';
import type { KeyringOptions } from './keyring-options.ts';
import { Keys } from './keys.ts';
import { Lasting } from './lasting.ts';
import { describeKey, listAliases, listKeys } from './list.ts';
import { generateMac, hashOf, verifyMac } from './mac.ts';
import {
  assertGrantable,
  disableKey,
  enableKey,
  raiseGrants,
  setPolicy,
  tagKey,
  untagKey,
  updateKey,
} from './manage.ts';
import { OpenVersions } from './open.ts';
import { RealmKeys } from './realm-keys.ts';
import { type ProtectedChange, Records } from './records.ts';
import { replicateKey, updatePrimaryRegion } from './region.ts';
import { Renewal } from './renewal.ts';
import { secretsKey, unreserved } from './reserved.ts';
import { Residents } from './resident.ts';
import { Root, wrapBackupKey } from './root.ts';
import { rotateKey } from './rotate.ts';
import { finishErasures } from './shelf.ts';
import { shown } from './shown.ts';
import { getPublicKey, sign, verify } from './sign.ts';
import { StateDigest } from './state-digest.ts';
import { switchVersion } from './switch-version.ts';
import { Uses } from './uses.ts';
import { VersionKeys } from './version-keys.ts';
import { WrappingKeys } from './wrapping-keys.ts';

export { isFounding, loosen, readHead, type SealedHead } from './anchor.ts';
export type { DueKey } from './due.ts';
export type { KeyringOptions } from './keyring-options.ts';
export type { ProtectedChange } from './records.ts';
export type { Renewal } from './renewal.ts';
export { isOwnKey, secretsKeyName } from './reserved.ts';
export { newRoot, openBackupKey } from './root.ts';
export { assertSealsNewest, sealsWritten } from './seal-revision.ts';

interface Shown {
  readonly withVersions?: boolean;
}

/** What a keyring stands on. */
interface Standing {
  readonly root: Root;
  readonly lasting: Lasting;
  /** While the root is rotated. */
  readonly former: FormerRoot | undefined;
  /** What the head is under: of the root of now, or as long as rows may be under the one before, of that. */
  readonly anchor: SecretBytes;
  readonly digest: Uint8Array;
  readonly rows: number;
  readonly sequence: number;
  readonly capacity: number;
}

/** An unsealed keyring: everything that hangs from the root. Verbs say what to write; the gate writes it. */
export class Keyring {
  readonly residents: Residents;
  readonly #standing: Standing;
  readonly #parts: Parts;
  readonly #options: KeyringOptions;
  #digest: Uint8Array;
  #rows: number;
  #sequence: number;
  /** Somebody else has what it stands on. */
  #succeeded = false;

  private constructor(standing: Standing, store: Store, options: KeyringOptions, records?: Records) {
    const { root, lasting, former, anchor, capacity } = standing;
    this.#standing = standing;
    this.#options = options;
    this.#digest = standing.digest;
    this.#rows = standing.rows;
    this.#sequence = standing.sequence;
    const read = records ?? new Records(store, root.records, new StateDigest(anchor), former?.records);
    const realmKeys = new RealmKeys(read, root.wrapping);
    const versionKeys = new VersionKeys(realmKeys, options.shelf);
    this.residents = new Residents(read, options.clock, options.hsm);
    this.#parts = {
      residents: this.residents,
      records: read,
      realmKeys,
      keys: new Keys(read, capacity),
      versionKeys,
      shelf: options.shelf,
      versions: new OpenVersions(read, versionKeys, this.residents, capacity),
      wrappingKeys: new WrappingKeys(read, realmKeys),
      uses: new Uses(options.capacity, options.uses),
      fingerprints: lasting.fingerprints,
      clock: options.clock,
      forgotten: options.forgotten ?? (() => {}),
    };
  }

  /**
   * Opens the keyring of a store under `root`, whose `head` is what the store holds (undefined: a new store). Rejects with 'tampered'
   * when rows, head and anchor don't agree. The caller still owns and disposes `root`.
   */
  static async open(
    secret: SecretBytes,
    store: Store,
    head: SealedHead | undefined,
    options: KeyringOptions,
  ): Promise<Keyring> {
    const root = new Root(secret);
    const derived = Lasting.derived(secret);
    const former = await formerRoot(root, store);
    const before = former !== undefined && head !== undefined && !isAuthentic(root.anchor, head);
    const anchor = before ? former.anchor : root.anchor;
    const stateDigest = new StateDigest(anchor);
    const { digest, rows } = await stateDigest.over(store.macs());
    const other = before ? root.anchor : former?.anchor;
    if (head !== undefined) assertNotRolledBack(anchor, head, digest, await store.anchors(), other);
    const records = new Records(store, root.records, stateDigest, former?.records);
    const standing = {
      ...{ root, former, anchor, digest, rows, lasting: await derived.orStored(root, records) },
      ...{ sequence: head?.sequence ?? 0, capacity: (await cacheSize(records)) || options.capacity },
    };
    return new Keyring(standing, store, options, records);
  }

  /** When the rotation of the root began that is under way, in milliseconds since the epoch. */
  get rotatedSince(): number | undefined {
    return this.#standing.former?.startedAt;
  }

  /** Rows of state. */
  get rows(): number {
    return this.#rows;
  }

  /**
   * What must be durable before `secret` becomes the root: what outlasts this one, new keys for every realm, and what is needed of this
   * one until all rows are renewed. Of no effect as long as it doesn't. The caller still owns `secret`.
   */
  async makeWay(secret: SecretBytes, now: number): Promise<Change> {
    const { root, lasting } = this.#standing;
    const { records, realmKeys } = this.#parts;
    const next = new Root(secret);
    try {
      return {
        records: [
          await lasting.under(next, records),
          ...(await realmKeys.under(next)),
          await rememberRoot(root, next, records, now),
        ],
        summary: '',
      };
    } finally {
      next.dispose();
    }
  }

  /** The keyring under `secret`, which is the root by now and stays the caller's. This one is of no use then but to be disposed of. */
  follow(secret: SecretBytes, store: Store, startedAt: number): Keyring {
    const { root, lasting, capacity } = this.#standing;
    const former = { records: root.records, anchor: root.anchor, startedAt };
    this.#succeeded = true;
    const now = { digest: this.#digest, rows: this.#rows, sequence: this.#sequence, capacity };
    const standing = { root: new Root(secret), lasting, former, anchor: root.anchor, ...now };
    return new Keyring(standing, store, this.#options);
  }

  /** All rows, to be brought under the root of now. */
  renewal(): Renewal {
    return new Renewal(this.#parts);
  }

  /** Once all rows are: what outlasts the root before stands under this one alone. */
  async settle(): Promise<Change> {
    const { root, lasting } = this.#standing;
    const { records, realmKeys } = this.#parts;
    return { records: [await lasting.settled(root, records), ...(await realmKeys.settled())], summary: '' };
  }

  /** The keyring whose head is under the root of now; it does not believe the one before. Reads all MACs, and nothing may be written meanwhile. */
  async settled(store: Store): Promise<Keyring> {
    const { root, lasting, capacity } = this.#standing;
    const { digest, rows } = await new StateDigest(root.anchor).over(store.macs());
    this.#succeeded = true;
    const standing = { root, lasting, former: undefined, anchor: root.anchor, digest, rows, capacity };
    return new Keyring({ ...standing, sequence: this.#sequence }, store, this.#options);
  }

  /** Nothing is needed of the root before any more, once its head is durable. */
  async forgetFormer(): Promise<Change> {
    return { records: [await forgetRoot(this.#parts.records)], summary: '' };
  }

  /** Verified reads, for the rooms that keep records of their own. */
  get records(): RecordReader {
    return this.#parts.records;
  }

  /** For `identity/`, which owns neither root nor seal. Stays this room's. */
  get identityKey(): SecretBytes {
    return this.#standing.lasting.identity;
  }

  /** Seed of the ledger's checkpoint signer. Stays this room's. */
  get ledgerSeed(): SecretBytes {
    return this.#standing.lasting.ledger;
  }

  /** At once for keys lately used; undefined when there is none in this realm. */
  find(realm: string, ref: KeyRef): Key | undefined | Promise<Key | undefined> {
    return this.#parts.keys.find(realm, ref);
  }

  /** Whether a key that was found is still the newest: asked just before what was decided on it is written. */
  isCurrent = (key: Key): boolean => this.#parts.keys.isCurrent(key);

  /** The key id in an envelope's header. Throws 'invalid-ciphertext'. */
  keyNamedBy(realm: string, ciphertext: Uint8Array): string {
    return keyNamedBy(realm, ciphertext);
  }

  createKey = (realm: string, command: Command<'create-key'>, now: number, place?: string) =>
    shown(this.#parts, command, createKey(this.#parts, realm, unreserved(command), now, { place }));
  /** The realm's own key for secrets, which callers can neither make nor rename. Rejects with 'already-exists' where it is there. */
  createSecretsKey = (realm: string, now: number) => createKey(this.#parts, realm, secretsKey, now);
  describeKey = (key: Key, command: Command<'describe-key'>) => describeKey(this.#parts, key, command);
  listKeys = (realm: string, command: Command<'list-keys'>) => listKeys(this.#parts, realm, command);
  updateKey = (key: Key, command: Command<'update-key'>, now: number) =>
    shown(this.#parts, command, updateKey(this.#parts, key, command, now));
  enableKey = (key: Key, command: Shown = {}) => shown(this.#parts, command, enableKey(this.#parts, key));
  disableKey = (key: Key, command: Shown = {}) => shown(this.#parts, command, disableKey(this.#parts, key));
  disableVersion = (key: Key, { version }: Command<'disable-key-version'>) =>
    switchVersion(this.#parts, key, version, 'suspended');
  enableVersion = (key: Key, { version }: Command<'enable-key-version'>) =>
    switchVersion(this.#parts, key, version, 'deactivated');
  rotateKey = (key: Key, command: Command<'rotate-key'>, now: number, place?: string) =>
    shown(this.#parts, command, rotateKey(this.#parts, key, command, now, place));
  scheduleDestruction = (key: Key, command: Command<'schedule-destruction'>, now: number) =>
    scheduleDestruction(this.#parts, key, command, now);
  cancelDestruction = (key: Key) => cancelDestruction(this.#parts, key);
  destroyKey = (key: Key, now: number) => destroyKey(this.#parts, key, now);
  trimKey = (key: Key, command: Command<'trim-key'>) => shown(this.#parts, command, trimKey(this.#parts, key, command));
  importParameters = (key: Key, command: Command<'get-import-parameters'>, now: number) =>
    importParameters(this.#parts, key, command, now);
  importMaterial = (key: Key, command: Command<'import-key-material'>, now: number) =>
    importMaterial(this.#parts, key, command, now);
  deleteImported = (key: Key, command: Command<'delete-imported-material'>) =>
    deleteImported(this.#parts, key, command);
  /** Takes away what has ended by now. */
  expireImported = (key: Key, now: number) => expireImported(this.#parts, key, now);
  readCache = () => readKeyCache(this.#parts.records, this.#standing.capacity);
  setCache = (command: Command<'set-key-cache'>) => setKeyCache(this.#parts.records, this.#standing.capacity, command);
  getRules = (realm: string, command: Command<'get-key-rules'>) => getKeyRules(this.#parts.records, realm, command);
  setRules = (realm: string, command: Command<'set-key-rules'>) => setKeyRules(this.#parts.records, realm, command);
  /** The records that take the rules of a folder away. */
  withoutRules = (realm: string, folder: string) => withoutKeyRules(this.#parts.records, realm, folder);
  requestCertificate = (key: Key, command: Command<'request-certificate'>) =>
    requestCertificate(this.#parts, key, command);
  setCertificates = (key: Key, command: Command<'set-certificates'>) => setCertificates(this.#parts, key, command);
  wrappingKey = (realm: string) => this.#parts.wrappingKeys.publicKey(realm);
  importKey = (realm: string, command: Command<'import-key'>, now: number) =>
    importKey(this.#parts, realm, unreserved(command), now);
  importVersion = (key: Key, command: Command<'import-key-version'>, now: number) =>
    importVersion(this.#parts, key, command, now);
  exportKey = (key: Key, command: Command<'export-key'>) => exportKey(this.#parts, key, command);
  exportWrapped = (key: Key, destination: Key, command: Command<'export-wrapped-key'>) =>
    exportWrapped(this.#parts, key, destination, command);
  wrapBackupKey = (backup: string, key: SecretBytes) => wrapBackupKey(this.#standing.root, backup, key);
  backupKey = (key: Key) => backupKey(this.#parts, key);
  /** What became of its own secret. */
  shelved = (key: Pick<Key, 'realm' | 'id' | 'slot'>) => this.#parts.versionKeys.shelved(key);
  /** What was destroyed is gone from every mirror that is in reach, and each of those is what the shelf is. */
  finishErasures = () => finishErasures(this.#parts.shelf, this.#parts.records);
  /** The keys that give way to what is restored. None where it is no backup of the realm. */
  touchedByRestore = (realm: string, command: Command<'restore-key'>) => touchedByRestore(this.#parts, realm, command);
  /** `judged`: what `touchedByRestore` gave. Rejects with 'conflict' where that has changed. */
  restoreKey = (realm: string, judged: readonly Key[], command: Command<'restore-key'>, now: number) =>
    restoreKey(this.#parts, realm, judged, command, now);
  importVersions = (realm: string, before: Key | undefined, command: Command<'import-key-versions'>, now: number) =>
    importVersions(this.#parts, realm, before, unreserved(command), now);
  createAlias = (key: Key, command: Command<'create-alias'>, now: number) =>
    createAlias(this.#parts, key, unreserved(command), now);
  updateAlias = (key: Key, command: Command<'update-alias'>, now: number) =>
    updateAlias(this.#parts, key, unreserved(command), now);
  deleteAlias = (realm: string, command: Command<'delete-alias'>) =>
    deleteAlias(this.#parts, realm, unreserved(command));
  listAliases = (realm: string, command: Command<'list-aliases'>, key: Key | undefined) =>
    listAliases(this.#parts, realm, command, key);
  tagKey = (key: Key, command: Command<'tag-key'>) => tagKey(this.#parts, key, command);
  untagKey = (key: Key, command: Command<'untag-key'>) => untagKey(this.#parts, key, command);
  setPolicy = (key: Key, policy: string) => setPolicy(this.#parts, key, policy);
  assertGrantable = (key: Key) => assertGrantable(this.#parts, key);
  raiseGrants = (key: Key) => raiseGrants(this.#parts, key);
  encrypt = (key: Key, command: Command<'encrypt'>) => encrypt(this.#parts, key, command);
  decrypt = (key: Key, command: Command<'decrypt'>) => decrypt(this.#parts, key, command);
  reEncrypt = (source: Key, target: Key, command: Command<'re-encrypt'>) =>
    reEncrypt(this.#parts, source, target, command);
  generateDataKey = (key: Key, command: Command<'generate-data-key'>) => generateDataKey(this.#parts, key, command);
  generateDataKeyPair = (key: Key, command: Command<'generate-data-key-pair'>) =>
    generateDataKeyPair(this.#parts, key, command);
  generateRandom = generateRandom;
  listKeyStores = listKeyStores;
  createKeyStore = createKeyStore;
  changeKeyStore = changeKeyStore;
  hash = hashOf;
  sign = (key: Key, command: Command<'sign'>) => sign(this.#parts, key, command);
  verify = (key: Key, command: Command<'verify'>) => verify(this.#parts, key, command);
  getPublicKey = (key: Key, command: Command<'get-public-key'>) => getPublicKey(this.#parts, key, command);
  generateMac = (key: Key, command: Command<'generate-mac'>) => generateMac(this.#parts, key, command);
  verifyMac = (key: Key, command: Command<'verify-mac'>) => verifyMac(this.#parts, key, command);
  deriveSharedSecret = (key: Key, command: Command<'derive-shared-secret'>) =>
    deriveSharedSecret(this.#parts, key, command);
  encapsulate = (key: Key, command: Command<'encapsulate'>) => encapsulate(this.#parts, key, command);
  decapsulate = (key: Key, command: Command<'decapsulate'>) => decapsulate(this.#parts, key, command);

  replicateKey = (key: Key, realm: string, command: Command<'replicate-key'>, now: number) =>
    replicateKey(this.#parts, key, realm, command, now);
  updatePrimaryRegion = (key: Key, replica: Key, command: Command<'update-primary-region'>) =>
    updatePrimaryRegion(this.#parts, key, replica, command);

  /** What the clock asks of keys by now, soonest first. */
  due(now: number, limit: number): Promise<readonly DueKey[]> {
    return dueKeys(this.#parts.records, now, limit);
  }

  /** Whether the clock asks it of the key as it is now. */
  isDue = isDue;

  /** Rows of a change, encoded and under their MACs. Rejects with 'conflict' when what it expects is gone. */
  protect = (change: Parameters<Records['protect']>[0]): Promise<ProtectedChange> =>
    this.#parts.records.protect(change);
  /** Whether what was protected may still be written. Asked just before. */
  fits = (change: ProtectedChange): boolean => this.#parts.records.fits(change);

  /** The head that a commit of these changes and this ledger will have. Nothing is taken as done until `adopt`. */
  nextHead(changes: readonly ProtectedChange[], ledger: LedgerState, time: number): NextHead {
    let digest = this.#digest;
    if (changes.length > 0) {
      digest = Uint8Array.from(digest);
      for (const { digestDelta } of changes) for (let i = 0; i < digest.length; i++) digest[i]! ^= digestDelta[i]!;
    }
    const sequence = this.#sequence + (changes.length > 0 ? 1 : 0);
    return { changes, digest, sequence, bytes: sealHead(this.#standing.anchor, { sequence, time, ledger, digest }) };
  }

  /** The commit with this head is durable. */
  adopt(head: NextHead): void {
    this.#digest = head.digest;
    this.#sequence = head.sequence;
    for (const { writes } of head.changes) {
      for (const { expect, next } of writes) {
        if (expect === 0 && next !== undefined) this.#rows++;
        if (expect > 0 && next === undefined) this.#rows--;
      }
    }
    this.#parts.records.written(head.changes);
  }

  dispose(): void {
    const { root, lasting, former } = this.#standing;
    this.#parts.realmKeys.dispose();
    disposeFormer(former);
    // The rest is its successor's; after a change of roots all but what wraps under the one before.
    if (this.#succeeded && former === undefined) root.wrapping.dispose();
    if (this.#succeeded) return;
    root.dispose();
    lasting.dispose();
  }
}

export interface NextHead {
  readonly changes: readonly ProtectedChange[];
  readonly digest: Uint8Array;
  readonly sequence: number;
  readonly bytes: Uint8Array;
}
