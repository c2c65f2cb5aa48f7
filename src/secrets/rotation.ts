import {
  type Command,
  currentLabel,
  type DueRotation,
  KmsError,
  type Outcome,
  pendingLabel,
  type Result,
  type RotationRun,
  rotationSteps,
  type Secret,
  type SecretRotation,
  type SecretVersion,
} from '#domain/domain.ts';
import { freshId } from './fresh-id.ts';
import { changeSecret, secretById } from './record.ts';
import { follow } from './replicas.ts';
import { assertSchedule, daysBetween, nextWindow } from './schedule.ts';
import { assertNotDeleted, assertPrimary } from './state.ts';
import type { Parts, SecretSubject } from './subject.ts';
import { moveLabels, removeLabel, withLabel } from './versions.ts';

const minute = 60 * 1000;
/** Tries of one step, the first one included. */
const maxFailures = 5;
const maxReason = 500;

/** Turns rotation on, and starts one or tries out the rotator. */
export function rotateSecret(
  { keyring, rotators }: Parts,
  { secret: found }: SecretSubject,
  command: Command<'rotate-secret'>,
  now: number,
): Outcome<Result<'rotate-secret'>> {
  const secret = found!;
  assertNotDeleted(secret);
  assertPrimary(secret);
  const former = secret.rotation;
  const rotator = command.rotator ?? former?.rotator;
  if (rotator === undefined)
    throw new KmsError('invalid-state', 'The secret has no rotation function, and none is named.');
  if (!rotators.has(rotator)) {
    throw new KmsError('not-found', `No rotation function ${rotator} is registered with the server.`, rotator);
  }
  const schedule = command.schedule ?? former?.schedule;
  if (command.schedule !== undefined) assertSchedule(command.schedule, now);
  if (former?.run !== undefined && former.run.versionId === command.versionId) {
    return { result: { secret, versionId: command.versionId } };
  }
  assertNoneUnderWay(secret);
  const versionId = command.versionId ?? freshId(keyring);
  const known = secret.versions.find(({ id }) => id === versionId);
  if (known !== undefined) {
    if (known.labels.includes(currentLabel)) return { result: { secret, versionId } };
    throw new KmsError('invalid-parameter', `There is a version ${versionId} of the secret already.`);
  }
  const run: RotationRun = command.atOnce
    ? { versionId, step: 'create', failures: 0, at: now }
    : { versionId, step: 'test', failures: 0, at: now, rehearsal: true };
  const { failure: _, ...kept } = former ?? {};
  const cycle = schedule === undefined ? {} : { schedule, everyDays: daysBetween(schedule, now) };
  const rotation: SecretRotation = { ...planned({ ...kept, ...cycle, enabled: true, rotator }, now), run };
  const versions = announced(secret, versionId, now);
  const what = command.atOnce ? 'rotation begun' : 'rotation set up';
  const { result, change } = changeSecret(secret, { ...secret, versions, rotation, changedAt: now }, what);
  return { result: { ...result, versionId }, change };
}

/** A rotation that is due by the secret's own schedule. Undefined where it isn't, as seen now. */
export function startDue({ keyring }: Parts, secret: Secret, now: number): ReturnType<typeof changeSecret> | undefined {
  const { rotation } = secret;
  if (rotation === undefined || !rotation.enabled || rotation.run !== undefined || secret.deletion !== undefined)
    return undefined;
  if (rotation.nextAt === undefined || rotation.nextAt > now) return undefined;
  const pending = withLabel(secret.versions, pendingLabel);
  // What an earlier rotation left unfinished is taken up again.
  const unfinished = pending !== undefined && !pending.labels.includes(currentLabel) ? pending.id : undefined;
  const versionId = unfinished ?? freshId(keyring);
  const run: RotationRun = { versionId, step: 'create', failures: 0, at: now };
  const versions = unfinished === undefined ? announced(secret, versionId, now) : secret.versions;
  return changeSecret(
    secret,
    { ...secret, versions, rotation: { ...rotation, run } },
    'rotation begun by its schedule',
  );
}

/** The version that the rotator is to fill: it has its label before it has a value. */
function announced(secret: Secret, versionId: string, now: number): readonly SecretVersion[] {
  return moveLabels([...secret.versions, { id: versionId, createdAt: now, labels: [] }], [pendingLabel], versionId);
}

function assertNoneUnderWay({ versions, rotation }: Secret): void {
  const pending = withLabel(versions, pendingLabel);
  if (rotation?.run !== undefined || (pending !== undefined && !pending.labels.includes(currentLabel))) {
    throw new KmsError('invalid-state', "A previous rotation isn't complete. That rotation will be reattempted.");
  }
}

