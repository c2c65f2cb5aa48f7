import { digestHex } from '#crypto/crypto.ts';
import {
  type Command,
  type Credential,
  KmsError,
  type Outcome,
  Plaintext,
  type Principal,
  type Results,
  type TokenInfo,
} from '#domain/domain.ts';
import { toUtf8 } from '#encoding/encoding.ts';
import { isCredentialId, newToken, tokenAccessor } from './credential-id.ts';
import { type CredentialRecord, type Directory, put } from './directory.ts';
import type { GrantBook } from './grant-book.ts';
import { checkTtl } from './names.ts';
import { maxChain, type Standings } from './standing.ts';

const day = 24 * 3600 * 1000;
/** What a token lives if nobody says: 32 days, as Vault's. */
const defaultTtl = 32 * day;

interface Rooms {
  readonly directory: Directory;
  readonly grants: GrantBook;
  readonly standings: Standings;
  readonly clock: () => number;
}

/** A credential with all that it hangs from, topmost last. */
type Chain = readonly [CredentialRecord, ...CredentialRecord[]];

/** Tokens that credentials make of themselves. A credential manages itself, if it is a token, and what descends from it. */
export class Tokens {
  readonly #rooms: Rooms;

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
  }

  /** Never with more rights, nor a longer life, than the credential that asks. */
  async create(principal: Principal, command: Command<'create-token'>): Promise<Outcome<Results['create-token']>> {
    checkTtl(command.ttl);
    checkLabel(command.label);
    const chain = await this.#chain(principal.credential);
    if (chain === undefined || !this.#holds(chain))
      throw new KmsError('denied', 'A token is made by a valid credential.');
    const [asking] = chain;
    // A token would outlive the session's name, by which the ledger and key policies know who it is.
    if (asking.kind === 'session') throw new KmsError('denied', 'A session makes no tokens.');
    // A parent and its children are walked together: see `Standings.standingOf`.
    if (chain.length >= maxChain) throw new KmsError('limit-exceeded', `Tokens nest at most ${maxChain} deep.`);
    const actions = narrowed(asking.actions, command.actions);
    const createdAt = this.#rooms.clock();
    const ttl = Math.min(command.ttl ?? defaultTtl, endOf(chain) - createdAt);
    const token = newToken();
    const digest = digestHex('sha256', token);
    const record: CredentialRecord = {
      id: tokenAccessor(digest),
      kind: 'token',
      realm: asking.realm,
      identity: asking.identity,
      revision: 0,
      createdAt,
      expiresAt: createdAt + ttl,
      ttl,
      renewable: command.renewable ?? true,
      enabled: true,
      parent: asking.id,
      digest,
      ...(command.label === undefined ? {} : { label: command.label }),
      ...(actions === undefined ? {} : { actions }),
    };
    return {
      result: { ...(await this.#info(principal, [record, ...chain])), token: new Plaintext(toUtf8(token)) },
      change: {
        records: [put('credential', record.id, record)],
        summary: `token ${record.id} of ${record.identity}, made by ${asking.id}`,
      },
    };
  }

  async lookup(principal: Principal, command: Command<'lookup-token'>): Promise<Outcome<TokenInfo>> {
    return { result: await this.#info(principal, await this.#managed(principal, command.accessor)) };
  }

  /** Ends `increment` (at most the token's own ttl) from now, but not after what it hangs from. */
  async renew(principal: Principal, command: Command<'renew-token'>): Promise<Outcome<TokenInfo>> {
    checkTtl(command.increment);
    const chain = await this.#managed(principal, command.accessor);
    const [record, ...above] = chain;
    const { ttl, expiresAt } = record;
    if (ttl === undefined || expiresAt === undefined || record.renewable !== true) {
      throw new KmsError('invalid-parameter', 'The token is not renewable.');
    }
    const now = this.#rooms.clock();
    const next = { ...record, expiresAt: Math.min(now + Math.min(command.increment ?? ttl, ttl), endOf(above)) };
    return {
      result: await this.#info(principal, [next, ...above]),
      change: {
        records: [put('credential', record.id, next)],
        summary: `token ${record.id} renewed until ${new Date(next.expiresAt).toISOString()}`,
        // Whatever stands by this token ends with it: only a longer life needs no forgetting, for ends are read again when met.
        ...(next.expiresAt < expiresAt ? { applied: () => this.#rooms.standings.forget() } : {}),
      },
    };
  }

  async revoke(principal: Principal, command: Command<'revoke-token'>): Promise<Outcome<Results['revoke-token']>> {
    const [record] = await this.#managed(principal, command.accessor);
    return {
      result: {},
      change: {
        records: [put('credential', record.id, { ...record, enabled: false })],
        summary: `revoked token ${record.id} of ${record.identity}`,
        applied: () => this.#rooms.standings.forget(),
      },
    };
  }

  /** The asking token, or one that descends from the asking credential. Rejects with 'not-found' for any other. */
  async #managed(principal: Principal, accessor: string | undefined): Promise<Chain> {
    const id = accessor ?? principal.token;
    if (id === undefined)
      throw new KmsError('invalid-parameter', 'This was not asked with a token; name its accessor.');
    const chain = isCredentialId(id) ? await this.#chain(id) : undefined;
    const mine = chain?.some((link) => link.id === principal.credential && link.realm === principal.realm);
    if (chain === undefined || mine !== true || chain[0].kind !== 'token' || !this.#holds(chain)) {
      throw new KmsError('not-found', 'There is no such token.');
    }
    return chain;
  }

  #holds(chain: Chain): boolean {
    return endOf(chain) > this.#rooms.clock() && chain.every(({ enabled }) => enabled);
  }

  async #chain(id: string): Promise<Chain | undefined> {
    const links: CredentialRecord[] = [];
    for (let next: string | undefined = id; next !== undefined; next = links.at(-1)!.parent) {
      const link: CredentialRecord | undefined = await this.#rooms.directory.credential(next);
      if (link === undefined || links.length >= maxChain) return undefined;
      links.push(link);
    }
    return links as unknown as Chain;
  }

  async #info(principal: Principal, chain: Chain): Promise<TokenInfo> {
    const { digest: _, ...credential } = chain[0];
    const end = endOf(chain);
    const shown: Credential = Number.isFinite(end) ? { ...credential, expiresAt: end } : credential;
    const grants = await this.#rooms.grants.of(principal);
    const now = this.#rooms.clock();
    const live = grants.filter(({ expiresAt }) => expiresAt === undefined || expiresAt > now);
    return { credential: shown, policies: [...new Set(live.map(({ role }) => role))].sort() };
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

function checkLabel(label: string | undefined): void {
  if (label !== undefined && !/^[^\p{C}]{1,128}$/u.test(label)) {
    throw new KmsError('invalid-parameter', 'A label has 1 to 128 printable characters.');
  }
}
