import { type Key, type KeyVersion, KmsError, move, type Outcome, type VersionState } from '#domain/domain.ts';
import { changeKey, type Parts, together } from './change.ts';
import { decodeVersion, encodeVersion, versionRecordId } from './key-record.ts';
import { assertLeads, relatedKeys } from './region.ts';
import { assertNotEnding } from './state.ts';

type Switched = Outcome<{ readonly key: Key; readonly version: KeyVersion }>;

/** Takes one older version out of service, or back: in every region at once, as its material is the same there. */
export async function switchVersion(
  parts: Parts,
  key: Key,
  number: number,
  to: Extract<VersionState, 'suspended' | 'deactivated'>,
): Promise<Switched> {
  assertNotEnding(key);
  assertLeads(key);
  if (number === key.current.version) {
    throw new KmsError('invalid-state', 'The newest version protects: rotate the key first, then disable it.', key.id);
  }
  const [first, ...others] = await Promise.all(
    [key, ...(await relatedKeys(parts, key))].map((one) => switched(parts, one, number, to)),
  );
  const { version, changed } = first!;
  if (changed === undefined) return { result: { key, version } };
  const all = others.flatMap((other) => other.changed ?? []);
  const { result, change } = together(changed, all);
  return { result: { ...result, version }, change };
}

async function switched(parts: Parts, key: Key, number: number, to: VersionState) {
  const id = versionRecordId(key, number);
  const row = await parts.records.read('version', id);
  if (row === undefined) throw new KmsError('version-not-found', `The key has no version ${number}.`, key.id);
  const former = decodeVersion(row.value);
  if (former.state === to) return { version: former };
  const version: KeyVersion = Object.freeze({ ...former, state: move(former.state, to) });
  const summary = `${to === 'suspended' ? 'disabled' : 'enabled'} version ${number}`;
  const record = { kind: 'version', id, expect: row.revision, value: encodeVersion(version) } as const;
  // The key itself is another one from now on, so that nothing that is open of it stays open.
  return { version, changed: changeKey(parts, key, {}, summary, [record]) };
}