export function cancelRotation(
  { secret: found }: SecretSubject,
  now: number,
): Outcome<Result<'cancel-secret-rotation'>> {
  const secret = found!;
  assertNotDeleted(secret);
  assertPrimary(secret);
  if (secret.rotation === undefined) return { result: { secret } };
  const { run, nextAt: _, nextBy: __, ...kept } = secret.rotation;
  const { result, change } = changeSecret(
    secret,
    { ...secret, rotation: { ...kept, enabled: false }, changedAt: now },
    'rotation ended',
  );
  return { result: run === undefined ? result : { ...result, versionId: run.versionId }, change };
}

/** What became of a step. What isn't the step that is due any more changes nothing. */
export async function reportRotation(
  parts: Parts,
  { realm, secretId, versionId, step, failure }: Command<'report-rotation'>,
  now: number,
): Promise<Outcome<Result<'report-rotation'>>> {
  const secret = await secretById(parts.records, realm, secretId);
  const run = secret?.rotation?.run;
  if (secret === undefined || run?.versionId !== versionId || run.step !== step) return { result: {} };
  const after = failure === undefined ? succeeded(secret, run, now) : failed(secret, run, failure, now);
  const { result, change } = await follow(parts, after);
  const next = failure === undefined ? dueStep(result.secret) : undefined;
  return { result: next === undefined ? {} : { next }, change: change! };
}

function succeeded(secret: Secret, run: RotationRun, now: number) {
  if (run.rehearsal === true) return rehearsed(secret, run, now);
  const next = rotationSteps[rotationSteps.indexOf(run.step) + 1];
  if (next === undefined) return finished(secret, run, now);
  const after = { ...run, step: next, failures: 0, at: now };
  return changed(secret, { ...secret.rotation!, run: after }, `rotation: ${run.step} done`);
}

function finished(secret: Secret, run: RotationRun, now: number) {
  if (withLabel(secret.versions, currentLabel)?.id !== run.versionId) {
    return failed(secret, run, 'The rotator finished without making the new version the current one.', now);
  }
  const { run: _, failure: __, ...kept } = secret.rotation!;
  return changed(secret, { ...planned(kept, now), lastAt: now }, `rotated to version ${run.versionId}`);
}

/** The rotator could be called: the version that was made for it is taken away. */
function rehearsed(secret: Secret, run: RotationRun, now: number) {
  const { run: _, ...kept } = secret.rotation!;
  return changed(withoutPending(secret, run), planned(kept, now), 'rotation tried out');
}

function withoutPending(secret: Secret, { versionId }: RotationRun): Secret {
  const versions = removeLabel(secret.versions, pendingLabel).filter(
    // One that a value was written to, or destroyed in, keeps its number.
    ({ id, keyId, destroyed }) => id !== versionId || keyId !== undefined || destroyed,
  );
  return { ...secret, versions };
}

function failed(secret: Secret, run: RotationRun, reason: string, now: number) {
  const failures = run.failures + 1;
  const failure = { at: now, step: run.step, reason: reason.slice(0, maxReason) };
  const summary = `rotation: ${run.step} failed, time ${failures}`;
  if (failures < maxFailures) {
    const again = { ...run, failures, at: now + 2 ** (failures - 1) * minute };
    return changed(secret, { ...secret.rotation!, run: again, failure }, summary);
  }
  const { run: _, ...kept } = secret.rotation!;
  const given = run.rehearsal === true ? withoutPending(secret, run) : secret;
  // The end of the window that was missed is what is shown until one succeeds.
  const missed = kept.nextBy === undefined ? {} : { nextBy: kept.nextBy };
  return changed(given, { ...planned(kept, now), ...missed, failure }, `${summary}; given up`);
}

function changed(secret: Secret, rotation: SecretRotation, summary: string) {
  return changeSecret(secret, { ...secret, rotation }, summary);
}

/** With the next window of its schedule, in place of the last one. */
function planned({ nextAt: _, nextBy: __, ...rotation }: SecretRotation, now: number): SecretRotation {
  if (rotation.schedule === undefined) return rotation;
  const { at, by } = nextWindow(rotation.schedule, now);
  return { ...rotation, nextAt: at, nextBy: by };
}

/** A value that somebody changes by hand counts as a rotation: the next one is so much later. */
export function valueChanged(
  secret: Secret,
  versions: readonly SecretVersion[],
  now: number,
): { readonly rotation?: SecretRotation } {
  const { rotation } = secret;
  if (rotation === undefined || !rotation.enabled || rotation.run !== undefined) return {};
  if (withLabel(versions, currentLabel)?.id === withLabel(secret.versions, currentLabel)?.id) return {};
  return { rotation: planned(rotation, now) };
}

/** The step for which a rotator is to be called; undefined where none is under way, or the secret waits for its end. */
export function dueStep(secret: Secret): DueRotation | undefined {
  const { realm, id: secretId, name, resource, rotation, deletion } = secret;
  if (rotation?.run === undefined || deletion !== undefined) return undefined;
  const { versionId, step } = rotation.run;
  return { realm, secretId, name, resource, versionId, step, rotator: rotation.rotator };
}
