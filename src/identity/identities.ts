import { digestHex } from '#crypto/crypto.ts';
import {
  type Command,
  type CredentialSet,
  type Identity,
  KmsError,
  type Outcome,
  Plaintext,
  type Principal,
  type RecordChange,
  type Results,
  type Role,
  type SecretBytes,
} from '#domain/domain.ts';
import { toUtf8 } from '#encoding/encoding.ts';
import { isCredentialId, newAccessKeyId, newToken, tokenAccessor } from './credential-id.ts';
import { type CredentialRecord, type Directory, ids, put, type Realm } from './directory.ts';
import type { GrantBook } from './grant-book.ts';
import type { Holder, Holders } from './holders.ts';
import { checkLimit, checkName, checkTtl } from './names.ts';
import type { Realms } from './realms.ts';
import { secretAccessKey } from './signing-keys.ts';
import type { Standings } from './standing.ts';

const maxGroups = 32;

interface Rooms {
  readonly directory: Directory;
  readonly realms: Realms;
  readonly grants: GrantBook;
  readonly holders: Holders;
  readonly standings: Standings;
  readonly root: SecretBytes;
  readonly clock: () => number;
  readonly mode: 'development' | 'production';
}

interface NewIdentity {
  readonly name: string;
  readonly role?: Role;
  readonly groups?: readonly string[];
  readonly ttl?: number;
}

