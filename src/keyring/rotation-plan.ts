import { KmsError, type RotationPlan } from '#domain/domain.ts';

const day = 24 * 60 * 60 * 1000;
const maxPeriodDays = 36_500;

/** Throws 'invalid-parameter' for a period that is none. */
export function nextRotation(periodDays: number, from: number): RotationPlan {
  if (!Number.isInteger(periodDays) || periodDays < 1 || periodDays > maxPeriodDays) {
    throw new KmsError('invalid-parameter', `A rotation period is 1 to ${maxPeriodDays} whole days.`);
  }
  return { periodDays, nextAt: from + periodDays * day };
}
