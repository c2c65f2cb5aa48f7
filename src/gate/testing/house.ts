/** What the tests of this room live in: one whole server on a memory store, put together as `assemble.ts` does, with a clock of its own. */
import assert from 'node:assert/strict';
import {
  assertGrownFrom,
  CheckpointSigner,
  newLedger,
  openLedger,
  parseVerifierKey,
  readEntries,
  storeLog,
  verifyLedger,
} from '#audit/audit.ts';
import { digestHex, Ed25519Signer, randomUuid } from '#crypto/crypto.ts';
import {
  type Action,
  type Command,
  type CredentialSet,
  type Entry,
  type ErrorCode,
  type Key,
  KmsError,
  type Origin,
  Plaintext,
  type Proof,
  type RecordKind,
  type Result,
  type Role,
  recordKinds,
} from '#domain/domain.ts';
import { toUtf8, view } from '#encoding/encoding.ts';
import { type Backups, type Rates, type Unsealed, WorkingGate } from '#gate/gate.ts';
import { identityRoom, type Outbound } from '#identity/identity.ts';
import { assertSealsNewest, Keyring, type KeyringOptions, newRoot, readHead } from '#keyring/keyring.ts';
import type { Mode } from '#policy/policy.ts';
import { acknowledgements, Custody, type Opening, passphraseKind, shamirKind } from '#seal/seal.ts';
import { SecretsRoom } from '#secrets/secrets.ts';
import { Metrics } from '#telemetry/telemetry.ts';
import { BreakableStore } from './breakable-store.ts';

export const startTime = Date.UTC(2026, 10, 24, 12);
export const passphrase = 'a passphrase for tests';
const kinds = [passphraseKind({ memoryKiB: 64, passes: 1, parallelism: 1 }), shamirKind];

/** The seal file of a house and of what it is reopened as. */
class MemorySeal {
  text = '';

  read(): string {
    return this.text;
  }

  /** The disk takes what is written and fails before it says so. */
  unsettled = false;

  write(text: string): void {
    this.text = text;
    this.settle();
  }

  settle(): void {
    if (this.unsettled) throw new KmsError('unavailable', 'The disk of this test does not say that it was written.');
  }
}

const host = {
  hostname: 'house',
  platform: 'linux',
  architecture: 'x64',
  kernel: '6.0',
  uptime: 60,
  processors: [{ model: 'test', mhz: 1000 }],
  memory: { total: 1024, free: 512 },
  load: [0, 0, 0],
} as const;

/** A house lives in memory, and so has no files to back up: this stands for the disk, as `host` does for the machine. */
const filedBackups: Backups = {
  take: async (_, to = '/backups') => ({
    ...{ id: randomUuid(), file: to, bytes: 1, digest: '0'.repeat(64), takenAt: startTime, ledger: 1 },
  }),
  prune: async () => 0,
};

export type Ring = Omit<KeyringOptions, 'clock'>;

interface Options {
  readonly mode?: Mode;
  readonly store?: BreakableStore;
  readonly capacity?: number;
  readonly uses?: KeyringOptions['uses'];
  readonly rates?: Rates;
}

/** Secrets as text, for the one who was given them. */
export const textOf = (secret: Plaintext): string => view(secret.release()).toString('latin1');
export const plain = (text: string): Plaintext => new Plaintext(toUtf8(text));
export const byToken = (set: Pick<CredentialSet, 'token'>): Proof => ({ kind: 'token', token: textOf(set.token) });
export const byId = (key: Pick<Key, 'id'>) => ({ by: 'id', id: key.id }) as const;
export const byName = (name: string) => ({ by: 'name', name }) as const;

export class House {
  now = startTime;
  readonly clock = () => this.now;
  readonly store: BreakableStore;
  readonly mode: Mode;
  readonly log: string[] = [];
  readonly metrics = new Metrics();
  readonly gate: WorkingGate;
  first!: CredentialSet;
  verifierKey = '';
  /** The seal file of this house and of what it is reopened as. */
  seal!: MemorySeal;
  /** Awaited in every opening of the rooms, so that a test can put something in between. */
  whileOpening: () => Promise<void> = async () => {};
  /** What other servers answer, to whom this one turns. */
  outbound: Outbound = () => Promise.reject(new Error('nobody is there'));

