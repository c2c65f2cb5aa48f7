import { Backups } from './backups.ts';
import type { DataKeys } from './encrypt-stream.ts';
import { ApiError, UnreachableError } from './errors.ts';
import { RootKey } from './root.ts';
import { Seals } from './seals.ts';
import type {
  AccessExplanation,
  AccessQuestion,
  AssumableRole,
  AuditEntry,
  AuditProof,
  CreateGrant,
  CreateIdentity,
  CreateKey,
  CreateRole,
  Credentials,
  Grant,
  Identity,
  IdentityProvider,
  Key,
  KeyVersion,
  LastUse,
  Pairs,
  Realm,
  RegisterProvider,
  Session,
  Status,
  Token,
  Used,
} from './types.ts';

export type { Backup, BackupSchedule, BackupStatus } from './backups.ts';
export * from './chunked.ts';
export * from './encrypt-stream.ts';
export * from './errors.ts';
export * from './file-format.ts';
export type { AskedSeal, SealOpener } from './seals.ts';
export * from './types.ts';
export { webCryptoEngine } from './web-crypto-engine.ts';

export interface ClientOptions {
  /** Such as 'https://127.0.0.1:8200'. */
  readonly url: string;
  /** Absent: only what anyone may ask. */
  readonly token?: string;
  /** Which region of the account is meant. Default: the home region. */
  readonly region?: string;
  /** Milliseconds for one request. Default: 30,000. */
  readonly timeout?: number;
  /** Default: the runtime's own. */
  readonly fetch?: typeof fetch;
}

interface Ask {
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: object;
}

const segment = encodeURIComponent;

/** Claviger's own API. Every method rejects with ApiError when the server refuses, and with UnreachableError when it can't be asked. */
export class ClavigerClient implements DataKeys {
  readonly url: string;
  readonly #token: string | undefined;
  readonly #region: string | undefined;
  readonly #timeout: number;
  readonly #fetch: typeof fetch;

  constructor(options: ClientOptions) {
    this.url = options.url.replace(/\/+$/, '');
    this.#token = options.token;
    this.#region = options.region;
    this.#timeout = options.timeout ?? 30_000;
    this.#fetch = options.fetch ?? fetch;
  }

