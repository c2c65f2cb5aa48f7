import { type DueRotation, KmsError, type Origin, type Outcome, type Principal } from '#domain/domain.ts';
import type { DueSecret } from '#secrets/secrets.ts';
import type { Core } from './core.ts';
import { done, identified, lineOf } from './lines.ts';

const atOnce = 100;

/**
 * Does what the clock asks of secrets, each by a change and a line of its own: those whose time to be restored is over are deleted,
 * rotations that are due begin. What a rotator must do is only named: no call leaves from here.
 */
export async function runSecretSchedule(
  core: Core,
  principal: Principal,
  origin: Origin,
  now: number,
): Promise<{ readonly destroyed: number; readonly steps: readonly DueRotation[] }> {
  const { secrets } = core.rooms;
  let destroyed = 0;
  const failed = new Set<string>();
  for (;;) {
    const due = (await secrets.due('deletion', now, atOnce + failed.size)).filter((one) => !failed.has(placeOf(one)));
    if (due.length === 0) break;
    for (const one of due) {
      const done = await record(core, principal, origin, one, now, () => secrets.destroySecret(one, now));
      if (done) destroyed++;
      else failed.add(placeOf(one));
    }
  }
  const steps: DueRotation[] = [];
  for (const one of await secrets.due('rotation', now, atOnce)) {
    // One that can't be read is recorded like one that can't be written, and keeps no other from its turn.
    const found: DueRotation[] = [];
    const begun = await record(core, principal, origin, one, now, async () => {
      const { step, change } = await secrets.nextStep(one, now);
      if (step !== undefined) found.push(step);
      return change && { result: {}, change };
    });
    if (begun) steps.push(...found);
  }
  return { destroyed, steps };
}

const placeOf = ({ realm, secretId }: DueSecret) => `${realm}/${secretId}`;

/** Whether it was done, where there was something to be done. What fails is recorded and tried again at the next run. */
async function record(
  core: Core,
  principal: Principal,
  origin: Origin,
  { what, realm }: DueSecret,
  now: number,
  act: () => Promise<Outcome<object> | undefined>,
): Promise<boolean> {
  const line = lineOf(origin, what === 'deletion' ? 'delete-secret' : 'rotate-secret', now);
  identified(line, principal);
  line.realm = realm;
  try {
    const outcome = await act();
    if (outcome !== undefined) await core.commits.submit(done(line, outcome.result, outcome.change), outcome.change);
    return true;
  } catch (error) {
    line.outcome = error instanceof KmsError ? error.code : 'internal';
    await core.commits.submit(line);
    return false;
  }
}
