import type { Argon2Costs } from '#crypto/crypto.ts';
import {
  type AssumableRole,
  type AuthMount,
  type Credential,
  type Grant,
  type Identity,
  type IdentityProvider,
  KmsError,
  type Login,
  type RecordChange,
  type RecordKind,
  type RecordReader,
  type SecretId,
  type TokenRole,
} from '#domain/domain.ts';
import { fold } from './names.ts';

/** A tenant: one AWS account. */
export interface Realm {
  /** 12 digits. */
  readonly account: string;
  /** Absent: the home region. A further one is a realm for keys; all else is the account's. */
  readonly region?: string;
  readonly name: string;
  readonly createdAt: number;
  /** The realm that the server was made with; its officers may make others. */
  readonly first: boolean;
  readonly revision: number;
}

/** As stored: tokens carry the SHA-256 of the token, 64 hexadecimal digits. */
export interface CredentialRecord extends Credential {
  readonly digest?: string;
}

/** A signed mutating call that was answered. */
export interface Replay {
  readonly digest: string;
  /** Milliseconds since the epoch: the signature holds no longer. */
  readonly until: number;
  readonly revision: number;
}

/** As stored: what is secret in its configuration is sealed. */
export interface AuthMountRecord extends AuthMount {
  /** Base64, by what it is. */
  readonly sealed?: Readonly<Record<string, string>>;
}

/** As stored: what an authority took back. */
export interface RevocationListRecord {
  readonly realm: string;
  /** An auth mount's id. */
  readonly mount: string;
  readonly name: string;
  readonly revision: number;
  readonly createdAt: number;
  /** The issuer's name as it is encoded, in hexadecimal digits. */
  readonly issuer: string;
  /** Decimal. */
  readonly serials: readonly string[];
}

/** What is left of a mount that would be there without a record. */
export interface FormerAuthMount {
  readonly path: string;
  readonly revision: number;
  readonly removed: true;
}

/** As stored: a password as its Argon2id hash, with the salt and costs that made it. */
export interface LoginRecord extends Login {
  readonly password?: PasswordHash;
}

export interface PasswordHash {
  /** Base64. */
  readonly salt: string;
  readonly hash: string;
  readonly costs: Argon2Costs;
}

export interface RoleIdIndex {
  readonly realm: string;
  /** An auth mount's id. */
  readonly mount: string;
  readonly name: string;
  readonly revision: number;
}

/** As stored: a MAC of the secret id, 64 hexadecimal digits, under a key of this room. */
export interface SecretIdRecord extends SecretId {
  readonly realm: string;
  /** An auth mount's id. */
  readonly mount: string;
  readonly role: string;
  readonly revision: number;
  readonly digest: string;
}

/** Requests that a token may still make. */
export interface TokenUse {
  readonly left: number;
  readonly revision: number;
}

/** An answer that only its token opens: what is stored is encrypted under a key made from that. */
export interface WrappingRecord {
  readonly accessor: string;
  readonly realm: string;
  readonly revision: number;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly ttl: number;
  readonly path: string;
  /** SHA-256 of the token, 64 hexadecimal digits. */
  readonly digest: string;
  /** Base64. */
  readonly sealed: string;
}

/** What is left of a role: policies of keys may still name it. */
export interface FormerRole {
  readonly realm: string;
  readonly name: string;
  readonly revision: number;
  readonly deletedAt: number;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** The record id to go on after; of roles the name. */
  readonly next?: string;
}

export function isAccount(text: string): boolean {
  return /^[0-9]{12}$/.test(text);
}

/** Where each noun's record lives. Identities by folded name, so that no two differ by case only. */
export const ids = {
  realm: (account: string) => account,
  region: (account: string, region: string) => `${account}.${region}`,
  realmName: (name: string) => `name/${fold(name)}`,
  firstRealm: 'first',
  identity: (realm: string, name: string) => `${realm}/${fold(name)}`,
  group: (realm: string, name: string) => `group/${realm}/${fold(name)}`,
  grant: (realm: string, id: string) => `${realm}/${id}`,
  role: (realm: string, name: string) => `${realm}/${fold(name)}`,
  provider: (realm: string, issuer: string) => `${realm}/${issuer}`,
  authMount: (realm: string, path: string) => `${realm}/${path}`,
  login: (realm: string, mount: string, name: string) => `${realm}/${mount}/${fold(name)}`,
  tokenRole: (realm: string, name: string) => `${realm}/${name}`,
  revocationList: (realm: string, mount: string, name: string) => `${realm}/${mount}/${name}`,
  roleId: (roleId: string) => `role-id/${roleId}`,
  secretId: (realm: string, mount: string, role: string, accessor: string) =>
    `${realm}/${mount}/${fold(role)}/${accessor}`,
} as const;

/** The nouns of this room as records: reads them, and says what to write. Nothing is kept. */
export class Directory {
  readonly #records: RecordReader;

  constructor(records: RecordReader) {
    this.#records = records;
  }

