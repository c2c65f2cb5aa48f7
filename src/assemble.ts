import { resolve } from 'node:path';
import { assertGrownFrom, CheckpointSigner, newLedger, openLedger } from '#audit/audit.ts';
import { countedUuids, digestHex, Ed25519Signer, randomUuid } from '#crypto/crypto.ts';
import { type CredentialSet, KmsError, type Plaintext, type Role } from '#domain/domain.ts';
import { type Rates, type Unsealed, WorkingGate } from '#gate/gate.ts';
import { identityRoom } from '#identity/identity.ts';
import { startJobs } from '#jobs/jobs.ts';
import { isFounding, Keyring, readHead } from '#keyring/keyring.ts';
import { type Listener, startListener } from '#listen/listen.ts';
import type { Mode } from '#policy/policy.ts';
import { Custody, type SealedRoot } from '#seal/seal.ts';
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
  readonly log: (line: string) => void;
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
  #listener: Listener | undefined;
  #jobs: ReturnType<typeof startJobs> | undefined;

  private constructor(
    options: ServerOptions,
    store: Store,
    clock: MonotoneClock,
    gate: WorkingGate,
    rotation: Rotation,
  ) {
    this.#rotation = rotation;
    this.#options = options;
    this.#store = store;
    this.#clock = clock;
    this.gate = gate;
  }

  /** Rejects with 'unavailable' where another server holds the data, and 'tampered' where the folder contradicts itself. */
  static async build(options: ServerOptions): Promise<Server> {
    const { data } = options;
    const sealed = data.readSeal();
    if (sealed === undefined)
      throw new KmsError('unavailable', `${data.path} holds no server yet; run "claviger init" first.`);
    const store = await openSqliteStore({
      path: data.database,
      anchorPath: options.anchorPath ?? data.file('anchor'),
      ...(options.unsafeNoFlush === true && { unsafeNoFlush: true }),
    });
    try {
      return await Server.#on(store, sealed, options);
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  static async #on(
    store: Store,
    sealed: NonNullable<ReturnType<DataDirectory['readSeal']>>,
    options: ServerOptions,
  ): Promise<Server> {
    const { mode, version } = options;
    const stored = await readStoredHead(store);
    const clock = new MonotoneClock(stored?.sealed.time);
    const rotation: Rotation = { rotators: RegisteredRotators.in(options.data, clock.now), onRotation: () => {} };
    const custody = custodyOf(options.data);
    const gate = new WorkingGate({
      store,
      ledger: openLedger(stored === undefined ? newLedger : { ...stored.sealed.ledger, ...stored.loose }),
      sealedHead: stored?.sealed.bytes ?? new Uint8Array(0),
      mode,
      version,
      sealKind: sealed.kind,
      clock: clock.now,
      metrics: new Metrics(),
      ...(options.rates !== undefined && { rates: options.rates }),
      open: (passphrase) => openRooms(passphrase, custody, store, clock, options, rotation),
      custody,
      host: hostNow,
      onInternalError: (error, requestId) => options.log(`request ${requestId} failed inside: ${describe(error)}`),
    });
    return new Server(options, store, clock, gate, rotation);
  }

  get clock(): () => number {
    return this.#clock.now;
  }

  /** Whether nothing was ever stored. */
  async isNew(): Promise<boolean> {
    const stored = await readStoredHead(this.#store);
    return stored === undefined || isFounding(stored.sealed);
  }

  /** Opens the rooms at start-up; nobody asked, so the ledger names the server itself. Rejects with 'invalid-unseal' or 'tampered'. */
  async unseal(passphrase: Plaintext): Promise<void> {
    const origin = { protocol: 'start', operation: 'unseal', peer: '', requestId: randomUuid() };
    if (await this.isNew()) {
      await this.gate.core.entrust(await this.gate.core.options.open(passphrase));
      return;
    }
    await this.gate.perform({ kind: 'none' }, { kind: 'unseal', passphrase }, origin);
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
        time: this.#clock.now(),
        requestId: randomUuid(),
        protocol: 'start',
        operation: 'init',
        peer: '',
        realm: result.account,
        principal: 'system',
        credential: '',
        action: 'create-identity',
        outcome: 'ok',
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

/** Read anew at each opening: a new passphrase changes what lies there. */
function custodyOf(data: DataDirectory): Custody {
  const file = {
    read: () => data.readSeal() ?? noSeal(data),
    write: (sealed: SealedRoot) => written(() => data.writeSeal('passphrase', sealed)),
  };
  const fixed = 'The passphrase of a development server lies beside its data: there is none to be changed.';
  return new Custody(file, data.has('dev-passphrase') ? { fixed } : {});
}

/** Whoever asked for it is told what the disk said. */
function written(write: () => void): void {
  try {
    write();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new KmsError(code === 'ENOSPC' ? 'storage-full' : 'unavailable', `The seal could not be written: ${message}`);
  }
}

function noSeal(data: DataDirectory): never {
  throw new KmsError('tampered', `${data.file('seal.json')} is gone; restore it from a backup.`);
}

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

async function openRooms(
  passphrase: Plaintext,
  custody: Custody,
  store: Store,
  clock: MonotoneClock,
  { mode, region, cachedKeys = defaultCachedKeys }: ServerOptions,
  rotation: Rotation,
): Promise<Unsealed> {
  const { root: opened, opened: arrived } = await custody.open(passphrase);
  using root = opened;
  const stored = await readStoredHead(store);
  const keyring = await Keyring.open(root, store, stored?.sealed, { capacity: cachedKeys, clock: clock.now });
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
  arrived();
  return { keyring, identity, secrets, signer, dispose: () => keyring.dispose() };
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
