import { randomUuid } from '#crypto/crypto.ts';
import {
  type Command,
  isKeyId,
  isSymmetric,
  type Key,
  type KeyVersion,
  KmsError,
  type Outcome,
  type Result,
  type SecretBytes,
  specFacts,
} from '#domain/domain.ts';
import { newKey, type Parts } from './change.ts';
import { assertMadeSo } from './key-rules.ts';
import { noKeyStore } from './key-stores.ts';
import { makeVersion } from './material.ts';
import { assertMayReside } from './resident.ts';
import { nextRotation } from './rotation-plan.ts';

const maxTags = 50;
const maxDescription = 8192;

/** Also the grammar of AWS aliases (without `alias/`) and of Vault's key names. */
export function assertName(name: string): void {
  if (
    !/^[A-Za-z0-9_-][A-Za-z0-9/_.-]{0,249}$/.test(name) ||
    name.split('/').some((part) => part === '..' || part === '.' || part === '')
  ) {
    throw new KmsError(
      'invalid-parameter',
      'A key name has 1 to 250 letters, digits and / _ - . and no empty part between slashes.',
    );
  }
  // Names and ids share one space in some protocols, so a name must not look like an id.
  if (isKeyId(name.toLowerCase())) {
    throw new KmsError('invalid-parameter', 'A key name must not have the form of a key id.');
  }
}

/** What is particular to a key whose material is not made here. */
interface Elsewhere {
  /** It comes whole. */
  readonly arrival?: Arrival;
  /** It is made in an HSM, where this place is reserved for it. */
  readonly place?: string | undefined;
}

interface Arrival {
  readonly ownRotation: boolean;
  version(versionKey: SecretBytes, key: Pick<Key, 'realm' | 'id' | 'spec' | 'usages' | 'class'>): KeyVersion;
}

export async function createKey(
  parts: Parts,
  realm: string,
  command: Command<'create-key'>,
  now: number,
  { arrival, place }: Elsewhere = {},
): Promise<Outcome<Result<'create-key'>>> {
  if (command.keyStore !== undefined) throw noKeyStore(command.keyStore);
  assertCommand(command, arrival?.ownRotation === true);
  assertMayReside(command);
  const { name } = command;
  if (name !== undefined) {
    const taken = await parts.keys.find(realm, { by: 'name', name });
    if (taken !== undefined) {
      if (command.ifAbsent === true && taken.spec === command.spec) return { result: { key: taken, existed: true } };
      throw new KmsError('already-exists', `There is already a key named ${name}.`, name);
    }
  }
  if (command.onTheWay !== undefined && name !== undefined) {
    await assertMadeSo(parts.records, realm, name, command.onTheWay);
  }
  const facts = {
    realm,
    id: command.multiRegion === true ? `mrk-${randomUuid().replaceAll('-', '')}` : randomUuid(),
    spec: command.spec,
    usages: command.usages,
    class: command.class,
  };
  const resident = command.protection === 'hsm' ? await parts.residents.make(facts, 1, now, place) : undefined;
  const versionKey = resident === undefined ? await parts.versionKeys.ofNew(facts) : undefined;
  using wrapping = versionKey?.key;
  const key: Key = Object.freeze({
    ...facts,
    ...versionKey?.own,
    revision: 1,
    description: command.description ?? '',
    tags: command.tags ?? {},
    names: name === undefined ? [] : [name],
    enabled: true,
    createdAt: now,
    current:
      resident?.version ??
      arrival?.version(wrapping!, facts) ??
      (await firstVersion(wrapping!, facts, command.origin, now)),
    ...(resident !== undefined && { protection: 'hsm' as const }),
    ...(command.origin === 'external' && { origin: command.origin }),
    ...(arrival !== undefined && encrypts(command) && { opensBare: true as const }),
    ...(arrival?.ownRotation === true && { ownRotation: true as const }),
    minDecryptionVersion: 1,
    minEncryptionVersion: 0,
    minAvailableVersion: 0,
    derived: command.derived ?? false,
    ...(command.convergent === true && { convergent: true as const }),
    exportable: command.exportable ?? false,
    ...(command.backupAllowed === true && { backupAllowed: true as const }),
    deletionAllowed: command.deletionAllowed ?? false,
    onDemandRotations: 0,
    ...(command.policy !== undefined && { policy: command.policy }),
    ...(command.rotationPeriodDays !== undefined && { rotation: nextRotation(command.rotationPeriodDays, now) }),
    ...(command.multiRegion === true && { multiRegion: { primary: realm, replicas: [] } }),
  });
  const summary = `${arrival === undefined ? 'created' : 'imported'} ${key.spec} for ${key.usages.join(', ')}`;
  const { change } = newKey(parts, key, now, summary, versionKey?.records ?? resident?.settled.records);
  const applied = () => {
    versionKey?.applied();
    resident?.settled.applied?.();
    change.applied?.();
  };
  return { result: { key }, change: { ...change, applied } };
}

