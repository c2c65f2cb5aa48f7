import { equalSecrets, hmac, randomUuid } from '#crypto/crypto.ts';
import {
  type Command,
  KmsError,
  type Outcome,
  Plaintext,
  type Principal,
  type RecordChange,
  type Results,
  type SecretBytes,
  type SecretId,
} from '#domain/domain.ts';
import { fromHex, toHex, toUtf8 } from '#encoding/encoding.ts';
import type { AuthMounts } from './auth-mounts.ts';
import { type Directory, ids, type LoginRecord, put, remove, type SecretIdRecord } from './directory.ts';
import { checkCidrs, checkMeta, checkUses, isSubset } from './issue-token.ts';
import { checkLimit, checkTtl, fold } from './names.ts';

const maxSecretId = 4096;
const noSuchSecretId = () => new KmsError('not-found', 'There is no such secret id.', 'secret-id');
const accessorForm = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What a role of AppRole is proven with. Only a MAC of each is stored, under a key of this room. */
export class SecretIds {
  readonly #directory: Directory;
  readonly #mounts: AuthMounts;
  readonly #root: SecretBytes;
  readonly #clock: () => number;

  constructor(directory: Directory, mounts: AuthMounts, root: SecretBytes, clock: () => number) {
    this.#directory = directory;
    this.#mounts = mounts;
    this.#root = root;
    this.#clock = clock;
  }

