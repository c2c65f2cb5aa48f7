import type { Action, Command } from '#domain/domain.ts';
import { type Duty, rules } from './duties.ts';

/** Every permission of AWS KMS that a key policy can name (Service Authorization Reference, "Actions defined by AWS KMS"). */
export const kmsActions = [
  'CancelKeyDeletion',
  'ConnectCustomKeyStore',
  'CreateAlias',
  'CreateCustomKeyStore',
  'CreateGrant',
  'CreateKey',
  'Decapsulate',
  'Decrypt',
  'DeleteAlias',
  'DeleteCustomKeyStore',
  'DeleteImportedKeyMaterial',
  'DeriveSharedSecret',
  'DescribeCustomKeyStores',
  'DescribeKey',
  'DisableKey',
  'DisableKeyRotation',
  'DisconnectCustomKeyStore',
  'EnableKey',
  'EnableKeyRotation',
  'Encapsulate',
  'Encrypt',
  'GenerateDataKey',
  'GenerateDataKeyPair',
  'GenerateDataKeyPairWithoutPlaintext',
  'GenerateDataKeyWithoutPlaintext',
  'GenerateMac',
  'GenerateRandom',
  'GetKeyLastUsage',
  'GetKeyPolicy',
  'GetKeyRotationStatus',
  'GetParametersForImport',
  'GetPublicKey',
  'ImportKeyMaterial',
  'ListAliases',
  'ListGrants',
  'ListKeyPolicies',
  'ListKeyRotations',
  'ListKeys',
  'ListResourceTags',
  'ListRetirableGrants',
  'PutKeyPolicy',
  'ReEncryptFrom',
  'ReEncryptTo',
  'ReplicateKey',
  'RetireGrant',
  'RevokeGrant',
  'RotateKeyOnDemand',
  'ScheduleKeyDeletion',
  'Sign',
  'SynchronizeMultiRegionKey',
  'TagResource',
  'UntagResource',
  'UpdateAlias',
  'UpdateCustomKeyStore',
  'UpdateKeyDescription',
  'UpdatePrimaryRegion',
  'Verify',
  'VerifyMac',
] as const;
export type KmsAction = (typeof kmsActions)[number];

/**
 * What a command does to its first key in the words of AWS KMS, or, as a function, what this one does to the key at `index`. All of
 * them must be allowed. What AWS doesn't have stands with the nearest that is at least as grave; with none, no policy of a key is
 * asked, as it is not about one.
 */
type Naming<A extends Action> =
  | readonly KmsAction[]
  | {
      /** Every name that this action can have. */
      readonly any: readonly KmsAction[];
      readonly of: (command: Command<A>, index: number) => readonly KmsAction[];
    };

const noKey = [] as const;
/** Whoever has the material can do all that the key can. */
const everyUse = ['Decrypt', 'Sign', 'GenerateMac', 'DeriveSharedSecret', 'Decapsulate'] as const;