async function firstVersion(
  versionKey: SecretBytes,
  key: Parameters<typeof makeVersion>[1],
  origin: Command<'create-key'>['origin'],
  now: number,
): Promise<KeyVersion> {
  if (origin !== 'external') return makeVersion(versionKey, key, 1, now);
  return Object.freeze({ version: 1, state: 'pending-import', createdAt: now });
}

/** Whether it makes envelopes, or bare ciphertexts of a symmetric cipher. */
export function encrypts({ spec, usages }: Pick<Key, 'spec' | 'usages'>): boolean {
  return isSymmetric(spec) && usages.includes('encrypt');
}

/** Throws where no key is of that spec for that. */
export function assertKind(kind: Pick<Command<'create-key'>, 'spec' | 'usages' | 'derived' | 'convergent'>): void {
  const { spec, usages, derived, convergent } = kind;
  const possible = specFacts(spec).usages;
  const impossible = usages.find((usage) => !possible.includes(usage));
  if (usages.length === 0 || impossible !== undefined) {
    throw new KmsError(
      'invalid-parameter',
      `A ${spec} key is for ${possible.join(', ')}; ${impossible ?? 'nothing'} was asked.`,
    );
  }
  if (derived === true && !encrypts(kind) && spec !== 'ed25519') {
    throw new KmsError('unsupported', 'Only symmetric encryption keys and ed25519 keys can be derived per context.');
  }
  if (convergent === true && !(derived === true && encrypts(kind))) {
    throw new KmsError('invalid-parameter', 'Convergent encryption needs a symmetric key that is derived per context.');
  }
}

function assertCommand(command: Command<'create-key'>, ownRotation: boolean): void {
  assertKind(command);
  if (command.name !== undefined) assertName(command.name);
  if (command.derived === true && command.class === 'raw') {
    throw new KmsError('unsupported', 'A raw key is used as it is, so it can not be derived per context.');
  }
  // Its uses are counted where it is used: in two regions it could be used twice as often as is safe.
  if (command.multiRegion === true && command.class === 'raw') {
    throw new KmsError('unsupported', 'A raw key lives in one region.');
  }
  if (command.origin === 'external' && command.rotationPeriodDays !== undefined && !ownRotation) {
    throw new KmsError('unsupported', 'A key with imported material does not rotate by itself.');
  }
  assertDescription(command.description ?? '');
  assertTags(command.tags ?? {});
  if (command.rotationPeriodDays !== undefined && !isSymmetric(command.spec) && command.pairsRotate !== true) {
    throw new KmsError(
      'unsupported',
      'Only symmetric keys rotate by themselves: others have to publish the new public key first.',
    );
  }
}

export function assertDescription(description: string): void {
  if (description.length > maxDescription) {
    throw new KmsError('invalid-parameter', `A description has at most ${maxDescription} characters.`);
  }
}

export function assertTags(tags: Readonly<Record<string, string>>): void {
  const entries = Object.entries(tags);
  if (entries.length > maxTags) throw new KmsError('limit-exceeded', `A key has at most ${maxTags} tags.`);
  for (const [name, value] of entries) {
    if (name.length < 1 || name.length > 128 || value.length > 256) {
      throw new KmsError('invalid-parameter', 'A tag has a name of 1 to 128 characters and a value of at most 256.');
    }
  }
}
