import { type Gate, mountAt, type Origin, type RealmPaths } from '#domain/domain.ts';
import type { RequestHead } from '#wire/wire.ts';
import type { Asking } from './asking.ts';
import { nothingBelow } from './errors.ts';
import { type Found, ofLogins, type Router } from './route.ts';

/** Where a path leads in a realm, and the realm where the path names it. */
interface Led {
  readonly place: Found | undefined;
  readonly namespace?: string;
}

/**
 * Where a path leads that begins with no word of the door's own: to a way of logging in, a mount, or into the realm that its first
 * step names. Rejects with what is wrong with the proof, whatever is there, unless a login is what the path leads to.
 */
export async function findElsewhere(
  gate: Gate,
  router: Router,
  path: string,
  head: RequestHead,
  asking: Asking,
  origin: Origin,
): Promise<Led | undefined> {
  if (path.startsWith(ofLogins)) return { place: await loginAt(asking.namespace, path) };
  const [step, inner] = asking.namespace === undefined ? split(path) : [undefined, ''];
  let paths: RealmPaths;
  try {
    paths = await gate.paths(asking.proof, origin);
  } catch (error) {
    const login = step === undefined ? undefined : await loginIn(step, inner);
    if (login !== undefined) return login;
    throw error;
  }
  // No mount is called like its realm.
  if (step === paths.name) return { place: await within(paths, step, inner), namespace: step };
  const place = below(paths, path);
  return place === undefined && step !== undefined ? loginIn(step, inner) : { place };

  function below({ mounts }: RealmPaths, at: string): Found | undefined {
    const mount = mountAt(mounts, at);
    const found = mount && router.findAt(mount, head.method, at, head.query);
    if (mount !== undefined && found === undefined) throw nothingBelow();
    return found;
  }

  async function within(known: RealmPaths, realm: string, at: string): Promise<Found | undefined> {
    const found = router.findCanonical(head.method, at, head.query);
    if (found === undefined || !('elsewhere' in found)) return found;
    return at.startsWith(ofLogins) ? loginAt(realm, at) : below(known, at);
  }

  async function loginAt(realm: string | undefined, at: string): Promise<Found | undefined> {
    const mount = await gate.authMountAt(asking.proof, realm, at.slice(ofLogins.length));
    return mount && router.findLogin(mount, head.method, at, head.query);
  }

  /** What proves itself needs no token to lead to its realm. */
  async function loginIn(realm: string, at: string): Promise<Led | undefined> {
    const found = router.findCanonical(head.method, at, head.query);
    const place = found !== undefined && 'elsewhere' in found ? await loginIfAny(realm, at) : found;
    return place?.leaf?.row.proof === undefined ? undefined : { place, namespace: realm };
  }

  async function loginIfAny(realm: string, at: string): Promise<Found | undefined> {
    return at.startsWith(ofLogins) ? loginAt(realm, at) : undefined;
  }
}

function split(path: string): readonly [string | undefined, string] {
  const slash = path.indexOf('/');
  return slash < 0 ? [undefined, ''] : [path.slice(0, slash), path.slice(slash + 1)];
}
