/** One request that succeeds for every row of our own API about the seals. */
import { type Cases, fresh } from './cases.ts';
import { type House, passphrase, plain } from './house.ts';

const opener = { secret: passphrase };

async function added(house: House): Promise<string> {
  const name = fresh('seal');
  const secret = plain(`the passphrase of ${name}`);
  await house.perform({
    ...{ kind: 'add-seal', name, sealKind: 'passphrase', settings: {}, secret },
    opener: { secret: plain(passphrase) },
  });
  return name;
}

export const sealCases: Cases = {
  'POST /unseal': async (doors) => {
    await doors.house.perform({ kind: 'seal' });
    return () => doors.native('POST', '/unseal', { passphrase });
  },
  'GET /seals': async (doors) => () => doors.native('GET', '/seals'),
  'POST /seals': async (doors) => {
    const asked = { name: fresh('seal'), kind: 'passphrase', secret: 'a passphrase of its own', opener };
    return () => doors.native('POST', '/seals', asked);
  },
  'DELETE /seals/{seal}': async (doors) => {
    const name = await added(doors.house);
    return () => doors.native('DELETE', `/seals/${name}`);
  },
  'POST /seals/{seal}/rotate': async (doors) => {
    const name = await added(doors.house);
    return () => doors.native('POST', `/seals/${name}/rotate`, { secret: 'another passphrase of it', opener });
  },
  'POST /seals/{seal}/prove': async (doors) => {
    const name = await added(doors.house);
    return () => doors.native('POST', `/seals/${name}/prove`, { secret: `the passphrase of ${name}` });
  },
};
