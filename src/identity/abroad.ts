import { KmsError, type Principal, realmIn } from '#domain/domain.ts';
import type { Directory } from './directory.ts';

/** Somebody in the further regions of his account, by their names; undefined where it has none. */
export type Abroad<P extends Principal> = ReadonlyMap<string, P> | undefined;

export async function abroadOf<P extends Principal>(directory: Directory, home: string, who: P): Promise<Abroad<P>> {
  const regions = await directory.regions(who.realm);
  if (regions.length === 0) return undefined;
  const there = new Map<string, P>();
  for (const { account, region } of regions) {
    // Unless the server's own setting has come to name it.
    if (region === undefined || region === home) continue;
    there.set(region, Object.freeze({ ...who, realm: realmIn(account, region, home) }));
  }
  return there;
}

/** Where a caller names a region outright, one that isn't there is an error. */
export function placed<P extends Principal>(
  { principal, abroad }: { readonly principal: P; readonly abroad: Abroad<P> },
  region: string | undefined,
  home: string,
): P {
  if (region === undefined || region === home) return principal;
  const there = abroad?.get(region);
  if (there === undefined) throw new KmsError('not-found', 'The account has no such region.');
  return there;
}
