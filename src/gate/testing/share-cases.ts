/** One request that succeeds for every row of our own API about shares. */
import { acknowledgeShare } from '#seal/shamir/shares.ts';
import { type Cases, fresh } from './cases.ts';
import { type House, passphrase, plain } from './house.ts';

export const statedAt = '2026-11-24T12:00:00Z';

/** A seal of five shares of which three open it, and their texts. */
export async function sealOfShares(house: House, settings: object = {}) {
  const made = await house.perform({
    ...{
      kind: 'add-seal',
      name: fresh('shares'),
      sealKind: 'shamir',
      settings: { shares: 5, threshold: 3, ...settings },
    },
    opener: { secret: plain(passphrase) },
  });
  if ('awaits' in made) throw new Error('the passphrase opens it at once');
  const { seal, handouts } = made;
  return { seal, shares: handouts.map(({ text }) => Uint8Array.from(text.release())) };
}

export const statementOf = (seal: { readonly name: string; readonly settings: object }, share: Uint8Array): string =>
  acknowledgeShare([seal as Parameters<typeof acknowledgeShare>[0][number]], share, undefined, statedAt);

export const shareCases: Cases = {
  'GET /shares': async (doors) => () => doors.native('GET', '/shares'),
  'POST /shares': async (doors) => {
    const { seal, shares } = await sealOfShares(doors.house);
    return () => doors.native('POST', '/shares', { statement: statementOf(seal, shares[0]!) });
  },
};