  async #read<T>(kind: RecordKind, id: string): Promise<T | undefined> {
    const record = await this.#records.read(kind, id);
    return record && ({ ...(record.value as object), revision: record.revision } as T);
  }

  async #page<T>(kind: RecordKind, prefix: string, after: string, limit: number): Promise<Page<T>> {
    const rows = await this.#records.list(kind, prefix, after, limit + 1);
    const kept = rows.slice(0, limit);
    return {
      items: kept.map(({ value, revision }) => ({ ...(value as object), revision }) as T),
      ...(rows.length > limit ? { next: kept.at(-1)!.id } : {}),
    };
  }

  async realm(account: string): Promise<Realm | undefined> {
    // Indexes are of the same kind and must not be taken for a realm.
    if (!isAccount(account)) return undefined;
    return this.#read('realm', ids.realm(account));
  }

  async realmNamed(name: string): Promise<Realm | undefined> {
    const index = await this.#read<{ account: string }>('realm', ids.realmName(name));
    return index && this.realm(index.account);
  }

  /** The account of a realm that is named by name or account; unnamed: of the one that the server was made with. */
  async realmMeant(name: string | undefined): Promise<string | undefined> {
    if (name === undefined) return (await this.#read<{ account: string }>('realm', ids.firstRealm))?.account;
    return (isAccount(name) ? await this.realm(name) : await this.realmNamed(name))?.account;
  }

  region(account: string, region: string): Promise<Realm | undefined> {
    return this.#read('realm', ids.region(account, region));
  }

  /** The account's further ones. */
  async regions(account: string): Promise<readonly Realm[]> {
    return (await this.#page<Realm>('realm', ids.region(account, ''), '', 1000)).items;
  }

  /** By account, the home region first. Accounts are digits, so they come before the indexes of the same kind. */
  async realms(after: string, limit: number): Promise<Page<Realm>> {
    const page = await this.#page<Realm>('realm', '', after, limit);
    const items = page.items.filter(({ name }) => name !== undefined);
    return items.length < page.items.length || page.next === undefined ? { items } : { items, next: page.next };
  }

  async identity(realm: string, name: string): Promise<Identity | undefined> {
    const identity = await this.#read<Identity>('identity', ids.identity(realm, name));
    return identity?.name === name ? identity : undefined;
  }

  /** Whose name, in whatever case, is this one's. */
  namesake(realm: string, name: string): Promise<Identity | undefined> {
    return this.#read('identity', ids.identity(realm, name));
  }

  identities(realm: string, after: string, limit: number): Promise<Page<Identity>> {
    return this.#page('identity', `${realm}/`, after === '' ? '' : ids.identity(realm, after), limit);
  }

  credential(id: string): Promise<CredentialRecord | undefined> {
    return this.#read('credential', id);
  }

  credentials(after: string, limit: number): Promise<Page<CredentialRecord>> {
    return this.#page('credential', '', after, limit);
  }

  grant(realm: string, id: string): Promise<Grant | undefined> {
    return this.#read('grant', ids.grant(realm, id));
  }

  grants(realm: string, after: string, limit: number): Promise<Page<Grant>> {
    return this.#page('grant', `${realm}/`, after === '' ? '' : ids.grant(realm, after), limit);
  }

  async role(realm: string, name: string): Promise<AssumableRole | undefined> {
    const role = await this.#read<AssumableRole | FormerRole>('role', ids.role(realm, name));
    return role?.name === name && !('deletedAt' in role) ? role : undefined;
  }

  /** A role of that name, in whatever case, that there was. */
  async formerRole(realm: string, name: string): Promise<FormerRole | undefined> {
    const role = await this.#read<AssumableRole | FormerRole>('role', ids.role(realm, name));
    return role !== undefined && 'deletedAt' in role ? role : undefined;
  }

  /** A page may be shorter than its limit and not the last: former roles are left out. */
  async roles(realm: string, after: string, limit: number): Promise<Page<AssumableRole>> {
    const page = await this.#page<AssumableRole | FormerRole>(
      'role',
      `${realm}/`,
      after === '' ? '' : ids.role(realm, after),
      limit,
    );
    const last = page.items.at(-1)?.name;
    const items = page.items.filter((role): role is AssumableRole => !('deletedAt' in role));
    return page.next === undefined || last === undefined ? { items } : { items, next: last };
  }

  /** Of a realm. There are few, and they are read by those who give rights. */
  async everyRole(realm: string): Promise<readonly AssumableRole[]> {
    const all: AssumableRole[] = [];
    for (let after: string | undefined = ''; after !== undefined; ) {
      const page = await this.roles(realm, after, 1000);
      all.push(...page.items);
      after = page.next;
    }
    return all;
  }

  provider(realm: string, issuer: string): Promise<IdentityProvider | undefined> {
    return this.#read('provider', ids.provider(realm, issuer));
  }

  providers(realm: string, after: string, limit: number): Promise<Page<IdentityProvider>> {
    return this.#page('provider', `${realm}/`, after === '' ? '' : ids.provider(realm, after), limit);
  }

  authMount(realm: string, path: string): Promise<AuthMountRecord | FormerAuthMount | undefined> {
    return this.#read('auth-mount', ids.authMount(realm, path));
  }

  /** Those of a realm whose paths begin with `prefix`. */
  async authMounts(realm: string, prefix: string): Promise<ReadonlyArray<AuthMountRecord | FormerAuthMount>> {
    return (await this.#page<AuthMountRecord>('auth-mount', ids.authMount(realm, prefix), '', 1000)).items;
  }

  /** `mount` is an auth mount's id, here and below. */
  login(realm: string, mount: string, name: string): Promise<LoginRecord | undefined> {
    return this.#read('login', ids.login(realm, mount, name));
  }

  logins(realm: string, mount: string, after: string, limit: number): Promise<Page<LoginRecord>> {
    const prefix = ids.login(realm, mount, '');
    return this.#page('login', prefix, after === '' ? '' : ids.login(realm, mount, after), limit);
  }

  /** Of every realm, with what says whose role ids are. */
  async everyLogin(after: string, limit: number): Promise<Page<LoginRecord | (RoleIdIndex & { readonly id: string })>> {
    const rows = await this.#records.list('login', '', after, limit + 1);
    const items = rows
      .slice(0, limit)
      .map(({ id, value, revision }) => ({ ...(value as object), id, revision }) as never);
    return { items, ...(rows.length > limit ? { next: rows[limit - 1]!.id } : {}) };
  }

  /** Of a mount: there are few. */
  async revocationLists(realm: string, mount: string): Promise<readonly RevocationListRecord[]> {
    return (await this.#page<RevocationListRecord>('revocation-list', `${realm}/${mount}/`, '', 1000)).items;
  }

  /** Of every realm. */
  everyRevocationList(after: string, limit: number): Promise<Page<RevocationListRecord>> {
    return this.#page('revocation-list', '', after, limit);
  }

  /** Which role of AppRole has this role id. */
  roleOf(roleId: string): Promise<RoleIdIndex | undefined> {
    return this.#read('login', ids.roleId(roleId));
  }

  secretId(realm: string, mount: string, role: string, accessor: string): Promise<SecretIdRecord | undefined> {
    return this.#read('secret-id', ids.secretId(realm, mount, role, accessor));
  }

  secretIds(realm: string, mount: string, role: string, after: string, limit: number): Promise<Page<SecretIdRecord>> {
    const prefix = ids.secretId(realm, mount, role, '');
    return this.#page('secret-id', prefix, after === '' ? '' : `${prefix}${after}`, limit);
  }

  /** Of every realm. */
  everySecretId(after: string, limit: number): Promise<Page<SecretIdRecord>> {
    return this.#page('secret-id', '', after, limit);
  }

  tokenRole(realm: string, name: string): Promise<TokenRole | undefined> {
    return this.#read('token-role', ids.tokenRole(realm, name));
  }

  tokenRoles(realm: string, after: string, limit: number): Promise<Page<TokenRole>> {
    return this.#page('token-role', `${realm}/`, after === '' ? '' : ids.tokenRole(realm, after), limit);
  }

  tokenUse(accessor: string): Promise<TokenUse | undefined> {
    return this.#read('token-use', accessor);
  }

  wrapping(accessor: string): Promise<WrappingRecord | undefined> {
    return this.#read('wrapping', accessor);
  }

  wrappings(after: string, limit: number): Promise<Page<WrappingRecord>> {
    return this.#page('wrapping', '', after, limit);
  }

  replay(digest: string): Promise<Replay | undefined> {
    return this.#read('replay', digest);
  }

  replays(after: string, limit: number): Promise<Page<Replay>> {
    return this.#page('replay', '', after, limit);
  }

  /** Of every realm. */
  everyGrant(after: string, limit: number): Promise<Page<Grant>> {
    return this.#page('grant', '', after, limit);
  }

  /** Records the group's spelling at its first mention. Throws 'already-exists' where another spelling was first. */
  async groupMention(realm: string, name: string): Promise<readonly RecordChange[]> {
    const known = await this.#read<{ name: string }>('identity', ids.group(realm, name));
    if (known === undefined) return [{ kind: 'identity', id: ids.group(realm, name), expect: 0, value: { name } }];
    if (known.name === name) return [];
    throw new KmsError('already-exists', `There is a group "${known.name}", whose name differs by case only.`);
  }
}

/** Writes `next` over what was read; revision 0 makes it new. The revision lives beside the value, not in it. */
export function put<T extends { readonly revision: number }>(kind: RecordKind, id: string, next: T): RecordChange {
  const { revision, ...value } = next;
  return { kind, id, expect: revision, value };
}

export function remove(kind: RecordKind, id: string, { revision }: { readonly revision: number }): RecordChange {
  return { kind, id, expect: revision, value: undefined };
}
