import { equalSecrets, openBundle, randomUuid, readForeignMaterial } from '#crypto/crypto.ts';
import {
  type Command,
  type Key,
  type KeyVersion,
  KmsError,
  type Outcome,
  type RecordChange,
  type Result,
  type SecretBytes,
} from '#domain/domain.ts';
import { canonicalJson } from '#encoding/encoding.ts';
import { broughtVersion, notUnwrapped } from './bring.ts';
import { changeKey, newKey, type Parts } from './change.ts';
import { assertKind, assertName, encrypts } from './create.ts';
import { encodeVersion, versionRecordId } from './key-record.ts';
import { macBindingOf } from './open.ts';
import { assertNotResident } from './resident.ts';
import { wrapMaterial } from './root.ts';
import { nextRotation } from './rotation-plan.ts';
import { assertNotEnding } from './state.ts';
import { type VersionRow, versionRows } from './version-rows.ts';

type Arriving = Command<'import-key-versions'>;

/** RSA is the slowest of what each costs; and all of them stand in one request. */
const mostVersions = 500;
/** As many digits as the ids of their rows have. */
const highestVersion = 99_999_999;

/** A key from elsewhere, with all its versions and its settings in one change. `before`: the key of that name, if there is one. */
export async function importVersions(
  parts: Parts,
  realm: string,
  before: Key | undefined,
  command: Arriving,
  now: number,
): Promise<Outcome<Result<'import-key-versions'>>> {
  assertCommand(command);
  const identity = before ?? identityOfNew(realm, command);
  if (before !== undefined) assertSame(before, command);
  const arriving = await arrivals(parts, identity, command);
  return before === undefined
    ? created(parts, identity, command, arriving, now)
    : grown(parts, before, command, arriving, now);
}

type Identity = Pick<Key, 'realm' | 'id' | 'spec' | 'usages' | 'class'>;

function identityOfNew(realm: string, command: Arriving): Identity {
  const { spec, usages } = command;
  return { realm, id: randomUuid(), spec, usages, class: classOf(command) };
}

/** What others encrypted with the bare key, or derived from it, must be opened and derived so. */
const classOf = (kind: Pick<Key, 'spec' | 'usages' | 'derived'>): Key['class'] =>
  kind.derived || encrypts(kind) ? 'raw' : 'enveloped';

function assertCommand(command: Arriving): void {
  const refuse = (reason: string) => new KmsError('invalid-parameter', reason);
  const { name, versions } = command;
  assertName(name);
  assertKind(command);
  if (versions.length === 0 || versions.length > mostVersions)
    throw refuse(`1 to ${mostVersions} versions come at once.`);
  if (!versions.every(({ version }, i) => version === versions[0]!.version + i && version >= 1)) {
    throw refuse('The versions come in the order of their numbers, without gaps.');
  }
  const last = versions.at(-1)!.version;
  if (last > highestVersion) throw refuse(`Versions have numbers up to ${highestVersion}.`);
  const { minDecryptionVersion: decrypts, minEncryptionVersion: protects } = command;
  if (decrypts < 1 || decrypts > last || protects < 0 || protects > last || (protects > 0 && protects < decrypts)) {
    throw refuse('The minimum versions must be versions of the key, and none decrypts less than it encrypts.');
  }
}

function assertSame(key: Key, { name, spec, usages, derived, convergent }: Arriving): void {
  assertNotEnding(key);
  assertNotResident(key, 'brought from elsewhere');
  const facts = (one: Omit<Identity, 'realm' | 'id'> & { readonly derived: boolean; readonly convergent?: boolean }) =>
    canonicalJson([one.spec, [...one.usages].sort(), one.class, one.derived, one.convergent === true]);
  if (facts(key) !== facts({ spec, usages, class: classOf({ spec, usages, derived }), derived, convergent })) {
    throw new KmsError('already-exists', `There is another key named ${name}, of another kind.`, name);
  }
  if (key.origin === 'external' || key.multiRegion !== undefined) {
    throw new KmsError('unsupported', `The key ${name} takes material one by one only.`, name);
  }
}

/** The versions as they are to be stored, oldest first. Throws 'invalid-wrapping', 'wrong-material'. */
async function arrivals(parts: Parts, key: Identity, command: Arriving): Promise<readonly KeyVersion[]> {
  const wanted = command.versions.reduce((sum, { withMacKey }) => sum + (withMacKey ? 2 : 1), 0);
  const pieces = openBundle(await parts.wrappingKeys.open(key.realm), command.wrapped, wanted) ?? notUnwrapped();
  try {
    using versionKey = await parts.versionKeys.of(key);
    const left = [...pieces];
    const versions: KeyVersion[] = [];
    for (const { version, createdAt, withMacKey } of command.versions) {
      const material = left.shift()!;
      const macKey = withMacKey ? left.shift() : undefined;
      versions.push(await arrived(parts, versionKey, key, { version, createdAt }, material, macKey));
    }
    return versions;
  } finally {
    for (const piece of pieces) piece.dispose();
  }
}

