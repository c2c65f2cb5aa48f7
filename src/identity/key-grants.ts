import { randomBytes } from '#crypto/crypto.ts';
import {
  accountOf,
  type Command,
  type Key,
  type KeyGrant,
  type KeyGrants,
  KmsError,
  maxKeyGrants,
  type Outcome,
  type Principal,
  type RecordChange,
  type RecordReader,
  type Results,
  type SecretBytes,
} from '#domain/domain.ts';
import { canonicalJson, toHex } from '#encoding/encoding.ts';
import { put, remove } from './directory.ts';
import { GrantTokens } from './grant-tokens.ts';
import { Recent } from './recent.ts';

const kind = 'key-grant';
const grantRow = ({ realm, keyId, id }: KeyGrant) => `${realm}/${keyId}/${id}`;
/** So that who may retire grants finds them without a look at those of everybody. */
const retirableIn = (account: string, retiring: string) => `retiring/${account}/${retiring}/`;
const retirableRow = (grant: KeyGrant, retiring: string) =>
  `${retirableIn(accountOf(grant.realm), retiring)}${grant.id}`;

/** One key's grants, as of one revision of them. */
class Held implements KeyGrants {
  readonly byId = new Map<string, KeyGrant>();
  readonly byGrantee = new Map<string, Set<KeyGrant>>();
  revision: number;

  constructor(revision: number, grants: readonly KeyGrant[]) {
    this.revision = revision;
    for (const grant of grants) this.add(grant);
  }

  add(grant: KeyGrant): void {
    if (this.byId.has(grant.id)) return;
    this.byId.set(grant.id, grant);
    const list = this.byGrantee.get(grant.grantee);
    if (list === undefined) this.byGrantee.set(grant.grantee, new Set([grant]));
    else list.add(grant);
  }

  remove(id: string): void {
    const grant = this.byId.get(id);
    if (grant === undefined) return;
    this.byId.delete(id);
    this.byGrantee.get(grant.grantee)?.delete(grant);
  }
}

/** What is to be written for a change of a key's grants, and to be told to memory after. The key's own row is the keyring's. */
export interface GrantChange<T> {
  readonly result: T;
  /** Absent: nothing changes. */
  readonly change?: {
    readonly records: readonly RecordChange[];
    readonly summary: string;
    readonly applied: () => void;
  };
}

const none: KeyGrants = { byId: new Map(), byGrantee: new Map() };

/** The grants that keys carry: read once for each key and kept while the key says that they are the same. */
export class KeyGrantBook {
  readonly #records: RecordReader;
  readonly #tokens: GrantTokens;
  readonly #held = new Recent<Held>(256);

  constructor(records: RecordReader, root: SecretBytes) {
    this.#records = records;
    this.#tokens = new GrantTokens(root);
  }

  /** At once for a key without grants, and for one whose grants were lately asked for. */
  of(key: Key): KeyGrants | Promise<KeyGrants> {
    if (key.grantsRevision === undefined) return none;
    const held = this.#held.get(placeOf(key));
    return held?.revision === key.grantsRevision ? held : this.#read(key, key.grantsRevision);
  }

  async #read(key: Key, revision: number): Promise<KeyGrants> {
    const held = new Held(revision, await this.#stored(key));
    this.#held.set(placeOf(key), held);
    return held;
  }

