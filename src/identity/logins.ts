import { randomUuid } from '#crypto/crypto.ts';
import {
  type Command,
  type Identity,
  type IssuedToken,
  KmsError,
  type Login,
  type LoginMethod,
  type Outcome,
  type Principal,
  type Proof,
  type RecordChange,
  type Results,
  type SecretIdSettings,
  type TokenSettings,
} from '#domain/domain.ts';
import { type Directory, ids, type LoginRecord, put, remove } from './directory.ts';
import type { Identified } from './identified.ts';
import { checkCidrs, checkPolicyNames, checkUses, isSubset, issueToken, isWithin } from './issue-token.ts';
import type { LoginFacts } from './login-facts.ts';
import { checkLimit, checkName, checkTtl, fold } from './names.ts';
import type { Passwords } from './passwords.ts';
import type { SecretIds } from './secret-ids.ts';

const maxPassword = 1024;

interface Rooms {
  readonly directory: Directory;
  readonly passwords: Passwords;
  readonly secretIds: SecretIds;
  readonly clock: () => number;
}

/** Whatever was wrong with a login, it is said in one way. */
const wrongLogin = () => new KmsError('invalid-proof', 'The login is unknown, wrong or no longer valid.', 'login');

const noToken: TokenSettings = { policies: [], cidrs: [] };
const noSecretId: SecretIdSettings = { bound: true, cidrs: [] };

