import { randomUuid } from '#crypto/crypto.ts';
import {
  accountOf,
  type Command,
  type Grant,
  KmsError,
  type Outcome,
  type Principal,
  type Results,
  type Role,
} from '#domain/domain.ts';
import { type Directory, ids, put, remove } from './directory.ts';
import { checkLimit, checkName, checkTtl } from './names.ts';
import { Recent } from './recent.ts';

const none: readonly Grant[] = Object.freeze([]);

/** One realm's grants, by whom they were given to, as they were when read. */
class RealmGrants {
  readonly #byGrantee = new Map<string, Grant[]>();
  readonly #held = new Recent<{ readonly groups: readonly string[]; readonly grants: readonly Grant[] }>(8192);

  constructor(grants: readonly Grant[]) {
    for (const grant of grants) {
      const key = `${grant.grantee.kind} ${grant.grantee.name}`;
      const list = this.#byGrantee.get(key);
      if (list === undefined) this.#byGrantee.set(key, [grant]);
      else list.push(grant);
    }
  }

  /** The same array for the same holder, time after time. */
  heldBy(name: string, groups: readonly string[]): readonly Grant[] {
    const known = this.#held.get(name);
    if (known !== undefined && sameNames(known.groups, groups)) return known.grants;
    const keys = [`principal ${name}`, ...groups.map((group) => `group ${group}`)];
    const grants = Object.freeze(keys.flatMap((key) => this.#byGrantee.get(key) ?? []));
    this.#held.set(name, { groups, grants });
    return grants;
  }
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((name, index) => name === b[index]));
}

/** Who holds what. Reads a realm's grants once and keeps them until one changes. */
export class GrantBook {
  readonly #directory: Directory;
  readonly #clock: () => number;
  readonly #realms = new Recent<RealmGrants>(128);
  readonly #reading = new Map<string, Promise<RealmGrants>>();

  constructor(directory: Directory, clock: () => number) {
    this.#directory = directory;
    this.#clock = clock;
  }

  /** To be called once a change of the realm's grants is durable. */
  forget(realm: string): void {
    this.#realms.delete(realm);
    this.#reading.delete(realm);
  }

  of(principal: Principal): readonly Grant[] | Promise<readonly Grant[]> {
    if (principal.kind !== 'person') return none;
    const realm = accountOf(principal.realm);
    const known = this.#realms.get(realm);
    if (known !== undefined) return known.heldBy(principal.name, principal.groups);
    return this.heldBy(realm, principal.name, principal.groups);
  }

  async heldBy(realm: string, name: string, groups: readonly string[]): Promise<readonly Grant[]> {
    return (await this.#realmGrants(realm)).heldBy(name, groups);
  }

  /** What a new identity or role is given with its making. */
  wholeRealm(realm: string, name: string, role: Role): Grant {
    const grantee = { kind: 'principal', name } as const;
    return { id: randomUuid(), realm, revision: 0, grantee, role, scope: { kind: 'realm' }, createdAt: this.#clock() };
  }

  async #realmGrants(realm: string): Promise<RealmGrants> {
    const known = this.#realms.get(realm) ?? this.#reading.get(realm);
    if (known !== undefined) return known;
    const reading = this.#readAll(realm);
    this.#reading.set(realm, reading);
    try {
      const grants = await reading;
      // A change meanwhile has taken our entry away: then what we read serves those who wait, and is not kept.
      if (this.#reading.get(realm) === reading) this.#realms.set(realm, grants);
      return grants;
    } finally {
      if (this.#reading.get(realm) === reading) this.#reading.delete(realm);
    }
  }

  async #readAll(realm: string): Promise<RealmGrants> {
    const all: Grant[] = [];
    for (let after: string | undefined = ''; after !== undefined; ) {
      const page = await this.#directory.grants(realm, after, 1000);
      all.push(...page.items);
      after = page.next === undefined ? undefined : page.items.at(-1)?.id;
    }
    return new RealmGrants(all);
  }

  /**
   * Proposes a grant in the principal's own realm. Whether he may give it is for `policy/` to say of the result, before it is
   * committed. Rejects with 'not-found' (no such principal), 'already-exists' (the group is known in other case).
   */
  async create(principal: Principal, command: Command<'create-grant'>): Promise<Outcome<Results['create-grant']>> {
    const { realm } = principal;
    const { grantee, role, actions, scope, condition, ttl } = command;
    checkName(grantee.kind === 'group' ? 'group' : 'identity', grantee.name);
    checkTtl(ttl);
    if (grantee.kind === 'principal' && (await this.#directory.identity(realm, grantee.name)) === undefined) {
      throw new KmsError('not-found', `There is no identity "${grantee.name}" in this realm.`);
    }
    const createdAt = this.#clock();
    const grant: Grant = {
      id: randomUuid(),
      realm,
      revision: 0,
      grantee,
      role,
      scope,
      createdAt,
      ...(actions === undefined ? {} : { actions }),
      ...(condition === undefined ? {} : { condition }),
      ...(ttl === undefined ? {} : { expiresAt: createdAt + ttl }),
    };
    const mention = grantee.kind === 'group' ? await this.#directory.groupMention(realm, grantee.name) : [];
    return {
      result: { grant: { ...grant, revision: 1 } },
      change: {
        records: [...mention, put('grant', ids.grant(realm, grant.id), grant)],
        summary: `grant ${grant.id}: ${role} to ${grantee.kind} ${grantee.name}`,
        applied: () => this.forget(realm),
      },
    };
  }

  async revoke(principal: Principal, { id }: Command<'revoke-grant'>): Promise<Outcome<Results['revoke-grant']>> {
    const { realm } = principal;
    const grant = await this.#directory.grant(realm, id);
    if (grant === undefined) throw new KmsError('not-found', 'There is no such grant in this realm.');
    return {
      result: {},
      change: {
        records: [remove('grant', ids.grant(realm, id), grant)],
        summary: `revoked grant ${id}: ${grant.role} to ${grant.grantee.kind} ${grant.grantee.name}`,
        applied: () => this.forget(realm),
      },
    };
  }

  async list(principal: Principal, { after, limit }: Command<'list-grants'>): Promise<Outcome<Results['list-grants']>> {
    checkLimit(limit);
    const page = await this.#directory.grants(principal.realm, after, limit);
    const next = page.next === undefined ? undefined : page.items.at(-1)?.id;
    return { result: { grants: page.items, ...(next === undefined ? {} : { next }) } };
  }
}
