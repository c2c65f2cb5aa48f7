import { randomUuid } from '#crypto/crypto.ts';
import {
  type Command,
  type Identity,
  KmsError,
  type Login,
  type LoginMethod,
  type Outcome,
  type Principal,
  type RecordChange,
  type Results,
  type SecretIdSettings,
  type TokenSettings,
} from '#domain/domain.ts';
import type { AuthMounts } from './auth-mounts.ts';
import { certificateRole } from './certificate-role.ts';
import { type Directory, ids, type LoginRecord, put, remove } from './directory.ts';
import { checkCidrs, checkPolicyNames, checkUses } from './issue-token.ts';
import { jwtRole } from './jwt-role.ts';
import { kubernetesRole } from './kubernetes-role.ts';
import { checkLimit, checkName, checkTtl, fold } from './names.ts';
import type { Passwords } from './passwords.ts';
import type { SecretIds } from './secret-ids.ts';

export const maxPassword = 1024;

interface Rooms {
  readonly directory: Directory;
  readonly mounts: AuthMounts;
  readonly passwords: Passwords;
  readonly secretIds: SecretIds;
  readonly clock: () => number;
}

const noToken: TokenSettings = { policies: [], cidrs: [] };
const noSecretId: SecretIdSettings = { bound: true, cidrs: [] };

/** Who may log in at the auth mounts, and as what. Each role and user is an identity of its name. */
export class LoginBook {
  readonly #rooms: Rooms;

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
  }

  async write({ realm }: Principal, command: Command<'write-login'>): Promise<Outcome<Results['write-login']>> {
    const { directory, mounts, passwords, clock } = this.#rooms;
    const { method } = command;
    const name = fold(command.name);
    checkName('identity', name);
    const { id: mount, path } = await mounts.of(realm, method, command.mount);
    const known = await directory.login(realm, mount, name);
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
    checkToken(token);
    const record: LoginRecord = {
      realm,
      method,
      mount,
      name,
      revision: known?.revision ?? 0,
      createdAt: known?.createdAt ?? clock(),
      token,
      ...(method === 'approle' && { roleId: command.roleId ?? known?.roleId ?? randomUuid(), secretId }),
      ...(method === 'jwt' && { jwt: jwtRole(command.jwt ?? {}, known?.jwt, token) }),
      ...(method === 'kubernetes' && { kubernetes: kubernetesRole(command.kubernetes ?? {}, known?.kubernetes) }),
      ...(method === 'cert' && { cert: certificateRole(name, command.cert ?? {}, known?.cert) }),
      ...(password !== undefined
        ? { password: await passwords.hash(password) }
        : known?.password !== undefined && { password: known.password }),
    };
    if (method === 'approle') checkSecretId(token, secretId);
    const records = [
      put('login', ids.login(realm, mount, name), record),
      ...(await this.#identityFor(realm, name)),
      ...(await this.#roleIdChange(known, record)),
    ];
    return {
      result: { login: shown({ ...record, revision: record.revision + 1 }), existed: known !== undefined },
      change: { records, summary: `${method} ${name} at ${path}/, ${known === undefined ? 'made' : 'changed'}` },
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

  async #roleIdChange(known: LoginRecord | undefined, { realm, mount, name, roleId }: LoginRecord) {
    if (roleId === undefined || roleId === known?.roleId) return [];
    if (!isRoleId(roleId)) throw new KmsError('invalid-parameter', 'A role id has 1 to 128 printable characters.');
    const { directory, mounts } = this.#rooms;
    const taken = await directory.roleOf(roleId);
    // Of a mount that is gone it is left until it is swept.
    if (taken !== undefined && (await mounts.idsOf(taken.realm)).has(taken.mount)) {
      throw new KmsError('already-exists', 'The role id is taken.');
    }
    const former = known?.roleId === undefined ? undefined : await directory.roleOf(known.roleId);
    return [
      put('login', ids.roleId(roleId), { realm, mount, name, revision: taken?.revision ?? 0 }),
      ...(former === undefined ? [] : [remove('login', ids.roleId(known!.roleId!), former)]),
    ];
  }

  async read({ realm }: Principal, command: Command<'read-login'>): Promise<Outcome<Results['read-login']>> {
    const { method, name } = command;
    const { id } = await this.#rooms.mounts.of(realm, method, command.mount);
    const login = await this.#rooms.directory.login(realm, id, name);
    if (login === undefined) throw noSuchLogin(method, name);
    return { result: { login: shown(login) } };
  }

  /** The identity stays, and so do the tokens that it has. */
  async delete({ realm }: Principal, command: Command<'delete-login'>): Promise<Outcome<Results['delete-login']>> {
    const { directory, mounts } = this.#rooms;
    const { id, path } = await mounts.of(realm, command.method, command.mount);
    const login = await directory.login(realm, id, fold(command.name));
    if (login === undefined) return { result: {} };
    return {
      result: {},
      change: { records: await this.removalOf(login), summary: `deleted ${login.method} ${login.name} at ${path}/` },
    };
  }

  /** With all that hangs from it. */
  async removalOf(login: LoginRecord): Promise<readonly RecordChange[]> {
    const { directory, secretIds } = this.#rooms;
    const { realm, mount, name, roleId } = login;
    const index = roleId === undefined ? undefined : await directory.roleOf(roleId);
    return [
      remove('login', ids.login(realm, mount, name), login),
      ...(index === undefined ? [] : [remove('login', ids.roleId(roleId!), index)]),
      ...(roleId === undefined ? [] : await secretIds.everyRemoval(login)),
    ];
  }

  async list({ realm }: Principal, command: Command<'list-logins'>): Promise<Outcome<Results['list-logins']>> {
    const { method, after, limit } = command;
    checkLimit(limit);
    const { id } = await this.#rooms.mounts.of(realm, method, command.mount);
    const { items, next } = await this.#rooms.directory.logins(realm, id, after, limit);
    const last = next === undefined ? undefined : items.at(-1)?.name;
    return { result: { names: items.map(({ name }) => name), ...(last !== undefined && { next: last }) } };
  }
}

export function isRoleId(text: string): boolean {
  return /^[\x21-\x7e]{1,128}$/.test(text) && !text.includes('/');
}

function shown({ password: _, ...login }: LoginRecord): Login {
  return login;
}

/** A length or number of 0 takes back what was set. */
function withoutZeros<T extends object>(settings: T): T {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== 0)) as T;
}

