import { type Command, currentLabel, KmsError, type Outcome, type Result, type Secret } from '#domain/domain.ts';
import { changeSecret, removeSecret } from './record.ts';
import { assertNotDeleted, assertPrimary, assertTags } from './state.ts';
import type { Parts, SecretSubject } from './subject.ts';
import { moveLabels, removeLabel, withLabel } from './versions.ts';
import { assertLabel } from './write.ts';

const day = 24 * 60 * 60 * 1000;

type Changed = Outcome<{ readonly secret: Secret }>;

export async function deleteSecret(
  parts: Parts,
  realm: string,
  { secret }: SecretSubject,
  { days }: Command<'delete-secret'>,
  now: number,
): Promise<Outcome<Result<'delete-secret'>>> {
  if (secret === undefined) return { result: { realm, at: now } };
  assertPrimary(secret);
  if (secret.replicas !== undefined && secret.replicas.length > 0) {
    throw new KmsError('invalid-state', 'The secret has replicas in other regions; remove those first.');
  }
  if (days === 0) return { result: { secret, realm, at: now }, change: await removeSecret(parts.records, secret) };
  if (!Number.isInteger(days) || days < 7 || days > 30) {
    throw new KmsError('invalid-parameter', 'The recovery window must be from 7 to 30 days.');
  }
  assertNotDeleted(secret);
  const at = now + days * day;
  const { result, change } = changeSecret(
    secret,
    { ...secret, deletion: { at, requestedAt: now }, changedAt: now },
    `to be deleted at ${new Date(at).toISOString()}`,
  );
  return { result: { ...result, realm, at }, change };
}

export function restoreSecret({ secret }: SecretSubject, now: number): Changed {
  const { deletion, ...facts } = secret!;
  if (deletion === undefined) return { result: { secret: secret! } };
  return changeSecret(secret, { ...facts, changedAt: now }, 'restored');
}

export function tagSecret({ secret }: SecretSubject, command: Command<'tag-secret'>, now: number): Changed {
  assertNotDeleted(secret!);
  assertPrimary(secret!);
  const tags = { ...secret!.tags, ...command.tags };
  assertTags(tags);
  return changeSecret(secret, { ...secret!, tags, changedAt: now }, `tagged ${Object.keys(command.tags).join(', ')}`);
}

export function untagSecret({ secret }: SecretSubject, { names }: Command<'untag-secret'>, now: number): Changed {
  assertNotDeleted(secret!);
  assertPrimary(secret!);
  const kept = Object.entries(secret!.tags).filter(([name]) => !names.includes(name));
  if (kept.length === Object.keys(secret!.tags).length) return { result: { secret: secret! } };
  const tags = Object.fromEntries(kept);
  return changeSecret(secret, { ...secret!, tags, changedAt: now }, `untagged ${names.join(', ')}`);
}

/** Moves a label, puts it on or takes it off. Where it is must be said, so that two who move it at once can't undo each other. */
export function moveSecretLabel(
  { secret }: SecretSubject,
  { label, from, to }: Command<'move-secret-label'>,
  now: number,
): Changed {
  assertNotDeleted(secret!);
  assertPrimary(secret!);
  assertLabel(label);
  const { versions } = secret!;
  for (const id of [from, to]) {
    if (id !== undefined && !versions.some((version) => version.id === id)) {
      throw new KmsError('secret-not-found', `There is no version ${id} of the secret.`, 'version');
    }
  }
  const holder = withLabel(versions, label);
  if (from === undefined && to === undefined) {
    throw new KmsError('invalid-parameter', 'Say which version the label is put on or taken from.');
  }
  if (from !== undefined && holder?.id !== from) {
    throw new KmsError('invalid-parameter', `The label is not on the version ${from}.`);
  }
  if (to === undefined) {
    if (label === currentLabel) {
      throw new KmsError('invalid-parameter', 'The current version can only become another one, not none.');
    }
    return changeSecret(
      secret,
      { ...secret!, versions: removeLabel(versions, label), changedAt: now },
      `a label taken from version ${from}`,
    );
  }
  if (holder?.id === to) return { result: { secret: secret! } };
  if (holder !== undefined && from === undefined) {
    throw new KmsError(
      'invalid-parameter',
      `The label is on the version ${holder.id}: say that it is to be taken from there.`,
    );
  }
  return changeSecret(
    secret,
    { ...secret!, versions: moveLabels(versions, [label], to), changedAt: now },
    label === currentLabel ? `version ${to} is the current one` : `a label moved to version ${to}`,
  );
}

export function setPolicy({ secret }: SecretSubject, policy: string, now: number): Changed {
  assertNotDeleted(secret!);
  assertPrimary(secret!);
  return changeSecret(secret, { ...secret!, policy, changedAt: now }, 'policy set');
}

export function getPolicy({ secret }: SecretSubject): Changed {
  assertNotDeleted(secret!);
  return { result: { secret: secret! } };
}

export function deletePolicy({ secret }: SecretSubject, now: number): Changed {
  assertNotDeleted(secret!);
  assertPrimary(secret!);
  const { policy, ...facts } = secret!;
  if (policy === undefined) return { result: { secret: secret! } };
  return changeSecret(secret, { ...facts, changedAt: now }, 'policy taken away');
}
