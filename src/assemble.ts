import { resolve } from 'node:path';
import { assertGrownFrom, CheckpointSigner, newLedger, openLedger } from '#audit/audit.ts';
import { readEnvironment } from '#config/config.ts';
import { countedUuids, digestHex, Ed25519Signer, randomUuid } from '#crypto/crypto.ts';
import { type CredentialSet, type Entry, type Handout, KmsError, type Plaintext, type Role } from '#domain/domain.ts';
import { type Rates, type Unsealed, WorkingGate } from '#gate/gate.ts';
import { identityRoom } from '#identity/identity.ts';
import { startJobs } from '#jobs/jobs.ts';
import { assertSealsNewest, isFounding, Keyring, newRoot, readHead } from '#keyring/keyring.ts';
import { type Listener, startListener } from '#listen/listen.ts';
import type { Mode } from '#policy/policy.ts';
import {
  type AskedSeal,
  acknowledgements,
  Custody,
  type Given,
  type Opening,
  type PassphraseCost,
  sealKinds,
} from '#seal/seal.ts';
import { SecretsRoom } from '#secrets/secrets.ts';
import { openSqliteStore, type Store } from '#store/store.ts';
import { Gauge, Metrics } from '#telemetry/telemetry.ts';
import { awsKmsDoor } from '#wire/aws-kms/aws-kms.ts';
import { awsSecretsManagerDoor } from '#wire/aws-secrets-manager/aws-secrets-manager.ts';
import { awsStsDoor } from '#wire/aws-sts/aws-sts.ts';
import { nativeDoor } from '#wire/native/native.ts';
import { vaultDoor } from '#wire/vault/vault.ts';
import { MonotoneClock } from './clock.ts';
import type { DataDirectory } from './data-directory.ts';
import { hostNow } from './host.ts';
import { localServiceAccount } from './local-service-account.ts';
import type { ServerTls } from './local-tls.ts';
import { outbound } from './outbound.ts';
import { scrubSoon } from './rest.ts';
import { Retries } from './retries.ts';
import { RegisteredRotators } from './rotators.ts';

export interface ServerOptions {
  readonly data: DataDirectory;
  readonly mode: Mode;
  readonly region: string;
  readonly version: string;
  /** Where the anchor stands, if not in the data folder: best on another disk. */
  readonly anchorPath?: string;
  /** How many keys stay opened in memory. */
  readonly cachedKeys?: number;
  /** For measurements only: answers don't wait for the disk. */
  readonly unsafeNoFlush?: boolean;
  readonly rates?: Rates;
  /** The FIPS module that does the cryptography. */
  readonly fips?: string;
  /** Of passphrases that are set from now on. */
  readonly passphraseCost?: PassphraseCost;
  /** What opens a seal without anybody's help. */
  readonly given?: Given;
  readonly log: (line: string) => void;
}

/** The first seal of a new server. */
export interface Founding extends AskedSeal {
  readonly kind: string;
  /** Given what is handed out, before anything hangs from it. */
  readonly show: (handouts: readonly Handout[]) => Promise<void> | void;
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** Undefined: plain HTTP, for measurements on loopback. */
  readonly tls: ServerTls | undefined;
}

/** What the rooms and the jobs share of rotating secrets: who may be called, and that somebody is to be. */
interface Rotation {
  readonly rotators: RegisteredRotators;
  onRotation: () => void;
}

const defaultCachedKeys = 16_384;

/** The only place that knows every room: builds one server on a data folder, sealed. */
export class Server {
  readonly gate: WorkingGate;
  readonly #options: ServerOptions;
  readonly #store: Store;
  readonly #clock: MonotoneClock;
  readonly #rotation: Rotation;
  readonly #custody: Custody;
  #retries: Retries | undefined;
  #listener: Listener | undefined;
  #jobs: ReturnType<typeof startJobs> | undefined;

  private constructor(
    options: ServerOptions,
    store: Store,
    clock: MonotoneClock,
    gate: WorkingGate,
    rotation: Rotation,
    custody: Custody,
  ) {
    this.#rotation = rotation;
    this.#custody = custody;
    this.#options = options;
    this.#store = store;
    this.#clock = clock;
    this.gate = gate;
  }

  /** Rejects with 'unavailable' where another server holds the data, and 'tampered' where the folder contradicts itself. */
  static async build(options: ServerOptions): Promise<Server> {
    const { data } = options;
    if (!data.hasSeal)
      throw new KmsError('unavailable', `${data.path} holds no server yet; run "claviger init" first.`);
    return await Server.#build(options);
  }

