import { type Command, KmsError, type Mount, mountAt, type Outcome, type Result } from '#domain/domain.ts';
import type { Identified } from '#identity/identity.ts';
import { aclOfPrincipal } from './acl.ts';
import type { Rooms } from './rooms.ts';

interface MountCase<C> {
  readonly rooms: Rooms;
  readonly principal: Identified;
  readonly command: C;
}

/** Rejects with 'invalid-state' where its folder holds something: keys and secrets end by their own lifecycle. */
export async function disableMount({
  rooms,
  principal,
  command: { path },
}: MountCase<Command<'disable-mount'>>): Promise<Outcome<Result<'disable-mount'>>> {
  const outcome = await rooms.identity.mounts.disable(principal, path);
  const mount = (await rooms.identity.mounts.of(principal.realm)).mounts.get(`${path.replace(/^\/+|\/+$/g, '')}/`);
  if (mount === undefined || outcome.change === undefined) return outcome;
  const held = await heldIn(rooms, mount);
  if (held !== undefined) {
    throw new KmsError('invalid-state', `${mount.path} still holds ${held}: what a mount holds is deleted first.`);
  }
  const room = mount.engine === 'transit' ? rooms.keyring : rooms.secrets;
  const rules = await room.withoutRules(mount.realm, mount.path);
  return { ...outcome, change: { ...outcome.change, records: [...outcome.change.records, ...rules] } };
}

async function heldIn({ keyring, secrets }: Rooms, { realm, path, engine }: Mount): Promise<string | undefined> {
  if (engine === 'transit') {
    const { result } = await keyring.listAliases(realm, { kind: 'list-aliases', after: path, limit: 1 }, undefined);
    return result.aliases[0]?.name.startsWith(path) ? 'keys' : undefined;
  }
  const { result } = await secrets.listSecrets(realm, {
    kind: 'list-secrets',
    filters: [{ on: 'name', values: [path] }],
    ...{ sortBy: 'name', descending: false, withDeleted: true, after: '', limit: 1 },
  });
  return result.secrets.length > 0 ? 'secrets' : undefined;
}

/** Whether the policies that the asking token carries, if any, leave something to ask for below a path. */
async function reach({ identity }: Rooms, principal: Identified): Promise<(path: string) => boolean> {
  const acl = await aclOfPrincipal(identity, principal);
  return acl === undefined ? () => true : (path) => acl.reaches(path);
}

export async function listMounts({
  rooms,
  principal,
  command,
}: MountCase<Command<'list-mounts'>>): Promise<Outcome<Result<'list-mounts'>>> {
  const { identity } = rooms;
  const { mounts } = await identity.mounts.of(principal.realm);
  const { result } = await identity.verbs['list-auth-mounts'](principal, { kind: 'list-auth-mounts' });
  const reached = command.reached === true ? await reach(rooms, principal) : () => true;
  return {
    result: {
      mounts: [...mounts.values()].filter(({ path }) => reached(path)).sort((a, b) => (a.path < b.path ? -1 : 1)),
      auth: result.mounts.filter(({ path }) => reached(`auth/${path}/`)),
    },
  };
}

/** Rejects with 'not-found', also where the policies let nothing be asked for there. */
export async function readMount({
  rooms,
  principal,
  command: { path, reached },
}: MountCase<Command<'read-mount'>>): Promise<Outcome<Result<'read-mount'>>> {
  const { mounts } = rooms.identity;
  if (reached !== true) return { result: { mount: await mounts.at(principal.realm, path) } };
  const known = await mounts.of(principal.realm);
  // Where the path names the realm first, what is found there is called so too.
  const named = path.startsWith(`${known.name}/`) ? `${known.name}/` : '';
  const mount = mountAt(known.mounts, path.slice(named.length));
  if (mount === undefined || !(await reach(rooms, principal))(mount.path)) {
    throw new KmsError('not-found', 'There is no mount that the token reaches.', 'mount');
  }
  return { result: { mount: named === '' ? mount : { ...mount, path: named + mount.path } } };
}
