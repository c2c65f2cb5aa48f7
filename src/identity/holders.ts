import type { AssumableRole, Command, Grant, Identity, Principal, ProviderTrust } from '#domain/domain.ts';
import { mayBothFit } from './claims.ts';
import type { Directory } from './directory.ts';
import type { GrantBook } from './grant-book.ts';

/** Someone and everything granted to him, directly, by group, or to a role that he may take on. */
export interface Holder {
  readonly name: string;
  readonly grants: readonly Grant[];
}

/** Someone, with the roles that he may take on, by way of others too. */
interface Reach {
  readonly name: string;
  readonly groups: readonly string[];
  readonly roles: readonly AssumableRole[];
}

/** Who holds what, roles counted in: a right that may be taken on is held. */
export class Holders {
  readonly #directory: Directory;
  readonly #grants: GrantBook;

  constructor(directory: Directory, grants: GrantBook) {
    this.#directory = directory;
    this.#grants = grants;
  }

  /** Whom a grant to this grantee reaches, with what each holds now. */
  async reachedBy(realm: string, grantee: Grant['grantee']): Promise<readonly Holder[]> {
    const roles = await this.#directory.everyRole(realm);
    const { kind, name } = grantee;
    if (kind === 'principal' && !roles.some((role) => role.name === name)) {
      const identity = await this.#directory.identity(realm, name);
      return identity === undefined ? [] : [await this.#holder(realm, reachOf(identity, roles))];
    }
    const reached = (await this.#everyReach(realm, roles)).filter((reach) =>
      kind === 'group' ? reach.groups.includes(name) : reach.name === name || reach.roles.some((r) => r.name === name),
    );
    return Promise.all(reached.map((reach) => this.#holder(realm, reach)));
  }

  /** What an identity that is about to be made would hold beside what it is given itself. */
  async newcomer(realm: string, name: string, groups: readonly string[]): Promise<readonly Grant[]> {
    const roles = await this.#directory.everyRole(realm);
    return (await this.#holder(realm, reachOf({ name, groups }, roles))).grants;
  }

  /** Who could take on a role that is about to be made, with what each would hold. */
  async takers(principal: Principal, command: Command<'create-role'>): Promise<readonly Holder[]> {
    const { realm } = principal;
    const { name, trust, role: kind } = command;
    const prospect: AssumableRole = { realm, name, trust, revision: 0, id: '', maxSession: 0, createdAt: 0 };
    const roles = [...(await this.#directory.everyRole(realm)), prospect];
    const given = kind === undefined ? [] : [this.#grants.wholeRealm(realm, name, kind)];
    const takers = (await this.#everyReach(realm, roles)).filter((reach) => reach.roles.includes(prospect));
    return Promise.all(
      takers.map(async (reach) => {
        const holder = await this.#holder(realm, reach);
        return { ...holder, grants: [...holder.grants, ...given] };
      }),
    );
  }

  /** Everybody of the account, with the names of the roles that he may take on. */
  async everybody(account: string): Promise<readonly (Holder & { readonly roles: readonly string[] })[]> {
    const reaches = await this.#everyReach(account, await this.#directory.everyRole(account));
    return Promise.all(
      reaches.map(async (reach) => ({
        ...(await this.#holder(account, reach)),
        roles: reach.roles.map(({ name }) => name),
      })),
    );
  }

  async #holder(realm: string, { name, groups, roles }: Reach): Promise<Holder> {
    const own = await this.#grants.heldBy(realm, name, groups);
    const lent = await Promise.all(roles.map((role) => this.#grants.heldBy(realm, role.name, [])));
    return { name, grants: [...own, ...lent.flat()] };
  }

  async #everyReach(realm: string, roles: readonly AssumableRole[]): Promise<readonly Reach[]> {
    const reaches: Reach[] = [];
    for (let after: string | undefined = ''; after !== undefined; ) {
      const page = await this.#directory.identities(realm, after, 1000);
      reaches.push(...page.items.map((identity) => reachOf(identity, roles)));
      after = page.next === undefined ? undefined : page.items.at(-1)?.name;
    }
    return [...reaches, ...roles.flatMap(({ name, trust }) => trust.providers.map((by) => federated(name, by, roles)))];
  }
}

function reachOf({ name, groups }: Pick<Identity, 'name' | 'groups'>, roles: readonly AssumableRole[]): Reach {
  const trusted = ({ trust }: AssumableRole) =>
    trust.identities.includes(name) || trust.groups.some((group) => groups.includes(group));
  return { name, groups, roles: closure(roles, trusted) };
}

/** Whoever a provider's token lets take on this role, with the others that the same token might open. */
function federated(role: string, trusted: ProviderTrust, roles: readonly AssumableRole[]): Reach {
  const open = ({ trust }: AssumableRole) => trust.providers.some((other) => mayBothFit(trusted, other));
  return { name: `${trusted.issuer} (as ${role})`, groups: [], roles: closure(roles, open) };
}

/** The roles that may be taken on from the start, and then those that these may take on. */
function closure(roles: readonly AssumableRole[], open: (role: AssumableRole) => boolean): readonly AssumableRole[] {
  const reached = new Set(roles.filter(open));
  // A set goes on to what is added while it is walked.
  for (const { name } of reached) {
    for (const next of roles) if (next.trust.identities.includes(name)) reached.add(next);
  }
  return [...reached];
}
