import { KmsError, type RecordChange, type RecordReader } from '#domain/domain.ts';

const id = 'seal-file';

async function known(records: RecordReader) {
  const record = await records.read('setting', id);
  return {
    expect: record?.revision ?? 0,
    revision: (record?.value as { revision: number } | undefined)?.revision ?? 0,
  };
}

/** Rejects with 'tampered' where the database knows of a newer seal file: an older copy would open by what was taken away since. */
export async function assertSealsNewest(records: RecordReader, revision: number): Promise<void> {
  const newest = (await known(records)).revision;
  if (revision >= newest) return;
  throw new KmsError(
    'tampered',
    `The seal file is older (revision ${revision}) than the database knows (${newest}): put the newest seal.json back.`,
  );
}

/** What tells the database of the newest seal file; undefined where it knows. */
export async function sealsWritten(records: RecordReader, revision: number): Promise<RecordChange | undefined> {
  const { expect, revision: newest } = await known(records);
  return revision > newest ? { kind: 'setting', id, expect, value: { revision } } : undefined;
}