  /** On a folder without a seal: makes a root under its first one, and is unsealed. */
  static async found(options: ServerOptions, { kind, show, ...seal }: Founding): Promise<Server> {
    const server = await Server.#build(options);
    try {
      using root = newRoot();
      const opening = await server.#custody.found(kind, seal, root, show);
      await server.gate.core.entrust(await server.#rooms(opening));
      return server;
    } catch (error) {
      await server.close();
      throw error;
    }
  }

  static async #build(options: ServerOptions): Promise<Server> {
    const { data } = options;
    const store = await openSqliteStore({
      path: data.database,
      anchorPath: options.anchorPath ?? data.file('anchor'),
      ...(options.unsafeNoFlush === true && { unsafeNoFlush: true }),
    });
    try {
      return await Server.#on(store, options);
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  static async #on(store: Store, options: ServerOptions): Promise<Server> {
    const { data, mode, version, rates, given } = options;
    const stored = await readStoredHead(store);
    const clock = new MonotoneClock(stored?.sealed.time);
    const rotation: Rotation = { rotators: RegisteredRotators.in(data, clock.now), onRotation: () => {} };
    const fixed = data.has('dev-passphrase') ? developmentPassphrase : undefined;
    const custody = new Custody(data.seals, {
      clock: clock.now,
      kinds: sealKinds({ cost: options.passphraseCost, vaultToken: () => readEnvironment().vaultToken }),
      ...(given !== undefined && { given }),
      ...(fixed !== undefined && { fixed }),
    });
    // Read once, so that a damaged file is told of before anything else.
    if (data.hasSeal) custody.status();
    const gate = new WorkingGate({
      store,
      ledger: openLedger(stored === undefined ? newLedger : { ...stored.sealed.ledger, ...stored.loose }),
      sealedHead: stored?.sealed.bytes ?? new Uint8Array(0),
      mode,
      version,
      clock: clock.now,
      metrics: new Metrics(),
      ...(rates !== undefined && { rates }),
      ...(options.fips !== undefined && { fips: options.fips }),
      open: async (opener) => {
        const opening = await custody.open(opener);
        return opening && (await openRooms(opening, custody, store, clock, options, rotation));
      },
      custody,
      acknowledgements,
      host: hostNow,
      onInternalError: (error, requestId) => options.log(`request ${requestId} failed inside: ${describe(error)}`),
    });
    return new Server(options, store, clock, gate, rotation, custody);
  }

  #rooms(opening: Opening): Promise<Unsealed> {
    return openRooms(opening, this.#custody, this.#store, this.#clock, this.#options, this.#rotation);
  }

  get clock(): () => number {
    return this.#clock.now;
  }

  /** Whether nothing was ever stored. */
  async isNew(): Promise<boolean> {
    const stored = await readStoredHead(this.#store);
    return stored === undefined || isFounding(stored.sealed);
  }

  /** By what was brought at the start; nobody asked, so the ledger names the server itself. Rejects with 'invalid-unseal' or 'tampered'. */
  async unseal(passphrase: Plaintext): Promise<void> {
    const origin = { protocol: 'start', operation: 'unseal', peer: '', requestId: randomUuid() };
    if (!(await this.isNew())) {
      await this.gate.perform({ kind: 'none' }, { kind: 'unseal', passphrase }, origin);
      return;
    }
    const rooms = await this.gate.core.options.open({ secret: passphrase });
    if (rooms === undefined) throw new KmsError('invalid-unseal', 'These are too few shares to open the seal.');
    await this.gate.core.entrust(rooms);
  }

  /**
   * Opens the seals that need nobody's help. Where what holds their key is out of reach the server stays sealed, and tries again ever more
   * seldom; where they don't open and others could be opened by somebody, it waits for him. Rejects where nothing could open it later.
   */
  async openAlone(): Promise<void> {
    if (!this.#custody.opensAlone) return;
    const retries = new Retries(() => this.#openAlone(), this.#options.log);
    try {
      await retries.first();
      this.#retries = retries;
    } catch (error) {
      if (!this.#custody.waitsForSomebody || !(error instanceof KmsError)) throw error;
      this.#options.log(`The server stays sealed: ${error.message}`);
    }
  }

  async #openAlone(): Promise<void> {
    const { core } = this.gate;
    const open = async () => this.#rooms(await this.#custody.openAlone());
    const line = { ...this.#ownLine('unseal'), action: 'unseal', realm: '' };
    try {
      if (await this.isNew()) await core.entrust(await open());
      else await core.unsealAlone(open, () => core.commits.submit(line));
    } catch (error) {
      // Opened by somebody else meanwhile.
      if (error instanceof KmsError && error.code === 'not-sealed') return;
      if (error instanceof KmsError && error.code !== 'unavailable') {
        await core.commits.submit({ ...line, outcome: error.code });
      }
      throw error;
    }
  }

  #ownLine(operation: string): Omit<Entry, 'action' | 'realm'> {
    return {
      ...{ time: this.#clock.now(), requestId: randomUuid(), protocol: 'start', operation, peer: '' },
      ...{ principal: 'system', credential: '', outcome: 'ok' },
    };
  }

  get sealed(): boolean {
    return this.gate.core.sealed;
  }

  /** Whether a key was ever made in the realm of this account: one that is destroyed leaves its record. */
  async hasKeys(account: string): Promise<boolean> {
    return (await this.gate.core.rooms.keyring.records.list('key', `${account}/`, '', 1)).length > 0;
  }

  /** The first realm and its first identity. `keep` gets the credentials before they become valid, so that they can't be lost. */
  async bootstrap(name: string, role: Role, keep: (credentials: CredentialSet) => void): Promise<CredentialSet> {
    const { identity, signer } = this.gate.core.rooms;
    const { result, change } = await identity.bootstrap('main', name, role);
    await this.gate.core.commits.found();
    keep(result);
    this.#options.data.write('ledger.pub', `${signer.verifierKey}\n`, 0o644);
    await this.gate.core.commits.submit(
      {
        ...this.#ownLine('init'),
        realm: result.account,
        action: 'create-identity',
        summary: `first realm, with ${name} as ${role}`,
      },
      change,
    );
    return result;
  }

  /** Rejects with code EADDRINUSE where the port is taken. Resolves to the URL. */
  async listen({ host, port, tls }: Endpoint): Promise<string> {
    const { mode, region, version, log } = this.#options;
    const door = { newRequestId: countedUuids(), clock: this.#clock.now, version };
    this.#listener = await startListener({
      host,
      port,
      ...(tls !== undefined && { tls: { certificate: tls.certificate, key: tls.key } }),
      doors: [
        vaultDoor(this.gate, door),
        awsKmsDoor(this.gate, { ...door, region }),
        awsSecretsManagerDoor(this.gate, { ...door, region }),
        awsStsDoor(this.gate, door),
        nativeDoor(this.gate, door),
      ],
      ready: () => this.gate.status().ready,
      clock: this.#clock.now,
      onError: (error) => log(`listener: ${describe(error)}`),
    });
    const { url, stats } = this.#listener;
    const { metrics } = this.gate.core.options;
    metrics.add(new Gauge('claviger_connections', 'Open connections.', () => stats().connections));
    metrics.add(new Gauge('claviger_requests_under_way', 'Requests being answered.', () => stats().underWay));
    metrics.add(new Gauge('claviger_refused_messages', 'Malformed, too large or too slow.', () => stats().refused));
    this.#options.data.write(
      'server.json',
      `${JSON.stringify({ url, caFile: tls?.caFile && resolve(tls.caFile), mode, region }, undefined, 2)}\n`,
      0o644,
    );
    this.#jobs = startJobs(this.gate, {
      newRequestId: randomUuid,
      rotators: this.#rotation.rotators,
      onFailure: (error) => log(`scheduled work failed: ${describe(error)}`),
    });
    this.#rotation.onRotation = this.#jobs.wake;
    return url;
  }

  /** Finishes what was accepted, signs the ledger's end, and lets go of everything. */
  async close(): Promise<void> {
    this.#retries?.stop();
    await this.#listener?.close();
    await this.#jobs?.stop();
    const { clock } = this;
    await this.gate.core.coalesced
      .flush(clock(), true)
      .catch((error) => this.#options.log(`refusals: ${describe(error)}`));
    await this.gate.core.lastUses.write().catch((error) => this.#options.log(`last uses: ${describe(error)}`));
    await this.gate.core.commits
      .checkpoint()
      .catch((error) => this.#options.log(`last checkpoint: ${describe(error)}`));
    await this.gate.core.entrust(undefined);
    await this.#store.close();
  }
}

const developmentPassphrase =
  'The passphrase of a development server lies beside its data: there is none to be changed.';

async function readStoredHead(store: Store) {
  const bytes = await store.head();
  if (bytes === undefined) {
    if ((await store.anchors()).length === 0) return undefined;
    throw new KmsError(
      'tampered',
      'The database is empty but its anchor is not: the database was taken away. Restore it from a backup.',
    );
  }
  const head = readHead(bytes);
  if (head === undefined)
    throw new KmsError('tampered', "The database's head can't be read; restore the database from a backup.");
  return head;
}

/** Takes the root of `opening`. */
async function openRooms(
  opening: Opening,
  custody: Custody,
  store: Store,
  clock: MonotoneClock,
  { mode, region, cachedKeys = defaultCachedKeys }: ServerOptions,
  rotation: Rotation,
): Promise<Unsealed> {
  using root = opening.root;
  const stored = await readStoredHead(store);
  const keyring = await Keyring.open(root, store, stored?.sealed, {
    ...{ capacity: cachedKeys, clock: clock.now },
    forgotten: scrubSoon,
  });
  await assertSealsNewest(keyring.records, opening.revision);
  if (stored?.loose !== undefined) await assertGrownFrom(store, stored.sealed.ledger, stored.loose);
  const identity = identityRoom({
    records: keyring.records,
    key: keyring.identityKey,
    region,
    clock: clock.now,
    mode,
    outbound,
    localServiceAccount: localServiceAccount(clock.now),
  });
  const signing = new Ed25519Signer(keyring.ledgerSeed);
  const signer = new CheckpointSigner(`claviger/${digestHex('sha256', signing.publicKey).slice(0, 12)}`, signing);
  const secrets = new SecretsRoom({
    keyring,
    region,
    rotators: rotation.rotators,
    onRotation: () => rotation.onRotation(),
  });
  opening.opened();
  const dispose = () => {
    keyring.dispose();
    custody.forget();
    scrubSoon();
  };
  return { keyring, identity, secrets, signer, dispose };
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
