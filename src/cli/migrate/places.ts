import { CliError } from '../command.ts';
import type { Servers, VaultHttp } from './http.ts';
import type { Obstacle } from './key-facts.ts';
import { baoCommand, encodePath, errorsIn, factsOf, type Mount, Refused } from './source.ts';

/** Where a mount of the source is here: its path, and what the names below it begin with. */
export interface Place {
  readonly path: string;
  readonly prefix: string;
}

/** These show all names of the realm, so that a name there is the same name here. */
const wholes: ReadonlySet<string> = new Set(['transit/', 'secret/']);

const spoken = ({ type, version }: Mount) => (type === 'kv' ? `kv version ${version}` : type);

/** Where what the mounts of the source hold goes, and which mounts have to be made for it. */
export class Places {
  readonly #here: ReadonlyMap<string, Mount>;
  readonly #moved: ReadonlyMap<string, string>;
  readonly #made = new Set<string>();

  /** `moves`: 'FROM=TO' by which a mount gets another path here. */
  constructor(here: readonly Mount[], moves: readonly string[]) {
    this.#here = new Map(here.map((mount) => [mount.path, mount]));
    this.#moved = new Map(
      moves.map((move) => {
        const [from, to, ...more] = move.split('=');
        if (!from || !to || more.length > 0)
          throw new CliError(`"${move}" must be written FROM=TO, two paths of mounts.`);
        return [slashed(from), slashed(to)];
      }),
    );
  }

  /** Or why it can't go there. */
  of(mount: Mount): Place | Obstacle {
    const path = this.#moved.get(mount.path) ?? mount.path;
    const here = this.#here.get(path);
    if (here !== undefined && spoken(here) !== spoken(mount)) {
      return { reason: `${path} is ${spoken(here)} here, and ${spoken(mount)} there: give it another path with --map` };
    }
    return { path, prefix: wholes.has(path) ? '' : path };
  }

  isThere(path: string): boolean {
    return this.#here.has(path) || this.#made.has(path);
  }

  /** Makes the mount where it isn't there. Answers why that can't be. */
  async make(target: VaultHttp, path: string, mount: Mount): Promise<Obstacle | undefined> {
    if (this.isThere(path)) return undefined;
    const options = mount.type === 'kv' ? { options: { version: String(mount.version) } } : {};
    const body = Buffer.from(JSON.stringify({ type: mount.type, ...options }));
    const { status, body: answer } = await target.ask('POST', `/v1/sys/mounts/${encodePath(path.slice(0, -1))}`, body);
    if (status !== 200 && status !== 204) {
      const [why = `the server answered ${status}`] = errorsIn(answer);
      const type = mount.type === 'kv' ? [`-version=${mount.version}`, 'kv'] : [mount.type];
      return {
        reason: `there is no mount ${path} here, and it can't be made: ${why}`,
        remedy: `${baoCommand('secrets', 'enable', `-path=${path.slice(0, -1)}`, ...type)}  # here, as a security officer`,
      };
    }
    this.#made.add(path);
    return undefined;
  }
}

interface Usual {
  readonly cas_required: boolean;
  readonly delete_version_after: string;
  readonly max_versions: number;
}

/** What holds for all secrets of a mount that say nothing themselves becomes what it is there. Answers why it can't. */
export async function bringSettings(servers: Servers, place: string, mount: Mount): Promise<Obstacle | undefined> {
  if (mount.type !== 'kv' || mount.version !== 2) return undefined;
  const path = `${encodePath(place)}config`;
  const there = await factsOf<Usual>(servers.source, `${encodePath(mount.path)}config`);
  const here = await usualHere(servers.user, path);
  if (here !== undefined && 'reason' in here) return here;
  const facts = (usual: Usual | undefined) => [usual?.cas_required, usual?.delete_version_after, usual?.max_versions];
  if (there === undefined || String(facts(there)) === String(facts(here))) return undefined;
  const { cas_required, delete_version_after, max_versions } = there;
  const body = Buffer.from(JSON.stringify({ cas_required, delete_version_after, max_versions }));
  const { status, body: answer } = await servers.target.ask('POST', `/v1/${path}`, body);
  if (status === 200 || status === 204) return undefined;
  return { reason: `its settings can't be what they are there: ${errorsIn(answer).join('; ')}` };
}

async function usualHere(user: VaultHttp, path: string): Promise<Usual | Obstacle | undefined> {
  try {
    return await factsOf<Usual>(user, path);
  } catch (error) {
    // No policy of the source would help.
    if (error instanceof Refused) return { reason: `its settings here can't be read: ${error.message}` };
    throw error;
  }
}

const slashed = (path: string) => `${path.replace(/^\/+|\/+$/g, '')}/`;