  async create(
    { realm }: Principal,
    command: Command<'create-secret-id'>,
  ): Promise<Outcome<Results['create-secret-id']>> {
    const login = await this.#role(realm, command);
    if (!login.secretId!.bound) {
      throw new KmsError('invalid-parameter', 'bind_secret_id is not set on the role');
    }
    const { meta = {}, cidrs = [], tokenCidrs = [] } = command;
    const of = login.secretId!;
    const ttl = within(of.ttl, command.ttl, 'The ttl');
    const uses = within(of.uses, command.uses, 'The number of uses');
    checkTtl(ttl);
    checkUses(uses);
    checkMeta(meta);
    checkCidrs(cidrs);
    checkCidrs(tokenCidrs);
    if (!isSubset(cidrs, of.cidrs) || !isSubset(tokenCidrs, login.token.cidrs)) {
      throw new KmsError('invalid-parameter', 'The addresses of a secret id must be among those of its role.');
    }
    const secretId = command.secretId ?? new Plaintext(toUtf8(randomUuid()));
    if (secretId.length < 1 || secretId.length > maxSecretId) {
      throw new KmsError('invalid-parameter', `A secret id has 1 to ${maxSecretId} bytes.`);
    }
    const { accessor, digest } = this.#namesOf(login, secretId);
    if ((await this.#directory.secretId(realm, login.mount, login.name, accessor)) !== undefined) {
      throw new KmsError('already-exists', 'SecretID is already registered');
    }
    const now = this.#clock();
    const record: SecretIdRecord = {
      realm,
      mount: login.mount,
      role: login.name,
      revision: 0,
      accessor,
      digest,
      createdAt: now,
      updatedAt: now,
      meta,
      cidrs,
      tokenCidrs,
      ...(ttl !== undefined && { ttl, expiresAt: now + ttl }),
      ...(uses !== undefined && { uses, left: uses }),
    };
    return {
      result: { secretId, shown: shownOf(record) },
      change: {
        records: [put('secret-id', ids.secretId(realm, login.mount, login.name, accessor), record)],
        summary: `secret id ${accessor} of ${login.name}`,
      },
    };
  }

  async read({ realm }: Principal, command: Command<'read-secret-id'>): Promise<Outcome<Results['read-secret-id']>> {
    const login = await this.#role(realm, command);
    const found = await this.#found(login, command);
    if (found === undefined && command.ifThere === true) return { result: {} };
    if (found === undefined) throw noSuchSecretId();
    return { result: { shown: shownOf(found) } };
  }

  async list({ realm }: Principal, command: Command<'list-secret-ids'>): Promise<Outcome<Results['list-secret-ids']>> {
    const { after, limit } = command;
    checkLimit(limit);
    const { mount, name } = await this.#role(realm, command);
    const { items, next } = await this.#directory.secretIds(realm, mount, name, after, limit);
    const last = next === undefined ? undefined : items.at(-1)?.accessor;
    const accessors = items.filter((record) => this.#holds(record)).map(({ accessor }) => accessor);
    return { result: { accessors, ...(last !== undefined && { next: last }) } };
  }

  async destroy(
    { realm }: Principal,
    command: Command<'destroy-secret-id'>,
  ): Promise<Outcome<Results['destroy-secret-id']>> {
    const login = await this.#role(realm, command);
    const record = await this.#found(login, command);
    if (record === undefined) throw noSuchSecretId();
    return {
      result: {},
      change: {
        // The role is written as it is, so that a login with the secret id that is under way is decided again.
        records: [removalOf(record), put('login', ids.login(realm, login.mount, login.name), login)],
        summary: `destroyed secret id ${record.accessor} of ${record.role}`,
      },
    };
  }

  /** The one that is meant, if it is there, right and holds. */
  async proven(login: LoginRecord, secretId: Plaintext): Promise<SecretIdRecord | undefined> {
    if (secretId.length > maxSecretId) return undefined;
    const { accessor, digest } = this.#namesOf(login, secretId);
    const record = await this.#directory.secretId(login.realm, login.mount, login.name, accessor);
    if (record === undefined || !equalSecrets(fromHex(record.digest)!, fromHex(digest)!)) return undefined;
    return this.#holds(record) ? record : undefined;
  }

  /** Counts a login with it; the last one takes it away. Where two count at once, one of them is a conflict. */
  used(record: SecretIdRecord): readonly RecordChange[] {
    if (record.left === undefined) return [];
    if (record.left <= 1) return [removalOf(record)];
    const next = { ...record, left: record.left - 1, updatedAt: this.#clock() };
    return [put('secret-id', ids.secretId(record.realm, record.mount, record.role, record.accessor), next)];
  }

  async everyRemoval({ realm, mount, name }: LoginRecord): Promise<readonly RecordChange[]> {
    const removals: RecordChange[] = [];
    for (let after: string | undefined = ''; after !== undefined; ) {
      const { items, next } = await this.#directory.secretIds(realm, mount, name, after, 1000);
      removals.push(...items.map(removalOf));
      after = next === undefined ? undefined : items.at(-1)?.accessor;
    }
    return removals;
  }

  #holds({ expiresAt, left }: SecretIdRecord): boolean {
    return (expiresAt === undefined || expiresAt > this.#clock()) && left !== 0;
  }

  async #found(
    login: LoginRecord,
    command: Command<'read-secret-id' | 'destroy-secret-id'>,
  ): Promise<SecretIdRecord | undefined> {
    if ('secretId' in command) return this.proven(login, command.secretId);
    if (!accessorForm.test(command.accessor)) return undefined;
    const record = await this.#directory.secretId(login.realm, login.mount, login.name, command.accessor);
    return record !== undefined && this.#holds(record) ? record : undefined;
  }

  async #role(
    realm: string,
    { role, mount }: { readonly role: string; readonly mount?: string },
  ): Promise<LoginRecord> {
    const { id } = await this.#mounts.of(realm, 'approle', mount);
    const login = await this.#directory.login(realm, id, fold(role));
    if (login === undefined) throw new KmsError('not-found', `There is no role "${role}".`, 'login');
    return login;
  }

  /** The accessor is made of the MAC, so that a secret id leads to its record and to no other role's. */
  #namesOf({ realm, mount, name, createdAt }: LoginRecord, secretId: Plaintext) {
    const whose = `secret-id:${realm}/${mount}/${name}/${createdAt}:`;
    const digest = toHex(hmac('sha256', this.#root, whose, secretId.release()));
    const accessor = digest.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
    return { accessor, digest };
  }
}

/** What the role says, or less of it; 0 stands for no limit. */
function within(most: number | undefined, asked: number | undefined, what: string): number | undefined {
  const wanted = asked === 0 ? undefined : asked;
  if (asked === undefined) return most;
  if (most !== undefined && (wanted === undefined || wanted > most)) {
    throw new KmsError('invalid-parameter', `${what} of a secret id can't be more than the role's.`);
  }
  return wanted;
}

function shownOf({ realm: _r, mount: _m, role: _n, revision: _v, digest: _d, ...shown }: SecretIdRecord): SecretId {
  return shown;
}

function removalOf(record: SecretIdRecord): RecordChange {
  return remove('secret-id', ids.secretId(record.realm, record.mount, record.role, record.accessor), record);
}
