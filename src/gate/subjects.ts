import { type Command, type Key, type KeyRef, type KeySpec, KmsError } from '#domain/domain.ts';
import type { IdentityRoom } from '#identity/identity.ts';
import type { Keyring } from '#keyring/keyring.ts';

/** A key that the command names and that isn't there: policy judges it as if it were, so that only who may use it learns that. */
export type Subject = Key & { readonly missing?: KmsError };

type Maybe<T> = T | Promise<T>;

const none: readonly Subject[] = [];

interface SubjectRooms {
  readonly keyring: Keyring;
  readonly identity: IdentityRoom;
}

/** The keys that a command touches, in the order that policy expects. */
export function subjectsOf(
  { keyring, identity }: SubjectRooms,
  realm: string,
  command: Command,
): Maybe<readonly Subject[]> {
  switch (command.kind) {
    case 're-encrypt':
      return Promise.all([
        source(keyring, realm, command.source, command.ciphertext),
        one(keyring, realm, command.target),
      ]);
    case 'export-wrapped-key':
      return Promise.all([one(keyring, realm, command.key), one(keyring, realm, command.destination)]);
    case 'restore-key':
      return keyring.touchedByRestore(realm, command);
    case 'update-primary-region':
      return withReplica(keyring, realm, command.key, identity.realmIn(realm, command.region));
    case 'decrypt':
      return list(source(keyring, realm, command.key, command.ciphertext));
    case 'update-alias':
      return Promise.all([one(keyring, realm, command.key), one(keyring, realm, { by: 'name', name: command.name })]);
    case 'import-key-versions':
      return ifThere(keyring.find(realm, { by: 'name', name: command.name }));
    case 'delete-alias':
      return list(one(keyring, realm, { by: 'name', name: command.name }));
    default:
      return 'key' in command && command.key !== undefined ? list(one(keyring, realm, command.key)) : none;
  }
}

/** Where none is there, one is to be made. */
function ifThere(found: Maybe<Key | undefined>): Maybe<readonly Subject[]> {
  if (found instanceof Promise) return found.then(ifThere);
  return found === undefined ? none : [found];
}

/** A primary key, and its replica elsewhere. */
async function withReplica(
  keyring: Keyring,
  realm: string,
  ref: KeyRef,
  elsewhere: string,
): Promise<readonly Subject[]> {
  const key = await one(keyring, realm, ref);
  // What can't hand the part of the primary on is for the keyring to say.
  if (key.multiRegion?.primary !== realm) return [key, key];
  return [key, await one(keyring, elsewhere, { by: 'id', id: key.id })];
}

function list(subject: Maybe<Subject>): Maybe<readonly Subject[]> {
  return subject instanceof Promise ? subject.then((found) => [found]) : [subject];
}

function one(keyring: Keyring, realm: string, ref: KeyRef): Maybe<Subject> {
  const found = keyring.find(realm, ref);
  if (found instanceof Promise) return found.then((key) => key ?? absent(realm, ref));
  return found ?? absent(realm, ref);
}

/** The key that the request names, else the one that the ciphertext names. */
function source(keyring: Keyring, realm: string, ref: KeyRef | undefined, ciphertext: Uint8Array): Maybe<Subject> {
  return one(keyring, realm, ref ?? { by: 'id', id: keyring.keyNamedBy(realm, ciphertext) });
}

export function absent(realm: string, ref: KeyRef): Subject {
  const named = ref.by === 'id' ? ref.id : ref.name;
  const missing =
    ref.by === 'id'
      ? new KmsError('not-found', `There is no key ${named}.`, named)
      : new KmsError('alias-not-found', `There is no key named ${named}.`, named);
  return {
    missing,
    realm,
    id: ref.by === 'id' ? ref.id : '',
    names: ref.by === 'name' ? [ref.name] : [],
    revision: 0,
    spec: 'aes-256' satisfies KeySpec,
    usages: [],
    class: 'enveloped',
    description: '',
    tags: {},
    enabled: false,
    createdAt: 0,
    current: { version: 0, state: 'destroyed', createdAt: 0 },
    minDecryptionVersion: 0,
    minEncryptionVersion: 0,
    minAvailableVersion: 0,
    derived: false,
    exportable: false,
    deletionAllowed: false,
    onDemandRotations: 0,
  };
}
