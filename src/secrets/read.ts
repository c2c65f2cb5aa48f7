import {
  type Command,
  isHidden,
  KmsError,
  type Outcome,
  type Result,
  type Secret,
  type SecretVersion,
} from '#domain/domain.ts';
import { changeSecret } from './record.ts';
import { assertNotDeleted } from './state.ts';
import type { Parts, SecretSubject } from './subject.ts';
import { openVersion } from './value.ts';
import { chooseVersion, versionByNumber } from './versions.ts';
import { keyOf } from './write.ts';

const day = 24 * 60 * 60 * 1000;

export async function getSecretValue(
  parts: Parts,
  subject: SecretSubject,
  { versionId, label }: Command<'get-secret-value'>,
  now: number,
): Promise<Outcome<Result<'get-secret-value'>>> {
  const secret = subject.secret!;
  assertNotDeleted(secret);
  const version = chooseVersion(secret.versions, versionId, label);
  if (isHidden(version, now)) {
    throw new KmsError('secret-not-found', 'The version was deleted.', versionId === undefined ? label : 'version');
  }
  const value = await openVersion(parts, keyOf(subject, version), secret, version);
  const noted = noteAccess(secret, version, now);
  const result = { secret, found: version, value };
  return noted === undefined ? { result } : { result, change: noted };
}

/** Rejects with 'secret-not-found' where there never was such a version. */
export async function readVersion(
  parts: Parts,
  subject: SecretSubject,
  { number }: Command<'read-secret-version'>,
  now: number,
): Promise<Outcome<Result<'read-secret-version'>>> {
  const secret = subject.secret!;
  assertNotDeleted(secret);
  const found = versionByNumber(secret.versions, number);
  if (found === undefined) throw new KmsError('secret-not-found', 'There is no such version.', 'version');
  if (found.keyId === undefined || isHidden(found, now)) return { result: { secret, found } };
  const value = await openVersion(parts, keyOf(subject, found), secret, found);
  const noted = noteAccess(secret, found, now);
  const result = { secret, found, value };
  return noted === undefined ? { result } : { result, change: noted };
}

/** Which day a version was last read: one write for all reads of a day. */
function noteAccess(secret: Secret, version: SecretVersion, now: number) {
  const accessedAt = now - (now % day);
  if (version.accessedAt !== undefined && version.accessedAt >= accessedAt) return undefined;
  const versions = secret.versions.map((other) => (other.id === version.id ? { ...version, accessedAt } : other));
  return changeSecret(secret, { ...secret, versions }, `version ${version.id} read`).change;
}
