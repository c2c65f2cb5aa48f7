import { type Command, KmsError, type Outcome, type RecordReader, type Result } from '#domain/domain.ts';

const kind = 'setting';
const id = 'key-cache';
const least = 10;
const most = 1_000_000;

/** The size that was set; 0: none. */
export async function cacheSize(records: RecordReader): Promise<number> {
  return ((await records.read(kind, id))?.value as { size: number } | undefined)?.size ?? 0;
}

export async function readKeyCache(records: RecordReader, active: number): Promise<Outcome<Result<'read-key-cache'>>> {
  return { result: { size: await cacheSize(records), active } };
}

export async function setKeyCache(
  records: RecordReader,
  active: number,
  { size }: Command<'set-key-cache'>,
): Promise<Outcome<Result<'set-key-cache'>>> {
  if (!Number.isInteger(size) || (size !== 0 && (size < least || size > most))) {
    throw new KmsError(
      'invalid-parameter',
      `size must be 0 or a value greater or equal to ${least}, and at most ${most}`,
    );
  }
  const former = await records.read(kind, id);
  return {
    result: { size, active },
    change: {
      records: [{ kind, id, expect: former?.revision ?? 0, value: { size } }],
      summary: `set the size of the key cache to ${size}`,
    },
  };
}