/** Identities that prove themselves by a role id and secret id (AppRole) or by name and password. */
export class Logins {
  readonly #rooms: Rooms;

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
  }

  /** Who logs in. It may do nothing but that: the principal counts as nobody for all else. */
  async identify(proof: Extract<Proof, { kind: 'approle' | 'password' }>): Promise<Identified> {
    const facts = proof.kind === 'approle' ? await this.#byRole(proof) : await this.#byPassword(proof);
    const { realm, name, method } = facts.login;
    const identity = await this.#rooms.directory.identity(realm, name);
    if (identity === undefined || !identity.enabled || !isWithin(facts.login.token.cidrs, proof.peer))
      throw wrongLogin();
    const credential = facts.secretId?.accessor ?? facts.login.roleId ?? method;
    return { realm, name, kind: 'anonymous', groups: [], credential, login: facts };
  }

  async #byRole({ roleId, secretId, peer }: Extract<Proof, { kind: 'approle' }>): Promise<LoginFacts> {
    const { directory, secretIds } = this.#rooms;
    const index = isRoleId(roleId) ? await directory.roleOf(roleId) : undefined;
    const login = index && (await directory.login(index.realm, 'approle', index.name));
    if (login?.secretId === undefined || login.roleId !== roleId) throw wrongLogin();
    if (!isWithin(login.secretId.cidrs, peer)) throw wrongLogin();
    if (!login.secretId.bound) {
      if (secretId !== undefined) throw wrongLogin();
      return { login };
    }
    const found = secretId === undefined ? undefined : await secretIds.proven(login, secretId);
    if (found === undefined || !isWithin(found.cidrs, peer)) throw wrongLogin();
    // The role may have been bound more closely since.
    if (!isSubset(found.tokenCidrs, login.token.cidrs)) throw wrongLogin();
    return { login, secretId: found };
  }

  async #byPassword(proof: Extract<Proof, { kind: 'password' }>): Promise<LoginFacts> {
    const { directory, passwords } = this.#rooms;
    const { name, password } = proof;
    const realm = await directory.realmMeant(proof.realm);
    const sound = /^[A-Za-z0-9._@-]{1,64}$/.test(name) && password.length <= maxPassword;
    const login = realm === undefined || !sound ? undefined : await directory.login(realm, 'userpass', name);
    const right = await passwords.check(`${realm}/${fold(name.slice(0, 64))}`, password, login?.password);
    if (login === undefined || !right) throw wrongLogin();
    return { login };
  }

  /** A token of the identity, for whoever has proven it just now. */
  async login(principal: Identified): Promise<Outcome<IssuedToken>> {
    const facts = principal.login;
    if (facts === undefined) throw new KmsError('denied', 'Only a login makes a token of its own.');
    const { login, secretId } = facts;
    const { realm, name, method, token: settings } = login;
    const { policies, ttl, maxTtl, period, uses } = settings;
    const approle = method === 'approle';
    const meta = { ...secretId?.meta, ...(approle ? { role_name: name } : { username: name }) };
    const cidrs = secretId === undefined || secretId.tokenCidrs.length === 0 ? settings.cidrs : secretId.tokenCidrs;
    const issued = issueToken(
      {
        realm,
        identity: name,
        until: Number.POSITIVE_INFINITY,
        path: `auth/${method}/login${approle ? '' : `/${name}`}`,
        label: approle ? 'approle' : `userpass-${name}`,
        meta,
        cidrs,
        ...(policies.length > 0 && { policies: [...new Set(['default', ...policies])].sort() }),
        ...(ttl !== undefined && { ttl }),
        ...(maxTtl !== undefined && { maxTtl }),
        ...(period !== undefined && { period }),
        ...(uses !== undefined && { uses }),
      },
      this.#rooms.clock(),
    );
    const { digest: _, ...credential } = issued.record;
    return {
      result: {
        credential,
        policies: credential.policies ?? ['default'],
        ...(uses !== undefined && { usesLeft: uses }),
        token: issued.token,
      },
      change: {
        records: [...issued.records, ...(secretId === undefined ? [] : this.#rooms.secretIds.used(secretId))],
        summary: `token ${credential.id} of ${name}, by ${method}${secretId === undefined ? '' : ` with secret id ${secretId.accessor}`}`,
      },
    };
  }

  async write({ realm }: Principal, command: Command<'write-login'>): Promise<Outcome<Results['write-login']>> {
    const { directory, passwords, clock } = this.#rooms;
    const { method } = command;
    const name = fold(command.name);
    checkName('identity', name);
    const known = await directory.login(realm, method, name);
    if (known === undefined && command.mustExist === true) throw noSuchLogin(method, name);
    const { password } = command;
    if (method === 'userpass' && known === undefined && password === undefined) {
      throw new KmsError('invalid-parameter', 'missing password');
    }
    if (password !== undefined && (password.length === 0 || password.length > maxPassword)) {
      throw new KmsError('invalid-parameter', `A password has 1 to ${maxPassword} bytes.`);
    }
    const token = withoutZeros({ ...(known?.token ?? noToken), ...command.token });
    const secretId = withoutZeros({ ...(known?.secretId ?? noSecretId), ...command.secretId });
    checkSettings(token, secretId);
    const roleId = command.roleId ?? known?.roleId ?? randomUuid();
    const record: LoginRecord = {
      realm,
      method,
      name,
      revision: known?.revision ?? 0,
      createdAt: known?.createdAt ?? clock(),
      token,
      ...(method === 'approle' && { roleId, secretId }),
      ...(password !== undefined
        ? { password: await passwords.hash(password) }
        : known?.password !== undefined && { password: known.password }),
    };
    const records = [
      put('login', ids.login(realm, method, name), record),
      ...(await this.#identityFor(realm, name)),
      ...(method === 'approle' ? await this.#roleIdChange(known, record) : []),
    ];
    return {
      result: { login: shown({ ...record, revision: record.revision + 1 }), existed: known !== undefined },
      change: { records, summary: `${method} ${name}, ${known === undefined ? 'made' : 'changed'}` },
    };
  }

  /** The identity that is logged in to. One that was made by hand is not taken over. */
  async #identityFor(realm: string, name: string): Promise<readonly RecordChange[]> {
    const { directory, clock } = this.#rooms;
    const namesake = await directory.namesake(realm, name);
    if (namesake === undefined) {
      const identity: Identity = {
        realm,
        name,
        revision: 0,
        groups: [],
        enabled: true,
        createdAt: clock(),
        byLogin: true,
      };
      return [put('identity', ids.identity(realm, name), identity)];
    }
    if (namesake.byLogin === true) return [];
    throw new KmsError('already-exists', `There is an identity "${namesake.name}", which was not made for logging in.`);
  }

  async #roleIdChange(known: LoginRecord | undefined, { realm, name, roleId }: LoginRecord) {
    if (roleId === undefined || roleId === known?.roleId) return [];
    if (!isRoleId(roleId)) throw new KmsError('invalid-parameter', 'A role id has 1 to 128 printable characters.');
    const { directory } = this.#rooms;
    if ((await directory.roleOf(roleId)) !== undefined) throw new KmsError('already-exists', 'The role id is taken.');
    const former = known?.roleId === undefined ? undefined : await directory.roleOf(known.roleId);
    return [
      put('login', ids.roleId(roleId), { realm, name, revision: 0 }),
      ...(former === undefined ? [] : [remove('login', ids.roleId(known!.roleId!), former)]),
    ];
  }

  async read({ realm }: Principal, { method, name }: Command<'read-login'>): Promise<Outcome<Results['read-login']>> {
    const login = await this.#rooms.directory.login(realm, method, name);
    if (login === undefined) throw noSuchLogin(method, name);
    return { result: { login: shown(login) } };
  }

  /** The identity stays, and so do the tokens that it has. */
  async delete(
    { realm }: Principal,
    { method, name }: Command<'delete-login'>,
  ): Promise<Outcome<Results['delete-login']>> {
    const { directory, secretIds } = this.#rooms;
    const login = await directory.login(realm, method, fold(name));
    if (login === undefined) return { result: {} };
    const index = login.roleId === undefined ? undefined : await directory.roleOf(login.roleId);
    const records = [
      remove('login', ids.login(realm, method, login.name), login),
      ...(index === undefined ? [] : [remove('login', ids.roleId(login.roleId!), index)]),
      ...(method === 'approle' ? await secretIds.everyRemoval(realm, login.name) : []),
    ];
    return { result: {}, change: { records, summary: `deleted ${method} ${login.name}` } };
  }

  async list(
    { realm }: Principal,
    { method, after, limit }: Command<'list-logins'>,
  ): Promise<Outcome<Results['list-logins']>> {
    checkLimit(limit);
    const { items, next } = await this.#rooms.directory.logins(realm, method, after, limit);
    const last = next === undefined ? undefined : items.at(-1)?.name;
    return { result: { names: items.map(({ name }) => name), ...(last !== undefined && { next: last }) } };
  }
}

function isRoleId(text: string): boolean {
  return /^[\x21-\x7e]{1,128}$/.test(text) && !text.includes('/');
}

function shown({ password: _, ...login }: LoginRecord): Login {
  return login;
}

/** A length or number of 0 takes back what was set. */
function withoutZeros<T extends object>(settings: T): T {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== 0)) as T;
}

function checkSettings(token: TokenSettings, secretId: SecretIdSettings): void {
  for (const length of [token.ttl, token.maxTtl, token.period, secretId.ttl]) checkTtl(length);
  for (const uses of [token.uses, secretId.uses]) checkUses(uses);
  for (const cidrs of [token.cidrs, secretId.cidrs]) checkCidrs(cidrs);
  checkPolicyNames(token.policies);
  if (token.ttl !== undefined && token.maxTtl !== undefined && token.ttl > token.maxTtl) {
    throw new KmsError('invalid-parameter', 'token_ttl should not be greater than token_max_ttl');
  }
  if (!secretId.bound && secretId.cidrs.length === 0 && token.cidrs.length === 0) {
    throw new KmsError('invalid-parameter', 'A role without secret ids must be bound to addresses.');
  }
}

function noSuchLogin(method: LoginMethod, name: string): KmsError {
  return new KmsError('not-found', `There is no ${method === 'approle' ? 'role' : 'user'} "${name}".`, 'login');
}
