import { assertCertificatesOf, certificateRequest } from '#crypto/crypto.ts';
import { type Command, type Key, KmsError, type Outcome, type Result } from '#domain/domain.ts';
import { changeKey, type Parts } from './change.ts';
import { used } from './encrypt.ts';
import { assertImported } from './imported.ts';
import { decodeVersion, encodeVersion, versionRecordId } from './key-record.ts';
import { assertPrivate } from './open.ts';
import { assertNotResident } from './resident.ts';
import { assertNotEnding, assertUsage } from './state.ts';
import { openFor } from './version.ts';

export async function requestCertificate(
  parts: Parts,
  key: Key,
  { version, template }: Command<'request-certificate'>,
): Promise<Outcome<Result<'request-certificate'>>> {
  assertPair(key);
  assertNotResident(key, 'certified by a request that is signed here');
  const open = await openFor(parts, key, version, 'protect');
  assertPrivate(key, open.version);
  const request = await certificateRequest(open.handle, open.version.publicKey!, template);
  return { result: { ...used(key, open.version.version), key, request } };
}

export async function setCertificates(
  parts: Parts,
  key: Key,
  { version, certificates }: Command<'set-certificates'>,
): Promise<Outcome<Result<'set-certificates'>>> {
  assertPair(key);
  assertNotEnding(key);
  assertImported(parts, key);
  const number = version ?? key.current.version;
  const summary = `set ${certificates.length} certificates of version ${number}`;
  if (number === key.current.version) {
    assertCertificatesOf(key.current.publicKey!, certificates);
    return changeKey(parts, key, { current: Object.freeze({ ...key.current, certificates }) }, summary);
  }
  const id = versionRecordId(key, number);
  const row = await parts.records.read('version', id);
  const older = row && decodeVersion(row.value);
  if (row === undefined || older?.publicKey === undefined || older.state === 'destroyed') {
    throw new KmsError('version-not-found', `The key has no version ${number}.`, key.id);
  }
  assertCertificatesOf(older.publicKey, certificates);
  const value = encodeVersion({ ...older, certificates });
  return changeKey(parts, key, {}, summary, [{ kind: 'version', id, expect: row.revision, value }]);
}

function assertPair(key: Key): void {
  assertUsage(key, 'sign');
  if (!key.derived) return;
  throw new KmsError('unsupported', 'This key is derived per context: there is no one public half.', key.id);
}
