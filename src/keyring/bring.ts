import { equalSecrets, openPublicKey, readForeignMaterial, unwrapTransferred } from '#crypto/crypto.ts';
import {
  type Brought,
  type Command,
  isSymmetric,
  type Key,
  type KeySpec,
  type KeyVersion,
  KmsError,
  type Outcome,
  type Result,
  type SecretBytes,
} from '#domain/domain.ts';
import { changeKey, type Parts } from './change.ts';
import { assertName, createKey } from './create.ts';
import { identityOf, type Place, placesOf, settled } from './import.ts';
import { assertExternal, assertImported, olderEndsWith } from './imported.ts';
import { encodeVersion, versionRecordId } from './key-record.ts';
import { bindingOf } from './open.ts';
import { wrapMaterial } from './root.ts';
import { nextRotation } from './rotation-plan.ts';
import { assertAllowed } from './state.ts';

/** Keys that come from elsewhere whole, each version with its place: material that is wrapped for the realm, or a public half. */

interface Halves {
  /** Undefined: only the public half came. The caller owns it. */
  readonly secret: SecretBytes | undefined;
  readonly publicKey: Uint8Array | undefined;
}

interface Material extends Halves {
  readonly spec: KeySpec;
}

export async function importKey(
  parts: Parts,
  realm: string,
  command: Command<'import-key'>,
  now: number,
): Promise<Outcome<Result<'import-key'>>> {
  const { name, usages, derived, exportable, backupAllowed, rotationPeriodDays, ownRotation } = command;
  assertName(name);
  // Said before anything is unwrapped: it is the likelier mistake.
  if ((await parts.keys.find(realm, { by: 'name', name })) !== undefined) {
    throw new KmsError('already-exists', `There is already a key named ${name}.`, name);
  }
  const { spec, secret, publicKey } = await materialOf(parts, realm, command.specs, command.brought);
  using _ = secret;
  if (derived === true && secret === undefined) {
    throw new KmsError('invalid-parameter', 'A key that is derived per context is not imported by a public half.');
  }
  return await createKey(
    parts,
    realm,
    {
      ...{ kind: 'create-key', spec, usages, class: 'enveloped', name, origin: 'external', pairsRotate: true },
      ...(derived !== undefined && { derived }),
      ...(exportable !== undefined && { exportable }),
      ...(backupAllowed !== undefined && { backupAllowed }),
      ...(rotationPeriodDays !== undefined && { rotationPeriodDays }),
    },
    now,
    {
      arrival: {
        ownRotation: ownRotation === true,
        version: (versionKey, key) => broughtVersion(parts, versionKey, key, newest(1, now), { secret, publicKey }),
      },
    },
  );
}

/** The new version is current at once; the former one only decrypts and verifies from now on. */
export async function importVersion(
  parts: Parts,
  key: Key,
  command: Command<'import-key-version'>,
  now: number,
): Promise<Outcome<Result<'import-key-version'>>> {
  assertExternal(key);
  assertImported(parts, key);
  assertAllowed(key, key.current, 'rotate');
  if (key.multiRegion !== undefined) {
    throw new KmsError('unsupported', 'Material of a multi-Region key is imported region by region.', key.id);
  }
  if (key.next !== undefined) {
    throw new KmsError('invalid-state', 'New key material waits for its rotation already.', key.id);
  }
  const material = await materialOf(parts, key.realm, [key.spec], command.brought);
  using secret = material.secret;
  using versionKey = await parts.versionKeys.of(key);
  const { fingerprint } = identityOf(parts, key, material.publicKey, secret);
  const places = await placesOf(parts, key);
  const known = places.find(({ version }) => equalSecrets(version.fingerprint!, fingerprint));
  const half = completed(key, places, known, command.version, secret !== undefined);
  if (half !== undefined) {
    const { publicOnly: _, ...facts } = half.version;
    const wrapped = wrapMaterial(versionKey, bindingOf(key, facts.version), secret!);
    const version = Object.freeze({ ...facts, wrapped });
    const summary = `imported the private half of version ${version.version}`;
    return changeKey(parts, key, ...settled(key, [{ ...half, version }], summary));
  }
  const current = broughtVersion(parts, versionKey, key, newest(key.current.version + 1, now), material);
  const former = Object.freeze({ ...key.current, state: 'deactivated' as const });
  return changeKey(
    parts,
    key,
    {
      current,
      olderEnds: olderEndsWith(key, [former]),
      ...(key.rotation && { rotation: nextRotation(key.rotation.periodDays, now) }),
    },
    `imported version ${current.version}`,
    [{ kind: 'version', id: versionRecordId(key, former.version), expect: 0, value: encodeVersion(former) }],
  );
}

