import type { Outcome, RecordChange } from '#domain/domain.ts';
import type { AuthMounts } from './auth-mounts.ts';
import {
  type CredentialRecord,
  type Directory,
  ids,
  type LoginRecord,
  type Page,
  type RoleIdIndex,
  remove,
} from './directory.ts';
import type { GrantBook } from './grant-book.ts';

const pageSize = 500;

/** Forgets what is over: credentials that can't be used again, ended grants, signatures that hold no longer, what auth mounts held that are gone. */
export class Sweep {
  readonly #directory: Directory;
  readonly #mounts: AuthMounts;
  readonly #grants: GrantBook;
  readonly #clock: () => number;
  /** Where the next call goes on, by kind; it comes round. */
  readonly #after = {
    credential: '',
    grant: '',
    replay: '',
    'secret-id': '',
    wrapping: '',
    login: '',
    'revocation-list': '',
  };

  constructor(directory: Directory, mounts: AuthMounts, grants: GrantBook, clock: () => number) {
    this.#directory = directory;
    this.#mounts = mounts;
    this.#grants = grants;
    this.#clock = clock;
  }

  /** Looks at the next 500 of each kind, and proposes to delete those that are over. The result is how many. */
  async next(): Promise<Outcome<number>> {
    const now = this.#clock();
    // At that very millisecond the signature still passes.
    const over = ({ until }: { readonly until: number }) => until < now;
    const ended = ({ expiresAt }: { readonly expiresAt?: number }) => expiresAt !== undefined && expiresAt <= now;
    const replays = (await this.#page('replay', (after) => this.#directory.replays(after, pageSize))).filter(over);
    const grants = (await this.#page('grant', (after) => this.#directory.everyGrant(after, pageSize))).filter(ended);
    const logins = await this.#page('login', (after) => this.#directory.everyLogin(after, pageSize));
    const secretIds = await this.#page('secret-id', (after) => this.#directory.everySecretId(after, pageSize));
    const lists = await this.#page('revocation-list', (after) => this.#directory.everyRevocationList(after, pageSize));
    const credentials: CredentialRecord[] = [];
    for (const record of await this.#page('credential', (after) => this.#directory.credentials(after, pageSize))) {
      const over = ended(record) || !record.enabled || (await this.#isOrphan(record)) || (await this.#isUsedUp(record));
      if (over) credentials.push(record);
    }
    // Read after what names them: a mount's id never comes back.
    const gone = await this.#gone([...logins, ...secretIds, ...lists]);
    const wrappings = await this.#page('wrapping', (after) => this.#directory.wrappings(after, pageSize));
    const records: RecordChange[] = [
      ...secretIds
        .filter((it) => ended(it) || gone(it))
        .map((it) => remove('secret-id', ids.secretId(it.realm, it.mount, it.role, it.accessor), it)),
      ...lists.filter(gone).map((it) => remove('revocation-list', ids.revocationList(it.realm, it.mount, it.name), it)),
      ...logins.filter(gone).map((it) => remove('login', loginId(it), it)),
      ...wrappings.filter(ended).map((it) => remove('wrapping', it.accessor, it)),
      ...(await this.#usesOf(credentials)),
      ...replays.map((replay) => remove('replay', replay.digest, replay)),
      ...grants.map((grant) => remove('grant', ids.grant(grant.realm, grant.id), grant)),
      ...credentials.map((record) => remove('credential', record.id, record)),
    ];
    if (records.length === 0) return { result: 0 };
    return {
      result: records.length,
      change: {
        records,
        summary: `forgot ${credentials.length} credentials, ${grants.length} grants, ${replays.length} signatures that are over`,
        applied: () => {
          for (const { realm } of grants) this.#grants.forget(realm);
        },
      },
    };
  }

  async #isUsedUp({ id, uses }: CredentialRecord): Promise<boolean> {
    return uses !== undefined && ((await this.#directory.tokenUse(id))?.left ?? 0) === 0;
  }

  async #usesOf(credentials: readonly CredentialRecord[]): Promise<readonly RecordChange[]> {
    const removals: RecordChange[] = [];
    for (const { id, uses } of credentials) {
      const use = uses === undefined ? undefined : await this.#directory.tokenUse(id);
      if (use !== undefined) removals.push(remove('token-use', id, use));
    }
    return removals;
  }

  async #isOrphan({ realm, parent, mount }: CredentialRecord): Promise<boolean> {
    if (mount !== undefined && !(await this.#mounts.stands(realm, mount))) return true;
    return parent !== undefined && (await this.#directory.credential(parent)) === undefined;
  }

  async #gone(held: ReadonlyArray<{ readonly realm: string }>): Promise<(it: Held) => boolean> {
    const known = new Map<string, ReadonlySet<string>>();
    for (const realm of new Set(held.map((it) => it.realm))) known.set(realm, await this.#mounts.idsOf(realm));
    return ({ realm, mount }) => known.get(realm)?.has(mount) === false;
  }

  async #page<T>(
    kind: 'credential' | 'grant' | 'replay' | 'secret-id' | 'wrapping' | 'login' | 'revocation-list',
    read: (after: string) => Promise<Page<T>>,
  ): Promise<readonly T[]> {
    const page = await read(this.#after[kind]);
    this.#after[kind] = page.next ?? '';
    return page.items;
  }
}

interface Held {
  readonly realm: string;
  /** An auth mount's id. */
  readonly mount: string;
}

/** Of a login, or of what says whose a role id is. */
function loginId(it: LoginRecord | (RoleIdIndex & { readonly id: string })): string {
  return 'method' in it ? ids.login(it.realm, it.mount, it.name) : it.id;
}
