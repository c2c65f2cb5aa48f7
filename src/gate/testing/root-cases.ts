/** One request that succeeds for every row of our own API about the root key. */
import type { Cases } from './cases.ts';
import type { House } from './house.ts';

/** Rotates the root key and waits until every row is under the new one. */
export async function rotated(house: House): Promise<void> {
  await settled(house);
  await house.perform({ kind: 'rotate-root' });
  await settled(house);
}

export async function settled(house: House): Promise<void> {
  while ((await house.perform({ kind: 'read-root' })).rotatingSince !== undefined) await new Promise(setImmediate);
}

export const rootCases: Cases = {
  'GET /root': async (doors) => () => doors.native('GET', '/root'),
  'POST /root/rotate': async (doors) => {
    await settled(doors.house);
    return () => doors.native('POST', '/root/rotate');
  },
};
