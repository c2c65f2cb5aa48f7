import { digestHex, equalSecrets, hmac, readForeignMaterial, unwrapImport } from '#crypto/crypto.ts';
import {
  type Command,
  isSymmetric,
  type Key,
  type KeyVersion,
  KmsError,
  move,
  type Outcome,
  type RecordChange,
  type Result,
  type SecretBytes,
  type VersionState,
} from '#domain/domain.ts';
import { toUtf8 } from '#encoding/encoding.ts';
import { changeKey, type Parts, together } from './change.ts';
import { openImportToken } from './import-token.ts';
import { assertExternal, emptied, hasEnded, olderEndsWith } from './imported.ts';
import { encodeVersion, versionRecordId } from './key-record.ts';
import { bindingOf } from './open.ts';
import { isSameNext, primaryOf, relatedKeys } from './region.ts';
import { wrapMaterial } from './root.ts';
import { assertNotEnding } from './state.ts';
import { type VersionRow, versionRows } from './version-rows.ts';

const day = 24 * 60 * 60 * 1000;
const maxDays = 365;

/** Only keys of one key that encrypts messages may hold several materials. */
function takesSeveral({ spec, usages }: Key): boolean {
  return isSymmetric(spec) && usages.includes('encrypt');
}

/** Brings material into a key: its first, the same again, or, for symmetric encryption keys, what its next rotation is to use. */
export async function importMaterial(
  parts: Parts,
  key: Key,
  command: Command<'import-key-material'>,
  now: number,
): Promise<Outcome<Result<'import-key-material'>>> {
  assertExternal(key);
  assertNotEnding(key);
  assertCommand(key, command, now);
  const realmKey = await parts.realmKeys.of(key.realm);
  const { wrappingKey, wrapping } = openImportToken(realmKey, key, command.token, now);
  using given = unwrapImport(wrappingKey, wrapping, command.wrapped) ?? notUnwrapped(key);
  const { material, publicKey } = (await readForeignMaterial(key.spec, given)) ?? notOfSpec(key);
  using secret = material;
  const { fingerprint, materialId } = identityOf(parts, key, publicKey, secret);
  using versionKey = await parts.versionKeys.of(key);
  const place = await placeFor(parts, key, command, fingerprint, materialId);
  const label = command.materialLabel ?? place.version.materialLabel;
  const version: KeyVersion = Object.freeze({
    ...bare(place.version),
    state: place.version.state === place.state ? place.state : move(place.version.state, place.state),
    createdAt: place.version.fingerprint === undefined ? now : place.version.createdAt,
    wrapped: wrapMaterial(versionKey, bindingOf(key, place.version.version), secret),
    fingerprint,
    materialId,
    ...(publicKey && { publicKey }),
    ...(command.expiresAt !== undefined && { expiresAt: command.expiresAt }),
    ...(label !== undefined && { materialLabel: label }),
  });
  const until = command.expiresAt === undefined ? '' : ` until ${new Date(command.expiresAt).toISOString()}`;
  const summary = `imported material of version ${version.version}${until}`;
  const { result, change } = changeKey(parts, key, ...settled(key, [{ ...place, version }], summary));
  return { result: { key: result.key, materialId }, change };
}

function assertCommand(key: Key, command: Command<'import-key-material'>, now: number): void {
  const { material, materialLabel, materialId, expiresAt } = command;
  if (!takesSeveral(key) && (material ?? materialLabel ?? materialId) !== undefined) {
    throw new KmsError(
      'unsupported',
      'Only symmetric encryption keys have several materials, with names, to choose from.',
      key.id,
    );
  }
  if (material === 'new' && materialId !== undefined) {
    throw new KmsError('invalid-parameter', 'New material has no id yet.', key.id);
  }
  if (expiresAt !== undefined && !(expiresAt > now && expiresAt <= now + maxDays * day)) {
    throw new KmsError('invalid-parameter', `Imported material ends within ${maxDays} days from now.`, key.id);
  }
}

