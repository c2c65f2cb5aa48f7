import { digestHex, equalSecrets } from '#crypto/crypto.ts';
import {
  type Change,
  type Command,
  type Credential,
  type IssuedToken,
  KmsError,
  type Outcome,
  type Principal,
  type Results,
  type TokenInfo,
  type TokenRequest,
  type TokenRole,
  usualTokenPath,
} from '#domain/domain.ts';
import { fromHex } from '#encoding/encoding.ts';
import type { AuthMounts } from './auth-mounts.ts';
import type { CertificateLogins } from './certificate-logins.ts';
import { isCredentialId, tokenAccessor } from './credential-id.ts';
import { type CredentialRecord, type Directory, put, type TokenUse } from './directory.ts';
import type { GrantBook } from './grant-book.ts';
import { checkRequest, type Issue, isSubset, issueToken } from './issue-token.ts';
import { checkLimit, checkTtl } from './names.ts';
import { maxChain, type Standings } from './standing.ts';

interface Rooms {
  readonly directory: Directory;
  readonly grants: GrantBook;
  readonly standings: Standings;
  readonly mounts: AuthMounts;
  readonly certificates: CertificateLogins;
  readonly clock: () => number;
}

interface Which {
  readonly accessor?: string;
  readonly token?: string;
  readonly path?: string;
}

/** Tokens of one change: more are revoked by another. */
const mostAtOnce = 2000;
const pageSize = 1000;

const noSuchToken = () => new KmsError('not-found', 'There is no such token.');

/** A credential with all that it hangs from, topmost last. */
type Chain = readonly [CredentialRecord, ...CredentialRecord[]];

