import {
  accountOf,
  type Command,
  type IssuedToken,
  KmsError,
  type Outcome,
  type Principal,
  type Result,
} from '#domain/domain.ts';
import type { Identified } from '#identity/identity.ts';
import { decide, isAction, type Mode, namesPolicies, policiesByRole } from '#policy/policy.ts';
import type { Rooms } from './rooms.ts';

/** What tokens do to others than their own. */
interface TokenCase<C> {
  readonly rooms: Rooms;
  readonly principal: Identified;
  readonly command: C;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly mode: Mode;
}

/** Tokens belong to the account, whichever of its regions was asked. */
export function ofAccount<P extends Principal>(principal: P): P {
  const realm = accountOf(principal.realm);
  return realm === principal.realm ? principal : { ...principal, realm };
}

/** Whether grants and narrowing would also let the principal do this. */
async function may({ rooms, principal, now, mode }: TokenCase<Command>, command: Command): Promise<boolean> {
  const { limitedTo, realm } = principal;
  const grants = await rooms.identity.grantsOf(principal);
  const ofFirstRealm = await rooms.identity.isFirstRealm(realm);
  const facts = { mode, now, grants, ofFirstRealm, ...(limitedTo !== undefined && { limitedTo }) };
  return decide(facts, principal, command, []).allow;
}

/** By accessor also tokens that the asking one didn't make, for who may see who there is. */
export async function lookupToken(it: TokenCase<Command<'lookup-token'>>): Promise<Outcome<Result<'lookup-token'>>> {
  const ofRealm = it.command.accessor !== undefined && (await may(it, { kind: 'list-tokens', after: '', limit: 1 }));
  return it.rooms.identity.tokens.lookup(ofAccount(it.principal), it.command, ofRealm);
}

/** By accessor also tokens that the asking one didn't make, for who may revoke them. */
export async function renewToken(it: TokenCase<Command<'renew-token'>>): Promise<Outcome<Result<'renew-token'>>> {
  return it.rooms.identity.tokens.renew(ofAccount(it.principal), it.command, await managesAll(it));
}

/** As for 'renew-token'. */
export async function revokeToken(it: TokenCase<Command<'revoke-token'>>): Promise<Outcome<Result<'revoke-token'>>> {
  const { rooms, principal, command } = it;
  const everyone = await managesAll(it);
  // To who can't see whether it is there, 'nothing is there' would say that it is revoked.
  const { ifThere, ...strict } = command;
  const asked = ifThere === true && (everyone || command.token !== undefined) ? command : strict;
  return rooms.identity.tokens.revoke(ofAccount(principal), asked, everyone);
}

async function managesAll(it: TokenCase<Command<'renew-token' | 'revoke-token'>>): Promise<boolean> {
  return it.command.accessor !== undefined && (await may(it, { kind: 'revoke-tokens', prefix: '' }));
}

/** What a token may ask of its own life, whatever it is narrowed to. */
const ownLife = ['lookup-token', 'renew-token', 'revoke-token'] as const;

/**
 * A role that makes orphans gives its user what else is a security officer's. Whoever wrote it chose that, for those whom policies let
 * reach it: a token that carries none, or `root`, reaches every path, so there the right to make orphans is asked for besides.
 */
