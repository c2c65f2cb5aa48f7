import { type Key, type KeyVersion, KmsError, move } from '#domain/domain.ts';

/*
 * A key of external origin is of use with all of its material only: every version that ever was current must be there. What has
 * ended is gone from that moment, whether or not it was erased yet.
 */

export function hasEnded({ expiresAt }: KeyVersion, now: number): boolean {
  return expiresAt !== undefined && expiresAt <= now;
}

function isThere(version: KeyVersion, now: number): boolean {
  return (version.wrapped !== undefined || version.publicOnly === true) && !hasEnded(version, now);
}

/** Whether an external key's material is all there. */
export function isComplete(key: Key, now: number): boolean {
  return isThere(key.current, now) && (key.olderEnds ?? []).every(({ endsAt }) => endsAt !== undefined && endsAt > now);
}

/** Throws 'invalid-state' for a key that waits for an import. */
export function assertImported({ clock }: { readonly clock: () => number }, key: Key): void {
  // A planned end is told first, by whoever asks for the state.
  if (key.origin !== 'external' || key.destruction !== undefined || isComplete(key, clock())) return;
  throw new KmsError('invalid-state', 'The key is pending import: import its material first.', key.id);
}

export function assertExternal(key: Key): void {
  if (key.origin === 'external') return;
  throw new KmsError('unsupported', 'The key was made with material of this server, so none can be imported.', key.id);
}

/** The key without what has ended by `now`. Its current version waits for an import as long as any material of the key is missing. */
export function asOf(key: Key, now: number): Key {
  if (key.origin !== 'external' || isComplete(key, now)) return withoutEndedNext(key, now);
  const current = { ...withoutEnded(key.current, now), state: 'pending-import' } as const;
  return { ...withoutEndedNext(key, now), current };
}

function withoutEndedNext(key: Key, now: number): Key {
  if (key.next === undefined || !hasEnded(key.next, now)) return key;
  const { next: _, ...others } = key;
  return others;
}

export function withoutEnded(version: KeyVersion, now: number): KeyVersion {
  return hasEnded(version, now) ? emptied(version) : version;
}

/** The version without its material, which may come again. */
export function emptied({ wrapped: _, expiresAt: __, ...facts }: KeyVersion): KeyVersion {
  return facts.state === 'pending-import' ? facts : { ...facts, state: move(facts.state, 'pending-import') };
}

/** What the key keeps in mind of an older version that is now so. */
export function olderEndsWith({ olderEnds = [] }: Key, versions: readonly KeyVersion[]): Key['olderEnds'] {
  const others = olderEnds.filter((one) => versions.every(({ version }) => version !== one.version));
  const ends = versions.flatMap(({ version, wrapped, publicOnly, expiresAt }) => {
    if (wrapped === undefined && publicOnly !== true) return [{ version }];
    return expiresAt === undefined ? [] : [{ version, endsAt: expiresAt }];
  });
  const all = [...others, ...ends].sort((a, b) => a.version - b.version);
  return all.length === 0 ? undefined : all;
}
