import {
  type AssumableRole,
  type Command,
  KmsError,
  type Outcome,
  Plaintext,
  type Principal,
  type Results,
  type SecretBytes,
  type SessionCredentials,
} from '#domain/domain.ts';
import { claimsFit } from './claims.ts';
import { newSessionKeyId } from './credential-id.ts';
import { type CredentialRecord, type Directory, put } from './directory.ts';
import { checkSessionLength, hour } from './session-length.ts';
import { sessionToken } from './session-tokens.ts';
import { secretAccessKey } from './signing-keys.ts';
import { maxChain, type Standings } from './standing.ts';

interface Rooms {
  readonly directory: Directory;
  readonly standings: Standings;
  readonly root: SecretBytes;
  readonly clock: () => number;
}

type Assumed = Results['assume-role'];

/** Credentials for a while: of roles that are taken on, and of oneself. */
export class Sessions {
  readonly #rooms: Rooms;

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
  }

  /** Ends with the credential that asks, with who asks, and with the role. */
  async assume(principal: Principal, command: Command<'assume-role'>): Promise<Outcome<Assumed>> {
    const trusts = ({ trust }: AssumableRole) =>
      principal.kind === 'person' &&
      (trust.identities.includes(principal.name) || trust.groups.some((group) => principal.groups.includes(group))) &&
      (trust.externalId === undefined || trust.externalId === command.externalId);
    const role = await this.#trusting(principal, command, trusts);
    const chained = principal.session !== undefined;
    const duration = lengthOf(command, role, chained);
    const asking = await this.#asking(principal);
    return this.#assumed(role, command.sessionName, principal, duration, {
      parent: asking.id,
      ...(asking.actions === undefined ? {} : { actions: asking.actions }),
    });
  }

  /** Ends with the role, and with the provider whose word was taken. */
  async assumeWithWebIdentity(
    principal: Principal,
    command: Command<'assume-role-with-web-identity'>,
  ): Promise<Outcome<Results['assume-role-with-web-identity']>> {
    const { federation } = principal;
    if (federation === undefined) throw new KmsError('denied', 'Only an identity provider vouches for who does this.');
    const { issuer, providerId: id, subject, audience, claims } = federation;
    const role = await this.#trusting(principal, command, ({ trust }) =>
      trust.providers.some((trusted) => trusted.issuer === issuer && claimsFit(trusted, claims)),
    );
    const duration = lengthOf(command, role, false);
    const made = await this.#assumed(role, command.sessionName, principal, duration, { provider: { issuer, id } });
    return { ...made, result: { ...made.result, subject, issuer, audience } };
  }

  /** Of the very identity that asks. */
  async create(principal: Principal, { duration = 12 * hour }: Command<'create-session'>) {
    checkSessionLength(duration, 36);
    const asking = await this.#asking(principal);
    if (asking.kind === 'session') throw new KmsError('denied', 'A session makes no other of its own.');
    const { id, credentials, records } = await this.#issued(principal.realm, principal.name, duration, {
      parent: asking.id,
      ...(asking.actions === undefined ? {} : { actions: asking.actions }),
    });
    return {
      result: { credentials },
      change: { records, summary: `session ${id} of ${principal.name}, made with ${asking.id}` },
    } satisfies Outcome<Results['create-session']>;
  }

  async callerIdentity({ realm, name, session }: Principal): Promise<Outcome<Results['get-caller-identity']>> {
    const roleId = session === undefined ? undefined : (await this.#rooms.directory.identity(realm, name))?.roleId;
    if (session === undefined || roleId === undefined) return { result: { realm, name } };
    return { result: { realm, name, session: { name: session, roleId } } };
  }

  /** Who may not take on a role is not told whether it is there. */
  async #trusting(
    principal: Principal,
    { role: name, sessionName, realm = principal.realm }: { role: string; sessionName: string; realm?: string },
    trusts: (role: AssumableRole) => boolean,
  ): Promise<AssumableRole> {
    checkSessionName(sessionName);
    const role = realm === principal.realm ? await this.#rooms.directory.role(realm, name) : undefined;
    const identity = role && (await this.#rooms.directory.identity(realm, name));
    if (role === undefined || identity?.enabled !== true || !trusts(role)) {
      throw new KmsError('denied', `${principal.name} may not take on the role "${name}".`);
    }
    return role;
  }

  /** The credential that asks, with room for one more below it. */
  async #asking({ credential }: Principal): Promise<CredentialRecord> {
    const { directory } = this.#rooms;
    const asking = await directory.credential(credential);
    if (asking === undefined) throw new KmsError('denied', 'A session is asked for with a valid credential.');
    // It could be used after the uses of what it was asked for with were up, or from elsewhere.
    if (asking.uses !== undefined || asking.cidrs !== undefined) {
      throw new KmsError('denied', 'A token that is bound to a number of uses or to addresses opens no session.');
    }
    let depth = 1;
    for (let above = asking.parent; above !== undefined; depth++) {
      above = (await directory.credential(above))?.parent;
    }
    if (depth >= maxChain) throw new KmsError('limit-exceeded', `Credentials nest at most ${maxChain} deep.`);
    return asking;
  }

  async #assumed(
    role: AssumableRole,
    session: string,
    principal: Principal,
    duration: number,
    source: Source,
  ): Promise<Outcome<Assumed>> {
    const { realm, name, id: roleId } = role;
    const { id, credentials, records } = await this.#issued(realm, name, duration, { ...source, session, roleId });
    return {
      result: { credentials, realm, role: name, roleId, sessionName: session },
      change: { records, summary: `session ${id} "${session}" of role ${name}, taken on by ${principal.name}` },
    };
  }

  async #issued(realm: string, identity: string, duration: number, source: Source & Partial<CredentialRecord>) {
    const { clock, root, standings } = this.#rooms;
    const createdAt = clock();
    const id = newSessionKeyId();
    const asked: CredentialRecord = {
      ...source,
      id,
      kind: 'session',
      realm,
      identity,
      revision: 0,
      createdAt,
      expiresAt: createdAt + duration,
      enabled: true,
    };
    // It lasts no longer than what it hangs from, and says so.
    const { until: expiresAt } = await standings.standingOf(asked);
    const credentials: SessionCredentials = {
      accessKeyId: id,
      secretAccessKey: new Plaintext(secretAccessKey(root, id)),
      sessionToken: new Plaintext(sessionToken(root, id)),
      expiresAt,
    };
    return { id, credentials, records: [put('credential', id, { ...asked, expiresAt })] };
  }
}

/** What a session hangs from. */
type Source = Pick<CredentialRecord, 'parent' | 'actions' | 'provider'>;

function checkSessionName(name: string): void {
  if (!/^[\w+=,.@-]{2,64}$/.test(name)) {
    throw new KmsError(
      'invalid-parameter',
      'The name of a session has 2 to 64 of the characters A-Z a-z 0-9 _ + = , . @ -',
    );
  }
}

/** In the manner of AWS, a session that takes on another role gets an hour at most. */
function lengthOf(command: { readonly duration?: number }, role: AssumableRole, chained: boolean): number {
  const { duration = Math.min(hour, role.maxSession) } = command;
  checkSessionLength(duration, 12);
  if (duration > role.maxSession) {
    throw new KmsError(
      'invalid-parameter',
      'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
    );
  }
  if (chained && duration > hour) {
    throw new KmsError(
      'invalid-parameter',
      'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.',
    );
  }
  return duration;
}
