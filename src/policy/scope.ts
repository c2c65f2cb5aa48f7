import type { GrantScope } from '#domain/domain.ts';

/** What a grant's scope is compared with: a key, a name that is being given or taken, or (neither) the realm as a whole. */
export interface Target {
  readonly id?: string;
  readonly names: readonly string[];
}

export const wholeRealm: Target = Object.freeze({ names: [] });

function nameMatches(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

export function covers(scope: GrantScope, target: Target): boolean {
  switch (scope.kind) {
    case 'realm':
      return true;
    case 'key':
      return target.id === scope.id;
    case 'names':
      return target.names.some((name) => nameMatches(scope.pattern, name));
  }
}

/** Whether one key could be in both scopes, today or after an alias has moved. In doubt, yes. */
export function mayOverlap(a: GrantScope, b: GrantScope): boolean {
  if (a.kind === 'realm' || b.kind === 'realm') return true;
  // A key may carry any number of names, so two name patterns that share none can still meet on one key: `decide` looks again
  // at every use. What is refused up front is what overlaps by itself.
  if (a.kind === 'names' && b.kind === 'names') return patternsMeet(a.pattern, b.pattern);
  if (a.kind === 'key' && b.kind === 'key') return a.id === b.id;
  return true;
}

function patternsMeet(a: string, b: string): boolean {
  const [headA, headB] = [a, b].map((pattern) => (pattern.endsWith('*') ? pattern.slice(0, -1) : pattern)) as [
    string,
    string,
  ];
  if (a.endsWith('*') && b.endsWith('*')) return headA.startsWith(headB) || headB.startsWith(headA);
  return nameMatches(a, headB) || nameMatches(b, headA);
}
