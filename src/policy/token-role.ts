import { KmsError, type TokenRoleSettings } from '#domain/domain.ts';
import { globMatches } from './glob.ts';

type Lists = Pick<TokenRoleSettings, 'allowed' | 'disallowed' | 'allowedGlobs' | 'disallowedGlobs' | 'noDefaultPolicy'>;

/** Without any list a role says nothing of policies, and a token gets some of its maker's as ever. */
export function namesPolicies({ allowed, disallowed, allowedGlobs, disallowedGlobs }: Lists): boolean {
  return [allowed, disallowed, allowedGlobs, disallowedGlobs].some(({ length }) => length > 0);
}

/**
 * The policies of a token that is made by a role with lists (Vault, "Create/Update token role"). `asked` are those of the request,
 * `own` those of the token that makes it: undefined where it carries none, and so may do all that its identity may, which is called
 * `root` here. Undefined means the same of the new one. Throws 'invalid-parameter'.
 */
export function policiesByRole(
  role: Lists,
  asked: readonly string[],
  own: readonly string[] | undefined,
  withoutDefault: boolean,
): readonly string[] | undefined {
  const bars = (name: string) => role.disallowed.includes(name) || fits(role.disallowedGlobs, name);
  const addsDefault = !(withoutDefault || role.noDefaultPolicy || bars('default'));
  const whole = (names: readonly string[]) => sanitized(names, addsDefault);
  const lists = role.allowed.length > 0 || role.allowedGlobs.length > 0;
  let carried = asked.length === 0 ? [] : whole(asked);
  if (lists) {
    const allowed = whole(role.allowed);
    if (carried.length === 0) carried = allowed;
    else if (carried.some((name) => !allowed.includes(name) && !fits(role.allowedGlobs, name))) {
      throw new KmsError(
        'invalid-parameter',
        `token policies (${quoted(carried)}) must be subset of the role's allowed policies (${quoted(allowed)}) or glob policies (${quoted(role.allowedGlobs)})`,
      );
    }
  } else if (carried.length === 0) carried = whole(own ?? ['root']);
  const barred = carried.find(bars);
  if (barred !== undefined) {
    throw new KmsError('invalid-parameter', `token policy "${barred}" is disallowed by this role`);
  }
  const without = withoutDefault ? carried.filter((name) => name !== 'default') : carried;
  return own === undefined && asked.length === 0 && !lists ? undefined : without;
}

/** In order, each once; `root` stands alone. */
function sanitized(names: readonly string[], addsDefault: boolean): readonly string[] {
  if (names.includes('root')) return ['root'];
  return [...new Set(addsDefault ? [...names, 'default'] : names)].sort();
}

/** A `*` stands for any text; no policy's name has a `?`. */
function fits(patterns: readonly string[], name: string): boolean {
  return patterns.some((pattern) => !pattern.includes('?') && globMatches(pattern, name));
}

const quoted = (names: readonly string[]): string => `[${names.map((name) => JSON.stringify(name)).join(' ')}]`;
