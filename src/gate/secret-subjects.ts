import {
  accountOf,
  type Command,
  type KeyRef,
  KmsError,
  type Origin,
  type Principal,
  regionOf,
} from '#domain/domain.ts';
import type { IdentityRoom } from '#identity/identity.ts';
import { isOwnKey } from '#keyring/keyring.ts';
import type { SecretTarget } from '#policy/policy.ts';
import { pairsOf, type SecretCommand, type SecretSubject } from '#secrets/secrets.ts';
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

/** The realm's own key for secrets, at its first use: by a line of its own, before that of what it is needed for. */
export async function makeSecretsKey(
  core: Core,
  principal: Principal,
  realm: string,
  origin: Origin,
  now: number,
): Promise<void> {
  const { identity, keyring } = core.rooms;
  // Of another region it must be known that there is one; rejects where there isn't.
  if (realm !== principal.realm && realm !== accountOf(realm)) await placeOf(identity, principal, regionOf(realm, ''));
  const { result, change } = await keyring.createSecretsKey(realm, now);
  const line = lineOf(origin, 'create-key', now);
  identified(line, principal);
  line.realm = realm;
  await core.commits.submit(done(line, result, change), change);
}