const naming: { readonly [A in Action]: Naming<A> } = {
  'create-key': noKey,
  'describe-key': {
    any: ['DescribeKey', 'GetKeyRotationStatus', 'ListKeyRotations', 'ListResourceTags'],
    of: ({ aspect }) => [aspect === undefined ? 'DescribeKey' : aspects[aspect]],
  },
  'list-keys': noKey,
  'update-key': {
    any: ['UpdateKeyDescription', 'EnableKeyRotation', 'DisableKeyRotation', 'DisableKey', 'ScheduleKeyDeletion'],
    of: ({ patch }) => {
      const names = new Set<KmsAction>();
      if (patch.description !== undefined) names.add('UpdateKeyDescription');
      if (patch.rotationPeriodDays !== undefined) {
        names.add(patch.rotationPeriodDays === null ? 'DisableKeyRotation' : 'EnableKeyRotation');
      }
      // What an older version made may stop to be readable.
      if (patch.minDecryptionVersion !== undefined || patch.minEncryptionVersion !== undefined) names.add('DisableKey');
      // Both let the key's end come nearer: by deletion, or by a copy of it somewhere else.
      if (patch.exportable !== undefined || patch.deletionAllowed !== undefined) names.add('ScheduleKeyDeletion');
      return names.size === 0 ? ['UpdateKeyDescription'] : [...names];
    },
  },
  'enable-key': ['EnableKey'],
  'disable-key': ['DisableKey'],
  'disable-key-version': ['DisableKey'],
  'enable-key-version': ['EnableKey'],
  'rotate-key': ['RotateKeyOnDemand'],
  'schedule-destruction': ['ScheduleKeyDeletion'],
  'cancel-destruction': ['CancelKeyDeletion'],
  'destroy-key': ['ScheduleKeyDeletion'],
  'trim-key': ['ScheduleKeyDeletion'],
  'create-alias': ['CreateAlias'],
  'update-alias': ['UpdateAlias'],
  'delete-alias': ['DeleteAlias'],
  'list-aliases': ['ListAliases'],
  'tag-key': ['TagResource'],
  'untag-key': ['UntagResource'],
  'get-import-parameters': ['GetParametersForImport'],
  'import-key-material': ['ImportKeyMaterial'],
  'delete-imported-material': ['DeleteImportedKeyMaterial'],
  'read-key-cache': noKey,
  'set-key-cache': noKey,
  'get-key-rules': noKey,
  'set-key-rules': noKey,
  'request-certificate': ['Sign'],
  'set-certificates': ['UpdateKeyDescription'],
  'get-wrapping-key': noKey,
  'import-key': noKey,
  'import-key-version': ['ImportKeyMaterial'],
  'export-key': everyUse,
  'backup-key': everyUse,
  // Versions may go by it that came since.
  'restore-key': ['ImportKeyMaterial', 'ScheduleKeyDeletion'],
  'export-wrapped-key': { any: [...everyUse, 'Encrypt'], of: (_, index) => (index === 0 ? everyUse : ['Encrypt']) },
  'import-key-versions': ['ImportKeyMaterial'],
  encrypt: ['Encrypt'],
  decrypt: ['Decrypt'],
  're-encrypt': {
    any: ['ReEncryptFrom', 'ReEncryptTo'],
    of: (_, index) => [index === 0 ? 'ReEncryptFrom' : 'ReEncryptTo'],
  },
  'generate-data-key': {
    any: ['GenerateDataKey', 'GenerateDataKeyWithoutPlaintext'],
    of: ({ withPlaintext }) => [withPlaintext ? 'GenerateDataKey' : 'GenerateDataKeyWithoutPlaintext'],
  },
  'generate-data-key-pair': {
    any: ['GenerateDataKeyPair', 'GenerateDataKeyPairWithoutPlaintext'],
    of: ({ withPlaintext }) => [withPlaintext ? 'GenerateDataKeyPair' : 'GenerateDataKeyPairWithoutPlaintext'],
  },
  'generate-random': noKey,
  hash: noKey,
  sign: ['Sign'],
  verify: ['Verify'],
  'get-public-key': ['GetPublicKey'],
  'generate-mac': ['GenerateMac'],
  'verify-mac': ['VerifyMac'],
  'derive-shared-secret': ['DeriveSharedSecret'],
  encapsulate: ['Encapsulate'],
  decapsulate: ['Decapsulate'],
  'replicate-key': ['ReplicateKey'],
  'update-primary-region': ['UpdatePrimaryRegion'],
  'read-last-use': ['GetKeyLastUsage'],
  'read-key-policy': {
    any: ['GetKeyPolicy', 'ListKeyPolicies'],
    of: ({ listing }) => [listing === true ? 'ListKeyPolicies' : 'GetKeyPolicy'],
  },
  'put-key-policy': ['PutKeyPolicy'],
  'create-key-grant': ['CreateGrant'],
  'retire-key-grant': ['RetireGrant'],
  'revoke-key-grant': ['RevokeGrant'],
  'list-key-grants': ['ListGrants'],
  'list-retirable-key-grants': noKey,
  // It tells what the policy and the grants say.
  'explain-access': ['GetKeyPolicy', 'ListGrants'],

  // Secrets Manager asks KMS for a data key, or for what is in one, in the name of its caller.
  'create-secret': ['GenerateDataKey', 'Decrypt'],
  'put-secret-value': ['GenerateDataKey', 'Decrypt'],
  'update-secret': ['GenerateDataKey', 'Decrypt'],
  'get-secret-value': ['Decrypt'],
  'read-secret-version': ['Decrypt'],
  'write-secret': ['GenerateDataKey', 'Decrypt'],
  'import-secret': ['GenerateDataKey', 'Decrypt'],
  'change-secret-versions': noKey,
  'configure-secret': noKey,
  'get-secret-rules': noKey,
  'set-secret-rules': noKey,
  'move-secret-label': noKey,
  'describe-secret': noKey,
  'list-secret-versions': noKey,
  'list-secrets': noKey,
  'delete-secret': noKey,
  'restore-secret': noKey,
  'tag-secret': noKey,
  'untag-secret': noKey,
  'set-secret-policy': noKey,
  'get-secret-policy': noKey,
  'delete-secret-policy': noKey,
  'check-secret-policy': noKey,
  'rotate-secret': noKey,
  'cancel-secret-rotation': noKey,
  'replicate-secret': ['GenerateDataKey', 'Decrypt'],
  'remove-secret-replicas': noKey,
  'detach-secret-replica': noKey,
  'generate-password': noKey,
  'report-rotation': noKey,

  'list-key-stores': noKey,
  'create-key-store': noKey,
  'change-key-store': noKey,
  'create-realm': noKey,
  'create-region': noKey,
  'list-realms': noKey,
  'create-identity': noKey,
  'list-identities': noKey,
  'disable-identity': noKey,
  'create-credentials': noKey,
  'revoke-credential': noKey,
  'create-grant': noKey,
  'revoke-grant': noKey,
  'list-grants': noKey,
  'create-token': noKey,
  'lookup-token': noKey,
  'renew-token': noKey,
  'revoke-token': noKey,
  'create-orphan-token': noKey,
  'read-ceremony': noKey,
  'start-ceremony': noKey,
  'cancel-ceremony': noKey,
  'feed-ceremony': noKey,
  'list-seals': noKey,
  'rotate-root': noKey,
  'read-root': noKey,
  'add-seal': noKey,
  'remove-seal': noKey,
  'rotate-seal': noKey,
  'prove-seal': noKey,
  'acknowledge-share': noKey,
  'list-acknowledgements': noKey,
  'take-backup': noKey,
  'read-backups': noKey,
  'schedule-backups': noKey,
  'confirm-restore': noKey,
  'run-backup-schedule': noKey,
  'read-host': noKey,
  'list-audit-sinks': noKey,
  'write-token-role': noKey,
  'read-token-role': noKey,
  'delete-token-role': noKey,
  'list-token-roles': noKey,
  'create-role-token': noKey,
  'list-tokens': noKey,
  'revoke-tokens': noKey,
  'revoke-token-alone': noKey,
  tidy: noKey,
  'write-login': noKey,
  'begin-oidc-login': noKey,
  'enable-auth-mount': noKey,
  'disable-auth-mount': noKey,
  'tune-auth-mount': noKey,
  'configure-auth-mount': noKey,
  'list-auth-mounts': noKey,
  'read-auth-mount': noKey,
  'read-login': noKey,
  'delete-login': noKey,
  'list-logins': noKey,
  'write-revocation-list': noKey,
  'read-revocation-list': noKey,
  'delete-revocation-list': noKey,
  'list-revocation-lists': noKey,
  'create-secret-id': noKey,
  'read-secret-id': noKey,
  'list-secret-ids': noKey,
  'destroy-secret-id': noKey,
  login: noKey,
  'wrap-answer': noKey,
  'unwrap-answer': noKey,
  'lookup-wrapping': noKey,
  'rewrap-answer': noKey,
  'enable-mount': noKey,
  'tune-mount': noKey,
  'disable-mount': noKey,
  'list-mounts': noKey,
  'read-mount': noKey,
  'list-acl-policies': noKey,
  'read-acl-policy': noKey,
  'write-acl-policy': noKey,
  'delete-acl-policy': noKey,
  'read-capabilities': noKey,
  'create-role': noKey,
  'delete-role': noKey,
  'list-roles': noKey,
  'register-provider': noKey,
  'delete-provider': noKey,
  'list-providers': noKey,
  'assume-role': noKey,
  'assume-role-with-web-identity': noKey,
  'create-session': noKey,
  'get-caller-identity': noKey,
  'read-audit': noKey,
  'prove-audit': noKey,
  'read-checkpoint': noKey,
  'read-metrics': noKey,
  'read-status': noKey,
  seal: noKey,
  unseal: noKey,
  'run-schedule': noKey,
};