  async #send(method: string, path: string, { query, body }: Ask): Promise<Response> {
    const url = new URL(this.url + path);
    for (const [name, value] of Object.entries(query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const headers = new Headers();
    if (this.#token !== undefined) headers.set('authorization', `Bearer ${this.#token}`);
    if (this.#region !== undefined) headers.set('x-claviger-region', this.#region);
    if (body !== undefined) headers.set('content-type', 'application/json');
    const signal = AbortSignal.timeout(this.#timeout);
    const init = { method, headers, signal, redirect: 'error' as const };
    try {
      return await this.#fetch(url, body === undefined ? init : { ...init, body: JSON.stringify(body) });
    } catch (error) {
      throw new UnreachableError(this.url, error);
    }
  }

  async #text(method: string, path: string, ask: Ask = {}): Promise<string> {
    const response = await this.#send(method, path, ask);
    const text = await response.text().catch((error: unknown) => {
      throw new UnreachableError(this.url, error);
    });
    if (!response.ok) throw ApiError.read(response.status, text);
    return text;
  }

  async #json<T>(method: string, path: string, ask: Ask = {}): Promise<T> {
    const text = await this.#text(method, `/claviger/v1${path}`, ask);
    try {
      return JSON.parse(text) as T;
    } catch {
      throw new ApiError('internal', `${this.url} answered something else than JSON: is it Claviger?`, 200, '');
    }
  }

  status(): Promise<Status> {
    return this.#json('GET', '/status');
  }

  /** Prometheus text. */
  metrics(): Promise<string> {
    return this.#text('GET', '/metrics');
  }

  async seal(): Promise<void> {
    await this.#json('POST', '/seal');
  }

  /** By a passphrase, a PIN or a share. `seal`: by that one alone. */
  unseal(passphrase: string, seal?: string): Promise<Status> {
    return this.#json('POST', '/unseal', { body: { passphrase, ...(seal !== undefined && { seal }) } });
  }

  /** The root key itself, the ways to it and their shares, and backups of the whole server. */
  readonly root = new RootKey((method, path) => this.#json(method, path));
  readonly seals = new Seals((method, path, body) => this.#json(method, path, body && { body }));
  readonly backups = new Backups((method, path, body) => this.#json(method, path, body && { body }));

  // --- keys: `key` is a name, with or without `alias/`, or an id

  async createKey(options: CreateKey): Promise<Key> {
    return (await this.#json<{ key: Key }>('POST', '/keys', { body: options })).key;
  }

  describeKey(key: string): Promise<{ readonly key: Key; readonly versions: readonly KeyVersion[] }> {
    return this.#json('GET', `/keys/${segment(key)}`);
  }

  /** Undefined: no client ever used its material. */
  async lastUse(key: string): Promise<LastUse | undefined> {
    return (await this.#json<{ lastUse?: LastUse }>('GET', `/keys/${segment(key)}/last-use`)).lastUse;
  }

  listKeys(): AsyncGenerator<{ readonly id: string; readonly names: readonly string[] }> {
    return this.#pages('/keys', 'keys');
  }

  async updateKey(key: string, patch: object): Promise<Key> {
    return (await this.#json<{ key: Key }>('PATCH', `/keys/${segment(key)}`, { body: patch })).key;
  }

  async #onKey(key: string, verb: string, body?: object): Promise<Key> {
    const ask = body === undefined ? {} : { body };
    return (await this.#json<{ key: Key }>('POST', `/keys/${segment(key)}/${verb}`, ask)).key;
  }

  enableKey(key: string): Promise<Key> {
    return this.#onKey(key, 'enable');
  }

  disableKey(key: string): Promise<Key> {
    return this.#onKey(key, 'disable');
  }

  /** An older version by itself: no use of it from then on, until it is enabled again. */
  disableKeyVersion(key: string, version: number): Promise<Key> {
    return this.#onKey(key, `versions/${version}/disable`);
  }

  enableKeyVersion(key: string, version: number): Promise<Key> {
    return this.#onKey(key, `versions/${version}/enable`);
  }

  rotateKey(key: string): Promise<Key> {
    return this.#onKey(key, 'rotate');
  }

  scheduleDestruction(key: string, days: number): Promise<Key> {
    return this.#onKey(key, 'schedule-destruction', { days });
  }

  /** Of a primary key, in another region of its account: answers the replica. */
  replicateKey(key: string, region: string): Promise<Key> {
    return this.#onKey(key, 'replicate', { region });
  }

  /** Makes the replica in that region the primary key. */
  updatePrimaryRegion(key: string, region: string): Promise<Key> {
    return this.#onKey(key, 'primary-region', { region });
  }

  /** At once and for good; only where `deletionAllowed` is set. */
  async destroyKey(key: string): Promise<Key> {
    return (await this.#json<{ key: Key }>('DELETE', `/keys/${segment(key)}`)).key;
  }

  cancelDestruction(key: string): Promise<Key> {
    return this.#onKey(key, 'cancel-destruction');
  }

  async createAlias(key: string, name: string): Promise<void> {
    await this.#json('PUT', `/keys/${segment(key)}/aliases/${segment(name)}`);
  }

  /** Points a name at another key. */
  async updateAlias(key: string, name: string): Promise<void> {
    await this.#json('PATCH', `/keys/${segment(key)}/aliases/${segment(name)}`);
  }

  listAliases(): AsyncGenerator<{ readonly name: string; readonly keyId: string }> {
    return this.#pages('/aliases', 'aliases');
  }

  async deleteAlias(name: string): Promise<void> {
    await this.#json('DELETE', `/aliases/${segment(name)}`);
  }

  // --- using keys

  async encrypt(key: string, plaintext: Uint8Array, context: Pairs = []): Promise<Used & { ciphertext: Uint8Array }> {
    const body = { plaintext: plaintext.toBase64(), context: Object.fromEntries(context) };
    const answer = await this.#json<Used & { ciphertext: string }>('POST', `/keys/${segment(key)}/encrypt`, { body });
    return { ...answer, ciphertext: bytesOf(answer.ciphertext) };
  }

  /** `key`: refuses what another key made. Raw keys need it, and the `version` unless it is the newest. */
  async decrypt(
    ciphertext: Uint8Array,
    context: Pairs = [],
    key?: string,
    version?: number,
  ): Promise<Used & { readonly plaintext: Uint8Array }> {
    const body = { key, version, ciphertext: ciphertext.toBase64(), context: Object.fromEntries(context) };
    const answer = await this.#json<Used & { plaintext: string }>('POST', '/decrypt', { body });
    return { ...answer, plaintext: bytesOf(answer.plaintext) };
  }

  /** A fresh key of 32 bytes, in the clear and under `key`. */
  async generateDataKey(
    key: string,
    context: Pairs = [],
  ): Promise<Used & { readonly plaintext: Uint8Array; readonly ciphertext: Uint8Array }> {
    const body = { bytes: 32, context: Object.fromEntries(context) };
    const path = `/keys/${segment(key)}/data-key`;
    const answer = await this.#json<Used & { plaintext: string; ciphertext: string }>('POST', path, { body });
    return { ...answer, plaintext: bytesOf(answer.plaintext), ciphertext: bytesOf(answer.ciphertext) };
  }

  // --- who may what

  listRealms(): AsyncGenerator<Realm> {
    return this.#pages('/realms', 'realms');
  }

  createRealm(name: string): Promise<Realm> {
    return this.#json('POST', '/realms', { body: { name } });
  }

  /** A further region of the asking account. */
  createRegion(name: string, region: string): Promise<Realm> {
    return this.#json('POST', '/regions', { body: { name, region } });
  }

  listIdentities(): AsyncGenerator<Identity> {
    return this.#pages('/identities', 'identities');
  }

  createIdentity(options: CreateIdentity): Promise<Credentials> {
    return this.#json('POST', '/identities', { body: options });
  }

  async disableIdentity(name: string, realm?: string): Promise<void> {
    await this.#json('POST', `/identities/${segment(name)}/disable`, { body: { realm } });
  }

  createCredentials(name: string, options: { realm?: string; ttlSeconds?: number } = {}): Promise<Credentials> {
    return this.#json('POST', `/identities/${segment(name)}/credentials`, { body: options });
  }

  async revokeCredential(id: string): Promise<void> {
    await this.#json('DELETE', `/credentials/${segment(id)}`);
  }

  listRoles(): AsyncGenerator<AssumableRole> {
    return this.#pages('/roles', 'roles');
  }

  async createRole(options: CreateRole): Promise<AssumableRole> {
    return (await this.#json<{ role: AssumableRole }>('POST', '/roles', { body: options })).role;
  }

  async deleteRole(name: string): Promise<void> {
    await this.#json('DELETE', `/roles/${segment(name)}`);
  }

  assumeRole(
    name: string,
    options: { readonly sessionName: string; readonly durationSeconds?: number; readonly externalId?: string },
  ): Promise<Session> {
    return this.#json('POST', `/roles/${segment(name)}/sessions`, { body: options });
  }

  /** Who the token acts for. */
  callerIdentity(): Promise<{ readonly realm: string; readonly name: string; readonly session?: string }> {
    return this.#json('GET', '/caller');
  }

  listProviders(): AsyncGenerator<IdentityProvider> {
    return this.#pages('/providers', 'providers');
  }

  async registerProvider(options: RegisterProvider): Promise<IdentityProvider> {
    return (await this.#json<{ provider: IdentityProvider }>('POST', '/providers', { body: options })).provider;
  }

  async deleteProvider(issuer: string): Promise<void> {
    await this.#json('DELETE', `/providers/${segment(issuer)}`);
  }

  listGrants(): AsyncGenerator<Grant> {
    return this.#pages('/grants', 'grants');
  }

  /** Whether somebody may do something to a key, and what decides it. */
  explainAccess(key: string, question: AccessQuestion): Promise<AccessExplanation> {
    return this.#json('POST', `/keys/${segment(key)}/explain-access`, { body: question });
  }

  async createGrant(options: CreateGrant): Promise<Grant> {
    return (await this.#json<{ grant: Grant }>('POST', '/grants', { body: options })).grant;
  }

  async revokeGrant(id: string): Promise<void> {
    await this.#json('DELETE', `/grants/${segment(id)}`);
  }

  createToken(options: {
    ttlSeconds?: number;
    renewable?: boolean;
    label?: string;
    actions?: readonly string[];
  }): Promise<Token & { readonly token: string }> {
    return this.#json('POST', '/tokens', { body: options });
  }

  /** `accessor`: default the token that asks. */
  lookupToken(accessor = 'self'): Promise<Token> {
    return this.#json('GET', `/tokens/${segment(accessor)}`);
  }

  renewToken(accessor = 'self', incrementSeconds?: number): Promise<Token> {
    return this.#json('POST', `/tokens/${segment(accessor)}/renew`, { body: { incrementSeconds } });
  }

  async revokeToken(accessor = 'self'): Promise<void> {
    await this.#json('DELETE', `/tokens/${segment(accessor)}`);
  }

  // --- the ledger

  readAudit(from: number, limit: number): Promise<{ readonly size: number; readonly entries: readonly AuditEntry[] }> {
    return this.#json('GET', '/audit/entries', { query: { from, limit } });
  }

  proveAudit(index: number): Promise<AuditProof> {
    return this.#json('GET', `/audit/proofs/${index}`);
  }

  readCheckpoint(): Promise<{ readonly checkpoint: string; readonly verifierKey: string }> {
    return this.#json('GET', '/audit/checkpoint');
  }

  async *#pages<T>(path: string, member: string): AsyncGenerator<T> {
    let after: string | undefined;
    do {
      const page: { readonly next?: string } & Record<string, unknown> = await this.#json('GET', path, {
        query: { after, limit: 1000 },
      });
      yield* (page[member] ?? []) as readonly T[];
      // A server that names the same page again must not keep us here.
      after = page.next === after ? undefined : page.next;
    } while (after !== undefined);
  }
}

function bytesOf(text: string): Uint8Array {
  try {
    return Uint8Array.fromBase64(text, { lastChunkHandling: 'strict' });
  } catch {
    throw new ApiError('internal', 'The server answered damaged base64.', 200, '');
  }
}
