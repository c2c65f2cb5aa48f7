import type { RecordChange, RecordReader, Secret } from '#domain/domain.ts';

export interface DueSecret {
  readonly what: 'deletion' | 'rotation';
  readonly realm: string;
  readonly secretId: string;
}

interface Planned extends DueSecret {
  readonly at: number;
}

const digits = 15;
const prefixOf = (what: DueSecret['what']) => `secret-${what}-due/`;

/**
 * What the clock will ask of secrets stands in rows of its own, ordered by time, as for keys. They change in the same transaction as
 * the secret.
 */
export function dueRecords(before: Secret | undefined, next: Secret | undefined): RecordChange[] {
  const [old, now] = [planned(before), planned(next)];
  if (old !== undefined && now !== undefined && idOf(old) === idOf(now)) return [];
  return [
    ...(old === undefined ? [] : [{ kind: 'setting', id: idOf(old), expect: 1, value: undefined } as const]),
    ...(now === undefined ? [] : [{ kind: 'setting', id: idOf(now), expect: 0, value: now } as const]),
  ];
}

/** At most one thing: who is waiting to be deleted isn't rotated. */
function planned(secret: Secret | undefined): Planned | undefined {
  if (secret === undefined) return undefined;
  const { realm, id: secretId, deletion, rotation } = secret;
  if (deletion !== undefined) return { what: 'deletion', realm, secretId, at: deletion.at };
  const at = rotation?.run?.at ?? (rotation?.enabled === true ? rotation.nextAt : undefined);
  return at === undefined ? undefined : { what: 'rotation', realm, secretId, at };
}

function idOf({ at, realm, secretId, what }: Planned): string {
  return `${prefixOf(what)}${String(at).padStart(digits, '0')}/${realm}/${secretId}`;
}

/** What is due at `now`, soonest first, at most `limit`. */
export async function dueSecrets(
  records: RecordReader,
  what: DueSecret['what'],
  now: number,
  limit: number,
): Promise<readonly DueSecret[]> {
  const rows = await records.list('setting', prefixOf(what), '', limit);
  return rows.map(({ value }) => value as Planned).filter(({ at }) => at <= now);
}
