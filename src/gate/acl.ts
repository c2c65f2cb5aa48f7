import { type AclRequest, aclCapabilities, type Command, KmsError, type Outcome, type Result } from '#domain/domain.ts';
import type { AclPolicyTexts, Identified, IdentityRoom } from '#identity/identity.ts';
import { Acl, type AclPolicy, isAction, type Mode, parseAclPolicy } from '#policy/policy.ts';
import type { Rooms } from './rooms.ts';
import type { Subject } from './subjects.ts';

/** Of an account, for as long as none of its policies changes. */
const parsed = new WeakMap<AclPolicyTexts, Map<string, AclPolicy>>();

/** By principal, which is one object as long as its token stands unchanged. */
const acls = new WeakMap<Identified, { readonly texts: AclPolicyTexts; readonly acl: Acl }>();

type Holder = Pick<Identified, 'name' | 'groups'>;

/** What these policies let a holder ask for. A name that no policy has gives nothing. */
function aclOf(texts: AclPolicyTexts, { name, groups }: Holder, names: readonly string[]): Acl {
  let read = parsed.get(texts);
  if (read === undefined) {
    read = new Map();
    parsed.set(texts, read);
  }
  const held: AclPolicy[] = [];
  for (const one of names) {
    const text = texts.get(one.toLowerCase())?.text;
    if (text === undefined) continue;
    const policy = read.get(one) ?? parseAclPolicy(text);
    read.set(one, policy);
    held.push(policy);
  }
  return new Acl(held, { name, groups }, names.includes('root'));
}

function known(texts: AclPolicyTexts, principal: Identified, names: readonly string[]): Acl {
  const kept = acls.get(principal);
  if (kept?.texts === texts) return kept.acl;
  const acl = aclOf(texts, principal, names);
  acls.set(principal, { texts, acl });
  return acl;
}

/** What the principal's token is held to; undefined: it carries no policies. */
export async function aclOfPrincipal({ aclPolicies }: IdentityRoom, principal: Identified): Promise<Acl | undefined> {
  const { policies, realm } = principal;
  return policies === undefined ? undefined : known(await aclPolicies.of(realm), principal, policies);
}

function assertBy(texts: AclPolicyTexts, principal: Identified, names: readonly string[], asked: AclRequest): void {
  if (known(texts, principal, names).allows(asked)) return;
  throw new KmsError('denied', `No policy of the token lets ${principal.name} ${asked.capability} ${asked.path}.`);
}

/** Throws or rejects with 'denied' unless the asking token carries no policies, or they allow it. `absent`: what it is about isn't there. */
export function assertAsked(
  { aclPolicies }: IdentityRoom,
  principal: Identified,
  given: AclRequest | undefined,
  keys: readonly Subject[],
  absent: boolean,
): void | Promise<void> {
  const { policies } = principal;
  if (policies === undefined) return;
  const asked: AclRequest | undefined =
    given?.mayCreate === true && absent ? { ...given, capability: 'create' } : given;
  // They judge paths of Vault's, and other doors have none.
  if (asked === undefined) throw new KmsError('denied', "A token with policies is for Vault's door only.");
  // A policy that speaks of a name must not be got round by the id.
  const lower = asked.path.toLowerCase();
  if (keys.some(({ id, names }) => id !== '' && lower.includes(id) && (names.length > 0 || !asked.path.includes(id)))) {
    throw new KmsError('denied', 'With a token that carries policies, a key that has a name is asked for by it.');
  }
  const texts = aclPolicies.of(principal.realm);
  if (!(texts instanceof Promise)) return assertBy(texts, principal, policies, asked);
  return texts.then((read) => assertBy(read, principal, policies, asked));
}

/** The same of what can't be read, so that nobody knows whether it is there: some policy must speak of it either way. */
export async function assertMayAsk(identity: IdentityRoom, principal: Identified, asked: AclRequest): Promise<void> {
  try {
    await assertAsked(identity, principal, asked, [], false);
  } catch (denial) {
    if (asked.mayCreate !== true) throw denial;
    await assertAsked(identity, principal, asked, [], true);
  }
}

interface AclCase<C> {
  readonly rooms: Rooms;
  readonly principal: Identified;
  readonly command: C;
  readonly mode: Mode;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Rejects with 'malformed-policy' where it is not understood in full. */
export function writeAclPolicy({
  rooms,
  principal,
  command,
}: AclCase<Command<'write-acl-policy'>>): Promise<Outcome<Result<'write-acl-policy'>>> {
  if (isAction(command.name.toLowerCase())) {
    throw new KmsError(
      'invalid-parameter',
      `"${command.name}" is the name of an action, which tokens are narrowed to.`,
    );
  }
  parseAclPolicy(command.text);
  return rooms.identity.aclPolicies.write(principal, command);
}

/** Of the asking token, or one that it manages. */
export async function readCapabilities({
  rooms,
  principal,
  command,
  mode,
  now,
}: AclCase<Command<'read-capabilities'>>): Promise<Outcome<Result<'read-capabilities'>>> {
  const { paths } = command;
  const holder = await heldBy(rooms.identity, principal, command);
  const texts = await rooms.identity.aclPolicies.of(principal.realm);
  const names = holder.policies ?? (await amounting(rooms.identity, holder, mode, now));
  if (names === undefined) {
    throw new KmsError(
      'unsupported',
      'The token carries no policies: what it may do follows from the grants of its identity.',
    );
  }
  const acl = aclOf(texts, holder, names);
  return {
    result: {
      capabilities: paths.map((path) => {
        const found = acl.capabilities(path.replace(/^\/+/, ''));
        if (found === 'root') return ['root'];
        return found.size === 0 ? ['deny'] : aclCapabilities.filter((one) => found.has(one));
      }),
    },
  };
}

type Asker = Holder & Pick<Identified, 'realm' | 'policies' | 'limitedTo'>;

async function heldBy(
  identity: IdentityRoom,
  principal: Identified,
  { accessor, token }: Command<'read-capabilities'>,
): Promise<Asker> {
  if (accessor === undefined && token === undefined) return principal;
  const which = { ...(accessor !== undefined && { accessor }), ...(token !== undefined && { token }) };
  const { result } = await identity.verbs['lookup-token'](principal, { kind: 'lookup-token', ...which });
  const { realm, identity: name, policies, actions } = result.credential;
  const groups = (await identity.named(realm, name))?.groups ?? [];
  return { realm, name, groups, ...(policies && { policies }), ...(actions && { limitedTo: actions }) };
}

/** What a token without policies may do, where that can be said in policies: everything, or only what every token may. */
async function amounting(
  identity: IdentityRoom,
  holder: Asker,
  mode: Mode,
  now: number,
): Promise<readonly string[] | undefined> {
  const grants = await identity.grantsOf({ ...holder, kind: 'person', credential: '' });
  const live = grants.filter(({ expiresAt = Number.POSITIVE_INFINITY }) => expiresAt > now);
  if (live.length === 0) return ['default'];
  const everything = live.some(({ role, actions, scope, condition }) => {
    return role === 'developer' && scope.kind === 'realm' && actions === undefined && condition === undefined;
  });
  return everything && mode === 'development' && holder.limitedTo === undefined ? ['root'] : undefined;
}
