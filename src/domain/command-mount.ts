import type { AuthMount } from './command-auth-mount.ts';

/** What is behind a mount: Vault's engine for keys, or the one for secrets. */
export type MountEngine = 'transit' | 'kv';

/** What may be said of a mount at any time. Times in milliseconds. */
export interface MountTuning {
  readonly description: string;
  /** What a secret of version 1 is leased for that doesn't say it itself; 0: as long as usual. */
  readonly defaultTtl: number;
  readonly maxTtl: number;
  readonly listing?: 'hidden';
}

/** A path of Vault's at which the keys or secrets of one folder are reached by their names below it. */
export interface Mount extends MountTuning {
  readonly realm: string;
  /** Ends in a slash, and is what the names in the folder begin with. */
  readonly path: string;
  readonly engine: MountEngine;
  /** Of the engine for secrets. */
  readonly version?: 1 | 2;
  /** From 0, for those that are there from the start and were never tuned. */
  readonly revision: number;
  /** UUID. */
  readonly id: string;
  readonly accessor: string;
  /** As it was asked for. Whatever it says: everything is wrapped, under what the seal wraps. */
  readonly sealWrap: boolean;
}

/** What leads somewhere in a realm, for Vault's clients. */
export interface RealmPaths {
  /** What the realm is called. */
  readonly name: string;
  /** By path; another map after every change. None is within another. */
  readonly mounts: ReadonlyMap<string, Mount>;
}

/** No mount has more steps. */
export const maxMountSteps = 8;

/** The mount that a path, without a slash at its start, is at or below. */
export function mountAt(mounts: ReadonlyMap<string, Mount>, path: string): Mount | undefined {
  const whole = path.endsWith('/') ? path : `${path}/`;
  for (let step = 0, end = whole.indexOf('/'); end >= 0 && step < maxMountSteps; step++) {
    const mount = mounts.get(whole.slice(0, end + 1));
    if (mount !== undefined) return mount;
    end = whole.indexOf('/', end + 1);
  }
  return undefined;
}

interface AtPath {
  readonly path: string;
}

export interface MountCommands {
  'enable-mount': AtPath & Partial<MountTuning> & Pick<Mount, 'engine' | 'version' | 'sealWrap'>;
  /** What is left out stays as it is. `version`: only from 1 to 2. `listing` null: as usual. */
  'tune-mount': AtPath &
    Partial<Omit<MountTuning, 'listing'>> & { readonly listing?: 'hidden' | null; readonly version?: 1 | 2 };
  /** Only of an empty folder: keys and secrets end by their own lifecycle. */
  'disable-mount': AtPath;
  /** `reached`: only those below which the asking token's policies leave something to ask for. */
  'list-mounts': { readonly reached?: true };
  /** `reached`: the one that the path is below, if the policies leave something there. */
  'read-mount': AtPath & { readonly reached?: true };
}

export interface MountResults {
  'enable-mount': { readonly mount: Mount };
  'tune-mount': { readonly mount: Mount; readonly former: Mount };
  'disable-mount': Record<never, never>;
  /** By path. */
  'list-mounts': {
    readonly mounts: readonly Mount[] /** Where clients log in. */;
    readonly auth: readonly AuthMount[];
  };
  'read-mount': { readonly mount: Mount };
}
