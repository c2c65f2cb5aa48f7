import type { KeyRef } from './key.ts';
import type { Plaintext } from './secret-bytes.ts';

/** What is kept: text stays text for clients that tell the two apart. */
export interface SecretValue {
  readonly form: 'text' | 'binary';
  readonly bytes: Plaintext;
}

/**
 * Labels that the server moves by itself; doors show them by their protocol's names. All other labels are the caller's, and none of
 * those begins with `claviger:`.
 */
export const currentLabel = 'claviger:current';
export const previousLabel = 'claviger:previous';
export const pendingLabel = 'claviger:pending';

/** One value that a secret has or had; the value itself stands in a row of its own. */
export interface SecretVersion {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Each label is on one version at most. A version without any may be forgotten. */
  readonly labels: readonly string[];
  /** The key that protects the value; absent: announced, and not given a value yet. */
  readonly keyId?: string;
  /** That key is the realm's own for secrets. */
  readonly ownKey?: true;
  /** Milliseconds since the epoch; the start of that day in UTC. */
  readonly accessedAt?: number;
  /** From 1, in the order in which versions got their values; see `numbered`. */
  readonly number?: number;
  /** Milliseconds since the epoch: from then on nobody gets the value, until it is shown again. */
  readonly hiddenAt?: number;
  /** The value is gone for good; the version still says that there was one. */
  readonly destroyed?: true;
}

/** The versions that have or had a value, with their numbers: also those that were kept before there were any. */
export function numbered(versions: readonly SecretVersion[]): readonly SecretVersion[] {
  let last = 0;
  return versions.map((version) => {
    if (version.number === undefined && version.keyId === undefined) return version;
    last = version.number ?? last + 1;
    return version.number === last ? version : { ...version, number: last };
  });
}

export const isHidden = ({ hiddenAt }: SecretVersion, now: number): boolean =>
  hiddenAt !== undefined && hiddenAt <= now;

/** How the versions of a secret are kept, for who writes them by number. What is absent is as the realm's rules have it. */
export interface VersionRules {
  /** How many; 0: as many as usual. */
  readonly keep?: number;
  /** Who writes must say which version is the current one. */
  readonly checked?: boolean;
  /** Milliseconds after which a version is hidden; 0: never. */
  readonly lifetime?: number;
}

/** When a secret is rotated by itself. */
export interface RotationSchedule {
  /** Whole days after the last change of the value; or `expression`. */
  readonly days?: number;
  /** `rate(...)` or `cron(...)`, in UTC. */
  readonly expression?: string;
  /** Hours in which the rotation may begin. */
  readonly windowHours?: number;
}

/** The steps of a rotation, in order. */
export const rotationSteps = ['create', 'set', 'test', 'finish'] as const;
export type RotationStep = (typeof rotationSteps)[number];

/** A rotation under way. Which step is next is durable before the step before it is forgotten, so a restart repeats one at most. */
export interface RotationRun {
  readonly versionId: string;
  readonly step: RotationStep;
  /** How often the step has failed. */
  readonly failures: number;
  /** Milliseconds since the epoch: when the step is due. */
  readonly at: number;
  /** Only the test step, of a version that is taken away again. */
  readonly rehearsal?: true;
}

export interface SecretRotation {
  readonly enabled: boolean;
  /** The name of a registered rotator. */
  readonly rotator: string;
  readonly schedule?: RotationSchedule;
  /** Whole days between two rotations, as the schedule comes out. */
  readonly everyDays?: number;
  readonly lastAt?: number;
  /** When the next one may begin. */
  readonly nextAt?: number;
  /** When it will have begun: the end of its window. */
  readonly nextBy?: number;
  readonly run?: RotationRun;
  /** Why the last run was given up. */
  readonly failure?: { readonly at: number; readonly step: RotationStep; readonly reason: string };
}

/** A named value that changes over time, kept under a key. Frozen: a change is a new record with the next revision. */
export interface Secret {
  readonly realm: string;
  /** UUID, lower case. */
  readonly id: string;
  /** Compare-and-swap counter, from 1. */
  readonly revision: number;
  readonly name: string;
  /** What every ciphertext of it is bound to, beside the version: fixed when the secret is made. */
  readonly resource: string;
  readonly description: string;
  readonly tags: Readonly<Record<string, string>>;
  /** As the owner named it; absent: the realm's own key for secrets. */
  readonly key?: KeyRef;
  readonly createdAt: number;
  readonly changedAt: number;
  readonly deletion?: { readonly at: number; readonly requestedAt: number };
  /** Oldest first. */
  readonly versions: readonly SecretVersion[];
  /** Who else may do what, as JSON in the policy language. */
  readonly policy?: string;
  readonly rules?: VersionRules;
  /** The owner's own words about it. */
  readonly notes?: Readonly<Record<string, string>>;
  readonly rotation?: SecretRotation;
  /** Its copies in other regions. */
  readonly replicas?: readonly SecretReplica[];
  /** It is a copy of the secret with this id in that realm. */
  readonly replicaOf?: string;
}

export interface SecretReplica {
  readonly realm: string;
  readonly region: string;
  /** What protects the copy; absent: that realm's own key for secrets. */
  readonly key?: KeyRef;
  /** Why there is no copy. */
  readonly failure?: string;
}

/** How many characters of a secret's id a reference may carry, to tell it from a later one of the same name. */
export const markLength = 6;

export const markOf = ({ id }: Pick<Secret, 'id'>): string => id.slice(0, markLength);

/** How a request names a secret. The realm always comes from the credential; a `realm` in the reference must equal it. */
export interface SecretRef {
  readonly name: string;
  /** The first characters of its id. Without such a secret, the name may be meant with them: `name-mark`. */
  readonly mark?: string;
  readonly realm?: string;
}

/** A search over names, descriptions and tags. Within one filter any value counts, and none that is negated may. */
export interface SecretFilter {
  readonly on: 'name' | 'description' | 'tag-name' | 'tag-value' | 'owner' | 'place' | 'all';
  readonly values: readonly string[];
}

/** What a password may be made of. */
export type CharacterKind = 'lower' | 'upper' | 'digit' | 'punctuation' | 'space';

/** A step that a rotator is to be called for. */
export interface DueRotation {
  readonly realm: string;
  readonly secretId: string;
  readonly name: string;
  readonly resource: string;
  readonly versionId: string;
  readonly step: RotationStep;
  readonly rotator: string;
}

/** Another region of the account, and the key there that protects the copy. */
export interface SecretPlace {
  readonly region: string;
  readonly protection?: KeyRef;
}
