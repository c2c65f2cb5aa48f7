import { type Action, type ActionTable, type Role, roles } from '#domain/domain.ts';

/** What an action amounts to. Roles are sets of duties, so that no role names actions one by one. */
export type Duty =
  | 'administer' // changes what a key is or whether it lives
  | 'use' // works with a key's material
  | 'export' // takes a key's material away; to who may administer it as forbidden as its use
  | 'compute' // asked by key users, touches no key
  | 'read' // shows keys, never material
  | 'govern' // decides who may do what, and seals
  | 'read-identities'
  | 'read-rights' // shows who may do what with a key
  | 'audit'
  | 'self' // on the asking credential and what it made; `identity/` holds the line
  | 'federate' // only for those whom an identity provider vouches for; the role's trust says for which
  | 'public'
  | 'system'; // the server's own jobs

/** What the right must cover. */
export type Touch =
  | 'key'
  | 'two-keys' // source and target
  | 'key-and-realm' // a key, and the realm in which it makes another
  | 'realm-and-replaced' // the realm, and what gives way in it
  | 'name' // the name that a new key asks for; without one, the realm
  | 'key-and-name'
  | 'name-and-holder' // the name that a new key asks for, and the key that has it, if one does
  | 'key-or-realm' // the key if the command names one
  | 'realm'
  | 'secret' // the secret, and every key that its value is protected with
  | 'secret-or-realm' // the secret if the command names one
  | 'server' // what all realms share: the realm, and that one must be the first
  | 'nothing';