const aspects = {
  rotation: 'GetKeyRotationStatus',
  rotations: 'ListKeyRotations',
  tags: 'ListResourceTags',
} as const satisfies Record<NonNullable<Command<'describe-key'>['aspect']>, KmsAction>;

/** What the command does to its key at `index`. */
export function kmsNames(command: Command, index: number): readonly KmsAction[] {
  const names = naming[command.kind] as Naming<Action>;
  return 'of' in names ? names.of(command, index) : names;
}

/** Every name that the action can have. */
export function possibleNames(action: Action): readonly KmsAction[] {
  const names = naming[action] as Naming<Action>;
  return 'of' in names ? names.any : names;
}

/** Public keys are public: to read one is no use of a key that an administrator must keep from. */
const harmless: ReadonlySet<KmsAction> = new Set(['GetPublicKey']);

function namesOf(duty: Duty): ReadonlySet<KmsAction> {
  const actions = (Object.keys(rules) as Action[]).filter((action) => rules[action][0] === duty);
  return new Set(actions.flatMap(possibleNames).filter((name) => !harmless.has(name)));
}

/** What nobody may hold both of, in production. */
export const administering = namesOf('administer');
export const using = namesOf('use');

/** The action that goes by this name, for those that have one. */
export function actionNamed(name: KmsAction): Action | undefined {
  return (Object.keys(naming) as Action[]).find(
    (action) => possibleNames(action)[0] === name || possibleNames(action).includes(name),
  );
}
