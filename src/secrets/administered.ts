import { numbered, type Secret } from '#domain/domain.ts';
import { canonicalJson } from '#encoding/encoding.ts';

/** What whoever administers a secret decides of it, beside its values. */
const settingsOf = ({ rules = {}, notes = {} }: Secret): string => canonicalJson({ rules, notes });

/**
 * Whether a change goes beyond new values: it gives other rules or notes, hides, shows or destroys a version that was there, or leaves
 * more of them out than the one whose place the new value takes.
 */
export function administers(before: Secret, after: Secret): boolean {
  if (settingsOf(before) !== settingsOf(after)) return true;
  const left = new Map(after.versions.map((version) => [version.id, version]));
  const [known, gone] = [numbered(before.versions), numbered(before.versions).filter(({ id }) => !left.has(id))];
  return (
    gone.length > 1 ||
    known.some(({ id, hiddenAt, destroyed }) => {
      const next = left.get(id);
      return next !== undefined && (next.hiddenAt !== hiddenAt || next.destroyed !== destroyed);
    })
  );
}