async function arrived(
  parts: Parts,
  versionKey: SecretBytes,
  key: Identity,
  facts: Pick<KeyVersion, 'version' | 'createdAt'>,
  given: SecretBytes,
  macKey: SecretBytes | undefined,
): Promise<KeyVersion> {
  const { version } = facts;
  const read = await readForeignMaterial(key.spec, given);
  if (read === undefined || macKey?.length === 0) {
    throw new KmsError('wrong-material', `The material of version ${version} is not that of a sound ${key.spec} key.`);
  }
  using secret = read.material;
  return Object.freeze({
    ...broughtVersion(
      parts,
      versionKey,
      key,
      { ...facts, state: 'deactivated' },
      { secret, publicKey: read.publicKey },
    ),
    ...(macKey && { wrappedMac: wrapMaterial(versionKey, macBindingOf(key, version), macKey) }),
  });
}

const active = (version: KeyVersion): KeyVersion => Object.freeze({ ...version, state: 'active' });

/** What an import decides of a key beside its versions. */
function settings(command: Arriving, before: Key | undefined, now: number) {
  const { minDecryptionVersion, minEncryptionVersion, deletionAllowed, rotationPeriodDays: days } = command;
  const kept = before?.rotation?.periodDays === days ? before?.rotation : undefined;
  return {
    minDecryptionVersion,
    minEncryptionVersion,
    deletionAllowed,
    exportable: command.exportable || before?.exportable === true,
    backupAllowed: command.backupAllowed || before?.backupAllowed === true ? (true as const) : undefined,
    rotation: days === undefined ? undefined : (kept ?? nextRotation(days, now)),
  };
}

function created(
  parts: Parts,
  identity: Identity,
  command: Arriving,
  versions: readonly KeyVersion[],
  now: number,
): Outcome<Result<'import-key-versions'>> {
  const { name, derived, convergent } = command;
  const { backupAllowed, rotation, ...others } = settings(command, undefined, now);
  const first = versions[0]!.version;
  const key: Key = Object.freeze({
    ...identity,
    ...others,
    ...(backupAllowed && { backupAllowed }),
    ...(rotation && { rotation }),
    revision: 1,
    description: '',
    tags: {},
    names: [name],
    enabled: true,
    createdAt: versions[0]!.createdAt,
    current: active(versions.at(-1)!),
    minAvailableVersion: first === 1 ? 0 : first,
    derived,
    ...(convergent && { convergent }),
    onDemandRotations: 0,
  });
  const older = versions.slice(0, -1).map((version) => newRow(key, version));
  const { change } = newKey(parts, key, now, `imported ${key.spec} with ${spoken(versions)}`, older);
  return { result: { key, added: versions.length, changed: true }, change };
}

const newRow = (key: Identity, version: KeyVersion): RecordChange => ({
  ...{ kind: 'version', id: versionRecordId(key, version.version), expect: 0, value: encodeVersion(version) },
});

const spoken = (versions: readonly KeyVersion[]) => `versions ${versions.map(({ version }) => version).join(', ')}`;

/** The versions that are new here come to the key; those that are not must be the same. */
async function grown(
  parts: Parts,
  key: Key,
  command: Arriving,
  versions: readonly KeyVersion[],
  now: number,
): Promise<Outcome<Result<'import-key-versions'>>> {
  const older = await versionRows(parts, key);
  const here = new Map([...older.map(({ value }) => value), key.current].map((one) => [one.version, one]));
  // Else whoever may bring material would give a key of this server a version that he knows.
  const made = [...here.values()].find(({ fingerprint }) => fingerprint === undefined);
  if (made !== undefined) throw differs(command, `its version ${made.version} was made here`);
  const last = versions.at(-1)!;
  if (key.current.version > last.version) {
    throw differs(command, `it has a version ${key.current.version} here, and none there`);
  }
  const added = versions.filter((one) => !isKnown(command, here.get(one.version), one));
  const current = key.current.version === last.version ? key.current : active(last);
  const facts = { ...settings(command, key, now), current, minAvailableVersion: lowest(key, older, versions) };
  const same = Object.entries(facts).every(
    ([fact, value]) => canonicalJson([key[fact as keyof Key]]) === canonicalJson([value]),
  );
  if (added.length === 0 && same) return { result: { key, added: 0, changed: false } };
  const rows = added.filter((one) => one !== last).map((one) => newRow(key, one));
  const former = current === key.current ? [] : [newRow(key, { ...key.current, state: 'deactivated' })];
  const summary = added.length === 0 ? 'imported settings' : `imported ${spoken(added)}`;
  const { result, change } = changeKey(parts, key, facts, summary, [...former, ...rows]);
  return { result: { ...result, added: added.length, changed: true }, change };
}

/** Whether the version is here. Throws 'already-exists' where another one is. */
function isKnown(command: Arriving, known: KeyVersion | undefined, arriving: KeyVersion): boolean {
  if (known === undefined) return false;
  if (equalSecrets(known.fingerprint!, arriving.fingerprint!)) return true;
  throw differs(command, `its version ${arriving.version} is of other material here`);
}

function lowest(
  { minAvailableVersion: minimum }: Key,
  older: readonly VersionRow[],
  [first]: readonly KeyVersion[],
): number {
  const gone = older.filter(({ value }) => value.wrapped === undefined).map(({ value }) => value.version);
  const from = Math.min(minimum, Math.max(first!.version, ...gone.map((version) => version + 1)));
  return from <= 1 ? 0 : from;
}

function differs({ name }: Arriving, why: string): KmsError {
  return new KmsError('already-exists', `There is another key named ${name}: ${why}.`, name);
}
