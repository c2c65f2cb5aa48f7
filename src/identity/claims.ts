import type { IdTokenClaims } from '#crypto/crypto.ts';
import type { ProviderTrust } from '#domain/domain.ts';

/** Each claim's values as text; what is neither text, number, truth value nor a list of them is left out. */
export function claimTexts(claims: IdTokenClaims): Readonly<Record<string, readonly string[]>> {
  const texts: Record<string, readonly string[]> = Object.create(null);
  for (const [name, value] of Object.entries(claims)) {
    const values = Array.isArray(value) ? value : [value];
    const plain = values.filter((one) => ['string', 'number', 'boolean'].includes(typeof one));
    if (plain.length > 0) texts[name] = plain.map(String);
  }
  return texts;
}

/** Whether every claim that is asked for is there with a value that one of its patterns fits. */
export function claimsFit(trust: ProviderTrust, claims: Readonly<Record<string, readonly string[]>>): boolean {
  return Object.entries(trust.claims).every(([name, patterns]) => {
    const values = Object.hasOwn(claims, name) ? claims[name]! : [];
    return values.some((value) => patterns.some((pattern) => fits(pattern, value)));
  });
}

/** `*` stands for any text, none included. Takes time in proportion to the two lengths. */
export function fits(pattern: string, value: string): boolean {
  const [first, ...rest] = pattern.split('*') as [string, ...string[]];
  if (rest.length === 0) return pattern === value;
  const last = rest.pop()!;
  if (value.length < first.length + last.length || !value.startsWith(first) || !value.endsWith(last)) return false;
  let at = first.length;
  const end = value.length - last.length;
  for (const piece of rest) {
    const found = value.indexOf(piece, at);
    if (found < 0 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return at <= end;
}

/**
 * Whether one token could fit both. Only subjects keep tokens apart: a token has one of them, and may have many of everything else. Says
 * yes where two patterns can't be told apart.
 */
export function mayBothFit(one: ProviderTrust, other: ProviderTrust): boolean {
  if (one.issuer !== other.issuer) return false;
  const [a, b] = [one.claims.sub, other.claims.sub];
  if (a === undefined || b === undefined) return true;
  return a.some((x) => b.some((y) => (x.includes('*') ? y.includes('*') || fits(x, y) : fits(y, x))));
}