function notUnwrapped(key: Key): never {
  throw new KmsError('invalid-wrapping', 'The wrapped key material does not unwrap with this import token.', key.id);
}

function notOfSpec(key: Key): never {
  throw new KmsError('wrong-material', `The key material is not that of a sound ${key.spec} key.`, key.id);
}

/** What material is known by. A key pair is recognised by its public half, so whatever its private half was encoded as. */
export function identityOf(
  parts: Parts,
  { id, spec }: Pick<Key, 'id' | 'spec'>,
  publicKey: Uint8Array | undefined,
  material: SecretBytes | undefined,
): { readonly fingerprint: Uint8Array; readonly materialId: string } {
  const subject = `${id}:${spec}:`;
  const fingerprint = hmac('sha256', parts.fingerprints, subject, publicKey ?? hmac('sha256', material!, subject));
  const materialId = digestHex('sha256', Buffer.concat([toUtf8('claviger/v1/material-id/'), fingerprint]));
  return { fingerprint, materialId };
}

/** A version as it is or is to be, and where it stands. */
export interface Place {
  readonly version: KeyVersion;
  readonly role: 'current' | 'next' | 'older';
  /** Of its row, for older ones. */
  readonly revision?: number;
}

/** Every version that has or had material. */
export async function placesOf(parts: Parts, key: Key): Promise<readonly Place[]> {
  const older = key.current.version > 1 ? await versionRows(parts, key) : [];
  return [
    ...older.map(({ revision, value }: VersionRow): Place => ({ version: value, role: 'older', revision })),
    { version: key.current, role: 'current' as const },
    ...(key.next === undefined ? [] : [{ version: key.next, role: 'next' as const }]),
  ].filter(({ version }) => version.fingerprint !== undefined && version.state !== 'destroyed');
}

const stateIn = { current: 'active', next: 'pre-active', older: 'deactivated' } as const satisfies Record<
  Place['role'],
  VersionState
>;

/** Where material with this fingerprint belongs. */
async function placeFor(
  parts: Parts,
  key: Key,
  { material, materialId: expected }: Command<'import-key-material'>,
  fingerprint: Uint8Array,
  materialId: string,
): Promise<Place & { readonly state: VersionState }> {
  const wrong = (reason: string) => new KmsError('wrong-material', reason, key.id);
  const first = key.current.fingerprint === undefined;
  const known = (await placesOf(parts, key)).find(({ version }) => equalSecrets(version.fingerprint!, fingerprint));
  if (expected !== undefined && expected !== materialId) throw wrong('The key material has another id than expected.');
  const primary = await primaryOf(parts, key);
  if (primary !== undefined && material === 'new') {
    throw new KmsError(
      'unsupported',
      'New key material goes into the primary key first; to its replicas it exists.',
      key.id,
    );
  }
  if ((material ?? (first ? 'new' : 'existing')) === 'existing') {
    const awaited = primary?.next?.fingerprint;
    if (known === undefined && awaited !== undefined && equalSecrets(awaited, fingerprint)) return nextPlace(key);
    if (known === undefined) throw wrong('The key material is not one that this key had before.');
    // One that was taken out of service by itself stays so: its material is not what was in doubt.
    return { ...known, state: known.version.state === 'suspended' ? 'suspended' : stateIn[known.role] };
  }
  if (known !== undefined) throw wrong('The key material is not new: this key has or had it.');
  if (first) return { version: key.current, role: 'current', state: stateIn.current };
  return nextPlace(key);
}

function nextPlace(key: Key): Place & { readonly state: VersionState } {
  if (key.next !== undefined) {
    throw new KmsError(
      'invalid-state',
      'New key material waits for its rotation already; rotate or delete it.',
      key.id,
    );
  }
  const version = { version: key.current.version + 1, state: stateIn.next, createdAt: 0 } as const;
  return { version, role: 'next', state: stateIn.next };
}

