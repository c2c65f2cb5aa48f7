import { KmsError } from '#domain/domain.ts';

export const hour = 3600 * 1000;
const shortest = 15 * 60 * 1000;

/** Milliseconds: 15 minutes to `hours`. Throws 'invalid-parameter'. */
export function checkSessionLength(length: number, hours: number): void {
  if (Number.isSafeInteger(length) && length >= shortest && length <= hours * hour) return;
  throw new KmsError('invalid-parameter', `A session lasts 15 minutes to ${hours} hours.`);
}
