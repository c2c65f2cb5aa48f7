import {
  type AssumableRole,
  type Command,
  type Grant,
  type Identity,
  KmsError,
  type Outcome,
  type Principal,
  type RecordChange,
  type Results,
  type RoleTrust,
} from '#domain/domain.ts';
import { newRoleId } from './credential-id.ts';
import { type Directory, type FormerRole, ids, put, remove } from './directory.ts';
import type { GrantBook } from './grant-book.ts';
import { checkLimit, checkName } from './names.ts';
import { checkSessionLength, hour } from './session-length.ts';
import type { Standings } from './standing.ts';

interface Rooms {
  readonly directory: Directory;
  readonly grants: GrantBook;
  readonly standings: Standings;
  readonly clock: () => number;
  readonly mode: 'development' | 'production';
}

const maxTrusted = 64;
const maxClaims = 16;

/** Identities that are taken on for a while: who may, and for how long. */
export class Roles {
  readonly #rooms: Rooms;

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
  }

  /** Whether separated duties stay so is for `policy/` to say, before it is committed. */
  async create(principal: Principal, command: Command<'create-role'>): Promise<Outcome<Results['create-role']>> {
    const { directory, grants, clock, mode } = this.#rooms;
    const { realm } = principal;
    const { name, trust, role: kind, maxSession = hour, again } = command;
    checkName('role', name);
    checkSessionLength(maxSession, 12);
    if (kind === 'developer' && mode !== 'development') {
      throw new KmsError('denied', 'The role developer exists in development mode only.');
    }
    const namesake = await directory.namesake(realm, name);
    if (namesake !== undefined) {
      throw new KmsError('already-exists', `There is an identity or a role "${namesake.name}".`);
    }
    const former = await directory.formerRole(realm, name);
    if (former !== undefined && again !== true) {
      throw new KmsError(
        'already-exists',
        `There was a role "${former.name}", which policies and grants of keys may still name: say "again" if they may.`,
      );
    }
    const mentions = await this.#checkTrust(realm, trust);
    const createdAt = clock();
    const id = newRoleId();
    const role: AssumableRole = { realm, name, revision: former?.revision ?? 0, id, trust, maxSession, createdAt };
    const identity: Identity = { realm, name, revision: 0, groups: [], enabled: true, createdAt, roleId: id };
    const grant = kind === undefined ? undefined : grants.wholeRealm(realm, name, kind);
    return {
      result: { role: { ...role, revision: role.revision + 1 } },
      change: {
        records: [
          put('identity', ids.identity(realm, name), identity),
          put('role', ids.role(realm, name), role),
          ...mentions,
          ...(grant === undefined ? [] : [put('grant', ids.grant(realm, grant.id), grant)]),
        ],
        summary: `role ${name} (${id}), ${kind ?? 'no grant'}; may be taken on by ${described(trust)}`,
        applied: () => grants.forget(realm),
      },
    };
  }

  /** Its sessions end with it. Rejects with 'invalid-state' while another role trusts it. */
  async delete(principal: Principal, { name }: Command<'delete-role'>): Promise<Outcome<Results['delete-role']>> {
    const { directory, grants, standings, clock } = this.#rooms;
    const { realm } = principal;
    const role = await directory.role(realm, name);
    const identity = await directory.identity(realm, name);
    if (role === undefined || identity === undefined) throw new KmsError('not-found', `There is no role "${name}".`);
    const all = await directory.everyRole(realm);
    const trusting = all.find(({ trust }) => trust.identities.includes(name));
    if (trusting !== undefined) {
      throw new KmsError('invalid-state', `The role "${trusting.name}" may be taken on by "${name}": delete it first.`);
    }
    const left: FormerRole = { realm, name, revision: role.revision, deletedAt: clock() };
    // A later identity of that name must not find them.
    const given: readonly Grant[] = await grants.heldBy(realm, name, []);
    return {
      result: {},
      change: {
        records: [
          put('role', ids.role(realm, name), left),
          remove('identity', ids.identity(realm, name), identity),
          ...given.map((grant) => remove('grant', ids.grant(realm, grant.id), grant)),
        ],
        summary: `deleted role ${name} (${role.id}) with ${given.length} grants`,
        applied: () => {
          grants.forget(realm);
          standings.forget();
        },
      },
    };
  }

  async list(principal: Principal, { after, limit }: Command<'list-roles'>): Promise<Outcome<Results['list-roles']>> {
    checkLimit(limit);
    const { items, next } = await this.#rooms.directory.roles(principal.realm, after, limit);
    return { result: { roles: items, ...(next === undefined ? {} : { next }) } };
  }

  /** Throws 'invalid-parameter' or 'not-found'. Answers what groups are mentioned for the first time. */
  async #checkTrust(realm: string, trust: RoleTrust): Promise<readonly RecordChange[]> {
    const { directory } = this.#rooms;
    const { identities, groups, providers, externalId } = trust;
    const trusted = identities.length + groups.length + providers.length;
    if (trusted < 1 || trusted > maxTrusted) {
      throw new KmsError(
        'invalid-parameter',
        `A role is trusted to 1 to ${maxTrusted} identities, groups and providers.`,
      );
    }
    if (externalId !== undefined && !/^[\w+=,.@:/-]{2,1224}$/.test(externalId)) {
      throw new KmsError(
        'invalid-parameter',
        'An external id has 2 to 1224 of the characters A-Z a-z 0-9 _ + = , . @ : / -',
      );
    }
    for (const group of groups) checkName('group', group);
    for (const name of identities) {
      if ((await directory.identity(realm, name)) === undefined)
        throw new KmsError('not-found', `There is no identity "${name}" in this realm.`);
    }
    for (const { issuer, claims } of providers) {
      if ((await directory.provider(realm, issuer)) === undefined)
        throw new KmsError('not-found', `There is no identity provider "${issuer}" in this realm.`);
      checkClaims(claims);
    }
    return (await Promise.all([...new Set(groups)].map((group) => directory.groupMention(realm, group)))).flat();
  }
}

/** A public provider vouches for anybody: without a claim that narrows it, so would the role. */
function checkClaims(claims: Readonly<Record<string, readonly string[]>>): void {
  const patterns = Object.values(claims);
  const sound = patterns.every((list) => list.length > 0 && list.every((text) => text !== '' && text.length <= 1024));
  if (!sound || patterns.length > maxClaims || patterns.some((list) => list.length > maxTrusted)) {
    throw new KmsError(
      'invalid-parameter',
      `At most ${maxClaims} claims, each with 1 to ${maxTrusted} patterns of 1 to 1024 characters.`,
    );
  }
  const narrows = Object.entries(claims).some(
    ([name, list]) => name !== 'aud' && name !== 'iss' && list.every((text) => /[^*]/.test(text)),
  );
  if (!narrows) {
    throw new KmsError(
      'invalid-parameter',
      'Name a claim beside "aud", such as "sub", that tells whom the provider vouches for.',
    );
  }
}

function described({ identities, groups, providers, externalId }: RoleTrust): string {
  const who = [
    ...identities,
    ...groups.map((group) => `group ${group}`),
    ...providers.map(({ issuer, claims }) => `${issuer} ${JSON.stringify(claims)}`),
  ].join(', ');
  const short = who.length > 500 ? `${who.slice(0, 500)} ...` : who;
  return externalId === undefined ? short : `${short}, with an external id`;
}