  private constructor(store: BreakableStore, mode: Mode, gate: (house: House) => WorkingGate) {
    this.store = store;
    this.mode = mode;
    this.gate = gate(this);
  }

  /** Unsealed, with its first identity: a developer in development mode, else a security officer. */
  static async open({
    mode = 'development',
    store = new BreakableStore(),
    capacity = 1000,
    uses,
    rates = {},
  }: Options = {}) {
    const ring: Ring = uses === undefined ? { capacity } : { capacity, uses };
    using root = newRoot();
    const seal = new MemorySeal();
    const asked = { name: 'main', settings: {}, secret: plain(passphrase) };
    await new Custody(seal, { clock: () => startTime, kinds }).found('passphrase', asked, root, () => {});
    const house = await House.#build(store, mode, ring, seal, rates);
    await house.gate.core.entrust(await house.gate.core.options.open({ secret: plain(passphrase) }));
    const { result, change } = house.gate.core.rooms.identity.bootstrap(
      'main',
      'founder',
      mode === 'development' ? 'developer' : 'security-officer',
    );
    await house.gate.core.commits.submit(house.#initLine(result), change);
    house.first = result;
    house.seal = seal;
    house.reopen = () => House.#build(store, mode, ring, seal, rates).then((next) => house.#inherit(next));
    return house;
  }

  /** The same data under a new server, sealed, as after a restart. */
  reopen!: () => Promise<House>;

  #inherit(next: House): House {
    next.first = this.first;
    next.seal = this.seal;
    next.reopen = this.reopen;
    next.now = this.now;
    next.verifierKey = this.verifierKey;
    return next;
  }

