import {
  type ArrivingVersion,
  type Command,
  currentLabel,
  KmsError,
  markOf,
  numbered,
  type Outcome,
  previousLabel,
  type RecordChange,
  type Result,
  type Secret,
  type SecretVersion,
} from '#domain/domain.ts';
import { canonicalJson } from '#encoding/encoding.ts';
import { freshId } from './fresh-id.ts';
import { notesOf } from './numbered.ts';
import { changeSecret, dropValues, putValue } from './record.ts';
import { assertRules } from './rules.ts';
import { assertNotDeleted, assertPrimary } from './state.ts';
import type { Parts, SecretSubject } from './subject.ts';
import { openVersion, protectedBy, sameValue, sealValue } from './value.ts';
import { versionByNumber } from './versions.ts';
import { assertName, keyOf, protector } from './write.ts';

/** As many as a rule may ask to be kept. */
const mostVersions = 100;

/** A secret from elsewhere, with all its versions in one change. */
export async function importSecret(
  parts: Parts,
  realm: string,
  subject: SecretSubject,
  command: Command<'import-secret'>,
): Promise<Outcome<Result<'import-secret'>>> {
  const { secret: before, fresh, target } = subject;
  if (before !== undefined) {
    assertNotDeleted(before);
    assertPrimary(before);
  }
  const [name = ''] = target.names;
  assertName(name);
  assertArriving(command.versions);
  assertRules(command.rules);
  const secret = before ?? unborn(parts, realm, name, fresh!.id, command);
  const settled = command.replace === true && before !== undefined ? replace : merge;
  const { versions, records, added } = await settled(parts, { ...subject, secret }, command.versions);
  const { rules, changedAt } = command;
  const notes = notesOf(command.notes);
  const next = { ...secret, rules, notes, versions };
  if (before !== undefined && facts(before) === facts(next)) {
    return { result: { secret: before, added: 0, changed: false } };
  }
  const numbers = added.length === 0 ? 'states and rules' : `versions ${added.join(', ')}`;
  const { result, change } = changeSecret(before, { ...next, changedAt }, `imported, ${numbers}`, records);
  return { result: { ...result, added: added.length, changed: true }, change };
}

function unborn(
  parts: Parts,
  realm: string,
  name: string,
  id: string,
  { createdAt }: Command<'import-secret'>,
): Secret {
  const resource = parts.resourceOf(realm, name, markOf({ id }));
  const times = { createdAt, changedAt: createdAt };
  return { realm, id, revision: 0, name, resource, description: '', tags: {}, ...times, versions: [] };
}

/** What an import decides of a secret. */
const facts = ({ rules = {}, notes = {}, versions }: Pick<Secret, 'rules' | 'notes' | 'versions'>) =>
  canonicalJson({ rules, notes, versions: numbered(versions) });

function assertArriving(versions: readonly ArrivingVersion[]): void {
  const rising = versions.every(({ number }, i) => number > (versions[i - 1]?.number ?? 0));
  if (!rising) throw new KmsError('invalid-parameter', 'Versions come in the order of their numbers, from 1.');
  if (versions.length > mostVersions) {
    throw new KmsError('limit-exceeded', `A secret comes with at most ${mostVersions} versions.`);
  }
}

interface Merged {
  readonly versions: readonly SecretVersion[];
  readonly records: readonly RecordChange[];
  /** The numbers of those that were not here. */
  readonly added: readonly number[];
}

async function merge(parts: Parts, subject: SecretSubject, arriving: readonly ArrivingVersion[]): Promise<Merged> {
  const secret = subject.secret!;
  const here = new Map(
    numbered(secret.versions).flatMap((version) => (version.number === undefined ? [] : [[version.number, version]])),
  );
  const last = arriving.at(-1)?.number ?? 0;
  const [ahead] = [...here.keys()].filter((number) => number > last);
  if (ahead !== undefined) throw differs(secret, `it has a version ${ahead} here, and none there`);
  const records: RecordChange[] = [];
  const added: number[] = [];
  for (const one of arriving) {
    const known = here.get(one.number);
    if (known === undefined) {
      const { version, record } = await sealed(parts, subject, one);
      here.set(one.number, version);
      added.push(one.number);
      records.push(...record);
    } else {
      here.set(one.number, await moved(parts, subject, known, one, records));
    }
  }
  const announced = secret.versions.filter(({ number, keyId }) => number === undefined && keyId === undefined);
  const all = [...here.values()].sort((a, b) => a.number! - b.number!);
  return { versions: [...labelled(all), ...announced], records, added };
}

