import {
  type Change,
  type Command,
  type Grant,
  type Key,
  KmsError,
  type Outcome,
  type Principal,
  type Result,
} from '#domain/domain.ts';
import type { Identified } from '#identity/identity.ts';
import {
  checkGrantOperations,
  checkKeyGrant,
  checkKeyPolicy,
  explainAccess,
  type Facts,
  type Giver,
  type KeyHolder,
  keyHolder,
  type Mode,
  type PolicyPlace,
  parseKeyPolicy,
  parsePrincipalArn,
  principalsOf,
  whoIs,
} from '#policy/policy.ts';
import type { Rooms } from './rooms.ts';

/** What the verbs of this file need to know beside the rooms. */
export interface RightsCase<C> {
  readonly rooms: Rooms;
  readonly principal: Identified;
  readonly command: C;
  readonly keys: readonly Key[];
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly mode: Mode;
  /** Address and port of who asks. */
  readonly peer: string;
  /** What is written ahead of a change, because what is done for it must be found again. */
  readonly ahead: Ahead;
}

export interface Ahead {
  change(change: Change): Promise<void>;
}

/** Makes a key, with a policy of its own if there is one that its maker may give it. */
export async function createKey(it: RightsCase<Command<'create-key'>>): Promise<Outcome<Result<'create-key'>>> {
  const { rooms, principal, command, now } = it;
  const { policy } = command;
  if (policy !== undefined) await assertUnderstood(it, policy, {});
  const place = command.protection === 'hsm' ? await placeInHsm(it) : undefined;
  const outcome = await rooms.keyring.createKey(principal.realm, command, now, place);
  if (policy !== undefined && outcome.change !== undefined) {
    const { key } = outcome.result;
    const { policy: _, ...plain } = key;
    await assertMayCarry(it, plain, key, command.bypassLockoutCheck === true);
  }
  return outcome;
}

export async function rotateKey(it: RightsCase<Command<'rotate-key'>>): Promise<Outcome<Result<'rotate-key'>>> {
  const { rooms, command, keys, now } = it;
  const [key] = keys as [Key];
  const place = key.protection === 'hsm' ? await placeInHsm(it) : undefined;
  return rooms.keyring.rotateKey(key, command, now, place);
}

/** Where the material of a key may be made: a crash then leaves nothing there that isn't found again. */
async function placeInHsm({ rooms, ahead }: RightsCase<unknown>): Promise<string> {
  const { objectId, change } = rooms.keyring.residents.reserve();
  await ahead.change(change);
  return objectId;
}

export async function putKeyPolicy(
  it: RightsCase<Command<'put-key-policy'>>,
): Promise<Outcome<Result<'put-key-policy'>>> {
  const { rooms, command, keys } = it;
  const [key] = keys as [Key];
  await assertUnderstood(it, command.policy, {
    keyId: key.id,
    isRegion: (region) => rooms.identity.realmIn(key.realm, region) === key.realm,
  });
  const after = { ...key, policy: command.policy };
  await assertMayCarry(it, key, after, command.bypassLockoutCheck === true);
  const { change } = rooms.keyring.setPolicy(key, command.policy);
  return { result: {}, change };
}

/** Every principal must be somebody: what is given to a name that nobody has would be his who takes it next. */
export async function assertUnderstood(
  { rooms, principal }: RightsCase<unknown>,
  policy: string,
  place: Pick<PolicyPlace, 'keyId' | 'isRegion'>,
): Promise<void> {
  const parsed = parseKeyPolicy(policy, { realm: principal.realm, ...place });
  for (const arn of principalsOf(parsed)) {
    if (!(await isSomebody(rooms, principal.realm, arn))) {
      throw new KmsError('malformed-policy', `Policy contains a statement with one or more invalid principals: ${arn}`);
    }
  }
}

async function isSomebody({ identity }: Rooms, realm: string, arn: string): Promise<boolean> {
  const named = parsePrincipalArn(arn);
  if (named === undefined) return false;
  if (named.kind === 'root') return true;
  const found = await identity.named(realm, named.name);
  return found !== undefined && (found.roleId !== undefined) === (named.kind !== 'user');
}

export async function assertMayCarry(
  it: RightsCase<unknown>,
  before: Key,
  after: Key,
  bypassLockoutCheck: boolean,
): Promise<void> {
  const refusal = checkKeyPolicy(await giverOf(it, before), before, after, await holders(it), bypassLockoutCheck);
  if (refusal !== undefined) throw refusal;
}

/** Whom separation of duties is to be looked at for: nobody where it does not hold anyhow. */
async function holders({ rooms, principal, mode, now }: RightsCase<unknown>): Promise<readonly KeyHolder[]> {
  if (mode === 'development') return [];
  const everybody = await rooms.identity.everybody(principal.realm);
  return everybody.map((one) => keyHolder(principal.realm, one, now));
}

async function giverOf({ rooms, principal, mode, now, peer }: RightsCase<unknown>, key: Key): Promise<Giver> {
  const grants = await rooms.identity.grantsOf(principal);
  const keyGrants = [await rooms.identity.keyGrants.of(key)];
  return { principal, facts: { mode, now, peer, grants, keyGrants } };
}

