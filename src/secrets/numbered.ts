import {
  type Command,
  currentLabel,
  isHidden,
  KmsError,
  markOf,
  numbered,
  type Outcome,
  Plaintext,
  type Result,
  type Secret,
  type SecretValue,
  type SecretVersion,
} from '#domain/domain.ts';
import { hasExactNumbers, type Json, parseJson, toUtf8 } from '#encoding/encoding.ts';
import { isMembers, mergePatch } from './merge-patch.ts';
import { changeSecret, dropValues } from './record.ts';
import { follow } from './replicas.ts';
import { valueChanged } from './rotation.ts';
import { assertRules, rulesFor } from './rules.ts';
import { assertNotDeleted, assertPrimary } from './state.ts';
import type { Parts, SecretSubject } from './subject.ts';
import { openVersion } from './value.ts';
import { keepNewest, versionByNumber } from './versions.ts';
import { addVersion, assertName, keyOf } from './write.ts';

/** Secrets for who knows their versions by number: writes that may depend on the current one, and ends of single versions. */

const maxNotes = 64;

/** A secret that is made by its first write or its first rule. */
function unborn(parts: Parts, realm: string, { target, fresh }: SecretSubject, now: number): Secret {
  const [name = ''] = target.names;
  assertName(name);
  const { id } = fresh!;
  const resource = parts.resourceOf(realm, name, markOf({ id }));
  const times = { createdAt: now, changedAt: now };
  return { realm, id, revision: 0, name, resource, description: '', tags: {}, ...times, versions: [] };
}

function assertChangeable(secret: Secret | undefined): void {
  if (secret === undefined) return;
  assertNotDeleted(secret);
  assertPrimary(secret);
}

export async function writeSecret(
  parts: Parts,
  realm: string,
  subject: SecretSubject,
  command: Command<'write-secret'>,
  now: number,
): Promise<Outcome<Result<'write-secret'>>> {
  const { secret: before, fresh } = subject;
  assertChangeable(before);
  const secret = before ?? unborn(parts, realm, subject, now);
  const rules = await rulesFor(parts.records, realm, secret.rules, command.folder);
  assertExpected(secret, command.expected, rules.checked);
  const value = command.merge === true ? await merged(parts, subject, command.value, now) : command.value;
  const { versionId } = fresh!;
  const added = await addVersion(parts, { ...subject, secret }, versionId, value, [currentLabel], now);
  const hiding = rules.lifetime === 0 ? {} : { hiddenAt: now + rules.lifetime };
  const all = added!.versions.map((version) => (version.id === versionId ? { ...version, ...hiding } : version));
  const { kept, dropped } = keepNewest(all, command.keep ?? rules.keep);
  const { result, change } = changeSecret(
    before,
    { ...secret, versions: kept, changedAt: now, ...valueChanged(secret, kept, now) },
    `version ${versionId}`,
    [...added!.records, ...(await dropValues(parts.records, secret, dropped))],
  );
  return { result: { ...result, written: kept.find(({ id }) => id === versionId)! }, change };
}

function assertExpected({ versions }: Secret, expected: number | undefined, checked: boolean): void {
  if (expected === undefined) {
    if (checked) throw new KmsError('invalid-state', 'check-and-set parameter required for this call', 'expected');
    return;
  }
  if ((versionByNumber(versions, 0)?.number ?? 0) !== expected) {
    throw new KmsError('invalid-state', 'check-and-set parameter did not match the current version', 'expected');
  }
}

async function merged(parts: Parts, subject: SecretSubject, patch: SecretValue, now: number): Promise<SecretValue> {
  const secret = subject.secret!;
  const current = versionByNumber(secret.versions, 0);
  if (current?.keyId === undefined || isHidden(current, now)) {
    throw new KmsError('secret-not-found', 'There is no value to merge with.', 'version');
  }
  const target = membersOf(await openVersion(parts, keyOf(subject, current), secret, current));
  const changes = membersOf(patch);
  if (target === undefined || changes === undefined) {
    throw new KmsError('invalid-state', 'Only a JSON object can be merged, and only with one.');
  }
  if (!hasExactNumbers(target)) {
    throw new KmsError('invalid-state', 'The secret holds a number that a merge could not keep exactly.');
  }
  return { form: 'text', bytes: new Plaintext(toUtf8(JSON.stringify(mergePatch(target, changes)))) };
}

function membersOf({ form, bytes }: SecretValue): { readonly [key: string]: Json } | undefined {
  const parsed = form === 'text' ? parseJson(bytes.release()) : undefined;
  return isMembers(parsed) ? parsed : undefined;
}

/** Numbers that there are no versions of are no mistake: what is to be gone is. */
export async function changeVersions(
  parts: Parts,
  { secret }: SecretSubject,
  { numbers, to }: Command<'change-secret-versions'>,
  now: number,
): Promise<Outcome<Result<'change-secret-versions'>>> {
  if (secret === undefined) return { result: {} };
  assertChangeable(secret);
  const meant = new Set(numbers.map((number) => versionByNumber(secret.versions, number)?.id));
  const changed: SecretVersion[] = [];
  const versions = numbered(secret.versions).map((version) => {
    const next = meant.has(version.id) ? turned(version, to, now) : version;
    if (next !== version) changed.push(next);
    return next;
  });
  if (changed.length === 0) return { result: { secret } };
  const ids = changed.map(({ id }) => id);
  const gone = to === 'destroyed' ? await dropValues(parts.records, secret, ids) : [];
  const summary = `${to}: version ${changed.map(({ number }) => number).join(', ')}`;
  return follow(parts, changeSecret(secret, { ...secret, versions, changedAt: now }, summary, gone));
}

function turned(version: SecretVersion, to: Command<'change-secret-versions'>['to'], now: number): SecretVersion {
  if (version.destroyed) return version;
  switch (to) {
    case 'hidden':
      return isHidden(version, now) ? version : { ...version, hiddenAt: now };
    case 'shown': {
      const { hiddenAt, ...shown } = version;
      return hiddenAt === undefined ? version : shown;
    }
    case 'destroyed': {
      const { keyId: _, ownKey: __, ...rest } = version;
      return { ...rest, destroyed: true };
    }
  }
}

/** Rules count from the next write on. */
export function configureSecret(
  parts: Parts,
  realm: string,
  subject: SecretSubject,
  { rules: given, notes: noted, merge }: Command<'configure-secret'>,
  now: number,
): Outcome<Result<'configure-secret'>> {
  const { secret: before } = subject;
  assertChangeable(before);
  assertRules(given);
  const secret = before ?? unborn(parts, realm, subject, now);
  const notes = noted === undefined ? secret.notes : notesOf({ ...(merge ? secret.notes : {}), ...noted });
  const rules = { ...secret.rules, ...given };
  return changeSecret(before, { ...secret, rules, ...(notes && { notes }), changedAt: now }, 'rules and notes');
}

export function notesOf(notes: Readonly<Record<string, string | null>>): Readonly<Record<string, string>> {
  const kept = Object.entries(notes).filter((note): note is [string, string] => note[1] !== null);
  if (kept.length > maxNotes) throw new KmsError('invalid-parameter', `A secret has at most ${maxNotes} notes.`);
  for (const [name, text] of kept) {
    if (name.length < 1 || name.length > 128 || text.length < 1 || text.length > 512) {
      throw new KmsError('invalid-parameter', 'A note has a name of 1 to 128 characters and 1 to 512 characters.');
    }
  }
  return Object.fromEntries(kept);
}
