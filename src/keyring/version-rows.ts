import type { KeyVersion } from '#domain/domain.ts';
import type { Parts } from './change.ts';
import { decodeVersion, keyRecordId } from './key-record.ts';

/** A version before the current one, as it is stored. */
export interface VersionRow {
  readonly revision: number;
  readonly value: KeyVersion;
}

const page = 500;

/** Every version before the current one that has a row, oldest first; destroyed ones too. */
export async function versionRows(
  parts: Parts,
  key: { readonly realm: string; readonly id: string },
): Promise<readonly VersionRow[]> {
  const found: VersionRow[] = [];
  for (let after = ''; ; ) {
    const rows = await parts.records.list('version', `${keyRecordId(key)}/`, after, page);
    found.push(...rows.map(({ revision, value }) => ({ revision, value: decodeVersion(value) })));
    if (rows.length < page) return found;
    after = rows.at(-1)!.id;
  }
}
