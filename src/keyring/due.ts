import { earliest, firstEnd, type Key, type RecordChange, type RecordReader } from '#domain/domain.ts';

export interface DueKey {
  readonly what: 'rotation' | 'destruction' | 'end-of-material';
  readonly realm: string;
  readonly keyId: string;
}

interface Planned extends DueKey {
  readonly at: number;
}

const prefix = 'due/';
const digits = 15;

/**
 * What the clock will ask of keys stands in rows of its own, ordered by time, so that looking for what is due costs the same with a
 * million keys. They change in the same transaction as the key.
 */
export function dueRecords(before: Key | undefined, next: Key): RecordChange[] {
  const old = before === undefined ? [] : planned(before).map(idOf);
  const now = planned(next);
  const gone = old.filter((id) => !now.some((plan) => idOf(plan) === id));
  const fresh = now.filter((plan) => !old.includes(idOf(plan)));
  return [
    ...gone.map((id): RecordChange => ({ kind: 'setting', id, expect: 1, value: undefined })),
    ...fresh.map((plan): RecordChange => ({ kind: 'setting', id: idOf(plan), expect: 0, value: plan })),
  ];
}

function planned(key: Key): Planned[] {
  if (key.current.state === 'destroyed') return [];
  const of = { realm: key.realm, keyId: key.id };
  const end = nextEnd(key);
  return [...plannedOfWhole(key), ...(end === undefined ? [] : [{ ...of, what: 'end-of-material' as const, at: end }])];
}

/** When the next of the key's imported material ends, that included which isn't in use yet. */
function nextEnd(key: Key): number | undefined {
  return earliest([firstEnd(key), key.next?.expiresAt]);
}

/** What is planned for the key itself: its end, or else its next rotation. */
function plannedOfWhole(key: Key): Planned[] {
  const of = { realm: key.realm, keyId: key.id };
  if (key.destruction !== undefined) {
    const { at } = key.destruction;
    return at === undefined ? [] : [{ ...of, what: 'destruction', at }];
  }
  // A replica rotates with its primary.
  const leads = key.multiRegion === undefined || key.multiRegion.primary === key.realm;
  return key.rotation !== undefined && key.enabled && leads
    ? [{ ...of, what: 'rotation', at: key.rotation.nextAt }]
    : [];
}

function idOf({ at, realm, keyId, what }: Planned): string {
  return `${prefix}${String(at).padStart(digits, '0')}/${realm}/${keyId}/${what}`;
}

/** Whether `key` as it is still has that planned for no later than `now`. */
export function isDue(key: Key, what: DueKey['what'], now: number): boolean {
  return planned(key).some((plan) => plan.what === what && plan.at <= now);
}

/** What is due at `now`, soonest first, at most `limit`. */
export async function dueKeys(records: RecordReader, now: number, limit: number): Promise<readonly DueKey[]> {
  const rows = await records.list('setting', prefix, '', limit);
  return rows.map(({ value }) => value as Planned).filter(({ at }) => at <= now);
}
