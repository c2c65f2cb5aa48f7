import {
  type AclPolicyText,
  accountOf,
  type Command,
  KmsError,
  type Outcome,
  type Principal,
  type RecordReader,
  type Results,
} from '#domain/domain.ts';
import { put, remove } from './directory.ts';
import { Recent } from './recent.ts';

/** An account's policies by name: another map after every change of one. */
export type AclPolicyTexts = ReadonlyMap<string, AclPolicyText>;

const form = /^[a-z0-9_][a-z0-9_.@-]{0,127}$/;
const most = 2000;

/**
 * What every token of Vault's may do, by the policy that is there from the start and may be rewritten: see to itself and to what was
 * wrapped for it.
 */
const firstDefault = `# What every token may do: see to itself, and open what was wrapped.
path "auth/token/lookup-self" { capabilities = ["read"] }
path "auth/token/renew-self" { capabilities = ["update"] }
path "auth/token/revoke-self" { capabilities = ["update"] }
path "sys/capabilities-self" { capabilities = ["update"] }
path "sys/internal/ui/mounts" { capabilities = ["read"] }
path "sys/internal/ui/mounts/*" { capabilities = ["read"] }
path "sys/wrapping/wrap" { capabilities = ["update"] }
path "sys/wrapping/lookup" { capabilities = ["update"] }
path "sys/wrapping/unwrap" { capabilities = ["update"] }
`;

/** The ACL policies of each account. Reads an account's once and keeps them until one changes. */
export class AclPolicies {
  readonly #records: RecordReader;
  readonly #clock: () => number;
  readonly #known = new Recent<AclPolicyTexts>(128);
  #epoch = 0;

  constructor(records: RecordReader, clock: () => number) {
    this.#records = records;
    this.#clock = clock;
  }

  /** `root` is not among them: it has no text. */
  of(realm: string): AclPolicyTexts | Promise<AclPolicyTexts> {
    const account = accountOf(realm);
    return this.#known.get(account) ?? this.#read(account);
  }

  async #read(account: string): Promise<AclPolicyTexts> {
    for (;;) {
      const epoch = this.#epoch;
      const texts = new Map([
        ['default', { realm: account, name: 'default', revision: 0, text: firstDefault } as AclPolicyText],
      ]);
      for (let after: string | undefined = ''; after !== undefined; ) {
        const rows = await this.#records.list('acl-policy', `${account}/`, after, 1000);
        for (const { value, revision } of rows) {
          const policy = { ...(value as object), revision } as AclPolicyText;
          texts.set(policy.name, policy);
        }
        after = rows.length < 1000 ? undefined : rows.at(-1)!.id;
      }
      // One was written while we read: it may have been passed by already.
      if (epoch !== this.#epoch) continue;
      this.#known.set(account, texts);
      return texts;
    }
  }

  async list({ realm }: Principal): Promise<Outcome<Results['list-acl-policies']>> {
    return { result: { names: [...[...(await this.of(realm)).keys()].sort(), 'root'] } };
  }

  async read({ realm }: Principal, { name }: Command<'read-acl-policy'>): Promise<Outcome<Results['read-acl-policy']>> {
    const folded = name.toLowerCase();
    if (folded === 'root') {
      return { result: { policy: { realm: accountOf(realm), name: 'root', revision: 0, text: '' } } };
    }
    const policy = (await this.of(realm)).get(folded);
    if (policy === undefined) throw new KmsError('not-found', `There is no policy named ${folded}.`);
    return { result: { policy } };
  }

  /** Whether the text is understood is for `policy/` to say before. */
  async write(
    { realm }: Principal,
    { name, text, expect }: Command<'write-acl-policy'>,
  ): Promise<Outcome<Results['write-acl-policy']>> {
    const account = accountOf(realm);
    const folded = checkedName(name, 'update');
    const all = await this.of(realm);
    const revision = all.get(folded)?.revision ?? 0;
    if (expect !== undefined && expect !== revision) {
      throw new KmsError('invalid-parameter', 'check-and-set parameter did not match the current version');
    }
    if (!all.has(folded) && all.size >= most) {
      throw new KmsError('limit-exceeded', `There are ${most} policies already.`);
    }
    const policy: AclPolicyText = { realm: account, name: folded, revision, text, modifiedAt: this.#clock() };
    return {
      result: {},
      change: {
        records: [put('acl-policy', `${account}/${folded}`, policy)],
        summary: `ACL policy ${folded}`,
        applied: () => this.#forget(account),
      },
    };
  }

  async delete(
    { realm }: Principal,
    { name }: Command<'delete-acl-policy'>,
  ): Promise<Outcome<Results['delete-acl-policy']>> {
    const account = accountOf(realm);
    const folded = checkedName(name, 'delete');
    if (folded === 'default') throw new KmsError('invalid-parameter', 'cannot delete default policy');
    const policy = (await this.of(realm)).get(folded);
    if (policy === undefined) return { result: {} };
    return {
      result: {},
      change: {
        records: [remove('acl-policy', `${account}/${folded}`, policy)],
        summary: `deleted ACL policy ${folded}`,
        applied: () => this.#forget(account),
      },
    };
  }

  #forget(account: string): void {
    this.#epoch++;
    this.#known.delete(account);
  }
}

function checkedName(name: string, doing: 'update' | 'delete'): string {
  const folded = name.toLowerCase();
  if (folded === 'root') throw new KmsError('invalid-parameter', `cannot ${doing} "root" policy`);
  if (!form.test(folded)) {
    throw new KmsError(
      'invalid-parameter',
      'The name of a policy has 1 to 128 letters, digits, "_", "-", "." and "@".',
    );
  }
  return folded;
}