export async function createRoleToken(
  it: TokenCase<Command<'create-role-token'>>,
): Promise<Outcome<Result<'create-role-token'>>> {
  const { rooms, principal, command } = it;
  const { role: name, names, withoutDefault = false, kind: _, dryRun: __, grantTokens: ___, ...request } = command;
  const account = ofAccount(principal);
  const role = await rooms.identity.tokenRoles.of(account, name);
  const unheld = principal.policies === undefined || principal.policies.includes('root');
  if (role.orphan && unheld && !(await may(it, { kind: 'create-orphan-token' }))) {
    throw new KmsError('denied', `${principal.name} may not make orphans.`);
  }
  const lists = namesPolicies(role);
  const asked = lists ? policiesByRole(role, names, principal.policies, withoutDefault) : usual(names, withoutDefault);
  const warnings: string[] = [];
  const lesser = (what: string, own: number | undefined, given: number | undefined): number | undefined => {
    if (own === undefined || given === undefined) return own ?? given;
    const least = Math.min(own, given);
    warnings.push(
      `${what} specified both during creation call and in role; using the lesser value of ${Math.floor(least / 1000)} seconds`,
    );
    return least;
  };
  const maxTtl = lesser('Explicit max TTL', role.maxTtl, request.maxTtl);
  const period = lesser('Period', role.period, request.period);
  const uses =
    role.uses === undefined || request.uses === undefined
      ? (role.uses ?? request.uses)
      : Math.min(role.uses, request.uses);
  const carried = asked === undefined ? {} : narrowing(asked);
  const { result, change } = await rooms.identity.tokens.createByRole(
    account,
    {
      ...request,
      renewable: (request.renewable ?? true) && role.renewable,
      ...(maxTtl !== undefined && { maxTtl }),
      ...(period !== undefined && { period }),
      ...(uses !== undefined && { uses }),
      ...(role.cidrs.length > 0 && { cidrs: role.cidrs }),
      ...carried,
    },
    role,
    lists,
  );
  if (period === undefined && request.ttl !== undefined && maxTtl !== undefined && request.ttl > maxTtl) {
    warnings.push(
      `TTL of "${durationOf(request.ttl)}" exceeded the effective max_ttl of "${durationOf(maxTtl)}"; TTL value is capped accordingly`,
    );
  }
  warnings.push(...(await missingPolicies(it, carried.policies)));
  return { result: { ...result, warnings }, ...(change !== undefined && { change }) };
}

/** A token of one's own making. */
export async function createToken(
  it: TokenCase<Command<'create-token' | 'create-orphan-token'>>,
): Promise<Outcome<IssuedToken>> {
  const { rooms, principal, command } = it;
  const { verbs } = rooms.identity;
  const { result, change } =
    command.kind === 'create-token'
      ? await verbs['create-token'](principal, command)
      : await verbs['create-orphan-token'](principal, command);
  const warnings = await missingPolicies(it, command.policies);
  return { result: { ...result, warnings }, ...(change !== undefined && { change }) };
}

/** A policy that isn't there gives nothing, today. */
async function missingPolicies(
  { rooms, principal }: TokenCase<Command>,
  policies: readonly string[] | undefined,
): Promise<readonly string[]> {
  if (policies === undefined) return [];
  const texts = await rooms.identity.aclPolicies.of(principal.realm);
  const missing = policies.filter((policy) => policy !== 'root' && !texts.has(policy));
  return missing.map((policy) => `Policy "${policy}" does not exist`);
}

/** Milliseconds in hours, minutes and seconds, such as 1h30m. */
function durationOf(ms: number): string {
  const all = Math.floor(ms / 1000);
  const parts = [
    [Math.floor(all / 3600), 'h'],
    [Math.floor(all / 60) % 60, 'm'],
    [all % 60, 's'],
  ] as const;
  const said = parts.filter(([count]) => count > 0).map(([count, unit]) => `${count}${unit}`);
  return said.length === 0 ? '0s' : said.join('');
}

/** Without lists in the role: what any token is given that asks for policies. */
function usual(names: readonly string[], withoutDefault: boolean): readonly string[] | undefined {
  if (names.length === 0) return undefined;
  return withoutDefault || names.includes('root') ? names : ['default', ...names];
}

/** Where all are names of actions, which no policy has, the token is narrowed to these; else it carries them as ACL policies. */
function narrowing(names: readonly string[]): { actions?: readonly string[]; policies?: readonly string[] } {
  const others = names.filter((name) => name !== 'default');
  if (others.length > 0 && others.every(isAction)) return { actions: [...new Set([...ownLife, ...others])] };
  return { policies: [...new Set(names)].sort() };
}