/** The one table of rights. An action that is missing here does not type-check. */
export const rules = {
  'create-key': ['administer', 'name'],
  'describe-key': ['read', 'key'],
  'list-keys': ['read', 'realm'],
  'update-key': ['administer', 'key'],
  'enable-key': ['administer', 'key'],
  'disable-key': ['administer', 'key'],
  'disable-key-version': ['administer', 'key'],
  'enable-key-version': ['administer', 'key'],
  'rotate-key': ['administer', 'key'],
  'schedule-destruction': ['administer', 'key'],
  'cancel-destruction': ['administer', 'key'],
  'destroy-key': ['administer', 'key'],
  'trim-key': ['administer', 'key'],
  'get-import-parameters': ['administer', 'key'],
  'import-key-material': ['administer', 'key'],
  'delete-imported-material': ['administer', 'key'],
  'read-key-cache': ['read', 'nothing'],
  'set-key-cache': ['administer', 'server'],
  'get-key-rules': ['read', 'realm'],
  'set-key-rules': ['administer', 'realm'],
  'request-certificate': ['use', 'key'],
  'set-certificates': ['administer', 'key'],
  'get-wrapping-key': ['read', 'nothing'], // a public one
  'import-key': ['administer', 'name'],
  'import-key-version': ['administer', 'key'],
  'export-key': ['export', 'key'],
  'export-wrapped-key': ['export', 'two-keys'],
  'backup-key': ['export', 'key'],
  'restore-key': ['administer', 'realm-and-replaced'],
  'import-key-versions': ['administer', 'name-and-holder'],
  'create-alias': ['administer', 'key-and-name'],
  'update-alias': ['administer', 'key-and-name'],
  'delete-alias': ['administer', 'key-and-name'],
  'list-aliases': ['read', 'key-or-realm'],
  'tag-key': ['administer', 'key'],
  'untag-key': ['administer', 'key'],
  encrypt: ['use', 'key'],
  decrypt: ['use', 'key'],
  're-encrypt': ['use', 'two-keys'],
  'generate-data-key': ['use', 'key'],
  'generate-data-key-pair': ['use', 'key'],
  'generate-random': ['compute', 'nothing'],
  hash: ['compute', 'nothing'],
  sign: ['use', 'key'],
  verify: ['use', 'key'],
  'get-public-key': ['use', 'key'],
  'generate-mac': ['use', 'key'],
  'verify-mac': ['use', 'key'],
  'derive-shared-secret': ['use', 'key'],
  encapsulate: ['use', 'key'],
  decapsulate: ['use', 'key'],
  'replicate-key': ['administer', 'key-and-realm'],
  'update-primary-region': ['administer', 'two-keys'],
  'create-secret': ['use', 'secret'],
  'put-secret-value': ['use', 'secret'],
  'update-secret': ['use', 'secret'],
  'get-secret-value': ['use', 'secret'],
  'read-secret-version': ['use', 'secret'],
  'write-secret': ['use', 'secret'],
  'import-secret': ['use', 'secret'],
  'move-secret-label': ['use', 'secret'],
  'describe-secret': ['read', 'secret'],
  'list-secret-versions': ['read', 'secret'],
  'list-secrets': ['read', 'realm'],
  'change-secret-versions': ['administer', 'secret'],
  'configure-secret': ['administer', 'secret'],
  'get-secret-rules': ['read', 'realm'],
  'set-secret-rules': ['administer', 'realm'],
  'delete-secret': ['administer', 'secret'],
  'restore-secret': ['administer', 'secret'],
  'tag-secret': ['administer', 'secret'],
  'untag-secret': ['administer', 'secret'],
  'set-secret-policy': ['administer', 'secret'],
  'get-secret-policy': ['read', 'secret'],
  'delete-secret-policy': ['administer', 'secret'],
  'check-secret-policy': ['read', 'secret-or-realm'],
  'rotate-secret': ['administer', 'secret'],
  'cancel-secret-rotation': ['administer', 'secret'],
  'replicate-secret': ['use', 'secret'],
  'remove-secret-replicas': ['administer', 'secret'],
  'detach-secret-replica': ['administer', 'secret'],
  'generate-password': ['compute', 'nothing'],
  'report-rotation': ['system', 'nothing'],
  'list-key-stores': ['govern', 'realm'],
  'create-key-store': ['govern', 'realm'],
  'change-key-store': ['govern', 'realm'],
  'read-last-use': ['read', 'key'],
  'read-key-policy': ['read-rights', 'key'],
  'put-key-policy': ['govern', 'key'],
  'create-key-grant': ['govern', 'key'],
  'retire-key-grant': ['govern', 'key'], // or who the grant itself names
  'revoke-key-grant': ['govern', 'key'],
  'list-key-grants': ['read-rights', 'key'],
  'list-retirable-key-grants': ['read-identities', 'realm'], // or one's own
  'explain-access': ['read-identities', 'key'],
  'create-realm': ['govern', 'server'],
  'create-region': ['govern', 'realm'],
  'list-realms': ['read-identities', 'realm'],
  'create-identity': ['govern', 'realm'],
  'list-identities': ['read-identities', 'realm'],
  'disable-identity': ['govern', 'realm'],
  'create-credentials': ['govern', 'realm'],
  'revoke-credential': ['govern', 'realm'],
  'create-grant': ['govern', 'realm'],
  'revoke-grant': ['govern', 'realm'],
  'list-grants': ['read-identities', 'realm'],
  'create-token': ['self', 'nothing'],
  'lookup-token': ['self', 'nothing'],
  'renew-token': ['self', 'nothing'],
  'revoke-token': ['self', 'nothing'],
  'create-orphan-token': ['govern', 'realm'],
  'write-token-role': ['govern', 'realm'],
  'read-token-role': ['read-identities', 'realm'],
  'delete-token-role': ['govern', 'realm'],
  'list-token-roles': ['read-identities', 'realm'],
  'create-role-token': ['self', 'nothing'], // orphans take more: see gate/tokens.ts
  'list-tokens': ['read-identities', 'realm'],
  'revoke-tokens': ['govern', 'realm'],
  'revoke-token-alone': ['govern', 'realm'],
  tidy: ['govern', 'realm'],
  'write-login': ['govern', 'realm'],
  'read-login': ['read-identities', 'realm'],
  'delete-login': ['govern', 'realm'],
  'list-logins': ['read-identities', 'realm'],
  'enable-auth-mount': ['govern', 'realm'],
  'disable-auth-mount': ['govern', 'realm'],
  'tune-auth-mount': ['govern', 'realm'],
  'configure-auth-mount': ['govern', 'realm'],
  'list-auth-mounts': ['self', 'nothing'], // what there is, and no more
  'read-auth-mount': ['read-identities', 'realm'],
  'write-revocation-list': ['govern', 'realm'],
  'read-revocation-list': ['read-identities', 'realm'],
  'delete-revocation-list': ['govern', 'realm'],
  'list-revocation-lists': ['read-identities', 'realm'],
  'create-secret-id': ['govern', 'realm'],
  'read-secret-id': ['read-identities', 'realm'],
  'list-secret-ids': ['read-identities', 'realm'],
  'destroy-secret-id': ['govern', 'realm'],
  login: ['public', 'nothing'], // the proof says who
  'begin-oidc-login': ['public', 'nothing'],
  'wrap-answer': ['self', 'nothing'],
  'unwrap-answer': ['public', 'nothing'], // the token is its own proof
  'lookup-wrapping': ['public', 'nothing'],
  'rewrap-answer': ['public', 'nothing'],
  'list-acl-policies': ['read-identities', 'realm'],
  'read-acl-policy': ['read-identities', 'realm'],
  'write-acl-policy': ['govern', 'realm'],
  'delete-acl-policy': ['govern', 'realm'],
  'read-capabilities': ['self', 'nothing'], // of the asking token and those that it manages
  'enable-mount': ['govern', 'realm'], // decides which paths lead to which keys
  'tune-mount': ['govern', 'realm'],
  'disable-mount': ['govern', 'realm'],
  'list-mounts': ['self', 'nothing'], // a client asks which version an engine is of
  'read-mount': ['self', 'nothing'],
  'create-role': ['govern', 'realm'],
  'delete-role': ['govern', 'realm'],
  'list-roles': ['read-identities', 'realm'],
  'register-provider': ['govern', 'realm'],
  'delete-provider': ['govern', 'realm'],
  'list-providers': ['read-identities', 'realm'],
  'assume-role': ['self', 'nothing'], // the role's trust says who
  'assume-role-with-web-identity': ['federate', 'nothing'],
  'create-session': ['self', 'nothing'],
  'get-caller-identity': ['self', 'nothing'],
  'read-audit': ['audit', 'server'],
  'prove-audit': ['audit', 'server'],
  'read-checkpoint': ['audit', 'realm'],
  'read-metrics': ['audit', 'server'],
  'read-status': ['public', 'nothing'],
  'read-ceremony': ['govern', 'server'],
  'start-ceremony': ['govern', 'server'],
  'cancel-ceremony': ['govern', 'server'],
  'feed-ceremony': ['govern', 'server'],
  'list-seals': ['govern', 'server'],
  'add-seal': ['govern', 'server'],
  'remove-seal': ['govern', 'server'],
  'rotate-seal': ['govern', 'server'],
  'prove-seal': ['govern', 'server'],
  'rotate-root': ['govern', 'server'],
  'read-root': ['govern', 'server'],
  'acknowledge-share': ['govern', 'server'],
  'list-acknowledgements': ['govern', 'server'],
  'take-backup': ['govern', 'server'],
  'read-backups': ['govern', 'server'],
  'schedule-backups': ['govern', 'server'],
  'confirm-restore': ['govern', 'server'],
  'run-backup-schedule': ['system', 'nothing'],
  'read-host': ['read-identities', 'server'],
  'list-audit-sinks': ['read-identities', 'server'],
  seal: ['govern', 'server'],
  unseal: ['public', 'nothing'], // the passphrase is its own proof
  'run-schedule': ['system', 'nothing'],
} as const satisfies ActionTable<readonly [Duty, Touch]>;

const roleDuties = {
  'key-administrator': ['administer', 'read', 'read-rights'],
  'key-user': ['use', 'compute', 'read'],
  'key-exporter': ['export', 'read'],
  auditor: ['read', 'read-rights', 'read-identities', 'audit'],
  'security-officer': ['govern', 'read-rights', 'read-identities'],
  developer: ['administer', 'use', 'export', 'compute', 'read', 'govern', 'read-rights', 'read-identities', 'audit'],
} as const satisfies Record<Role, readonly Duty[]>;

function actionsOf(role: Role): ReadonlySet<Action> {
  const held: readonly Duty[] = roleDuties[role];
  return new Set((Object.keys(rules) as Action[]).filter((action) => held.includes(rules[action][0])));
}

/** What each role allows where its grant reaches. 'self', 'public' and 'system' actions come from no role. */
export const roleActions = Object.fromEntries(roles.map((role) => [role, actionsOf(role)])) as unknown as Readonly<
  Record<Role, ReadonlySet<Action>>
>;

export function isAction(name: string): name is Action {
  return Object.hasOwn(rules, name);
}
