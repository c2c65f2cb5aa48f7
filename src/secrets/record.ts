import type { Change, Outcome, RecordChange, RecordReader, Secret, SecretValue } from '#domain/domain.ts';
import { fromBase64, toBase64 } from '#encoding/encoding.ts';
import { dueRecords } from './due.ts';

/** How secrets stand in their records. The record's MAC vouches for the shape. */

export interface SealedValue {
  readonly form: SecretValue['form'];
  /** An envelope of the key that protects it. */
  readonly ciphertext: Uint8Array;
}

export interface StoredValue extends SealedValue {
  readonly revision: number;
}

const secretId = ({ realm, id }: Pick<Secret, 'realm' | 'id'>) => `${realm}/${id}`;
const nameId = (realm: string, name: string) => `${realm}/${name}`;
const valueId = (secret: Pick<Secret, 'realm' | 'id'>, version: string) => `${secretId(secret)}/${version}`;

function decodeSecret(revision: number, value: unknown): Secret {
  return Object.freeze({ ...(value as Omit<Secret, 'revision'>), revision });
}

export async function secretById(records: RecordReader, realm: string, id: string): Promise<Secret | undefined> {
  const record = await records.read('secret', secretId({ realm, id }));
  return record && decodeSecret(record.revision, record.value);
}

export async function secretByName(records: RecordReader, realm: string, name: string): Promise<Secret | undefined> {
  const record = await records.read('secret-name', nameId(realm, name));
  return record && secretById(records, realm, (record.value as { secret: string }).secret);
}

/** Whether it is another one by now. Asked of the database: what is remembered may be what a change that is under way replaces. */
export async function wasChanged(records: RecordReader, { revision, ...secret }: Secret): Promise<boolean> {
  const [row] = await records.list('secret', secretId(secret), '', 1);
  return row?.revision !== revision;
}

const page = 500;

/** Every secret of a realm, in the order of their ids. */
export async function* secretsOf(records: RecordReader, realm: string): AsyncGenerator<Secret, void> {
  const prefix = `${realm}/`;
  for (let after = ''; ; ) {
    const rows = await records.list('secret', prefix, after, page);
    for (const { revision, value } of rows) yield decodeSecret(revision, value);
    if (rows.length < page) return;
    after = rows.at(-1)!.id;
  }
}

export async function storedValue(
  records: RecordReader,
  secret: Secret,
  version: string,
): Promise<StoredValue | undefined> {
  const record = await records.read('secret-version', valueId(secret, version));
  if (record === undefined) return undefined;
  return { revision: record.revision, ...decodeValue(record.value) };
}

/** The value that a change is about to write. */
export function pendingValue(
  records: readonly RecordChange[],
  secret: Pick<Secret, 'realm' | 'id'>,
  version: string,
): SealedValue | undefined {
  const id = valueId(secret, version);
  const row = records.find(
    (record) => record.kind === 'secret-version' && record.id === id && record.value !== undefined,
  );
  return row && decodeValue(row.value);
}

function decodeValue(value: unknown): SealedValue {
  const { form, ciphertext } = value as { form: SecretValue['form']; ciphertext: string };
  return { form, ciphertext: fromBase64(ciphertext)! };
}

/** `expect`: the revision of the row that it takes the place of, 0 for none. */
export function putValue(
  secret: Pick<Secret, 'realm' | 'id'>,
  version: string,
  { form, ciphertext }: SealedValue,
  expect = 0,
): RecordChange {
  return {
    kind: 'secret-version',
    id: valueId(secret, version),
    expect,
    value: { form, ciphertext: toBase64(ciphertext) },
  };
}

/** For good: the row is gone, and no other holds the value. */
export async function dropValues(
  records: RecordReader,
  secret: Secret,
  versions: readonly string[],
): Promise<RecordChange[]> {
  const dropped: RecordChange[] = [];
  for (const version of versions) {
    const id = valueId(secret, version);
    const record = await records.read('secret-version', id);
    if (record !== undefined) dropped.push({ kind: 'secret-version', id, expect: record.revision, value: undefined });
  }
  return dropped;
}

/** A secret's first or next state as one change: its row, and the rows that go with it. */
export function changeSecret(
  before: Secret | undefined,
  facts: Omit<Secret, 'revision'>,
  summary: string,
  others: readonly RecordChange[] = [],
): Outcome<{ readonly secret: Secret }> & { readonly change: Change } {
  const expect = before?.revision ?? 0;
  const value = { ...facts, revision: undefined };
  const next: Secret = Object.freeze({ ...facts, revision: expect + 1 });
  return {
    result: { secret: next },
    change: {
      records: [
        { kind: 'secret', id: secretId(next), expect, value },
        ...(before === undefined ? [nameRecord(next)] : []),
        ...dueRecords(before, next),
        ...others,
      ],
      summary: `secret ${next.name}: ${summary}`,
    },
  };
}

function nameRecord({ realm, id, name }: Secret): RecordChange {
  return { kind: 'secret-name', id: nameId(realm, name), expect: 0, value: { secret: id } };
}

/** Nothing of it is left, and its name is free. Names never move, so their rows stay at revision 1. */
export async function removeSecret(records: RecordReader, secret: Secret): Promise<Change> {
  const values = await dropValues(
    records,
    secret,
    secret.versions.map(({ id }) => id),
  );
  return {
    records: [
      { kind: 'secret', id: secretId(secret), expect: secret.revision, value: undefined },
      { kind: 'secret-name', id: nameId(secret.realm, secret.name), expect: 1, value: undefined },
      ...dueRecords(secret, undefined),
      ...values,
    ],
    summary: `secret ${secret.name}: gone for good, with ${values.length} values`,
  };
}
