import { type Command, type KeyRef, KmsError, type Principal } from '#domain/domain.ts';
import type { IdentityRoom } from '#identity/identity.ts';
import { isOwnKey } from '#keyring/keyring.ts';
import type { SecretTarget } from '#policy/policy.ts';
import { pairsOf, type SecretCommand, type SecretSubject } from '#secrets/secrets.ts';
import { absent, type Subject } from './subjects.ts';

const secretActions: ReadonlySet<string> = new Set<SecretCommand['kind']>([
  'create-secret',
  'put-secret-value',
  'update-secret',
  'get-secret-value',
  'read-secret-version',
  'write-secret',
  'import-secret',
  'change-secret-versions',
  'configure-secret',
  'move-secret-label',
  'describe-secret',
  'list-secret-versions',
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
  'replicate-secret',
  'remove-secret-replicas',
  'detach-secret-replica',
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

/** The secret as policy takes it: with what its own policy says and reads. */
export function secretTarget({ target, secret, binding }: SecretSubject): SecretTarget {
  return {
    ...target,
    ...(secret?.policy !== undefined && { policy: secret.policy, tags: secret.tags }),
    ...(binding !== undefined && {
      via: { service: `secretsmanager.${binding.resource.split(':')[3]}.amazonaws.com`, pairs: pairsOf(binding) },
    }),
  };
}

/** The realm of another region of the account. Rejects with 'unsupported' of 'region' where there is none. */
export async function placeOf(identity: IdentityRoom, principal: Principal, region: string): Promise<string> {
  try {
    return await identity.region(principal, region);
  } catch (error) {
    if (!(error instanceof KmsError) || error.code !== 'unsupported') throw error;
    throw new KmsError('unsupported', error.message, 'region');
  }
}
