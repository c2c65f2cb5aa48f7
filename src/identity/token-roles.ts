import {
  type Command,
  KmsError,
  type OlderTokenName,
  type Outcome,
  type Principal,
  type Results,
  type TokenRole,
  type TokenRolePatch,
  type TokenRoleSettings,
} from '#domain/domain.ts';
import { type Directory, ids, put, remove } from './directory.ts';
import { checkCidrs, checkUses } from './issue-token.ts';
import { checkLimit, checkTtl } from './names.ts';

const nameForm = /^\w(?:[\w.-]{0,126}\w)?$/;
const suffixForm = /^\w[\w.-]{1,126}\w$/;
const most = 1000;
const mostNames = 200;

const defaults: TokenRoleSettings = {
  allowed: [],
  disallowed: [],
  allowedGlobs: [],
  disallowedGlobs: [],
  orphan: false,
  renewable: true,
  pathSuffix: '',
  noDefaultPolicy: false,
  cidrs: [],
  type: 'default-service',
  older: [],
};

/** Roles of Vault's token store: what tokens may be that are made by one. Names tell cases apart, as in Vault. */
export class TokenRoles {
  readonly #directory: Directory;

  constructor(directory: Directory) {
    this.#directory = directory;
  }

  /** Rejects with 'invalid-parameter' where there is none, in Vault's words. */
  async of({ realm }: Principal, name: string): Promise<TokenRole> {
    const role = nameForm.test(name) ? await this.#directory.tokenRole(realm, name) : undefined;
    if (role === undefined) throw new KmsError('invalid-parameter', `unknown role ${name.slice(0, 128)}`);
    return role;
  }

  async write(
    { realm }: Principal,
    { name, settings }: Command<'write-token-role'>,
  ): Promise<Outcome<Results['write-token-role']>> {
    if (!nameForm.test(name)) {
      throw new KmsError(
        'invalid-parameter',
        'The name of a token role has 1 to 128 letters, digits, "_", "-" and ".", the last two not at its ends.',
      );
    }
    const known = await this.#directory.tokenRole(realm, name);
    if (known === undefined && (await this.#directory.tokenRoles(realm, '', most)).items.length === most) {
      throw new KmsError('limit-exceeded', `There are ${most} token roles already.`);
    }
    const before = known ?? { ...defaults, realm, name, revision: 0 };
    const role = withoutZeros({ ...before, ...settings, older: olderNames(before, settings) });
    check(role);
    return {
      result: {},
      change: { records: [put('token-role', ids.tokenRole(realm, name), role)], summary: `token role ${name}` },
    };
  }

  async read({ realm }: Principal, { name }: Command<'read-token-role'>): Promise<Outcome<Results['read-token-role']>> {
    const role = await this.#directory.tokenRole(realm, name);
    if (role === undefined) throw new KmsError('not-found', 'There is no such token role.', 'login');
    return { result: { role } };
  }

  /** One that isn't there is as good as deleted. */
  async delete(
    { realm }: Principal,
    { name }: Command<'delete-token-role'>,
  ): Promise<Outcome<Results['delete-token-role']>> {
    const role = await this.#directory.tokenRole(realm, name);
    if (role === undefined) return { result: {} };
    const records = [remove('token-role', ids.tokenRole(realm, name), role)];
    return { result: {}, change: { records, summary: `deleted token role ${name}` } };
  }

  async list(
    { realm }: Principal,
    { after, limit }: Command<'list-token-roles'>,
  ): Promise<Outcome<Results['list-token-roles']>> {
    checkLimit(limit);
    const { items, next } = await this.#directory.tokenRoles(realm, after, limit);
    const names = items.map(({ name }) => name);
    return { result: { names, ...(next === undefined ? {} : { next: names.at(-1)! }) } };
  }
}

const olderNameOf = { period: 'period', maxTtl: 'explicit_max_ttl', cidrs: 'bound_cidrs' } as const;

/** What is given anew is read by the name that it was given by. */
function olderNames(before: TokenRole, settings: TokenRolePatch): readonly OlderTokenName[] {
  return (['period', 'maxTtl', 'cidrs'] as const)
    .filter((member) => (settings[member] === undefined ? before : settings).older?.includes(olderNameOf[member]))
    .map((member) => olderNameOf[member]);
}

/** A number that is taken back is none. */
function withoutZeros({ period, maxTtl, uses, ...rest }: TokenRole): TokenRole {
  return { ...rest, ...(period && { period }), ...(maxTtl && { maxTtl }), ...(uses && { uses }) };
}

function check({ allowed, disallowed, allowedGlobs, disallowedGlobs, ...role }: TokenRole): void {
  for (const list of [allowed, disallowed, allowedGlobs, disallowedGlobs]) {
    if (list.length > mostNames || list.some((name) => !/^[^\p{C}\s]{1,128}$/u.test(name))) {
      throw new KmsError(
        'invalid-parameter',
        `A list of policies has at most ${mostNames} names, of 1 to 128 characters.`,
      );
    }
  }
  if (role.pathSuffix !== '' && (!suffixForm.test(role.pathSuffix) || role.pathSuffix.includes('..'))) {
    throw new KmsError(
      'invalid-parameter',
      'given role path suffix contains invalid characters; must match \\w[\\w-.]+\\w',
    );
  }
  for (const time of [role.period, role.maxTtl]) checkTtl(time);
  checkUses(role.uses);
  checkCidrs(role.cidrs);
}
