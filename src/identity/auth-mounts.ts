import { randomUuid } from '#crypto/crypto.ts';
import {
  type AuthMount,
  type AuthMountConfig,
  type AuthMountTuning,
  type AuthType,
  authTypes,
  type Command,
  KmsError,
  type LoginMethod,
  type Outcome,
  type Principal,
  type RecordChange,
  type Results,
} from '#domain/domain.ts';
import { type AuthMountRecord, type Directory, type FormerAuthMount, ids, put, remove } from './directory.ts';
import { checkTtl } from './names.ts';

/** Each is looked for on the way to a login below it. */
const maxSteps = 5;
const maxMounts = 200;
const pathForm = /^[a-z0-9._-]{1,64}(?:\/[a-z0-9._-]{1,64}){0,4}$/;

/** There from the start, each with its path for its id. No other type may have these paths, which lead to their logins straight away. */
const given: Readonly<Record<string, string>> = {
  approle: 'logins by role id and secret id',
  token: 'token based credentials',
  userpass: 'logins by name and password',
};

const isGiven = (path: string): boolean => Object.hasOwn(given, path);

/** The types whose mounts hold logins of a method. */
const typesOf: Readonly<Record<LoginMethod, readonly AuthType[]>> = {
  approle: ['approle'],
  userpass: ['userpass'],
  jwt: ['jwt', 'oidc'],
  kubernetes: ['kubernetes'],
  cert: ['cert'],
};

/** Reads what a type of mount asks for, and says what to keep of it. Rejects with 'invalid-parameter'. */
export type Configure = (mount: AuthMountRecord, config: AuthMountConfig) => Promise<Configured>;

export interface Configured extends Pick<AuthMountRecord, 'config' | 'sealed'> {
  readonly warnings?: readonly string[];
}

const noSuchMount = (path: string) => new KmsError('not-found', `No auth engine at ${path}/`, 'auth-mount');

/** Places below `auth/` where logins are. */
export class AuthMounts {
  readonly #directory: Directory;
  readonly #clock: () => number;

  constructor(directory: Directory, clock: () => number) {
    this.#directory = directory;
    this.#clock = clock;
  }

  /** Undefined where nothing is mounted. */
  async at(realm: string, path: string): Promise<AuthMountRecord | undefined> {
    const known = await this.#directory.authMount(realm, path);
    return present(realm, path, known);
  }

  /** Whether what the mount gave still stands. */
  async stands(realm: string, { path, id }: { readonly path: string; readonly id: string }): Promise<boolean> {
    return (await this.at(realm, path))?.id === id;
  }

