import { KmsError } from '#domain/domain.ts';

const nameForm = /^[A-Za-z0-9._@-]{1,64}$/;
const reserved = ['anonymous', 'system'];

/** Of realms, identities, groups and roles. Throws 'invalid-parameter'. */
export function checkName(what: 'realm' | 'identity' | 'group' | 'role', name: string): void {
  if (!nameForm.test(name)) {
    throw new KmsError(
      'invalid-parameter',
      `The name of ${article(what)} has 1 to 64 of the characters A-Z a-z 0-9 . _ @ -`,
    );
  }
  if (reserved.includes(fold(name))) throw new KmsError('invalid-parameter', `The name "${name}" is reserved.`);
}

const article = (what: string) => (what === 'identity' ? `an ${what}` : `a ${what}`);

/**
 * Names are compared exactly, but no two differ by case only: what is unique is the folded form, and record ids are made of it,
 * so the store's own compare-and-swap holds the rule.
 */
export function fold(name: string): string {
  return name.toLowerCase();
}

const longest = 100 * 366 * 24 * 3600 * 1000;

/** Milliseconds, up to a hundred years. Throws 'invalid-parameter'. */
export function checkTtl(ttl: number | undefined): void {
  if (ttl === undefined || (Number.isSafeInteger(ttl) && ttl > 0 && ttl <= longest)) return;
  throw new KmsError(
    'invalid-parameter',
    'A time to live is a positive whole number of milliseconds, up to 100 years.',
  );
}

/** Throws 'invalid-parameter'. */
export function checkLimit(limit: number): void {
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > 1000) {
    throw new KmsError('invalid-parameter', 'A page has 1 to 1000 entries.');
  }
}