  async #stored(key: Key): Promise<readonly KeyGrant[]> {
    const prefix = `${placeOf(key)}/`;
    const grants: KeyGrant[] = [];
    for (let after = ''; ; ) {
      const rows = await this.#records.list(kind, prefix, after, 1000);
      grants.push(...rows.map((row) => ({ ...(row.value as KeyGrant), revision: row.revision })));
      if (rows.length < 1000) return grants;
      after = rows.at(-1)!.id;
    }
  }

  /** Takes away what a destroyed key of the same id left in the same realm: a multi-Region key may come back to it. */
  async clear(key: Key): Promise<Pick<NonNullable<GrantChange<unknown>['change']>, 'records' | 'applied'>> {
    const left = await this.#stored(key);
    return { records: left.flatMap(removal), applied: () => this.#held.delete(placeOf(key)) };
  }

  /**
   * Every token must be this server's and of the caller's account; one for a key of the command must be of a grant that is still in
   * force. Throws or rejects with 'invalid-grant'.
   */
  async assertTokens(tokens: readonly string[], realm: string, keys: readonly Key[]): Promise<void> {
    for (const token of tokens) {
      const claims = this.#tokens.read(token);
      const key = keys.find(({ id, realm: home }) => id === claims.keyId && home === claims.realm);
      const isGone = key !== undefined && !(await this.of(key)).byId.has(claims.grantId);
      if (accountOf(claims.realm) !== accountOf(realm) || isGone) {
        throw new KmsError('invalid-grant', 'The grant of the token is not in force.');
      }
    }
  }

  async create(
    key: Key,
    command: Command<'create-key-grant'>,
    now: number,
  ): Promise<GrantChange<Results['create-key-grant']>> {
    const held = await this.of(key);
    const { grantee, retiring, operations, constraints, name } = command;
    const rights = {
      grantee,
      operations: [...new Set(operations)].sort(),
      ...(retiring !== undefined && { retiring }),
      ...(constraints !== undefined && { constraints }),
      ...(name !== undefined && { name }),
    };
    const same = name === undefined ? undefined : sameGrant(held, rights);
    if (same !== undefined) return { result: { grant: same, token: this.#tokens.issue(same) } };
    if (held.byId.size >= maxKeyGrants)
      throw new KmsError('limit-exceeded', `A key has at most ${maxKeyGrants} grants.`);
    const id = toHex(randomBytes(32));
    const grant: KeyGrant = { realm: key.realm, keyId: key.id, id, revision: 0, ...rights, createdAt: now };
    const stored = Object.freeze({ ...grant, revision: 1 });
    return {
      result: { grant: stored, token: this.#tokens.issue(grant) },
      change: {
        records: [
          put(kind, grantRow(grant), grant),
          ...(retiring === undefined ? [] : [put(kind, retirableRow(grant, retiring), indexOf(grant, 0))]),
        ],
        summary: `grant ${id}: ${rights.operations.join(', ')} to ${grantee}`,
        applied: () => this.#apply(key, (all) => all.add(stored)),
      },
    };
  }

  /** Retired or revoked: it is gone. Rejects with 'not-found'. */
  async remove(key: Key, id: string, how: 'retired' | 'revoked'): Promise<GrantChange<Record<never, never>>> {
    const grant = (await this.of(key)).byId.get(id);
    if (grant === undefined) throw new KmsError('not-found', `There is no grant ${id} on this key.`, 'grant');
    return {
      result: {},
      change: {
        records: removal(grant),
        summary: `${how} grant ${id}: ${grant.operations.join(', ')} to ${grant.grantee}`,
        applied: () => this.#apply(key, (all) => all.remove(id)),
      },
    };
  }

  #apply(key: Key, change: (held: Held) => void): void {
    const place = placeOf(key);
    const held = this.#held.get(place);
    const before = key.grantsRevision;
    if (held === undefined) {
      // The first grant of a key: nothing is there to be read.
      if (before !== undefined) return;
      const first = new Held(1, []);
      change(first);
      this.#held.set(place, first);
    } else if (held.revision === before) {
      change(held);
      held.revision = before + 1;
    } else this.#held.delete(place);
  }

  async list(key: Key, command: Command<'list-key-grants'>): Promise<Outcome<Results['list-key-grants']>> {
    const held = await this.of(key);
    const { grant, grantee, after, limit } = command;
    let all: Iterable<KeyGrant> = held.byId.values();
    if (grantee !== undefined) all = held.byGrantee.get(grantee) ?? [];
    const listed = [...all]
      .filter(({ id }) => id > after && (grant === undefined || id === grant))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
    if (grant !== undefined && !held.byId.has(grant)) {
      throw new KmsError('not-found', `There is no grant ${grant} on this key.`, 'grant');
    }
    return { result: page(listed, limit) };
  }

  async listRetirable(
    principal: Principal,
    { retiring, after, limit }: Command<'list-retirable-key-grants'>,
  ): Promise<Outcome<Results['list-retirable-key-grants']>> {
    const prefix = retirableIn(accountOf(principal.realm), retiring);
    const rows = await this.#records.list(kind, prefix, after === '' ? '' : `${prefix}${after}`, limit + 1);
    const grants: KeyGrant[] = [];
    for (const { value } of rows) {
      const { row } = value as ReturnType<typeof indexOf>;
      const found = await this.#records.read(kind, row);
      if (found !== undefined) grants.push({ ...(found.value as KeyGrant), revision: found.revision });
    }
    return { result: page(grants, limit) };
  }
}

const placeOf = ({ realm, id }: Key) => `${realm}/${id}`;
function removal(grant: KeyGrant): readonly RecordChange[] {
  const { retiring } = grant;
  const row = remove(kind, grantRow(grant), grant);
  return retiring === undefined ? [row] : [row, remove(kind, retirableRow(grant, retiring), { revision: 1 })];
}

const indexOf = (grant: KeyGrant, revision: number) => ({ row: grantRow(grant), revision });

function page(grants: readonly KeyGrant[], limit: number): Results['list-key-grants'] {
  const kept = grants.slice(0, limit);
  return { grants: kept, ...(grants.length > limit && { next: kept.at(-1)!.id }) };
}

/** Names are not unique: the same name with other rights is another grant. */
function sameGrant(held: KeyGrants, rights: Partial<KeyGrant>): KeyGrant | undefined {
  const wanted = canonicalJson(rights);
  for (const { realm: _, keyId: _key, id: _id, revision: _revision, createdAt: _at, ...own } of held.byId.values()) {
    if (own.name === rights.name && canonicalJson(own) === wanted) return held.byId.get(_id);
  }
  return undefined;
}
