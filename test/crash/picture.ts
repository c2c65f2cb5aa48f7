import { join } from 'node:path';
import { readEntries, verifyDataDirectory } from '#audit/audit.ts';
import { type Entry, recordKinds } from '#domain/domain.ts';
import { openSqliteStore } from '#store/store.ts';

/** Everything that a data folder holds: each record by kind and id, with its revision and body, and the ledger. */
export interface Picture {
  readonly records: ReadonlyMap<string, string>;
  readonly lines: readonly Entry[];
}

const page = 1000;

/** Also of a folder that a server has open. Ledger lines from index `from` on. */
export async function pictureOf(data: string, from = 0): Promise<Picture> {
  const store = await openSqliteStore({
    path: join(data, 'claviger.db'),
    anchorPath: join(data, 'anchor'),
    readOnly: true,
  });
  try {
    const records = new Map<string, string>();
    for (const kind of recordKinds) {
      // Remembered requests come and go by the clock, and last uses follow the ledger; they decide nothing about keys.
      if (kind === 'replay' || kind === 'last-use') continue;
      for (let after = ''; ; ) {
        const rows = await store.list(kind, '', after, page);
        for (const { id, revision, body } of rows) {
          if (kind === 'setting' && id === 'last-uses') continue;
          records.set(`${kind} ${id}`, `${revision} ${Buffer.from(body).toString()}`);
        }
        if (rows.length < page) break;
        after = rows.at(-1)!.id;
      }
    }
    const lines: Entry[] = [];
    for (;;) {
      const read = await readEntries(store, from + lines.length, page);
      lines.push(...read.map(({ entry }) => entry));
      if (read.length < page) break;
    }
    return { records, lines };
  } finally {
    await store.close();
  }
}

export const nothing: Picture = { records: new Map(), lines: [] };

/** What changed between two pictures, one line a record, without what is random or the time: the same command, the same lines. */
export function changes(before: Picture, after: Picture): readonly string[] {
  const found: string[] = [];
  for (const [name, value] of after.records) {
    const former = before.records.get(name);
    if (former !== value) found.push(`${normal(name)}: ${revision(former)} -> ${normal(value)}`);
  }
  for (const name of before.records.keys()) if (!after.records.has(name)) found.push(`${normal(name)}: deleted`);
  return found.sort();
}

const revision = (value: string | undefined) => (value === undefined ? 'none' : value.slice(0, value.indexOf(' ')));

/** What differs from run to run; of a backup also how much there was to be taken. */
function normal(text: string): string {
  return text
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<uuid>')
    .replace(/\b(00)?1[0-9]{12}\b/g, '<time>')
    .replace(/"(bytes|ledger)":\d+/g, '"$1":<count>')
    .replace(/\bCL(AV|TA|AS|RO)[A-Z2-7]{16}\b/g, '<CL$1>')
    .replace(/(:secret:[a-z]+)-[0-9a-f]{6}\b/g, '$1-<mark>')
    .replace(/\b(?:[0-9a-f]{16}|[0-9a-f]{64})\b/g, '<hex>')
    .replace(/\b[0-9]{12}\b/g, '<account>')
    .replace(/(?<=[":/ ])[A-Za-z0-9+/_=.-]{22,}(?=["\n/ ]|$)/g, '<bytes>');
}

/** Why the ledger of a folder is not what it should be; undefined if it verifies. */
export async function ledgerFault(data: string): Promise<string | undefined> {
  try {
    const report = await verifyDataDirectory(data);
    return report.ok ? undefined : (report.firstWrong?.reason ?? 'it does not verify');
  } catch (error) {
    return (error as Error).message;
  }
}
