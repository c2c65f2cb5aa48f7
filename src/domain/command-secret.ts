import type { KeyRef } from './key.ts';
import type {
  CharacterKind,
  DueRotation,
  RotationSchedule,
  RotationStep,
  Secret,
  SecretFilter,
  SecretPlace,
  SecretRef,
  SecretValue,
  SecretVersion,
  VersionRules,
} from './secret.ts';
import type { Plaintext } from './secret-bytes.ts';

interface OnSecret {
  readonly secret: SecretRef;
}

interface Writing {
  /** What the new version is called; the same again with the same value changes nothing. Absent: a fresh UUID. */
  readonly versionId?: string;
}

/** Versioned secret values. */
export interface SecretCommands {
  'create-secret': Writing & {
    readonly name: string;
    readonly description?: string;
    readonly tags?: Readonly<Record<string, string>>;
    /** The key that protects its values; absent: the realm's own for secrets. */
    readonly protection?: KeyRef;
    readonly value?: SecretValue;
    /** Where copies of it are to be at once. */
    readonly places?: readonly SecretPlace[];
  };
  'put-secret-value': OnSecret &
    Writing & {
      readonly value: SecretValue;
      /** Absent: it becomes the current version. */
      readonly labels?: readonly string[];
    };
  'update-secret': OnSecret &
    Writing & {
      readonly description?: string;
      /** Null: the realm's own key for secrets. */
      readonly protection?: KeyRef | null;
      readonly value?: SecretValue;
    };
  /** The current version, unless a version or a label is named; both must mean the same version. */
  'get-secret-value': OnSecret & { readonly versionId?: string; readonly label?: string };
  /** By its number; 0: the current one. A version that is hidden or destroyed is answered without its value. */
  'read-secret-version': OnSecret & { readonly number: number };
  /** A new current version, and the secret with it where there is none. */
  'write-secret': OnSecret & {
    readonly value: SecretValue;
    /** The value is a merge patch (RFC 7396) of the current one, which must be there and be JSON. */
    readonly merge?: boolean;
    /** The number of the version that must be the current one; 0: none may have a value. */
    readonly expected?: number;
    /** How many versions are kept after this one is written, whatever the rules say. */
    readonly keep?: number;
    /** Whose rules hold; absent: those of all that is in no folder with rules of its own. */
    readonly folder?: string;
  };
  /** Takes versions by their numbers, 0 for the current one, out of sight, back, or away for good. */
  'change-secret-versions': OnSecret & {
    readonly numbers: readonly number[];
    readonly to: 'hidden' | 'shown' | 'destroyed';
  };
  /** How its versions are kept, and notes on it; makes the secret, without a value, where there is none and that is asked for. */
  'configure-secret': OnSecret & {
    readonly rules: VersionRules;
    /** Absent: as they are. Within a merge, null takes a note away. */
    readonly notes?: Readonly<Record<string, string | null>>;
    readonly merge: boolean;
  };
  /** What holds for secrets without rules of their own, in a folder or wherever there is none. */
  'get-secret-rules': { readonly folder?: string };
  'set-secret-rules': { readonly rules: VersionRules; readonly folder?: string };
  'describe-secret': OnSecret;
  /** The same of a secret, for who asks for its versions. */
  'list-secret-versions': OnSecret;
  'list-secrets': {
    readonly filters: readonly SecretFilter[];
    readonly sortBy: 'created' | 'accessed' | 'changed' | 'name';
    readonly descending: boolean;
    readonly withDeleted: boolean;
    /** What `next` of the page before said; '' for the start. */
    readonly after: string;
    readonly limit: number;
  };
  'delete-secret': OnSecret & { /** 7 to 30; 0: at once and for good. */ readonly days: number };
  'restore-secret': OnSecret;
  'tag-secret': OnSecret & { readonly tags: Readonly<Record<string, string>> };
  'untag-secret': OnSecret & { readonly names: readonly string[] };
  'move-secret-label': OnSecret & { readonly label: string; readonly from?: string; readonly to?: string };
  'set-secret-policy': OnSecret & { readonly policy: string; readonly blockPublic: boolean };
  'get-secret-policy': OnSecret;
  'delete-secret-policy': OnSecret;
  /** What a policy would be worth, with no secret or one. */
  'check-secret-policy': { readonly policy: string; readonly secret?: SecretRef };
  'rotate-secret': OnSecret &
    Writing & {
      readonly rotator?: string;
      readonly schedule?: RotationSchedule;
      readonly atOnce: boolean;
    };
  'cancel-secret-rotation': OnSecret;
  /** Copies that follow the secret, in other regions of the account. */
  'replicate-secret': OnSecret & {
    readonly places: readonly SecretPlace[];
  };
  'remove-secret-replicas': OnSecret & { readonly regions: readonly string[] };
  /** A copy becomes a secret of its own. */
  'detach-secret-replica': OnSecret;
  'generate-password': {
    /** 1 to 4096. */
    readonly length: number;
    readonly kinds: readonly CharacterKind[];
    readonly without: string;
    readonly requireEach: boolean;
  };
  /** What became of a step; jobs tell it. */
  'report-rotation': {
    readonly realm: string;
    readonly secretId: string;
    readonly versionId: string;
    readonly step: RotationStep;
    /** Absent: the step was done. */
    readonly failure?: string;
  };
}

interface OneSecret {
  readonly secret: Secret;
}

export interface SecretResults {
  'create-secret': OneSecret & { readonly versionId?: string };
  'put-secret-value': OneSecret & { readonly versionId: string };
  'update-secret': OneSecret & { readonly versionId?: string };
  'get-secret-value': OneSecret & { readonly found: SecretVersion; readonly value: SecretValue };
  'read-secret-version': OneSecret & { readonly found: SecretVersion; readonly value?: SecretValue };
  'write-secret': OneSecret & { readonly written: SecretVersion };
  /** Without `secret` there was none, and nothing was to be done. */
  'change-secret-versions': { readonly secret?: Secret };
  'configure-secret': OneSecret;
  'get-secret-rules': { readonly rules: VersionRules };
  'set-secret-rules': { readonly rules: VersionRules };
  'describe-secret': OneSecret;
  'list-secret-versions': OneSecret;
  'list-secrets': { readonly secrets: readonly Secret[]; readonly next?: string };
  /** Without `secret` there was none, and nothing was to be done. */
  'delete-secret': { readonly secret?: Secret; readonly realm: string; readonly at: number };
  'restore-secret': OneSecret;
  'tag-secret': OneSecret;
  'untag-secret': OneSecret;
  'move-secret-label': OneSecret;
  'set-secret-policy': OneSecret;
  'get-secret-policy': OneSecret;
  'delete-secret-policy': OneSecret;
  'check-secret-policy': { readonly problems: readonly string[] };
  'rotate-secret': OneSecret & { readonly versionId?: string };
  'cancel-secret-rotation': OneSecret & { readonly versionId?: string };
  'replicate-secret': OneSecret;
  'remove-secret-replicas': OneSecret;
  'detach-secret-replica': OneSecret;
  'generate-password': { readonly password: Plaintext };
  /** `next`: what is due now, if anything is. */
  'report-rotation': { readonly next?: DueRotation };
}
