import { type Command, KmsError, type Outcome, type Result, type Secret, type SecretVersion } from '#domain/domain.ts';
import { changeSecret, storedValue } from './record.ts';
import { assertNotDeleted } from './state.ts';
import type { Parts, SecretSubject } from './subject.ts';
import { openValue } from './value.ts';
import { chooseVersion } from './versions.ts';
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
  const stored = await storedValue(parts.records, secret, version.id);
  if (stored === undefined) throw new KmsError('tampered', `The value of ${secret.name} is missing from the database.`);
  const value = await openValue(parts.keyring, keyOf(subject, version), secret, version.id, stored);
  const noted = noteAccess(secret, version, now);
  const result = { secret, found: version, value };
  return noted === undefined ? { result } : { result, change: noted };
}

/** Which day a version was last read: one write for all reads of a day. */
function noteAccess(secret: Secret, version: SecretVersion, now: number) {
  const accessedAt = now - (now % day);
  if (version.accessedAt !== undefined && version.accessedAt >= accessedAt) return undefined;
  const versions = secret.versions.map((other) => (other === version ? { ...version, accessedAt } : other));
  return changeSecret(secret, { ...secret, versions }, `version ${version.id} read`).change;
}
