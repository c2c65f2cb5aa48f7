import {
  type Command,
  type Key,
  KmsError,
  markOf,
  type Outcome,
  type RecordChange,
  type Secret,
  type SecretPlace,
  type SecretReplica,
  type SecretVersion,
} from '#domain/domain.ts';
import { secretsKeyName } from '#keyring/keyring.ts';
import { changeSecret, dropValues, pendingValue, putValue, removeSecret, secretById, secretByName } from './record.ts';
import { assertNotDeleted, assertPrimary } from './state.ts';
import type { Parts, SecretSubject } from './subject.ts';
import { openValue, openVersion, protectedBy, sealValue, unusableKey } from './value.ts';

/**
 * Copies of a secret in other regions of its account: secrets with the same name and id, under keys of their regions, that change in
 * the same transaction as the one they follow, and by no other way.
 */

type Changed = Outcome<{ readonly secret: Secret }>;

/** `realms`: of the places that the command names, in their order; all of them are there. */
export async function replicateSecret(
  parts: Parts,
  { secret: found }: SecretSubject,
  { places }: Command<'replicate-secret'>,
  realms: readonly string[],
  now: number,
): Promise<Changed> {
  const secret = found!;
  assertNotDeleted(secret);
  assertPrimary(secret);
  const { replicas, records } = await copiesOf(parts, secret, [], places, realms);
  const next = { ...secret, replicas, changedAt: now };
  return changeSecret(secret, next, `replicated to ${places.map(({ region }) => region).join(', ')}`, records);
}

/** `pending`: rows of the secret that are written together with its copies. */
export async function copiesOf(
  parts: Parts,
  secret: Secret,
  pending: readonly RecordChange[],
  places: readonly SecretPlace[],
  realms: readonly string[],
): Promise<{ readonly replicas: readonly SecretReplica[]; readonly records: readonly RecordChange[] }> {
  const replicas = new Map((secret.replicas ?? []).map((replica) => [replica.realm, replica]));
  const records: RecordChange[] = [];
  for (const [i, { region, protection }] of places.entries()) {
    const realm = realms[i]!;
    if (realm === secret.realm)
      throw new KmsError('invalid-parameter', 'A secret is not replicated into its own region.');
    if (replicas.get(realm)?.failure === undefined && replicas.has(realm)) continue;
    const replica: SecretReplica = { realm, region, ...(protection !== undefined && { key: protection }) };
    if ((await secretByName(parts.records, realm, secret.name)) !== undefined) {
      replicas.set(realm, {
        ...replica,
        failure: 'Replication failed: Secret name simple conflict: there is a secret of this name.',
      });
      continue;
    }
    records.push(...(await copyInto(parts, secret, pending, replica, undefined)));
    replicas.set(realm, replica);
  }
  return { replicas: [...replicas.values()], records };
}

export async function removeReplicas(
  parts: Parts,
  { secret: found }: SecretSubject,
  { regions }: Command<'remove-secret-replicas'>,
  now: number,
): Promise<Changed> {
  const secret = found!;
  assertNotDeleted(secret);
  assertPrimary(secret);
  const gone = (secret.replicas ?? []).filter(({ region }) => regions.includes(region));
  if (gone.length < new Set(regions).size) {
    throw new KmsError('invalid-parameter', 'The secret has no replica in one of these regions.');
  }
  const records: RecordChange[] = [];
  for (const { realm, failure } of gone) {
    const twin = failure === undefined ? await secretById(parts.records, realm, secret.id) : undefined;
    if (twin !== undefined) records.push(...(await removeSecret(parts.records, twin)).records);
  }
  const replicas = secret.replicas!.filter((replica) => !gone.includes(replica));
  return changeSecret(secret, { ...secret, replicas, changedAt: now }, `no longer in ${regions.join(', ')}`, records);
}

/** The copy goes its own way from now on. */
export async function detachReplica(parts: Parts, { secret: found }: SecretSubject, now: number): Promise<Changed> {
  const { replicaOf, ...facts } = found!;
  if (replicaOf === undefined) throw new KmsError('invalid-state', 'The secret is no replica.');
  const primary = await secretById(parts.records, replicaOf, found!.id);
  const left = primary?.replicas?.filter(({ realm }) => realm !== facts.realm);
  const others =
    primary === undefined
      ? []
      : changeSecret(primary, { ...primary, replicas: left ?? [], changedAt: now }, '').change.records;
  return changeSecret(found, { ...facts, changedAt: now }, 'no longer a replica', others);
}

/** What a secret's change does to its copies, put into the same change. */
export async function follow<T extends { readonly secret: Secret }>(
  parts: Parts,
  outcome: Outcome<T>,
): Promise<Outcome<T>> {
  const { change, result } = outcome;
  const { secret } = result;
  const replicas = secret.replicas?.filter(({ failure }) => failure === undefined) ?? [];
  if (change === undefined || replicas.length === 0) return outcome;
  const records = [...change.records];
  for (const replica of replicas) {
    const twin = await secretById(parts.records, replica.realm, secret.id);
    if (twin !== undefined) records.push(...(await copyInto(parts, secret, change.records, replica, twin)));
  }
  return { result, change: { ...change, records } };
}

/** `pending`: rows of the primary that are written together with the copy. */
async function copyInto(
  parts: Parts,
  primary: Secret,
  pending: readonly RecordChange[],
  { realm, key: ref }: SecretReplica,
  twin: Secret | undefined,
): Promise<readonly RecordChange[]> {
  const { replicas: _, rotation: __, key: ___, ...facts } = primary;
  const bare = {
    ...facts,
    realm,
    replicaOf: primary.realm,
    resource: parts.resourceOf(realm, primary.name, markOf(primary)),
  };
  const key = await parts.keyring.find(realm, ref ?? { by: 'name', name: secretsKeyName });
  const records: RecordChange[] = [];
  const versions: SecretVersion[] = [];
  for (const version of primary.versions) {
    const { keyId, ownKey: _, accessedAt: __, ...plain } = version;
    const known = twin?.versions.find(({ id }) => id === version.id);
    if (keyId === undefined) versions.push(plain);
    else if (known?.keyId !== undefined) {
      const { ownKey, accessedAt } = known;
      const own = { keyId: known.keyId, ...(ownKey && { ownKey }), ...(accessedAt !== undefined && { accessedAt }) };
      versions.push({ ...plain, ...own });
    } else {
      if (key === undefined) throw unusableKey('protect', 'that of a replica is not there.');
      const sealed = await reseal(parts, primary, pending, version, bare, key);
      records.push(putValue(bare, version.id, sealed));
      versions.push({ ...plain, ...protectedBy(key) });
    }
  }
  const dropped = twin?.versions.filter(({ id }) => !versions.some((one) => one.id === id && !one.destroyed)) ?? [];
  if (twin !== undefined)
    records.push(
      ...(await dropValues(
        parts.records,
        twin,
        dropped.map(({ id }) => id),
      )),
    );
  const next = { ...bare, versions, ...(ref !== undefined && { key: ref }) };
  return changeSecret(twin, next, '', records).change.records;
}

async function reseal(
  parts: Parts,
  primary: Secret,
  pending: readonly RecordChange[],
  version: SecretVersion,
  copy: Pick<Secret, 'resource'>,
  key: Key,
) {
  const opening = await parts.keyring.find(primary.realm, { by: 'id', id: version.keyId! });
  const written = pendingValue(pending, primary, version.id);
  const value =
    written === undefined
      ? await openVersion(parts, opening, primary, version)
      : await openValue(parts.keyring, opening, primary, version.id, written);
  return sealValue(parts.keyring, key, copy, version.id, value);
}
