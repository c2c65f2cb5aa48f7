import { type Command, KmsError } from '#domain/domain.ts';

/** Why a policy for a secret can't be kept; nothing: it can. */
export function policyProblems(_policy: string): readonly string[] {
  return ['Policies on secrets are not enforced here, so none is kept.'];
}

/** The policy, where all of it can be enforced. Throws 'malformed-policy'. */
export function understoodPolicy({ policy }: Command<'set-secret-policy'>): string {
  const [problem] = policyProblems(policy);
  if (problem !== undefined) throw new KmsError('malformed-policy', problem);
  return policy;
}
