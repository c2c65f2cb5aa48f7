import { accountOf, type Key, KmsError } from '#domain/domain.ts';
import { type KmsAction, kmsActions } from './kms-actions.ts';
import { type PolicyLanguage, readStatements, type Statement } from './policy-text.ts';
import { rootArn } from './who.ts';

export interface KeyPolicy {
  readonly statements: readonly Statement<KmsAction>[];
  /** It says no more than AWS' default one: the account may do everything, as it may without a policy. */
  readonly isDefault: boolean;
}

/** Where a policy is to stand. */
export interface PolicyPlace {
  readonly realm: string;
  /** Absent for a key that is yet to be made. */
  readonly keyId?: string;
  /** Whether it is the key's. Absent: what a Resource says was checked when the policy was put. */
  readonly isRegion?: (region: string) => boolean;
}

/** Characters. */
export const maxPolicy = 32 * 1024;

const language: PolicyLanguage<KmsAction> = {
  carrier: 'key',
  maxStatements: 500,
  actions: new Map(kmsActions.map((name) => [`kms:${name}`.toLowerCase(), name])),
  asksFor: () => true,
};

/**
 * Reads a key policy (KMS developer guide, "Key policies in AWS KMS"). Throws 'malformed-policy' for anything that it does not
 * understand or that can't be held to here, 'limit-exceeded' for too much.
 */
export function parseKeyPolicy(text: string, { realm, keyId, isRegion }: PolicyPlace): KeyPolicy {
  if (text.length > maxPolicy)
    throw new KmsError('limit-exceeded', `A key policy has at most ${maxPolicy} characters.`);
  if (!/^[\t\n\r -\u{ff}]*$/u.test(text)) {
    throw new KmsError('malformed-policy', 'A key policy is written in Latin characters.');
  }
  const isOwn = (resource: string) => {
    const [, region, account, id] = /^arn:aws:kms:([a-z0-9-]+):([0-9]{12}):key\/([a-z0-9-]+)$/.exec(resource) ?? [];
    return keyId !== undefined && id === keyId && account === accountOf(realm) && isRegion?.(region!) !== false;
  };
  const statements = readStatements(text, language, { realm, isOwn });
  return { statements, isDefault: saysTheDefault(statements, realm) };
}

function saysTheDefault(statements: readonly Statement<KmsAction>[], realm: string): boolean {
  const [only, ...others] = statements;
  if (only === undefined || others.length > 0 || only.effect !== 'Allow' || only.principals === 'everyone')
    return false;
  const { principals, actions, conditions } = only;
  return (
    conditions.length === 0 &&
    actions.size === kmsActions.length &&
    principals.size === 1 &&
    principals.has(rootArn(realm))
  );
}

const parsed = new WeakMap<Key, KeyPolicy>();

/** The policy of a key that has one. It was read when it was put there: what can't be read now lets nobody in. */
export function policyOf(key: Key & { readonly policy: string }): KeyPolicy {
  let policy = parsed.get(key);
  if (policy === undefined) {
    policy = parseKeyPolicy(key.policy, { realm: key.realm, keyId: key.id });
    parsed.set(key, policy);
  }
  return policy;
}

/** Of a key without a policy, none. */
export function statementsOf(key: Key): readonly Statement<KmsAction>[] {
  return key.policy === undefined ? [] : policyOf(key as Key & { policy: string }).statements;
}

/** Everybody whom it names. */
export function principalsOf({ statements }: KeyPolicy): ReadonlySet<string> {
  return new Set(statements.flatMap(({ principals }) => (principals === 'everyone' ? [] : [...principals])));
}
