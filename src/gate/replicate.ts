import type { Command, Outcome, Result } from '#domain/domain.ts';
import { assertMayCarry, assertUnderstood, type RightsCase } from './key-rights.ts';

/** Makes a replica in a region of the account, with a policy of its own if there is one, and without what an earlier one carried. */
export async function replicateKey(
  it: RightsCase<Command<'replicate-key'>>,
): Promise<Outcome<Result<'replicate-key'>>> {
  const { rooms, principal, command, keys, now } = it;
  const { policy } = command;
  const realm = await rooms.identity.region(principal, command.region);
  if (policy !== undefined) {
    const isRegion = (region: string) => rooms.identity.realmIn(realm, region) === realm;
    await assertUnderstood(it, policy, { keyId: keys[0]!.id, isRegion });
  }
  const outcome = await rooms.keyring.replicateKey(keys[0]!, realm, command, now);
  const { key } = outcome.result;
  if (policy !== undefined) {
    const { policy: _, ...plain } = key;
    await assertMayCarry(it, plain, key, command.bypassLockoutCheck === true);
  }
  const { change } = outcome;
  const former = await rooms.identity.keyGrants.clear(key);
  return {
    ...outcome,
    change: {
      summary: change?.summary ?? '',
      records: [...(change?.records ?? []), ...former.records],
      applied: () => {
        change?.applied?.();
        former.applied();
      },
    },
  };
}