  static async #build(store: BreakableStore, mode: Mode, ring: Ring, seal: MemorySeal, rates: Rates): Promise<House> {
    const head = await store.head();
    const stored = head === undefined ? undefined : readHead(head);
    return new House(store, mode, (house) => {
      const custody = new Custody(seal, { clock: house.clock, kinds });
      return new WorkingGate({
        store,
        ledger: openLedger(stored === undefined ? newLedger : { ...stored.sealed.ledger, ...stored.loose }),
        sealedHead: stored?.sealed.bytes ?? new Uint8Array(0),
        mode,
        version: '0.0.0',
        clock: house.clock,
        metrics: house.metrics,
        rates,
        open: async (opener) => {
          const opening = await custody.open(opener);
          return opening && house.#openRooms(opening, custody, ring);
        },
        custody,
        furnish: (keyring) => house.#furnish(keyring, custody),
        acknowledgements,
        backups: filedBackups,
        host: () => host,
        onInternalError: (error, requestId) =>
          house.log.push(`${requestId} ${(error as Error)?.stack ?? String(error)}`),
      });
    });
  }

  async #openRooms(opening: Opening, custody: Custody, ring: Ring): Promise<Unsealed> {
    const { store, clock } = this;
    using root = opening.root;
    const head = await store.head();
    const stored = head === undefined ? undefined : readHead(head);
    const keyring = await Keyring.open(root, store, stored?.sealed, { ...ring, clock });
    if (stored?.loose !== undefined) await assertGrownFrom(store, stored.sealed.ledger, stored.loose);
    await this.whileOpening();
    const rooms = this.#furnish(keyring, custody);
    await assertSealsNewest(keyring.records, opening.revision);
    opening.opened();
    return rooms;
  }

  #furnish(keyring: Keyring, custody: Custody): Unsealed {
    const { clock, mode } = this;
    const identity = identityRoom({
      records: keyring.records,
      key: keyring.identityKey,
      region: 'eu-central-1',
      clock,
      mode,
      outbound: (request) => this.outbound(request),
    });
    const signing = new Ed25519Signer(keyring.ledgerSeed);
    const signer = new CheckpointSigner(`claviger/${digestHex('sha256', signing.publicKey).slice(0, 12)}`, signing);
    this.verifierKey = signer.verifierKey;
    const secrets = new SecretsRoom({
      keyring,
      region: 'eu-central-1',
      rotators: new Set(['arn:aws:lambda:eu-central-1:123456789012:function:turner']),
    });
    const dispose = () => {
      keyring.dispose();
      custody.forget();
    };
    return { keyring, identity, secrets, signer, dispose };
  }

  #initLine({ realm }: CredentialSet): Entry {
    return {
      ...{ time: this.now, requestId: 'init', protocol: 'start', operation: 'init', peer: '', realm },
      ...{ principal: 'system', credential: '', action: 'create-identity', outcome: 'ok' },
    };
  }

  get proof(): Proof {
    return byToken(this.first);
  }

  get realm(): string {
    return this.first.account;
  }

  origin(operation = 'test'): Origin {
    return { protocol: 'test', operation, peer: '127.0.0.1:1', requestId: randomUuid() };
  }

  perform<A extends Action>(command: Command<A>, proof: Proof = this.proof): Promise<Result<A>> {
    return this.gate.perform(proof, command, this.origin());
  }

  async key(more: Partial<Command<'create-key'>> = {}): Promise<Key> {
    const command = { kind: 'create-key', spec: 'aes-256', usages: ['encrypt'], class: 'enveloped', ...more } as const;
    return (await this.perform(command)).key;
  }

  describe = async (key: Key): Promise<Key> => (await this.perform({ kind: 'describe-key', key: byId(key) })).key;

  hire(name: string, role?: Role, more: Partial<Command<'create-identity'>> = {}): Promise<CredentialSet> {
    return this.perform({ kind: 'create-identity', name, ...(role && { role }), ...more });
  }

  encrypt = (key: Key, text: string, more: Partial<Command<'encrypt'>> = {}, proof?: Proof) =>
    this.perform(
      { kind: 'encrypt', key: byId(key), plaintext: plain(text), context: {}, scheme: 'natural', ...more },
      proof,
    );

  async decrypt(key: Key | undefined, ciphertext: Uint8Array, more: Partial<Command<'decrypt'>> = {}, proof?: Proof) {
    const { plaintext } = await this.perform(
      { kind: 'decrypt', ...(key && { key: byId(key) }), ciphertext, context: {}, scheme: 'natural', ...more },
      proof,
    );
    return textOf(plaintext);
  }

  unseal = (text = passphrase) => this.perform({ kind: 'unseal', passphrase: plain(text) }, { kind: 'none' });

  async entries(from = 0): Promise<Entry[]> {
    const all: Entry[] = [];
    for (;;) {
      const page = await readEntries(this.store, from + all.length, 1000);
      if (page.length === 0) return all;
      all.push(...page.map(({ entry }) => entry));
    }
  }

  get ledgerSize(): number {
    return this.gate.status().ledgerSize;
  }

  /** Every row that decides something, by kind and id: its revision and MAC. */
  async rows(): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for (const kind of recordKinds) {
      for (const record of await this.list(kind)) {
        found.set(`${kind} ${record.id}`, `${record.revision} ${view(record.mac).toString('hex')}`);
      }
    }
    return found;
  }

  list = (kind: RecordKind) => this.store.list(kind, '', '', 1_000_000);

  /** Signs the ledger's end, then checks every line, tree and signature of it as an auditor would. */
  async assertLedgerVerifies(): Promise<void> {
    if (!this.gate.status().sealed) await this.gate.core.commits.checkpoint();
    const report = await verifyLedger(storeLog(this.store), [parseVerifierKey(this.verifierKey)!]);
    assert.ok(report.ok, JSON.stringify(report));
  }
}

export function refused(code: ErrorCode, act: Promise<unknown> | (() => Promise<unknown>)): Promise<void> {
  return assert.rejects(act, (error) => {
    if (!(error instanceof KmsError)) throw error;
    assert.equal(error.code, code, error.message);
    return true;
  });
}
