import { digestHex, randomUuid } from '#crypto/crypto.ts';
import {
  accountOf,
  type Command,
  KmsError,
  type Mount,
  type MountTuning,
  maxMountSteps,
  type Outcome,
  type Principal,
  type RealmPaths,
  type RecordReader,
  type Results,
} from '#domain/domain.ts';
import { type Directory, put } from './directory.ts';
import { Recent } from './recent.ts';

/** All of an account's, in one row: whether two are in each other's way is a matter of all of them. */
interface MountTable {
  readonly mounts: readonly Stored[];
  readonly revision: number;
}

/** Its accessor follows from its id. */
type Stored = Omit<Mount, 'realm' | 'accessor'>;

/** An account's mounts as they were read. */
export interface KnownMounts extends RealmPaths {
  readonly revision: number;
}

type Fixed = Pick<Mount, 'path' | 'engine' | 'version' | 'description'>;

/** There from the start, and for good. */
const fixed: readonly Fixed[] = [
  { path: 'transit/', engine: 'transit', description: 'keys, encryption, signatures' },
  { path: 'secret/', engine: 'kv', version: 2, description: 'secrets, by versions' },
  { path: 'kv/', engine: 'kv', version: 1, description: 'secrets, one value each' },
];

const isFixedMount = (path: string): boolean => fixed.some((mount) => mount.path === path);

/** Where Vault has something of its own. */
const reserved = ['sys', 'auth', 'identity', 'cubbyhole', 'root'];
const isReserved = (path: string): boolean => reserved.includes(path.slice(0, path.indexOf('/')));

/** What names of keys may begin with, so that every key of a folder has a path below its mount. */
const form = /^(?=.{2,101}$)(?:[\w-][\w.-]*\/)+$/;
const most = 256;
const century = 100 * 366 * 24 * 3600 * 1000;
const usualTtl = 2_764_800_000;

/** A path as mounts are known by: with a slash at its end and none at its start. */
export function mountPath(given: string): string {
  return `${given.replace(/^\/+|\/+$/g, '')}/`;
}

/** The mounts of each account. Reads an account's once and keeps them until one changes. */
export class Mounts {
  readonly #records: RecordReader;
  readonly #directory: Directory;
  readonly #known = new Recent<KnownMounts>(1024);
  #epoch = 0;

  constructor(records: RecordReader, directory: Directory) {
    this.#records = records;
    this.#directory = directory;
  }

  of(realm: string): KnownMounts | Promise<KnownMounts> {
    const account = accountOf(realm);
    return this.#known.get(account) ?? this.#read(account);
  }