export async function createKeyGrant(
  it: RightsCase<Command<'create-key-grant'>>,
): Promise<Outcome<Result<'create-key-grant'>>> {
  const { rooms, principal, command, keys, now } = it;
  const [key] = keys as [Key];
  rooms.keyring.assertGrantable(key);
  const impossible = checkGrantOperations(key, command);
  if (impossible !== undefined) throw impossible;
  for (const arn of [command.grantee, ...(command.retiring === undefined ? [] : [command.retiring])]) {
    const named = parsePrincipalArn(arn);
    const isOwn = named !== undefined && named.kind !== 'root' && arn.includes(`::${whoIs(principal).account}:`);
    if (!isOwn || !(await isSomebody(rooms, principal.realm, arn))) throw nobody(arn);
  }
  const { result, change } = await rooms.identity.keyGrants.create(key, command, now);
  const refusal = checkKeyGrant(await giverOf(it, key), key, result.grant, await holders(it));
  if (refusal !== undefined) throw refusal;
  return withKey(rooms, key, result, change);
}

/** In the words of AWS. */
const nobody = (arn: string) =>
  new KmsError('invalid-parameter', `ARN does not refer to a valid principal: ${arn}`, 'principal');

export async function removeKeyGrant(
  { rooms, command, keys }: RightsCase<Command<'retire-key-grant' | 'revoke-key-grant'>>,
  how: 'retired' | 'revoked',
): Promise<Outcome<Record<never, never>>> {
  const [key] = keys as [Key];
  const { result, change } = await rooms.identity.keyGrants.remove(key, command.grant, how);
  return withKey(rooms, key, result, change);
}

type GrantChange = Awaited<ReturnType<Rooms['identity']['keyGrants']['remove']>>['change'];

/** The key says in the same transaction that its grants are others. */
function withKey<T>({ keyring }: Rooms, key: Key, result: T, change: GrantChange): Outcome<T> {
  if (change === undefined) return { result };
  const own = keyring.raiseGrants(key).change;
  return {
    result,
    change: {
      records: [...own.records, ...change.records],
      summary: change.summary,
      applied: () => {
        change.applied();
        own.applied?.();
      },
    },
  };
}

/** A key that ends takes its grants along. */
export async function destroyKey(rooms: Rooms, key: Key, now: number): Promise<Outcome<Result<'destroy-key'>>> {
  const outcome = await rooms.keyring.destroyKey(key, now);
  const { change } = outcome;
  if (key.grantsRevision === undefined || change === undefined) return outcome;
  const grants = await rooms.identity.keyGrants.clear(key);
  const applied = () => {
    change.applied?.();
    grants.applied();
  };
  return { ...outcome, change: { ...change, records: [...change.records, ...grants.records], applied } };
}

/** Decides for somebody else as it would be decided if he asked. */
export async function explain(it: RightsCase<Command<'explain-access'>>): Promise<Outcome<Result<'explain-access'>>> {
  const { rooms, principal: asking, command, keys, now, mode } = it;
  const [key] = keys as [Key];
  const principal = await somebody(rooms, asking.realm, command.principal);
  const facts: Facts = {
    mode,
    now,
    grants: await rooms.identity.grantsOf(principal),
    keyGrants: [await rooms.identity.keyGrants.of(key), await rooms.identity.keyGrants.of(key)],
    peer: command.source === undefined ? '' : peerAt(command.source),
  };
  const decision = explainAccess(facts, principal, { key, action: command.action, pairs: command.pairs ?? [] });
  return {
    result: {
      allowed: decision.allow,
      principal: whoIs(principal).arn,
      action: command.action,
      keyId: key.id,
      by: decision.allow ? decision.grant : decision.code,
      reason: decision.allow ? `Allowed by ${told(decision.grant, facts.grants)}.` : decision.reason,
    },
  };
}

/** What allows it, for people: a grant's id says nothing to them. */
function told(by: string, grants: readonly Grant[]): string {
  const parts = by.split(',').map((id) => {
    const grant = grants.find((one) => one.id === id);
    if (grant === undefined) return id;
    const { role, scope, grantee } = grant;
    const over = { realm: 'the whole realm', key: 'this key', names: scope.kind === 'names' ? scope.pattern : '' };
    const through = grantee.kind === 'group' ? ` through the group ${grantee.name}` : '';
    return `the grant ${id} (${role} over ${over[scope.kind]}${through})`;
  });
  return parts.join(' and ');
}

const peerAt = (source: string) => (source.includes(':') ? `[${source}]:0` : `${source}:0`);

/** By a name, or by the ARN of a user, a role or a session. Rejects with 'not-found'. */
async function somebody({ identity }: Rooms, realm: string, asked: string): Promise<Principal> {
  const arn = asked.startsWith('arn:') ? parsePrincipalArn(asked) : undefined;
  const name = arn?.name ?? asked;
  const found = await identity.named(realm, name);
  if (found === undefined || (asked.startsWith('arn:') && !(await isSomebody({ identity } as Rooms, realm, asked)))) {
    throw new KmsError('not-found', `There is no identity or role "${asked}".`);
  }
  const session = found.roleId === undefined ? undefined : (arn?.session ?? 'session');
  return {
    realm,
    name,
    kind: 'person',
    groups: found.groups,
    credential: '',
    ...(session !== undefined && { session }),
  };
}
