import { type Command, type KeyRef, KmsError, type Origin, type Principal } from '#domain/domain.ts';
import { isOwnKey } from '#keyring/keyring.ts';
import type { SecretCommand, SecretSubject } from '#secrets/secrets.ts';
import type { Core } from './core.ts';
import { done, identified, lineOf } from './lines.ts';
import { absent, type Subject } from './subjects.ts';

const secretActions: ReadonlySet<string> = new Set<SecretCommand['kind']>([
  'create-secret',
  'put-secret-value',
  'update-secret',
  'get-secret-value',
  'move-secret-label',
  'describe-secret',
  'delete-secret',
  'restore-secret',
  'tag-secret',
  'untag-secret',
  'set-secret-policy',
  'get-secret-policy',
  'delete-secret-policy',
  'check-secret-policy',
  'rotate-secret',
  'cancel-secret-rotation',
]);

/** Whether the command is about one secret, and so about the keys that protect it. */
export function isSecretCommand(command: Command): command is SecretCommand {
  return secretActions.has(command.kind);
}

/** The keys of a secret as policy takes keys: one that is named and isn't there is judged like one that is. */
export function keysOfSecret(realm: string, { keys, absentKey }: SecretSubject): readonly Subject[] {
  return absentKey === undefined ? keys : [...keys, { ...absent(realm, absentKey), missing: unprotectable(absentKey) }];
}

function unprotectable(ref: KeyRef): KmsError {
  const named = ref.by === 'id' ? ref.id : ref.name;
  return new KmsError('secret-undecryptable', `There is no key ${named} to protect the secret with.`, 'protect');
}

/** The keys over which a right is needed: whoever may have a secret has what the server's own key protects. */
export function judgedKeys(keys: readonly Subject[]): readonly Subject[] {
  return keys.some(isOwnKey) ? keys.filter((key) => !isOwnKey(key)) : keys;
}

/** The realm's own key for secrets, at its first use: by a line of its own, before that of what it is needed for. */
export async function makeSecretsKey(core: Core, principal: Principal, origin: Origin, now: number): Promise<void> {
  const { result, change } = await core.rooms.keyring.createSecretsKey(principal.realm, now);
  const line = lineOf(origin, 'create-key', now);
  identified(line, principal);
  await core.commits.submit(done(line, result, change), change);
}
