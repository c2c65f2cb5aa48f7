import {
  type Command,
  type KeyRules,
  KmsError,
  type Outcome,
  type RecordChange,
  type RecordReader,
  type Result,
} from '#domain/domain.ts';

const idOf = (realm: string, folder: string) => `key-rules/${realm}${folder === '' ? '' : `/${folder}`}`;
const usual: KeyRules = { madeOnPurpose: false };

async function stored(records: RecordReader, realm: string, folder: string) {
  const record = await records.read('setting', idOf(realm, folder));
  return { revision: record?.revision ?? 0, rules: (record?.value as KeyRules | undefined) ?? usual };
}

export async function getKeyRules(
  records: RecordReader,
  realm: string,
  { folder }: Command<'get-key-rules'>,
): Promise<Outcome<Result<'get-key-rules'>>> {
  const { rules } = await stored(records, realm, folder);
  return { result: { rules } };
}

export async function setKeyRules(
  records: RecordReader,
  realm: string,
  { folder, rules }: Command<'set-key-rules'>,
): Promise<Outcome<Result<'set-key-rules'>>> {
  const { revision } = await stored(records, realm, folder);
  const change: RecordChange = { kind: 'setting', id: idOf(realm, folder), expect: revision, value: rules };
  const summary = rules.madeOnPurpose ? 'keys are made on purpose only' : 'keys are made on the way too';
  return { result: { rules }, change: { records: [change], summary } };
}

/** Throws 'alias-not-found' where a key of that name is not to be made by using it. */
export async function assertMadeSo(records: RecordReader, realm: string, name: string, folder: string): Promise<void> {
  const { rules } = await stored(records, realm, folder);
  if (rules.madeOnPurpose) throw new KmsError('alias-not-found', `There is no key named ${name}.`, name);
}

/** What takes the rules of a folder away. */
export async function withoutKeyRules(
  records: RecordReader,
  realm: string,
  folder: string,
): Promise<readonly RecordChange[]> {
  const { revision } = await stored(records, realm, folder);
  return revision === 0 ? [] : [{ kind: 'setting', id: idOf(realm, folder), expect: revision, value: undefined }];
}
