import {
  type Command,
  KmsError,
  type Outcome,
  type RecordChange,
  type RecordReader,
  type Result,
  type VersionRules,
} from '#domain/domain.ts';

/** How versions of secrets are kept that have no rules of their own: those of a folder that is mounted by itself, or of all others. */

/** That many where no rule says more or less. */
const usual = 10;
/** They stand in one row with their secret. */
const most = 100;
const longest = 10 * 365 * 24 * 60 * 60 * 1000;

const idOf = (realm: string, folder: string) => `secret-rules/${realm}${folder === '' ? '' : `/${folder}`}`;

interface Kept {
  readonly revision: number;
  readonly rules: VersionRules;
}

async function stored(records: RecordReader, realm: string, folder: string): Promise<Kept> {
  const record = await records.read('setting', idOf(realm, folder));
  return { revision: record?.revision ?? 0, rules: (record?.value as VersionRules | undefined) ?? {} };
}

export async function getRules(
  records: RecordReader,
  realm: string,
  { folder = '' }: Command<'get-secret-rules'>,
): Promise<Outcome<Result<'get-secret-rules'>>> {
  const { rules } = await stored(records, realm, folder);
  return { result: { rules } };
}

/** What the command doesn't name stays as it is. */
export async function setRules(
  records: RecordReader,
  realm: string,
  { rules: given, folder = '' }: Command<'set-secret-rules'>,
): Promise<Outcome<Result<'set-secret-rules'>>> {
  assertRules(given);
  const { revision, rules: former } = await stored(records, realm, folder);
  const rules = { ...former, ...given };
  return {
    result: { rules },
    change: {
      records: [{ kind: 'setting', id: idOf(realm, folder), expect: revision, value: rules }],
      summary: 'how versions of secrets are kept',
    },
  };
}

/** What takes the rules of a folder away. */
export async function withoutRules(
  records: RecordReader,
  realm: string,
  folder: string,
): Promise<readonly RecordChange[]> {
  const { revision } = await stored(records, realm, folder);
  return revision === 0 ? [] : [{ kind: 'setting', id: idOf(realm, folder), expect: revision, value: undefined }];
}

export function assertRules({ keep = 0, lifetime = 0 }: VersionRules): void {
  if (!Number.isInteger(keep) || keep < 0 || keep > most) {
    throw new KmsError('invalid-parameter', `A secret keeps at most ${most} versions.`);
  }
  if (!Number.isSafeInteger(lifetime) || lifetime < 0 || lifetime > longest) {
    throw new KmsError('invalid-parameter', 'A version is hidden after at most ten years.');
  }
}

/** The secret's own, else those of the folder; who is stricter about checks or sooner with the end has the last word. */
export async function rulesFor(
  records: RecordReader,
  realm: string,
  own: VersionRules = {},
  folder = '',
): Promise<Required<VersionRules>> {
  const { rules } = await stored(records, realm, folder);
  const lifetimes = [own.lifetime, rules.lifetime].filter((time) => time !== undefined && time > 0) as number[];
  return {
    keep: own.keep || rules.keep || usual,
    checked: own.checked === true || rules.checked === true,
    lifetime: lifetimes.length === 0 ? 0 : Math.min(...lifetimes),
  };
}