/** For who knows no numbers: the current value, and nothing beside it. */
async function replace(
  parts: Parts,
  subject: SecretSubject,
  [one, ...more]: readonly ArrivingVersion[],
): Promise<Merged> {
  if (one === undefined || more.length > 0 || typeof one.value === 'string') {
    throw new KmsError('invalid-parameter', 'One version with a value takes the place of another.');
  }
  const secret = subject.secret!;
  const current = versionByNumber(secret.versions, 0);
  const same = current?.keyId !== undefined && sameValue(await opened(parts, subject, current), one.value);
  if (same) return { versions: secret.versions, records: [], added: [] };
  const number = numbered(secret.versions).reduce((most, version) => Math.max(most, version.number ?? 0), 0) + 1;
  const { version, record } = await sealed(parts, subject, { ...one, number });
  const gone = await dropValues(
    parts.records,
    secret,
    secret.versions.map(({ id }) => id),
  );
  return { versions: labelled([version]), records: [...gone, ...record], added: [number] };
}

/** `id`: of the version that waited for its value. */
async function sealed(
  parts: Parts,
  subject: SecretSubject,
  { number, createdAt, hiddenAt, value }: ArrivingVersion,
  id = freshId(parts.keyring),
): Promise<{ readonly version: SecretVersion; readonly record: readonly RecordChange[] }> {
  const facts = { id, number, createdAt, labels: [], ...(hiddenAt !== undefined && { hiddenAt }) };
  if (value === 'destroyed') return { version: { ...facts, destroyed: true }, record: [] };
  if (value === 'withheld') return { version: facts, record: [] };
  const key = protector(subject);
  const body = await sealValue(parts.keyring, key, subject.secret!, id, value);
  return { version: { ...facts, ...protectedBy(key) }, record: [putValue(subject.secret!, id, body)] };
}

const opened = (parts: Parts, subject: SecretSubject, version: SecretVersion) =>
  openVersion(parts, keyOf(subject, version), subject.secret!, version);

/** A version that both have: what it holds is the same for good, and its state becomes what it is there. */
async function moved(
  parts: Parts,
  subject: SecretSubject,
  known: SecretVersion,
  one: ArrivingVersion,
  records: RecordChange[],
): Promise<SecretVersion> {
  const secret = subject.secret!;
  const { number, hiddenAt, value } = one;
  const { hiddenAt: _, ...shown } = known;
  const state = { ...shown, ...(hiddenAt !== undefined && { hiddenAt }) };
  // Whoever doesn't bring the value shows it to nobody: what is hidden here stays so.
  if (value === 'withheld') return hiddenSooner(known, hiddenAt);
  if (value === 'destroyed') {
    if (known.destroyed) return state;
    records.push(...(await dropValues(parts.records, secret, [known.id])));
    const { keyId: _, ownKey: __, ...rest } = state;
    return { ...rest, destroyed: true };
  }
  if (known.destroyed) throw differs(secret, `its version ${number} was destroyed here`);
  if (known.keyId === undefined) {
    const { version, record } = await sealed(parts, subject, one, known.id);
    records.push(...record);
    return { ...version, labels: known.labels };
  }
  if (!sameValue(await opened(parts, subject, known), value)) {
    throw differs(secret, `its version ${number} has another value here`);
  }
  return state;
}

function hiddenSooner(known: SecretVersion, hiddenAt = Number.POSITIVE_INFINITY): SecretVersion {
  return hiddenAt < (known.hiddenAt ?? Number.POSITIVE_INFINITY) ? { ...known, hiddenAt } : known;
}

/** The newest is the current one, whatever its state; the one before it the previous. Labels of the owner stay where they are. */
function labelled(versions: readonly SecretVersion[]): readonly SecretVersion[] {
  const places = new Map([
    [versions.length - 1, currentLabel],
    [versions.length - 2, previousLabel],
  ]);
  return versions.map((version, i) => {
    const label = places.get(i);
    const kept = version.labels.filter((one) => one !== currentLabel && one !== previousLabel);
    return { ...version, labels: label === undefined ? kept : [...kept, label] };
  });
}

function differs({ name }: Secret, why: string): KmsError {
  return new KmsError('secret-exists', `There is another secret named ${name}: ${why}.`, name);
}
