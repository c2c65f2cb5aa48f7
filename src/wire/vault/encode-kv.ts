import {
  currentLabel,
  KmsError,
  numbered,
  type Result,
  type Secret,
  type SecretValue,
  type SecretVersion,
  type VersionRules,
} from '#domain/domain.ts';
import { fromUtf8, type Json, parseJson } from '#encoding/encoding.ts';
import { queryNumber } from './decode-kv.ts';
import { folderName, isCanonical } from './kv-path.ts';
import type { Input } from './row.ts';

/** The answers of Vault's KV engine, versions 1 and 2. */

const timeOf = (at: number | undefined) => (at === undefined ? '' : new Date(at).toISOString());

/** As Go writes durations: `3h25m19s`, `1m0s`, `0s`. */
function durationOf(milliseconds = 0): string {
  const all = Math.floor(milliseconds / 1000);
  const [hours, minutes] = [Math.floor(all / 3600), Math.floor(all / 60) % 60];
  return `${hours > 0 ? `${hours}h` : ''}${all >= 60 ? `${minutes}m` : ''}${all % 60}s`;
}

const stateOf = ({ createdAt, hiddenAt, destroyed }: SecretVersion) => ({
  created_time: timeOf(createdAt),
  deletion_time: timeOf(hiddenAt),
  destroyed: destroyed === true,
});

const notesOf = ({ notes }: Secret) => (notes === undefined || Object.keys(notes).length === 0 ? null : notes);

function metadataOf(secret: Secret, version: SecretVersion): string {
  return JSON.stringify({ ...stateOf(version), custom_metadata: notesOf(secret), version: version.number });
}

type Members = { readonly [key: string]: Json };

/** As JSON text. What another door kept as plain text is shown under one name; bytes can't be shown as JSON. */
function dataOf({ form, bytes }: SecretValue): string {
  const given = form === 'text' ? fromUtf8(bytes.release()) : undefined;
  if (given === undefined) {
    throw new KmsError('unsupported', 'The secret is binary: it can be read through another door only.');
  }
  return isMembers(parseJson(bytes.release())) ? given : JSON.stringify({ value: given });
}

function isMembers(value: Json | undefined): value is Members {
  return value !== undefined && value !== null && typeof value === 'object' && !Array.isArray(value);
}

type Read = Result<'read-secret-version'>;

/** Vault shows what it knows of a version without a value, and says that there is none. */
export const readStatus = ({ value }: Read): number => (value === undefined ? 404 : 200);

export function encodeRead({ secret, found, value }: Read): string {
  const data = value === undefined ? 'null' : dataOf(value);
  return `{"data":${data},"metadata":${metadataOf(secret, found)}}`;
}

export function encodeSubkeys({ secret, found, value }: Read, input: Input): string {
  const subkeys = value === undefined ? null : namesIn(JSON.parse(dataOf(value)), queryNumber(input, 'depth') || 64);
  return `{"metadata":${metadataOf(secret, found)},"subkeys":${JSON.stringify(subkeys)}}`;
}

/** The names without the values, so many levels of them. */
function namesIn(members: Members, levels: number): Members {
  const named = Object.entries(members).map(([name, value]): [string, Json] => {
    const deeper = levels > 1 && isMembers(value) && Object.keys(value).length > 0;
    return [name, deeper ? namesIn(value, levels - 1) : null];
  });
  return Object.fromEntries(named);
}

export function encodePlain({ value }: Read): string {
  if (value === undefined) throw new KmsError('secret-not-found', 'The secret has no value.');
  return dataOf(value);
}

export function encodeWritten({ secret, written }: Result<'write-secret'>): string {
  return metadataOf(secret, written);
}

function rulesOf({ keep = 0, checked = false, lifetime }: VersionRules = {}) {
  return {
    cas_required: checked,
    delete_version_after: durationOf(lifetime),
    max_versions: keep,
    metadata_cas_required: false,
  };
}

export function encodeRules({ rules }: Result<'get-secret-rules'>): string {
  return JSON.stringify(rulesOf(rules));
}

export function encodeMetadata({ secret }: Result<'describe-secret'>): string {
  const versions = numbered(secret.versions).filter(({ number }) => number !== undefined);
  const first = versions[0]?.number ?? 0;
  return JSON.stringify({
    ...rulesOf(secret.rules),
    created_time: timeOf(secret.createdAt),
    current_version: versions.find(({ labels }) => labels.includes(currentLabel))?.number ?? 0,
    custom_metadata: notesOf(secret),
    // Vault counts 'none was let go of' as 0.
    oldest_version: first <= 1 ? 0 : first,
    updated_time: timeOf(secret.changedAt),
    versions: Object.fromEntries(versions.map((version) => [version.number, stateOf(version)])),
  });
}

export function encodeList(
  _: Result<'list-secrets'>,
  input: Input,
  pages: ReadonlyArray<Result<'list-secrets'>>,
): string {
  const folder = folderName(input);
  const below = pages
    .flatMap(({ secrets }) => secrets)
    .filter(({ name }) => name.startsWith(folder) && isCanonical(name))
    .map(({ name }) => name.slice(folder.length).replace(/\/.*/s, '/'));
  return below.length === 0 ? '' : `{"keys":${JSON.stringify([...new Set(below)].sort())}}`;
}

/** Seconds that a value is leased for where neither it nor the mount says. */
const usualLease = 2_764_800;

/** Seconds: what the value itself says, else what is usual at the mount. */
export function leaseOf({ value }: Read, { mount }: Input): number {
  const members = value === undefined ? undefined : parseJson(value.bytes.release());
  const ttl = isMembers(members) ? (members.ttl ?? members.lease) : undefined;
  const [, count, unit] = /^(\d{1,9})([smhd]?)$/.exec(String(ttl)) ?? [];
  const each = { '': 1, s: 1, m: 60, h: 3600, d: 86_400 }[unit ?? ''] ?? 1;
  return count === undefined ? Math.floor((mount?.defaultTtl ?? 0) / 1000) || usualLease : Number(count) * each;
}
