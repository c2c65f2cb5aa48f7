/** AWS' own table of what each operation answers for a key in each state, read from where research keeps it. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const places = [
  fileURLToPath(new URL('../../../../shared/research/lifecycle.json', import.meta.url)),
  '/work/shared/research/lifecycle.json',
];
const place = places.find((path) => existsSync(path));

interface StateTable {
  readonly columns: readonly string[];
  readonly rows: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** By number: the exception, and what its message says. */
  readonly footnotes: Readonly<Record<string, readonly [exception: string, message: string]>>;
}

const read = (path: string): StateTable => JSON.parse(readFileSync(path, 'utf8')).aws_key_state_table;

export const table: StateTable | undefined = place === undefined ? undefined : read(place);

/** Operations that are younger than the table, and the row that AWS says they behave as; of imported material see below. */
const younger: Readonly<Record<string, string>> = {
  Decapsulate: 'Decrypt',
  DeriveSharedSecret: 'Decrypt',
  Encapsulate: 'Decrypt',
  RotateKeyOnDemand: 'EnableKeyRotation',
};

/**
 * Since the table was written, keys with imported material rotate too, with material that was imported for it and waits: there
 * is none in these tests (RotateKeyOnDemand in the SDK's documentation).
 */
export const youngerOfImported: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  RotateKeyOnDemand: { Enabled: 'X 5', Disabled: 'X 1', PendingDeletion: 'X 3', PendingImport: 'X 5' },
};

export const rowOf = (operation: string): Readonly<Record<string, string>> | undefined =>
  table?.rows[operation] ?? table?.rows[younger[operation] ?? ''];

/** Who may be asked: a key whose material was made here, or came from elsewhere. */
export type Material = 'made' | 'imported';
/** The side on which the key stands, where a request names two. */
export type Side = 'from' | 'to' | undefined;

/** What AWS answers, 'ok' or the names of exceptions, any of which is right; undefined where the question has no meaning. */
export function expected(cell: string, material: Material, side: Side): ReadonlySet<string> | undefined {
  if (cell === 'N/A') return undefined;
  const [mark, ...notes] = cell.split(' ');
  const named = notes.flatMap((note) => {
    // 7: of imported material and of custom key stores only. 8: of imported material only. 9: of all but imported material.
    if ((note === '7' || note === '8') && material === 'made') return [];
    if (note === '9' && material === 'imported') return [];
    if (note === '10' && side !== 'to') return [];
    const exception = table!.footnotes[note]?.[0];
    return exception ? [exception] : [];
  });
  // '? 7' and '? 10' are refusals where the footnote is true; 'ok 9' and '? 9' likewise.
  if (mark === 'X' || named.length > 0) return new Set(named.length === 0 ? ['ok'] : named);
  return new Set(['ok']);
}
