import { KmsError, type RotationPlan } from '#domain/domain.ts';

const secondsPerDay = 24 * 60 * 60;
const minPeriod = 60 * 60;
const maxPeriodDays = 36_500;

/** Throws 'invalid-parameter' for a period that is none. */
export function nextRotation(periodDays: number, from: number): RotationPlan {
  const seconds = Math.round(periodDays * secondsPerDay);
  // A day's fraction that stands for whole seconds comes back as they were.
  if (!(seconds >= minPeriod && periodDays <= maxPeriodDays) || seconds / secondsPerDay !== periodDays) {
    throw new KmsError('invalid-parameter', `A rotation period is an hour to ${maxPeriodDays} days, in whole seconds.`);
  }
  return { periodDays, nextAt: from + seconds * 1000 };
}