/** Tokens that credentials make of themselves. A credential manages itself, if it is a token, and what descends from it. */
export class Tokens {
  readonly #rooms: Rooms;

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
  }

  /** Never with more rights, nor a longer life, than the credential that asks. */
  async create(principal: Principal, command: Command<'create-token'>): Promise<Outcome<IssuedToken>> {
    const chain = await this.#asking(principal);
    // A parent and its children are walked together: see `Standings.standingOf`.
    if (chain.length >= maxChain) throw new KmsError('limit-exceeded', `Tokens nest at most ${maxChain} deep.`);
    return this.#issue(command, chain, true);
  }

  /** Never with more rights than the credential that asks, but it stays when that goes. */
  async createOrphan(principal: Principal, command: Command<'create-orphan-token'>): Promise<Outcome<IssuedToken>> {
    return this.#issue(command, await this.#asking(principal), false);
  }

  /** For who has proven the passphrase of the seal besides. A token that carries policies carries `root`, or makes none. */
  async createRoot(principal: Principal): Promise<Outcome<IssuedToken>> {
    const chain = await this.#asking(principal);
    return this.#issue({ policies: ['root'] }, chain, false, { path: 'auth/token/root' });
  }

  /**
   * As a role lets it be: `mayCarry` says that its lists allow the policies, whatever the asking token carries, but for `root`. The
   * actions that this is narrowed to, its addresses and its identity's grants hold for what it makes all the same.
   */
  async createByRole(
    principal: Principal,
    request: TokenRequest,
    { name, orphan, pathSuffix }: TokenRole,
    mayCarry: boolean,
  ): Promise<Outcome<IssuedToken>> {
    const chain = await this.#asking(principal);
    if (!orphan && chain.length >= maxChain) {
      throw new KmsError('limit-exceeded', `Tokens nest at most ${maxChain} deep.`);
    }
    // A list with globs, or of what is disallowed alone, would let anybody ask for it.
    const [{ policies: own }] = chain;
    if (request.policies?.includes('root') === true && own !== undefined && !own.includes('root')) {
      throw new KmsError('invalid-parameter', 'root tokens may not be created without parent token being root');
    }
    const path = [usualTokenPath, name, ...(pathSuffix === '' ? [] : [pathSuffix])].join('/');
    return this.#issue(request, chain, !orphan, { path, role: name }, mayCarry);
  }

  async #issue(
    request: TokenRequest,
    chain: Chain,
    child: boolean,
    from: Pick<Issue, 'path' | 'role'> = child ? {} : { path: `${usualTokenPath}-orphan` },
    mayCarry = false,
  ) {
    checkRequest(request);
    const [asking] = chain;
    const actions = narrowed(asking.actions, request.actions);
    const policies = mayCarry ? request.policies : carried(asking.policies, request.policies);
    const cidrs = within(asking.cidrs, request.cidrs);
    const issue: Issue = {
      ...request,
      realm: asking.realm,
      identity: asking.identity,
      until: child ? endOf(chain) : Number.POSITIVE_INFINITY,
      ...(child && { parent: asking.id }),
      ...from,
      ...(actions !== undefined && { actions }),
      ...(policies !== undefined && { policies }),
      ...(cidrs !== undefined && { cidrs }),
    };
    const { record, records, token } = issueToken(issue, this.#rooms.clock());
    const shown = await this.#info(child ? [record, ...chain] : [record]);
    return {
      result: { ...shown, ...(record.uses !== undefined && { usesLeft: record.uses }), token },
      change: { records, summary: `token ${record.id} of ${record.identity}, made by ${asking.id}` },
    };
  }

  /** The credential that asks, with all that it hangs from. */
  async #asking({ credential }: Principal): Promise<Chain> {
    const chain = await this.#chain(credential);
    if (chain === undefined || !this.#holds(chain))
      throw new KmsError('denied', 'A token is made by a valid credential.');
    const [asking] = chain;
    // A token would outlive the session's name, by which the ledger and key policies know who it is.
    if (asking.kind === 'session') throw new KmsError('denied', 'A session makes no tokens.');
    // What it makes could be used after its own uses were up.
    if (asking.uses !== undefined) {
      throw new KmsError('invalid-parameter', 'restricted use token cannot generate child tokens');
    }
    return chain;
  }

  /** `ofRealm`, here and below: by accessor every token of the realm. */
  async lookup(principal: Principal, command: Command<'lookup-token'>, ofRealm = false): Promise<Outcome<TokenInfo>> {
    return { result: await this.#info(await this.#managed(principal, command, ofRealm)) };
  }

  /** Ends `increment` (at most the token's own ttl) from now, but not after what it hangs from. Not where the role is gone that made it. */
  async renew(principal: Principal, command: Command<'renew-token'>, ofRealm = false): Promise<Outcome<TokenInfo>> {
    checkTtl(command.increment);
    const chain = await this.#managed(principal, command, ofRealm);
    const [record, ...above] = chain;
    if (record.certificate !== undefined) {
      await this.#rooms.certificates.assertShown(record, command.certificates ?? []);
    }
    const { ttl, expiresAt } = record;
    if (ttl === undefined || expiresAt === undefined || record.renewable !== true) {
      throw new KmsError('invalid-parameter', 'The token is not renewable.');
    }
    await this.#assertRoleStands(record);
    const now = this.#rooms.clock();
    const wanted = record.period ?? Math.min(command.increment ?? ttl, ttl);
    const last = record.maxTtl === undefined ? Number.POSITIVE_INFINITY : record.createdAt + record.maxTtl;
    const next = { ...record, expiresAt: Math.min(now + wanted, last, endOf(above)), renewedAt: now };
    return {
      result: await this.#info([next, ...above]),
      change: {
        records: [put('credential', record.id, next)],
        summary: `token ${record.id} renewed until ${new Date(next.expiresAt).toISOString()}`,
        // Whatever stands by this token ends with it: only a longer life needs no forgetting, for ends are read again when met.
        ...(next.expiresAt < expiresAt ? { applied: () => this.#rooms.standings.forget() } : {}),
      },
    };
  }

  /** Rejects with 'invalid-parameter', in Vault's words. Else one with a period would go on for ever. */
  async #assertRoleStands({ realm, identity, mount, role }: CredentialRecord): Promise<void> {
    const { directory } = this.#rooms;
    if (mount !== undefined && (await directory.login(realm, mount.id, identity)) === undefined) {
      throw new KmsError('invalid-parameter', `role "${identity}" does not exist during renewal`);
    }
    if (role !== undefined && (await directory.tokenRole(realm, role)) === undefined) {
      throw new KmsError('invalid-parameter', `original token role "${role}" could not be found, not renewing`);
    }
  }

  async revoke(
    principal: Principal,
    command: Command<'revoke-token'>,
    ofRealm = false,
  ): Promise<Outcome<Results['revoke-token']>> {
    let record: CredentialRecord;
    try {
      [record] = await this.#managed(principal, command, ofRealm);
    } catch (error) {
      if (command.ifThere === true && error instanceof KmsError && error.code === 'not-found') {
        return { result: { absent: true } };
      }
      throw error;
    }
    return {
      result: {},
      change: {
        records: [put('credential', record.id, { ...record, enabled: false })],
        summary: `revoked token ${record.id} of ${record.identity}`,
        applied: () => this.#rooms.standings.forget(),
      },
    };
  }

  /**
   * The asking token, one that descends from the asking credential, or one that is brought itself. Rejects with 'not-found' for any
   * other.
   */
  async #managed(principal: Principal, { accessor, token, path }: Which, ofRealm = false): Promise<Chain> {
    const digest = token === undefined ? undefined : digestHex('sha256', token.slice(0, 128));
    const id = digest === undefined ? (accessor ?? principal.token) : tokenAccessor(digest);
    if (id === undefined)
      throw new KmsError('invalid-parameter', 'This was not asked with a token; name its accessor.');
    const chain = isCredentialId(id) ? await this.#chain(id) : undefined;
    if (chain === undefined || chain[0].kind !== 'token' || !this.#holds(chain)) throw noSuchToken();
    const [{ realm, digest: known, path: madeAt = usualTokenPath }] = chain;
    if (path !== undefined && path !== madeAt) throw noSuchToken();
    const mine =
      digest === undefined
        ? realm === principal.realm && (ofRealm || chain.some((link) => link.id === principal.credential))
        : realm === principal.realm && known !== undefined && equalSecrets(fromHex(known)!, fromHex(digest)!);
    if (!mine) throw noSuchToken();
    return chain;
  }

  /** A page of records may hold few tokens of the realm, or none. */
  async list({ realm }: Principal, { after, limit }: Command<'list-tokens'>): Promise<Outcome<Results['list-tokens']>> {
    checkLimit(limit);
    const { items, next } = await this.#rooms.directory.credentials(after, limit);
    const tokens: Array<{ readonly accessor: string; readonly path: string }> = [];
    for (const record of items) {
      if (record.kind !== 'token' || record.realm !== realm) continue;
      if (!(await this.#rooms.standings.stands(record)) || (await this.#usesLeft(record)) === 0) continue;
      tokens.push({ accessor: record.id, path: record.path ?? usualTokenPath });
    }
    return { result: { tokens, ...(next === undefined ? {} : { next }) } };
  }

  /** What the asking token hangs from goes last, so that what takes several changes can be asked for again. */
  async revokeBelow(
    principal: Principal,
    { prefix }: Command<'revoke-tokens'>,
  ): Promise<Outcome<Results['revoke-tokens']>> {
    const below = prefix.endsWith('/') ? prefix : `${prefix}/`;
    const found = await this.#every(({ realm, enabled, kind, path = usualTokenPath, id }) => {
      const lease = `${path}/${id}`;
      return enabled && kind === 'token' && realm === principal.realm && (lease === prefix || lease.startsWith(below));
    });
    if (found.length === 0) return { result: { revoked: 0, more: false } };
    const own = new Set((await this.#chain(principal.credential))?.map(({ id }) => id));
    const ordered = [...found.filter(({ id }) => !own.has(id)), ...found.filter(({ id }) => own.has(id))];
    const revoked = ordered.slice(0, mostAtOnce);
    return {
      result: { revoked: revoked.length, more: revoked.length < found.length },
      change: {
        records: revoked.map((record) => put('credential', record.id, { ...record, enabled: false })),
        summary: `revoked ${revoked.length} tokens below ${prefix.slice(0, 200)}`,
        applied: () => this.#rooms.standings.forget(),
      },
    };
  }

  /** A child that is made meanwhile ends with it. */
  async revokeAlone(
    principal: Principal,
    { token }: Command<'revoke-token-alone'>,
  ): Promise<Outcome<Results['revoke-token-alone']>> {
    const [record] = await this.#managed(principal, { token });
    const children = await this.#every(
      ({ parent, kind, enabled }) => parent === record.id && kind === 'token' && enabled,
    );
    if (children.length > mostAtOnce) {
      throw new KmsError('limit-exceeded', `At most ${mostAtOnce} children of a token become orphans at once.`);
    }
    const orphans = children.map(({ parent: _, ...child }) => put('credential', child.id, child));
    return {
      result: {},
      change: {
        records: [put('credential', record.id, { ...record, enabled: false }), ...orphans],
        summary: `revoked token ${record.id} of ${record.identity}, made ${orphans.length} orphans`,
        applied: () => this.#rooms.standings.forget(),
      },
    };
  }

  async #every(wanted: (record: CredentialRecord) => boolean): Promise<readonly CredentialRecord[]> {
    const found: CredentialRecord[] = [];
    for (let after: string | undefined = ''; after !== undefined; ) {
      const page = await this.#rooms.directory.credentials(after, pageSize);
      for (const record of page.items) if (wanted(record)) found.push(record);
      after = page.next;
    }
    return found;
  }

  /** Counts a use. The change is a conflict where another one was counted at the same moment. */
  async spend({ credential }: Principal): Promise<Change> {
    const use = await this.#rooms.directory.tokenUse(credential);
    if (use === undefined || use.left < 1) throw new KmsError('invalid-proof', 'The token is used up.', 'credential');
    return { records: [put<TokenUse>('token-use', credential, { ...use, left: use.left - 1 })], summary: '' };
  }

  #holds(chain: Chain): boolean {
    return endOf(chain) > this.#rooms.clock() && chain.every(({ enabled }) => enabled);
  }

  async #chain(id: string): Promise<Chain | undefined> {
    const links: CredentialRecord[] = [];
    for (let next: string | undefined = id; next !== undefined; next = links.at(-1)!.parent) {
      const link: CredentialRecord | undefined = await this.#rooms.directory.credential(next);
      if (link === undefined || links.length >= maxChain) return undefined;
      if (link.mount !== undefined && !(await this.#rooms.mounts.stands(link.realm, link.mount))) return undefined;
      links.push(link);
    }
    return links as unknown as Chain;
  }

  /** Undefined where they aren't counted. */
  async #usesLeft({ id, uses }: CredentialRecord): Promise<number | undefined> {
    return uses === undefined ? undefined : ((await this.#rooms.directory.tokenUse(id))?.left ?? 0);
  }

  async #info(chain: Chain): Promise<TokenInfo> {
    const { directory, grants: book, clock } = this.#rooms;
    const { digest: _, ...credential } = chain[0];
    const { realm, identity } = credential;
    const end = endOf(chain);
    const shown: Credential = Number.isFinite(end) ? { ...credential, expiresAt: end } : credential;
    const groups = (await directory.identity(realm, identity))?.groups ?? [];
    const grants = await book.heldBy(realm, identity, groups);
    const now = clock();
    const live = grants.filter(({ expiresAt }) => expiresAt === undefined || expiresAt > now);
    const usesLeft = await this.#usesLeft(chain[0]);
    return {
      credential: shown,
      policies: credential.policies ?? [...new Set(live.map(({ role }) => role))].sort(),
      ...(usesLeft !== undefined && { usesLeft }),
    };
  }
}

function endOf(chain: readonly CredentialRecord[]): number {
  return Math.min(...chain.map(({ expiresAt }) => expiresAt ?? Number.POSITIVE_INFINITY));
}

function narrowed(
  asking: readonly string[] | undefined,
  wanted: readonly string[] | undefined,
): readonly string[] | undefined {
  if (wanted === undefined) return asking;
  if (wanted.length > 100) throw new KmsError('invalid-parameter', 'A token is narrowed to at most 100 actions.');
  const more = asking && wanted.find((action) => !asking.includes(action));
  if (more !== undefined)
    throw new KmsError('denied', `The asking token may not "${more}", so no token made by it may.`);
  return [...new Set(wanted)];
}

/** A token that carries ACL policies hands on some of its own. */
function carried(
  asking: readonly string[] | undefined,
  wanted: readonly string[] | undefined,
): readonly string[] | undefined {
  if (wanted === undefined) return asking;
  const more = asking && wanted.find((name) => name !== 'default' && !asking.includes(name));
  if (more !== undefined) throw new KmsError('denied', `The asking token doesn't carry the policy "${more}".`);
  return [...new Set(wanted)].sort();
}

/** Where the asking token may be used from holds for what it makes. */
function within(
  asking: readonly string[] | undefined,
  wanted: readonly string[] | undefined,
): readonly string[] | undefined {
  if (wanted === undefined || wanted.length === 0) return asking;
  if (!isSubset(wanted, asking ?? []))
    throw new KmsError('denied', 'The addresses of a token must be among those of the token that makes it.');
  return wanted;
}
