import type { KeySpec, KeyUsage } from './algorithm.ts';
import type { VersionState } from './lifecycle.ts';

/** Material under its realm key: safe to store, of no use without the root. */
export type WrappedMaterial = Uint8Array & { readonly __wrapped: true };

/** Where the material is that a token made and keeps. */
export interface ResidentMaterial {
  readonly tokenSerial: string;
  /** CKA_ID in hexadecimal digits. */
  readonly objectId: string;
}

/** One version of a key's material. Versions count from 1; a number is used again only where a restored backup let its version go. */
export interface KeyVersion {
  readonly version: number;
  readonly state: VersionState;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Absent once destroyed. */
  readonly wrapped?: WrappedMaterial;
  /** In place of `wrapped`, of a key that is protected by an HSM. */
  readonly resident?: ResidentMaterial;
  /** What MACs are computed with where the version brought a key of its own for them. Ends with `wrapped`. */
  readonly wrappedMac?: WrappedMaterial;
  /** SubjectPublicKeyInfo DER, for key pairs. */
  readonly publicKey?: Uint8Array;
  /** DER, its own first: what the public half was certified by, as whoever set them brought them. */
  readonly certificates?: readonly Uint8Array[];
  /** SHA-256 of the material under a key of the root, kept after destruction to recognise the same material. */
  readonly fingerprint?: Uint8Array;
  /** 64 hexadecimal digits that name the material and tell nothing of it; the same again when the same is imported again. */
  readonly materialId?: string;
  /** Only the public half was brought here: it verifies and encrypts, until the private half comes. */
  readonly publicOnly?: true;
  /** Imported material: when it ends, in milliseconds since the epoch. Absent: it stays until deleted. */
  readonly expiresAt?: number;
  /** Imported material: what whoever imported it calls it. */
  readonly materialLabel?: string;
  /** How it became the current version; the first one did by being there. */
  readonly rotatedBy?: 'schedule' | 'request';
  /** Raw symmetric keys: encryptions that are spoken for, whether done or lost in a restart. */
  readonly reservedUses?: number;
}

export interface RotationPlan {
  /** Whole seconds in days: a fraction where Vault's clients say so. */
  readonly periodDays: number;
  /** Milliseconds since the epoch. */
  readonly nextAt: number;
}

export interface PlannedDestruction {
  /** Milliseconds since the epoch. Absent while a primary key waits for its replicas to be gone. */
  readonly at?: number;
  /** How many days are to pass from when the last replica is gone. */
  readonly days?: number;
  readonly requestedAt: number;
  /** The key's `enabled` before, for protocols that restore it. */
  readonly wasEnabled: boolean;
}

/** Which realms of an account hold a multi-Region key. Each of its keys knows it, and a change of it changes them all at once. */
export interface RegionSet {
  /** The only one that can be replicated and rotated. */
  readonly primary: string;
  readonly replicas: readonly string[];
}

/** `enveloped` keys make self-describing ciphertexts; `raw` keys give the bare algorithm. A key is one of them for life. */
export type KeyClass = 'enveloped' | 'raw';

/** A key as it is stored and decided on. Frozen: a change is a new record with the next revision. */
export interface Key {
  readonly realm: string;
  /** UUID, lower case; of a multi-Region key `mrk-` and 32 hexadecimal digits, the same in each of its realms. */
  readonly id: string;
  /** Compare-and-swap counter, from 1. */
  readonly revision: number;
  readonly spec: KeySpec;
  readonly usages: readonly KeyUsage[];
  readonly class: KeyClass;
  readonly description: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Names that point here (without the `alias/` of AWS); the first is the name that Vault clients gave. */
  readonly names: readonly string[];
  readonly enabled: boolean;
  readonly createdAt: number;
  /** Where the secret lies that no backup holds, and without which no version opens. Absent: there is none. */
  readonly slot?: number;
  /** The newest version, which protects unless `minEncryptionVersion` says otherwise. Older ones are read on demand. */
  readonly current: KeyVersion;
  /** Its material is made in an HSM and never leaves it. Absent: it is wrapped here. For life. */
  readonly protection?: 'hsm';
  /** Who makes its material. Absent: this server, at once. */
  readonly origin?: 'external';
  /** It was imported by Vault's way: what was encrypted elsewhere by the bare material of an imported version opens too. */
  readonly opensBare?: true;
  /** External origin: this server may rotate it to material of its own. */
  readonly ownRotation?: true;
  /** External origin: imported material that the next rotation makes current. */
  readonly next?: KeyVersion;
  /** External origin: the older versions whose material will end, or is gone (without `endsAt`). The key is of use only with all. */
  readonly olderEnds?: ReadonlyArray<{ readonly version: number; readonly endsAt?: number }>;
  readonly minDecryptionVersion: number;
  /** 0: only the newest encrypts. */
  readonly minEncryptionVersion: number;
  /** Versions below are destroyed. */
  readonly minAvailableVersion: number;
  readonly derived: boolean;
  /** Derived keys: equal messages in equal contexts give equal ciphertexts under one version. For life. */
  readonly convergent?: true;
  readonly exportable: boolean;
  /** May be taken as one piece that restores it; absent: no. Never taken back. */
  readonly backupAllowed?: true;
  /** Restored beside the keys of these ids, with their material: what they encrypted opens with this one too. */
  readonly copyOf?: readonly string[];
  readonly deletionAllowed: boolean;
  readonly rotation?: RotationPlan;
  readonly destruction?: PlannedDestruction;
  /** Absent: the key lives in its own realm only. */
  readonly multiRegion?: RegionSet;
  /** How many rotations were asked for by hand. */
  readonly onDemandRotations: number;
  /** The key policy as it was given, JSON; absent: the account decides, by its grants. */
  readonly policy?: string;
  /** Raised by every change of the key's own grants; absent: it never had one. */
  readonly grantsRevision?: number;
}

/** How a request names a key. The realm always comes from the credential; a `realm` in the reference must equal it. */
export type KeyRef =
  | { readonly by: 'id'; readonly id: string; readonly realm?: string }
  | { readonly by: 'name'; readonly name: string; readonly realm?: string };

/** When the first of the imported material ends that the whole key stands on, in milliseconds since the epoch; undefined: none does. */
export function firstEnd({ current, olderEnds = [] }: Key): number | undefined {
  return earliest([current.expiresAt, ...olderEnds.map(({ endsAt }) => endsAt)]);
}

export function earliest(times: ReadonlyArray<number | undefined>): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