  /** Of all that stand. */
  async idsOf(realm: string): Promise<ReadonlySet<string>> {
    return new Set((await this.#all(realm)).map(({ id }) => id));
  }

  /** The mount that holds logins of the method; without a path the one that is called after it. Rejects with 'not-found'. */
  async of(realm: string, method: LoginMethod, path: string = method): Promise<AuthMountRecord> {
    const mount = pathForm.test(path) ? await this.at(realm, path) : undefined;
    if (mount === undefined || !typesOf[method].includes(mount.type)) throw noSuchMount(path.slice(0, 128));
    return mount;
  }

  /** The mount that a path below `auth/` leads to. */
  async leading(realm: string, path: string): Promise<AuthMountRecord | undefined> {
    const steps = path.split('/').slice(0, maxSteps);
    for (let length = 1; length <= steps.length; length++) {
      const prefix = steps.slice(0, length).join('/');
      const mount = pathForm.test(prefix) ? await this.at(realm, prefix) : undefined;
      if (mount !== undefined) return mount;
    }
    return undefined;
  }

  async enable(
    { realm }: Principal,
    { path, type, options, ...tuning }: Command<'enable-auth-mount'>,
  ): Promise<Outcome<Results['enable-auth-mount']>> {
    if (type === 'token' || path === 'token') {
      throw new KmsError('invalid-parameter', 'token credential backend cannot be instantiated');
    }
    if (!authTypes.includes(type)) throw new KmsError('invalid-parameter', `There are no logins of type "${type}".`);
    if (!pathForm.test(path)) {
      throw new KmsError(
        'invalid-parameter',
        `The path of a mount has 1 to ${maxSteps} steps of at most 64 of the characters a-z 0-9 . _ -`,
      );
    }
    if (isGiven(path) && path !== type) {
      throw new KmsError('invalid-parameter', `The path ${path}/ is for logins of its own name.`);
    }
    const known = await this.#directory.authMount(realm, path);
    // What is there without having been asked for may be asked for once.
    const taken = known === undefined ? undefined : present(realm, path, known);
    const inTheWay = taken ?? (await this.#nested(realm, path));
    if (inTheWay !== undefined) throw new KmsError('already-exists', `path is already in use at ${inTheWay.path}/`);
    if ((await this.#directory.authMounts(realm, '')).length >= maxMounts) {
      throw new KmsError('limit-exceeded', `A realm has at most ${maxMounts} auth mounts.`);
    }
    const mount: AuthMountRecord = {
      realm,
      path,
      type,
      revision: known?.revision ?? 0,
      id: known === undefined && isGiven(path) ? path : randomUuid(),
      description: '',
      createdAt: this.#clock(),
      ...(options !== undefined && { options }),
    };
    return {
      result: {},
      change: { records: [putMount(tuned(mount, tuning))], summary: `auth mount ${path}/ of type ${type}` },
    };
  }

  /** One that is above or below the path. */
  async #nested(realm: string, path: string): Promise<{ readonly path: string } | undefined> {
    const above = path.includes('/') ? await this.leading(realm, path.slice(0, path.lastIndexOf('/'))) : undefined;
    return above ?? (await this.#directory.authMounts(realm, `${path}/`)).find((other) => !('removed' in other));
  }

  /** Its logins and the tokens that it gave name its id, so all of them end with this one change; what is left of them is swept. */
  async disable(
    { realm }: Principal,
    { path }: Command<'disable-auth-mount'>,
    forget: () => void,
  ): Promise<Outcome<Results['disable-auth-mount']>> {
    if (path === 'token') throw new KmsError('invalid-parameter', 'token credential backend cannot be disabled');
    const mount = pathForm.test(path) ? await this.at(realm, path) : undefined;
    if (mount === undefined) return { result: {} };
    const { revision } = mount;
    const former: FormerAuthMount = { path, revision, removed: true };
    const id = ids.authMount(realm, path);
    return {
      result: {},
      change: {
        records: [isGiven(path) ? put('auth-mount', id, former) : remove('auth-mount', id, { revision })],
        summary: `auth mount ${path}/ of type ${mount.type} disabled, with its logins and their tokens`,
        applied: forget,
      },
    };
  }

  async tune(
    { realm }: Principal,
    { path, kind: _, ...tuning }: Command<'tune-auth-mount'>,
  ): Promise<Outcome<Results['tune-auth-mount']>> {
    const mount = await this.#existing(realm, path);
    return {
      result: {},
      change: { records: [putMount(tuned(mount, tuning))], summary: `auth mount ${path}/ tuned` },
    };
  }

  async configure(
    { realm }: Principal,
    { path, config }: Command<'configure-auth-mount'>,
    configure: Configure,
  ): Promise<Outcome<Results['configure-auth-mount']>> {
    const mount = await this.#existing(realm, path);
    if (!typesOf[config.kind].includes(mount.type)) throw noSuchMount(path);
    const { warnings, ...settings } = await configure(mount, config);
    const { config: _, sealed: __, ...rest } = mount;
    return {
      result: warnings === undefined ? {} : { warnings },
      change: { records: [putMount({ ...rest, ...settings })], summary: `auth mount ${path}/ configured` },
    };
  }

  async list({ realm }: Principal): Promise<Outcome<Results['list-auth-mounts']>> {
    const mounts = (await this.#all(realm)).map((mount) => {
      // What they are configured with is for who may read that.
      const { config: _, ...rest } = shown(mount);
      return rest;
    });
    return { result: { mounts: mounts.sort((a, b) => (a.path < b.path ? -1 : 1)) } };
  }

  async #all(realm: string): Promise<readonly AuthMountRecord[]> {
    const known = await this.#directory.authMounts(realm, '');
    const others = Object.keys(given).filter((path) => known.every((mount) => mount.path !== path));
    return [...known, ...others.map((path) => ({ path }))]
      .map((it) => ('id' in it || 'removed' in it ? present(realm, it.path, it) : present(realm, it.path, undefined)))
      .filter((mount) => mount !== undefined);
  }

  async read({ realm }: Principal, { path }: Command<'read-auth-mount'>): Promise<Outcome<Results['read-auth-mount']>> {
    return { result: { mount: shown(await this.#existing(realm, path)) } };
  }

  async #existing(realm: string, path: string): Promise<AuthMountRecord> {
    const mount = pathForm.test(path) ? await this.at(realm, path) : undefined;
    if (mount === undefined) throw noSuchMount(path.slice(0, 128));
    return mount;
  }
}

function present(
  realm: string,
  path: string,
  known: AuthMountRecord | FormerAuthMount | undefined,
): AuthMountRecord | undefined {
  if (known !== undefined) return 'removed' in known ? undefined : known;
  if (!isGiven(path)) return undefined;
  return { realm, path, type: path as AuthType, revision: 0, id: path, description: given[path]!, createdAt: 0 };
}

/** Members that are absent stay as they are. */
function tuned(mount: AuthMountRecord, { description, defaultTtl, maxTtl, listing }: AuthMountTuning): AuthMountRecord {
  for (const length of [defaultTtl, maxTtl]) if (length !== 0) checkTtl(length);
  if (description !== undefined && description.length > 1024) {
    throw new KmsError('invalid-parameter', 'A description has at most 1024 characters.');
  }
  const next = {
    ...mount,
    ...(description !== undefined && { description }),
    ...(defaultTtl !== undefined && { defaultTtl }),
    ...(maxTtl !== undefined && { maxTtl }),
    ...(listing !== undefined && { listing }),
  };
  if (next.maxTtl && next.defaultTtl && next.defaultTtl > next.maxTtl) {
    throw new KmsError(
      'invalid-parameter',
      `backend max lease TTL of ${next.maxTtl / 1000} would be less than backend default lease TTL of ${next.defaultTtl / 1000}`,
    );
  }
  return next;
}

function putMount(mount: AuthMountRecord): RecordChange {
  return put('auth-mount', ids.authMount(mount.realm, mount.path), mount);
}

function shown({ sealed: _, ...mount }: AuthMountRecord): AuthMount {
  return mount;
}
