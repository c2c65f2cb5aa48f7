import { type Command, KmsError, type Principal } from '#domain/domain.ts';
import { isPublic, judgeSecret, parseSecretPolicy } from '#policy/policy.ts';
import type { SecretSubject } from '#secrets/secrets.ts';

/** Why a policy for a secret can't be kept; nothing: it can. Throws 'malformed-policy' for what isn't JSON at all. */
export function policyProblems({ realm }: Principal, { policy }: Command<'check-secret-policy'>): readonly string[] {
  assertJson(policy);
  try {
    parseSecretPolicy(policy, realm);
    return [];
  } catch (error) {
    if (error instanceof KmsError && error.code === 'malformed-policy') return [error.message];
    throw error;
  }
}

/**
 * The policy, where all of it can be held to. Throws 'malformed-policy' for anything else, and for one that would keep whoever sets
 * it from taking it away again; 'denied' for one that lets everybody in where that was to be prevented.
 */
export function heldPolicy(
  principal: Principal,
  { secret }: SecretSubject,
  command: Command<'set-secret-policy'>,
  arrival: { readonly now: number; readonly peer: string },
): string {
  const policy = parseSecretPolicy(command.policy, principal.realm, secret!.resource);
  if (command.blockPublic && isPublic(policy)) {
    throw new KmsError('malformed-policy', 'The policy lets everybody of the account in.', 'public');
  }
  const target = { names: [secret!.name], tags: secret!.tags };
  for (const kind of ['set-secret-policy', 'delete-secret-policy'] as const) {
    const later = { ...command, kind } as Command;
    if (judgeSecret(policy, principal, later, target, arrival).kind === 'refused') {
      throw new KmsError('malformed-policy', 'The policy would keep you from changing it again.');
    }
  }
  return command.policy;
}

function assertJson(text: string): void {
  try {
    JSON.parse(text);
  } catch {
    throw new KmsError('malformed-policy', 'The policy is not JSON.');
  }
}
