import { randomBytes } from '#crypto/crypto.ts';
import {
  type Command,
  KmsError,
  type Outcome,
  type Principal,
  type RecordChange,
  type Results,
} from '#domain/domain.ts';
import { type Directory, ids, isAccount, type Page, put, type Realm } from './directory.ts';
import { checkLimit, checkName } from './names.ts';
import { Recent } from './recent.ts';

/** Tenants. Only the first realm sees or makes others. */
export class Realms {
  readonly #directory: Directory;
  readonly #home: string;
  readonly #clock: () => number;
  readonly #isFirst = new Recent<boolean>(1024);

  constructor(directory: Directory, home: string, clock: () => number) {
    this.#directory = directory;
    this.#home = home;
    this.#clock = clock;
  }

  /** A realm under a fresh account of 12 digits, and its records. */
  make(name: string, first: boolean): { readonly realm: Realm; readonly records: readonly RecordChange[] } {
    checkName('realm', name);
    // 48 random bits over 9 * 10^11 accounts: the bias is under 1 in 300, and an account is no secret.
    const account = String(100_000_000_000 + (randomBytes(6).readUIntBE(0, 6) % 900_000_000_000));
    const realm: Realm = { account, name, createdAt: this.#clock(), first, revision: 0 };
    const index = (id: string): RecordChange => ({ kind: 'realm', id, expect: 0, value: { account } });
    return {
      realm,
      records: [
        put('realm', ids.realm(account), realm),
        index(ids.realmName(name)),
        ...(first ? [index(ids.firstRealm)] : []),
      ],
    };
  }

  /** Never changes, so it is read once. */
  isFirst(account: string): boolean | Promise<boolean> {
    return this.#isFirst.get(account) ?? this.#readIsFirst(account);
  }

  async #readIsFirst(account: string): Promise<boolean> {
    const realm = await this.#directory.realm(account);
    if (realm === undefined) return false;
    this.#isFirst.set(account, realm.first);
    return realm.first;
  }

  /** The principal's own realm. Rejects with 'not-found' if it isn't on record. */
  async own(principal: Principal): Promise<Realm> {
    const realm = await this.#directory.realm(principal.realm);
    if (realm === undefined) throw new KmsError('not-found', 'There is no such realm.');
    return realm;
  }

  /**
   * The realm that a command names, by name or account; undefined if there is none. Rejects with 'denied', whether or not it
   * exists, where another realm than the principal's own is named from outside the first.
   */
  async named(principal: Principal, name: string | undefined): Promise<Realm | undefined> {
    const own = await this.own(principal);
    if (name === undefined || name === own.name || name === own.account) return own;
    if (!own.first) throw new KmsError('denied', 'Only the first realm may name another one.');
    if (isAccount(name)) return this.#directory.realm(name);
    const realm = await this.#directory.realmNamed(name);
    if (realm !== undefined && realm.name !== name) throw sameButForCase(realm.name);
    return realm;
  }

  async create(
    principal: Principal,
    { name, ifAbsent }: Command<'create-realm'>,
  ): Promise<Outcome<Results['create-realm']>> {
    if (!(await this.own(principal)).first) throw new KmsError('denied', 'Only the first realm may make others.');
    checkName('realm', name);
    const taken = await this.#directory.realmNamed(name);
    if (taken?.name === name && ifAbsent === true)
      return { result: { name, account: taken.account, region: this.#home } };
    if (taken?.name === name) throw new KmsError('already-exists', `There is a realm "${name}".`);
    if (taken !== undefined) throw sameButForCase(taken.name);
    const { realm, records } = this.make(name, false);
    return {
      result: { name, account: realm.account, region: this.#home },
      change: { records, summary: `realm ${name} with account ${realm.account}` },
    };
  }

  async list(
    principal: Principal,
    { name, after, limit }: Command<'list-realms'>,
  ): Promise<Outcome<Results['list-realms']>> {
    checkLimit(limit);
    const own = await this.own(principal);
    const shown = ({ name, account, region = this.#home }: Realm) => ({ name, account, region });
    if (name !== undefined) {
      const named = await this.named(principal, name);
      if (named === undefined) throw new KmsError('not-found', `There is no realm "${name}".`, 'realm');
      return { result: { own: own.account, realms: [shown(named)] } };
    }
    const { items, next } = own.first
      ? await this.#directory.realms(after, limit)
      : pageOf([own, ...(await this.#directory.regions(own.account))], after, limit);
    return { result: { own: own.account, realms: items.map(shown), ...(next === undefined ? {} : { next }) } };
  }
}

function pageOf(realms: readonly Realm[], after: string, limit: number): Page<Realm> {
  const idOf = ({ account, region }: Realm) =>
    region === undefined ? ids.realm(account) : ids.region(account, region);
  const left = realms.filter((realm) => idOf(realm) > after);
  const items = left.slice(0, limit);
  return left.length > limit ? { items, next: idOf(items.at(-1)!) } : { items };
}

function sameButForCase(name: string): KmsError {
  return new KmsError('already-exists', `There is a realm "${name}", whose name differs by case only.`);
}