function checkToken(token: TokenSettings): void {
  for (const length of [token.ttl, token.maxTtl, token.period, token.explicitMaxTtl]) checkTtl(length);
  checkUses(token.uses);
  checkCidrs(token.cidrs);
  checkPolicyNames(token.policies);
  if (token.bindsAddress === true && token.cidrs.length > 0) {
    throw new KmsError(
      'invalid-parameter',
      "'token_strictly_bind_ip' conflicts with 'token_bound_cidrs'; set only one",
    );
  }
  if (token.ttl !== undefined && token.maxTtl !== undefined && token.ttl > token.maxTtl) {
    throw new KmsError('invalid-parameter', 'token_ttl should not be greater than token_max_ttl');
  }
}

function checkSecretId(token: TokenSettings, secretId: SecretIdSettings): void {
  checkTtl(secretId.ttl);
  checkUses(secretId.uses);
  checkCidrs(secretId.cidrs);
  if (!secretId.bound && secretId.cidrs.length === 0 && token.cidrs.length === 0) {
    throw new KmsError('invalid-parameter', 'A role without secret ids must be bound to addresses.');
  }
}

function noSuchLogin(method: LoginMethod, name: string): KmsError {
  return new KmsError('not-found', `There is no ${method === 'userpass' ? 'user' : 'role'} "${name}".`, 'login');
}