/** Without what the material now imported settles. */
function bare({ expiresAt: _, publicOnly: __, ...facts }: KeyVersion): KeyVersion {
  return facts;
}

/** The change that puts versions where they stand: what follows the key in `changeKey`. A next one without material is none. */
export function settled(key: Key, places: readonly Place[], summary: string) {
  const facts: { current?: KeyVersion; next?: KeyVersion | undefined; olderEnds?: Key['olderEnds'] } = {};
  const rows: RecordChange[] = [];
  const older: KeyVersion[] = [];
  for (const { version, role, revision } of places) {
    if (role === 'current') facts.current = version;
    else if (role === 'next') facts.next = version.wrapped === undefined ? undefined : version;
    else {
      older.push(version);
      const id = versionRecordId(key, version.version);
      rows.push({ kind: 'version', id, expect: revision!, value: encodeVersion(version) });
    }
  }
  if (older.length > 0) facts.olderEnds = olderEndsWith(key, older);
  return [facts, summary, rows] as const;
}

/** Erases material, which then may be imported again; only what no rotation made current yet is forgotten. */
export async function deleteImported(
  parts: Parts,
  key: Key,
  { materialId: named }: Command<'delete-imported-material'>,
): Promise<Outcome<Result<'delete-imported-material'>>> {
  assertExternal(key);
  const asked = named ?? key.current.materialId;
  if (asked === undefined) return { result: { key } };
  const place = (await placesOf(parts, key)).find(({ version }) => version.materialId === asked);
  if (place === undefined) throw new KmsError('not-found', 'The key has no such key material.', asked);
  if (place.version.wrapped === undefined) return { result: { key, materialId: asked } };
  const summary = `deleted imported material of version ${place.version.version}`;
  const gone = { ...place, version: cleared(place) };
  const deleted = changeKey(parts, key, ...settled(key, [gone], summary));
  // What waits for a rotation waits in all regions or in none.
  const leads = place.role === 'next' && key.multiRegion?.primary === key.realm;
  const replicas = leads ? (await relatedKeys(parts, key)).filter((replica) => isSameNext(key, replica)) : [];
  const { result, change } = together(
    deleted,
    replicas.map((replica) => changeKey(parts, replica, { next: undefined }, '')),
  );
  return { result: { key: result.key, materialId: asked }, change };
}

/** As if all that has ended by now were deleted. */
export async function expireImported(parts: Parts, key: Key, now: number): Promise<Outcome<{ readonly key: Key }>> {
  const ended = (await placesOf(parts, key)).filter(({ version }) => hasEnded(version, now));
  const numbers = ended.map(({ version }) => version.version).join(', ');
  const gone = ended.map((place) => ({ ...place, version: cleared(place) }));
  return changeKey(parts, key, ...settled(key, gone, `imported material of version ${numbers} ended`));
}

function cleared({ version, role }: Place): KeyVersion {
  if (role !== 'next') return emptied(version);
  const { wrapped: _, ...forgotten } = version;
  return forgotten;
}

/** Imported material that waits for it becomes current. */
export function rotateToImported(
  parts: Parts,
  key: Key,
  facts: { readonly onDemandRotations: number; readonly rotatedBy: NonNullable<KeyVersion['rotatedBy']> },
  now: number,
) {
  const { current: former, next } = key;
  if (next === undefined || hasEnded(next, now)) {
    throw new KmsError('invalid-state', 'Import new key material before the rotation that is to use it.', key.id);
  }
  const { rotatedBy, onDemandRotations } = facts;
  const current: KeyVersion = { ...next, state: move(next.state, 'active'), createdAt: now, rotatedBy };
  const deactivated: KeyVersion = { ...former, state: 'deactivated' };
  return changeKey(
    parts,
    key,
    { current, next: undefined, olderEnds: olderEndsWith(key, [deactivated]), onDemandRotations },
    `rotated to version ${current.version}, imported before`,
    [{ kind: 'version', id: versionRecordId(key, former.version), expect: 0, value: encodeVersion(deactivated) }],
  );
}