  async #read(account: string): Promise<KnownMounts> {
    for (;;) {
      const epoch = this.#epoch;
      const record = await this.#records.read('mount', account);
      const name = (await this.#directory.realm(account))?.name ?? '';
      // One was changed while we read.
      if (epoch !== this.#epoch) continue;
      const stored = (record?.value as MountTable | undefined)?.mounts ?? [];
      const mounts = new Map<string, Mount>(fixed.map((it) => [it.path, unchanged(account, it)]));
      for (const mount of stored) {
        const accessor = accessorOf(mount.engine, mount.id);
        mounts.set(mount.path, Object.freeze({ realm: account, ...mount, accessor }));
      }
      const known = Object.freeze({ name, mounts, revision: record?.revision ?? 0 });
      this.#known.set(account, known);
      return known;
    }
  }

  /** Rejects with 'not-found'. */
  async at(realm: string, path: string): Promise<Mount> {
    const mount = (await this.of(realm)).mounts.get(mountPath(path));
    if (mount === undefined) throw noMount(path);
    return mount;
  }

  async enable({ realm }: Principal, command: Command<'enable-mount'>): Promise<Outcome<Results['enable-mount']>> {
    const { engine, version, description = '', defaultTtl = 0, maxTtl = 0, listing, sealWrap } = command;
    const known = await this.of(realm);
    const path = mountPath(command.path);
    assertFree(path, known);
    if (known.mounts.size >= most) throw new KmsError('limit-exceeded', `There are ${most} mounts already.`);
    const id = randomUuid();
    const tuning = checked({ description, defaultTtl, maxTtl, ...(listing && { listing }) });
    const mount: Mount = {
      ...{ realm: accountOf(realm), path, engine, revision: 1, id, accessor: accessorOf(engine, id) },
      ...tuning,
      sealWrap,
      ...(engine === 'kv' && { version: version ?? 1 }),
    };
    return {
      result: { mount },
      change: this.#change(known, mount.realm, `mount ${path} of ${engine}`, [...known.mounts.values(), mount]),
    };
  }

  async tune(
    { realm }: Principal,
    { path, description, defaultTtl, maxTtl, listing, version }: Command<'tune-mount'>,
  ): Promise<Outcome<Results['tune-mount']>> {
    const known = await this.of(realm);
    const former = await this.at(realm, path);
    const { listing: shown, ...rest } = former;
    const listed = listing === undefined ? shown : (listing ?? undefined);
    const mount: Mount = {
      ...rest,
      ...checked({
        description: description ?? former.description,
        defaultTtl: defaultTtl ?? former.defaultTtl,
        maxTtl: maxTtl ?? former.maxTtl,
        ...(listed !== undefined && { listing: listed }),
      }),
      ...upgraded(former, version),
      revision: former.revision + 1,
    };
    if (isFixedMount(mount.path) && mount.engine === 'kv' && mount.defaultTtl !== former.defaultTtl) {
      throw new KmsError('unsupported', `${mount.path} leases for as long as usual: make a mount for another time.`);
    }
    const others = [...known.mounts.values()].filter((it) => it !== former);
    return {
      result: { mount, former },
      change: this.#change(known, mount.realm, `mount ${mount.path}, changed`, [...others, mount]),
    };
  }

  /** That nothing is left in its folder is for the gate to say. */
  async disable({ realm }: Principal, path: string): Promise<Outcome<Results['disable-mount']>> {
    const known = await this.of(realm);
    const given = mountPath(path);
    if (isFixedMount(given) || isReserved(given)) {
      throw new KmsError('invalid-parameter', `cannot unmount ${JSON.stringify(given)}`);
    }
    const mount = known.mounts.get(given);
    if (mount === undefined) return { result: {} };
    const others = [...known.mounts.values()].filter((it) => it !== mount);
    return { result: {}, change: this.#change(known, mount.realm, `mount ${mount.path}, taken away`, others) };
  }

  #change({ revision }: KnownMounts, account: string, summary: string, mounts: readonly Mount[]) {
    const stored = mounts.filter((mount) => mount.revision > 0).map(({ realm: _, accessor: __, ...mount }) => mount);
    return {
      records: [put<MountTable>('mount', account, { mounts: stored, revision })],
      summary,
      applied: () => {
        this.#epoch++;
        this.#known.delete(account);
      },
    };
  }
}

function unchanged(realm: string, mount: Fixed): Mount {
  const hex = digestHex('sha256', `${realm}/${mount.path}`);
  const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
  const accessor = accessorOf(mount.engine, id);
  return Object.freeze({ realm, ...mount, revision: 0, id, accessor, defaultTtl: 0, maxTtl: 0, sealWrap: true });
}

function accessorOf(engine: string, id: string): string {
  return `${engine}_${digestHex('sha256', id).slice(0, 8)}`;
}

function noMount(path: string): KmsError {
  return new KmsError('not-found', `No secret engine mount at ${mountPath(path)}`, 'mount');
}

/** Throws 'invalid-parameter' or 'already-exists'. */
function assertFree(path: string, { mounts, name }: KnownMounts): void {
  if (isReserved(path)) throw new KmsError('invalid-parameter', `cannot mount ${JSON.stringify(path)}`);
  if (!form.test(path) || path.split('/').length > maxMountSteps + 1 || /(?:^|\/)\.+\//.test(path)) {
    throw new KmsError(
      'invalid-parameter',
      `A mount's path has 1 to 100 letters, digits, "_", "-", "." and "/", in at most ${maxMountSteps} steps, none of which begins with a dot.`,
    );
  }
  if (path.startsWith(`${name}/`)) {
    throw new KmsError('invalid-parameter', `cannot mount ${JSON.stringify(path)}: so the namespace is called`);
  }
  for (const taken of mounts.keys()) {
    if (taken.startsWith(path) || path.startsWith(taken)) {
      throw new KmsError('already-exists', `path is already in use at ${taken}`);
    }
  }
}

function checked(tuning: MountTuning): MountTuning {
  const { description, defaultTtl, maxTtl } = tuning;
  if (description.length > 1024) throw new KmsError('invalid-parameter', 'A description has at most 1024 characters.');
  for (const ttl of [defaultTtl, maxTtl]) {
    if (!Number.isSafeInteger(ttl) || ttl < 0 || ttl > century) {
      throw new KmsError('invalid-parameter', 'A lease lasts at most 100 years.');
    }
  }
  const longest = maxTtl || usualTtl;
  if (defaultTtl > longest) {
    throw new KmsError(
      'invalid-parameter',
      `backend max lease TTL of ${longest / 1000} would be less than backend default lease TTL of ${defaultTtl / 1000}`,
    );
  }
  return tuning;
}

/** Both versions keep the same secrets, so what was written stays readable. */
function upgraded(mount: Mount, version: 1 | 2 | undefined): Pick<Mount, 'version'> {
  if (version === undefined || version === mount.version) return {};
  if (mount.engine !== 'kv') throw new KmsError('invalid-parameter', 'Only mounts of kv have a version.');
  if (version === 1) throw new KmsError('invalid-parameter', 'cannot downgrade mount from version 2');
  if (isFixedMount(mount.path)) {
    throw new KmsError('unsupported', `${mount.path} stays what it is: make a mount of version 2.`);
  }
  return { version };
}