/** Who there is, and the credentials that each is given. */
export class Identities {
  readonly #rooms: Rooms;

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
  }

  /** The first realm and the first identity, for an empty store: committing it twice is a conflict. */
  bootstrap(realmName: string, name: string, role: Role): Outcome<CredentialSet> {
    const { realm, records } = this.#rooms.realms.make(realmName, true);
    checkName('identity', name);
    const made = this.#make(realm, { name, role }, []);
    return { result: made.result, change: { ...made.change, records: [...records, ...made.change.records] } };
  }

  async create(principal: Principal, command: Command<'create-identity'>): Promise<Outcome<CredentialSet>> {
    const { directory, realms } = this.#rooms;
    const { name, groups = [], ttl } = command;
    checkName('identity', name);
    checkTtl(ttl);
    for (const group of groups) checkName('group', group);
    if (groups.length > maxGroups || new Set(groups).size < groups.length) {
      throw new KmsError('invalid-parameter', `An identity is in at most ${maxGroups} groups, in each once.`);
    }
    const found = await realms.named(principal, command.realm);
    const { realm, records } = found === undefined ? realms.make(command.realm!, false) : { realm: found, records: [] };
    const namesake = await directory.namesake(realm.account, name);
    if (namesake !== undefined) {
      const how = namesake.name === name ? '' : ', whose name differs by case only';
      throw new KmsError('already-exists', `There is an identity "${namesake.name}"${how}.`);
    }
    const mentions = await Promise.all(groups.map((group) => directory.groupMention(realm.account, group)));
    const made = this.#make(realm, { ...command, groups }, mentions.flat());
    return { result: made.result, change: { ...made.change, records: [...records, ...made.change.records] } };
  }

  /** What the identity that a command asks for would hold, for `policy/` to judge. */
  async prospect(principal: Principal, command: Command<'create-identity'>): Promise<Holder> {
    const realm = await this.#rooms.realms.named(principal, command.realm);
    const { name, groups = [], role } = command;
    const { grants, holders } = this.#rooms;
    const byOthers = realm === undefined ? [] : await holders.newcomer(realm.account, name, groups);
    const byRole = role === undefined ? [] : [grants.wholeRealm(realm?.account ?? '', name, role)];
    return { name, grants: [...byRole, ...byOthers] };
  }

  async list(
    principal: Principal,
    { after, limit }: Command<'list-identities'>,
  ): Promise<Outcome<Results['list-identities']>> {
    checkLimit(limit);
    const { items, next } = await this.#rooms.directory.identities(principal.realm, after, limit);
    const last = next === undefined ? undefined : items.at(-1)?.name;
    return { result: { identities: items, ...(last === undefined ? {} : { next: last }) } };
  }

  /** Every credential of the identity stops working once this is durable. */
  async disable(
    principal: Principal,
    command: Command<'disable-identity'>,
  ): Promise<Outcome<Results['disable-identity']>> {
    const { realm, identity } = await this.#existing(principal, command);
    if (!identity.enabled) return { result: {} };
    return {
      result: {},
      change: {
        records: [put('identity', ids.identity(realm.account, identity.name), { ...identity, enabled: false })],
        summary: `disabled ${identity.name} of ${realm.name}`,
        applied: () => this.#rooms.standings.forget(),
      },
    };
  }

  async createCredentials(
    principal: Principal,
    command: Command<'create-credentials'>,
  ): Promise<Outcome<CredentialSet>> {
    checkTtl(command.ttl);
    const { realm, identity } = await this.#existing(principal, command);
    if (!identity.enabled) throw new KmsError('invalid-state', `The identity "${identity.name}" is disabled.`);
    if (identity.roleId !== undefined) {
      throw new KmsError('invalid-state', `"${identity.name}" is a role: it is taken on, nobody logs in to it.`);
    }
    const issued = this.#issue(realm, identity.name, command.ttl);
    return {
      result: issued.set,
      change: { records: issued.records, summary: `credentials for ${identity.name}: ${named(issued.set)}` },
    };
  }

  /** An access key or a token of the principal's own realm, with every token made by it. */
  async revokeCredential(
    principal: Principal,
    { id }: Command<'revoke-credential'>,
  ): Promise<Outcome<Results['revoke-credential']>> {
    const credential = isCredentialId(id) ? await this.#rooms.directory.credential(id) : undefined;
    if (credential === undefined || credential.realm !== principal.realm) {
      throw new KmsError('not-found', 'There is no such credential in this realm.');
    }
    if (!credential.enabled) return { result: {} };
    return {
      result: {},
      change: {
        records: [put('credential', id, { ...credential, enabled: false })],
        summary: `revoked credential ${id} of ${credential.identity}`,
        applied: () => this.#rooms.standings.forget(),
      },
    };
  }

  async #existing(
    principal: Principal,
    command: { readonly name: string; readonly realm?: string },
  ): Promise<{ readonly realm: Realm; readonly identity: Identity }> {
    const realm = await this.#rooms.realms.named(principal, command.realm);
    const identity = realm && (await this.#rooms.directory.identity(realm.account, command.name));
    if (realm === undefined || identity === undefined) {
      throw new KmsError('not-found', `There is no identity "${command.name}" there.`);
    }
    return { realm, identity };
  }

  #make(realm: Realm, asked: NewIdentity, mentions: readonly RecordChange[]) {
    const { name, role, groups = [], ttl } = asked;
    const { clock, grants, mode } = this.#rooms;
    if (role === 'developer' && mode !== 'development') {
      throw new KmsError('denied', 'The role developer exists in development mode only.');
    }
    const { account } = realm;
    const identity: Identity = { realm: account, name, revision: 0, groups, enabled: true, createdAt: clock() };
    const grant = role === undefined ? undefined : grants.wholeRealm(account, name, role);
    const issued = this.#issue(realm, name, ttl);
    return {
      result: issued.set,
      change: {
        records: [
          put('identity', ids.identity(account, name), identity),
          ...mentions,
          ...(grant === undefined ? [] : [put('grant', ids.grant(account, grant.id), grant)]),
          ...issued.records,
        ],
        summary: `identity ${name} of ${realm.name} (${account}), ${role ?? 'no role'}; ${named(issued.set)}`,
        applied: () => grants.forget(account),
      },
    };
  }

  /** An access key and a token of equal standing, neither the parent of the other. */
  #issue(realm: Realm, identity: string, ttl: number | undefined) {
    const { clock, root } = this.#rooms;
    const createdAt = clock();
    const end = ttl === undefined ? {} : { expiresAt: createdAt + ttl };
    const accessKeyId = newAccessKeyId();
    const token = newToken();
    const digest = digestHex('sha256', token);
    const tokenId = tokenAccessor(digest);
    const common = { realm: realm.account, identity, revision: 0, createdAt, enabled: true, ...end };
    const accessKey: CredentialRecord = { ...common, id: accessKeyId, kind: 'access-key' };
    const tokenRecord: CredentialRecord = {
      ...common,
      id: tokenId,
      kind: 'token',
      digest,
      ...(ttl === undefined ? {} : { ttl, renewable: false }),
    };
    const set: CredentialSet = {
      realm: realm.name,
      identity,
      account: realm.account,
      accessKeyId,
      secretAccessKey: new Plaintext(secretAccessKey(root, accessKeyId)),
      token: new Plaintext(toUtf8(token)),
      tokenAccessor: tokenId,
      ...end,
    };
    return { set, records: [put('credential', accessKeyId, accessKey), put('credential', tokenId, tokenRecord)] };
  }
}

const named = ({ accessKeyId, tokenAccessor: token }: CredentialSet) => `access key ${accessKeyId}, token ${token}`;