/** The version whose private half this is, if it is one: the named one, or the newest. Throws where the material has no place. */
function completed(
  key: Key,
  places: readonly Place[],
  known: Place | undefined,
  named: number | undefined,
  isPrivate: boolean,
): Place | undefined {
  const refuse = (code: 'invalid-state' | 'wrong-material' | 'version-not-found', reason: string) =>
    new KmsError(code, reason, key.id);
  if (named === undefined) {
    const newestHalf = known?.role === 'current' && known.version.publicOnly === true && isPrivate;
    if (known !== undefined && !newestHalf) throw refuse('wrong-material', 'The key has this material already.');
    return known;
  }
  const place = places.find(({ version }) => version.version === named);
  if (place === undefined) throw refuse('version-not-found', `The key has no version ${named}.`);
  if (place.version.publicOnly !== true) {
    throw refuse('invalid-state', 'private key imported, key version cannot be updated');
  }
  if (!isPrivate) {
    throw refuse('invalid-state', 'cannot add a public key to a key version that already has a public key set');
  }
  if (known !== place) throw refuse('wrong-material', 'cannot import key, key pair does not match');
  return place;
}

/** Throws 'invalid-wrapping', 'wrong-material'. The caller owns the secret. */
async function materialOf(parts: Parts, realm: string, specs: readonly KeySpec[], brought: Brought): Promise<Material> {
  if ('publicKey' in brought) {
    const spec = specs.find((one) => !isSymmetric(one)) ?? noPublicHalf();
    openPublicKey(spec, brought.publicKey);
    return { spec, secret: undefined, publicKey: brought.publicKey };
  }
  const wrappingKey = await parts.wrappingKeys.open(realm);
  using given = unwrapTransferred(wrappingKey, brought.hash, brought.wrapped) ?? notUnwrapped();
  for (const spec of specs) {
    const read = await readForeignMaterial(spec, given);
    if (read !== undefined) return { spec, secret: read.material, publicKey: read.publicKey };
  }
  throw new KmsError('wrong-material', `The key material is not that of a sound ${specs.join(' or ')} key.`);
}

export function notUnwrapped(): never {
  throw new KmsError('invalid-wrapping', 'The wrapped key material does not unwrap with the wrapping key.');
}

function noPublicHalf(): never {
  throw new KmsError('invalid-parameter', 'provided type does not support public_key import');
}

const newest = (version: number, createdAt: number) => ({ version, state: 'active', createdAt }) as const;

/** A version of material from elsewhere, wrapped for exactly this key, which knows it again by its fingerprint. */
export function broughtVersion(
  parts: Parts,
  versionKey: SecretBytes,
  key: Pick<Key, 'realm' | 'id' | 'spec' | 'usages' | 'class'>,
  facts: Pick<KeyVersion, 'version' | 'state' | 'createdAt'>,
  { secret, publicKey }: Halves,
): KeyVersion {
  return Object.freeze({
    ...facts,
    ...identityOf(parts, key, publicKey, secret),
    ...(secret === undefined
      ? { publicOnly: true as const }
      : { wrapped: wrapMaterial(versionKey, bindingOf(key, facts.version), secret) }),
    ...(publicKey && { publicKey }),
  });
}
