import { resolve } from 'node:path';
import { newLedger, openLedger } from '#audit/audit.ts';
import { readEnvironment } from '#config/config.ts';
import { countedUuids, randomUuid } from '#crypto/crypto.ts';
import {
  type AskedSeal,
  type CredentialSet,
  type Entry,
  type Handout,
  KmsError,
  type Plaintext,
  type Role,
  type Status,
} from '#domain/domain.ts';
import { type Rates, WorkingGate } from '#gate/gate.ts';
import { startJobs } from '#jobs/jobs.ts';
import { isFounding, newRoot } from '#keyring/keyring.ts';
import { type Listener, startListener } from '#listen/listen.ts';
import type { Mode } from '#policy/policy.ts';
import { acknowledgements, Custody, type Given, type PassphraseCost, sealKinds } from '#seal/seal.ts';
import { type FileShelf, openSqliteStore, type Store } from '#store/store.ts';
import { Gauge, Metrics } from '#telemetry/telemetry.ts';
import { awsKmsDoor } from '#wire/aws-kms/aws-kms.ts';
import { awsSecretsManagerDoor } from '#wire/aws-secrets-manager/aws-secrets-manager.ts';
import { awsStsDoor } from '#wire/aws-sts/aws-sts.ts';
import { nativeDoor } from '#wire/native/native.ts';
import { vaultDoor } from '#wire/vault/vault.ts';
import { ServerBackups } from './backups.ts';
import { MonotoneClock } from './clock.ts';
import type { DataDirectory } from './data-directory.ts';
import { hostNow } from './host.ts';
import { openShelf } from './living-shelf.ts';
import type { ServerTls } from './local-tls.ts';
import { Retries } from './retries.ts';
import { RegisteredRotators } from './rotators.ts';
import { type Rotation, readStoredHead, WorkingRooms } from './working-rooms.ts';

export interface ServerOptions {
  readonly data: DataDirectory;
  readonly mode: Mode;
  readonly region: string;
  readonly version: string;
  /** Where the anchor stands, if not in the data folder: best on another disk. */
  readonly anchorPath?: string;
  /** Folders that hold a copy of the shelf. */
  readonly shelfMirrors?: readonly string[];
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

/** What a server is built of. */
interface Built {
  readonly store: Store;
  readonly shelf: FileShelf;
  readonly clock: MonotoneClock;
  readonly gate: WorkingGate;
  readonly rotation: Rotation;
  readonly custody: Custody;
  readonly rooms: WorkingRooms;
}

/** The only place that knows every room: builds one server on a data folder, sealed. */
export class Server {
  readonly gate: WorkingGate;
  readonly #options: ServerOptions;
  readonly #store: Store;
  readonly #shelf: FileShelf;
  readonly #clock: MonotoneClock;
  readonly #rotation: Rotation;
  readonly #custody: Custody;
  readonly #rooms: WorkingRooms;
  #retries: Retries | undefined;
  #listener: Listener | undefined;
  #jobs: ReturnType<typeof startJobs> | undefined;

  private constructor(options: ServerOptions, { store, shelf, clock, gate, rotation, custody, rooms }: Built) {
    this.#options = options;
    this.#store = store;
    this.#shelf = shelf;
    this.#clock = clock;
    this.#rotation = rotation;
    this.#custody = custody;
    this.#rooms = rooms;
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
      await server.gate.core.entrust(await server.#rooms.open(opening));
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
    const isNew = stored === undefined || isFounding(stored.sealed);
    const { shelfMirrors: mirrors = [], unsafeNoFlush } = options;
    const shelf = openShelf(data, { isNew, mirrors, flushes: unsafeNoFlush !== true });
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
    const rooms = new WorkingRooms({ ...options, store, shelf, custody, clock, rotation });
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
        return opening && (await rooms.open(opening));
      },
      custody,
      furnish: (keyring) => rooms.furnish(keyring),
      acknowledgements,
      backups: new ServerBackups({ data, shelf, version, clock: clock.now, sealRevision: () => custody.revision }),
      host: hostNow,
      onInternalError: (error, requestId) => options.log(`request ${requestId} failed inside: ${describe(error)}`),
    });
    return new Server(options, { store, shelf, clock, gate, rotation, custody, rooms });
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

  /** False: somebody else opened it meanwhile, who may have sealed it again. */
  async #openAlone(): Promise<boolean> {
    const { core } = this.gate;
    const open = async () => this.#rooms.open(await this.#custody.openAlone());
    const line = { ...this.#ownLine('unseal'), action: 'unseal', realm: '' };
    try {
      if (await this.isNew()) await core.entrust(await open());
      else await core.unsealAlone(open, () => core.commits.submit(line));
      return true;
    } catch (error) {
      if (error instanceof KmsError && error.code === 'not-sealed') return false;
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
  async bootstrap(
    name: string,
    role: Role,
    keep: (credentials: CredentialSet) => Promise<void> | void,
  ): Promise<CredentialSet> {
    const { identity, signer } = this.gate.core.rooms;
    const { result, change } = await identity.bootstrap('main', name, role);
    await this.gate.core.commits.writeHead();
    await keep(result);
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
      ready: () => readinessOf(this.gate.status()),
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
    this.#shelf.close();
  }
}

const developmentPassphrase =
  'The passphrase of a development server lies beside its data: there is none to be changed.';

/** True, or what the server waits for. */
function readinessOf({ ready, sealed, seals }: Status): true | string {
  if (ready) return true;
  if (!sealed) return 'not ready: the disk took nothing of late';
  const troubles = seals.flatMap(({ name, trouble }) => (trouble === undefined ? [] : [`; ${name}: ${trouble}`]));
  return `not ready: sealed${troubles.join('')}`;
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
