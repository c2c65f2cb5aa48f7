import type { KeyRequest } from './condition-keys.ts';
import type { Statement } from './policy-text.ts';
import { rootArn, type Who } from './who.ts';

/** What a key or a secret itself says of a call: its policy, and of a key its grants. */
export type Verdict =
  /** A statement says no, whatever else says yes. */
  | { readonly kind: 'refused'; readonly action: string; readonly why: string }
  /** Nothing says yes, and the account is not asked. */
  | { readonly kind: 'silent'; readonly action: string; readonly why: string }
  | { readonly kind: 'allowed'; readonly by: string }
  /** It leaves the answer to the grants of the account. */
  | { readonly kind: 'account' };

/** The first statement of each kind that speaks of an action of somebody. */
export interface Heard {
  readonly denying?: Statement<string>;
  /** Names the caller. */
  readonly allowing?: Statement<string>;
  /** Hands over to the account. */
  readonly account?: Statement<string>;
}

export function hear<A extends string>(statements: readonly Statement<A>[], name: A, request: KeyRequest): Heard {
  let allowing: Statement<A> | undefined;
  let account: Statement<A> | undefined;
  for (const statement of statements) {
    const reach = reachOf(statement, request.who);
    if (reach === 'none' || !statement.actions.has(name)) continue;
    if (!statement.conditions.every((condition) => condition.holds(request))) continue;
    if (statement.effect === 'Deny') return { denying: statement };
    if (reach === 'named') allowing ??= statement;
    else account ??= statement;
  }
  return { ...(allowing && { allowing }), ...(account && { account }) };
}

/** By name, or as one of the account: what is allowed to the account is for the account to give, what is denied is denied to all. */
export function reachOf(
  { principals, effect }: Pick<Statement<string>, 'principals' | 'effect'>,
  who: Who,
): 'named' | 'account' | 'none' {
  if (principals === 'everyone' || who.arns.some((arn) => principals.has(arn))) return 'named';
  if (!principals.has(rootArn(who.account))) return 'none';
  return effect === 'Deny' ? 'named' : 'account';
}
