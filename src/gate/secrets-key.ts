import { accountOf, type Origin, type Principal, regionOf } from '#domain/domain.ts';
import type { Core } from './core.ts';
import { done, identified, lineOf } from './lines.ts';
import { placeOf } from './secret-subjects.ts';

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
