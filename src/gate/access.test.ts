import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { Action, ActionTable, Command, CredentialSet, Key, Proof } from '#domain/domain.ts';
import { byId, byName, byToken, House, passphrase, plain, refused } from './testing/house.ts';

type WithoutKind<A extends Action> = Omit<Command<A>, 'kind'>;
type Make<A extends Action> = (key: Key, ciphertext: Uint8Array) => WithoutKind<A>;

const scheme = { family: 'ecdsa', hash: 'sha256' } as const;
const signing = (key: Key) =>
  ({ key: byId(key), message: plain('m'), messageType: 'raw', scheme, context: {} }) as const;
const encryption = { context: {}, scheme: 'natural' } as const;
const page = { after: '', limit: 10 } as const;
const wrapping = { hash: 'sha256', wrapped: new Uint8Array(600) } as const;
const noSecret = { secret: { name: 'no-secret-of-that-name' } } as const;
let counted = 0;
const fresh = (word: string) => `${word}${++counted}`;

/** One sound command for every action there is: an action without one does not type-check. */
const commands: { readonly [A in Action]: Make<A> } = {
  'create-key': () => ({ spec: 'aes-256', usages: ['encrypt'], class: 'enveloped' }),
  'describe-key': (key) => ({ key: byId(key) }),
  'list-keys': () => page,
  'update-key': (key) => ({ key: byId(key), patch: { description: 'd' } }),
  'enable-key': (key) => ({ key: byId(key) }),
  'disable-key': (key) => ({ key: byId(key) }),
  'disable-key-version': (key) => ({ key: byId(key), version: 1 }),
  'enable-key-version': (key) => ({ key: byId(key), version: 1 }),
  'rotate-key': (key) => ({ key: byId(key) }),
  'schedule-destruction': (key) => ({ key: byId(key), days: 7 }),
  'cancel-destruction': (key) => ({ key: byId(key) }),
  'destroy-key': (key) => ({ key: byId(key) }),
  'get-import-parameters': (key) => ({ key: byId(key), wrapping: 'rsa-oaep-sha256', wrappingSpec: 'rsa-2048' }),
  'import-key-material': (key) => ({ key: byId(key), token: new Uint8Array(9), wrapped: new Uint8Array(256) }),
  'delete-imported-material': (key) => ({ key: byId(key) }),
  'read-key-cache': () => ({}),
  'set-key-cache': () => ({ size: 0 }),
  'get-key-rules': () => ({ folder: '' }),
  'set-key-rules': () => ({ folder: '', rules: { madeOnPurpose: false } }),
  'request-certificate': (key) => ({ key: byId(key) }),
  'set-certificates': (key) => ({ key: byId(key), certificates: [] }),
  'get-wrapping-key': () => ({}),
  'import-key': () => ({ name: fresh('imported'), specs: ['aes-256'], usages: ['encrypt'], brought: wrapping }),
  'import-key-version': (key) => ({ key: byId(key), brought: wrapping }),
  'export-key': (key) => ({ key: byId(key), part: 'encrypt', form: 'pkcs8' }),
  'export-wrapped-key': (key) => ({ key: byId(key), destination: byId(key), hash: 'sha256' }),
  'backup-key': (key) => ({ key: byId(key) }),
  'restore-key': () => ({ backup: new Uint8Array(200) }),
  'import-key-versions': () => ({
    ...{ name: fresh('moved'), spec: 'aes-256', usages: ['encrypt'], wrapped: wrapping.wrapped },
    versions: [{ version: 1, createdAt: 1, withMacKey: false }],
    ...{ minDecryptionVersion: 1, minEncryptionVersion: 0, derived: false, convergent: false },
    ...{ exportable: false, backupAllowed: false, deletionAllowed: false },
  }),
  'trim-key': (key) => ({ key: byId(key), minAvailableVersion: 1 }),
  'create-alias': (key) => ({ key: byId(key), name: fresh('alias') }),
  'update-alias': (key) => ({ key: byId(key), name: key.names[0]! }),
  'delete-alias': (key) => ({ name: key.names[0]! }),
  'list-aliases': () => page,
  'tag-key': (key) => ({ key: byId(key), tags: { a: 'b' } }),
  'untag-key': (key) => ({ key: byId(key), names: ['a'] }),
  encrypt: (key) => ({ key: byId(key), plaintext: plain('p'), ...encryption }),
  decrypt: (key, ciphertext) => ({ key: byId(key), ciphertext, ...encryption }),
  're-encrypt': (key, ciphertext) => ({
    ...{ source: byId(key), ciphertext, target: byId(key), sourceContext: {}, targetContext: {} },
    ...{ sourceScheme: 'natural', targetScheme: 'natural' },
  }),
  'generate-data-key': (key) => ({ key: byId(key), bytes: 32, context: {}, withPlaintext: true }),
  'generate-data-key-pair': (key) => ({ key: byId(key), spec: 'ed25519', context: {}, withPlaintext: true }),
  'generate-random': () => ({ bytes: 8 }),
  hash: () => ({ hash: 'sha256', input: plain('i') }),
  sign: signing,
  verify: (key) => ({ ...signing(key), signature: new Uint8Array(64) }),
  'get-public-key': (key) => ({ key: byId(key) }),
  'generate-mac': (key) => ({ key: byId(key), hash: 'sha256', message: plain('m') }),
  'verify-mac': (key) => ({ key: byId(key), hash: 'sha256', message: plain('m'), mac: new Uint8Array(32) }),
  'derive-shared-secret': (key) => ({ key: byId(key), publicKey: new Uint8Array(91) }),
  encapsulate: (key) => ({ key: byId(key) }),
  decapsulate: (key) => ({ key: byId(key), ciphertext: new Uint8Array(1088) }),
  'list-key-stores': () => ({}),
  'create-key-store': () => ({ name: 'store', storeKind: 'external' }),
  'change-key-store': () => ({ id: 'cks-1', change: 'delete' }),
  'read-last-use': (key) => ({ key: byId(key) }),
  'read-key-policy': (key) => ({ key: byId(key) }),
  'put-key-policy': (key) => ({
    key: byId(key),
    policy: JSON.stringify({
      Statement: { Effect: 'Allow', Principal: { AWS: key.realm }, Action: 'kms:*', Resource: '*' },
    }),
  }),
  'create-key-grant': (key) => ({ key: byId(key), grantee: 'arn:aws:iam::0:user/x', operations: ['Decrypt'] }),
  'retire-key-grant': (key) => ({ key: byId(key), grant: '0'.repeat(64) }),
  'revoke-key-grant': (key) => ({ key: byId(key), grant: '0'.repeat(64) }),
  'list-key-grants': (key) => ({ key: byId(key), ...page }),
  'list-retirable-key-grants': () => ({ ...page, retiring: 'arn:aws:iam::000000000000:user/x' }),
  'explain-access': (key) => ({ key: byId(key), principal: 'founder', action: 'decrypt' }),
  'replicate-key': (key) => ({ key: byId(key), region: 'nowhere-west-1' }),
  'update-primary-region': (key) => ({ key: byId(key), region: 'nowhere-west-1' }),
  'create-secret': () => ({ name: fresh('secret') }),
  'put-secret-value': () => ({ ...noSecret, value: { form: 'text', bytes: plain('v') } }),
  'update-secret': () => ({ ...noSecret, description: 'd' }),
  'get-secret-value': () => noSecret,
  'read-secret-version': () => ({ ...noSecret, number: 1 }),
  'write-secret': () => ({ secret: { name: fresh('secret') }, value: { form: 'text', bytes: plain('v') } }),
  'change-secret-versions': () => ({ ...noSecret, numbers: [1], to: 'hidden' }),
  'configure-secret': () => ({ secret: { name: fresh('secret') }, rules: {}, merge: false }),
  'import-secret': () => ({
    secret: { name: fresh('secret') },
    rules: {},
    notes: {},
    createdAt: 1,
    changedAt: 1,
    versions: [{ number: 1, createdAt: 1, value: { form: 'text', bytes: plain('v') } }],
  }),
  'get-secret-rules': () => ({}),
  'set-secret-rules': () => ({ rules: {} }),
  'move-secret-label': () => ({ ...noSecret, label: 'l', to: 'v' }),
  'describe-secret': () => noSecret,
  'list-secret-versions': () => noSecret,
  'list-secrets': () => ({ ...page, filters: [], sortBy: 'name', descending: false, withDeleted: false }),
  'delete-secret': () => ({ ...noSecret, days: 7 }),
  'restore-secret': () => noSecret,
  'tag-secret': () => ({ ...noSecret, tags: { a: 'b' } }),
  'untag-secret': () => ({ ...noSecret, names: ['a'] }),
  'set-secret-policy': () => ({ ...noSecret, policy: '{}', blockPublic: false }),
  'get-secret-policy': () => noSecret,
  'delete-secret-policy': () => noSecret,
  'check-secret-policy': () => ({ policy: '{}' }),
  'rotate-secret': () => ({ ...noSecret, atOnce: true }),
  'cancel-secret-rotation': () => noSecret,
  'replicate-secret': () => ({ ...noSecret, places: [] }),
  'remove-secret-replicas': () => ({ ...noSecret, regions: [] }),
  'detach-secret-replica': () => noSecret,
  'generate-password': () => ({ length: 8, kinds: ['lower'], without: '', requireEach: true }),
  'report-rotation': () => ({ realm: 'r', secretId: 's', versionId: 'v', step: 'create' }),
  'create-realm': () => ({ name: fresh('realm') }),
  'create-region': () => ({ name: fresh('region'), region: fresh('test-place-') }),
  'list-realms': () => page,
  'create-identity': () => ({ name: fresh('identity') }),
  'list-identities': () => page,
  'disable-identity': () => ({ name: 'nobody-of-that-name' }),
  'create-credentials': () => ({ name: 'nobody-of-that-name' }),
  'revoke-credential': () => ({ id: 'CLAVAAAAAAAAAAAAAAAA' }),
  'create-grant': () => ({ grantee: { kind: 'group', name: 'g' }, role: 'auditor', scope: { kind: 'realm' } }),
  'revoke-grant': () => ({ id: '00000000-0000-4000-8000-000000000000' }),
  'list-grants': () => page,
  'enable-mount': () => ({ path: fresh('mount'), engine: 'transit', sealWrap: false }),
  'tune-mount': () => ({ path: 'transit/', description: fresh('described') }),
  'disable-mount': () => ({ path: 'nothing-is-here' }),
  'list-mounts': () => ({}),
  'read-mount': () => ({ path: 'secret' }),
  'list-acl-policies': () => ({}),
  'read-acl-policy': () => ({ name: 'default' }),
  'write-acl-policy': () => ({ name: fresh('policy'), text: 'path "a" { capabilities = ["read"] }' }),
  'delete-acl-policy': () => ({ name: 'no-policy-of-that-name' }),
  'read-capabilities': () => ({ paths: ['transit/encrypt/k'] }),
  'create-role': () => ({ name: fresh('role'), trust: { identities: [], groups: ['g'], providers: [] } }),
  'delete-role': () => ({ name: 'no-role-of-that-name' }),
  'list-roles': () => page,
  'register-provider': () => ({
    issuer: `https://${fresh('issuer')}.example`,
    audiences: ['a'],
    keys: { url: 'https://issuer.example/keys' },
  }),
  'delete-provider': () => ({ issuer: 'https://no-issuer.example' }),
  'list-providers': () => page,
  'assume-role': () => ({ role: 'no-role-of-that-name', sessionName: 'session' }),
  'assume-role-with-web-identity': () => ({ role: 'no-role-of-that-name', sessionName: 'session' }),
  'create-session': () => ({}),
  'get-caller-identity': () => ({}),
  'create-token': () => ({}),
  'create-orphan-token': () => ({}),
  'list-seals': () => ({}),
  'add-seal': () => ({
    ...{ name: fresh('seal'), sealKind: 'passphrase', settings: {}, secret: plain('another passphrase') },
    opener: { secret: plain(passphrase) },
  }),
  'remove-seal': () => ({ name: 'no-such-seal' }),
  'rotate-seal': () => ({
    ...{ name: 'main', settings: {}, secret: plain(passphrase), opener: { secret: plain(passphrase) } },
  }),
  'prove-seal': () => ({ name: 'main', secret: plain(passphrase) }),
  'rotate-root': () => ({}),
  'read-root': () => ({}),
  'acknowledge-share': () => ({ statement: new Uint8Array(2) }),
  'list-acknowledgements': () => ({}),
  'read-ceremony': () => ({ ceremony: 'rekey' }),
  'start-ceremony': () => ({ ceremony: 'rekey', verified: false }),
  'cancel-ceremony': () => ({ ceremony: 'rekey' }),
  'feed-ceremony': () => ({ ceremony: 'root-token', passphrase: plain('wrong'), nonce: 'none' }),
  'take-backup': () => ({}),
  'read-backups': () => ({}),
  'schedule-backups': () => ({}),
  'confirm-restore': () => ({}),
  'run-backup-schedule': () => ({}),
  'read-host': () => ({}),
  'list-audit-sinks': () => ({}),
  'write-token-role': () => ({ name: fresh('role'), settings: {} }),
  'read-token-role': () => ({ name: 'plain' }),
  'delete-token-role': () => ({ name: 'no-role-of-that-name' }),
  'list-token-roles': () => page,
  'create-role-token': () => ({ role: 'plain', names: [] }),
  'list-tokens': () => page,
  'revoke-tokens': () => ({ prefix: 'auth/nowhere' }),
  'revoke-token-alone': () => ({ token: 'no-token' }),
  tidy: () => ({}),
  'enable-auth-mount': () => ({ path: fresh('mount'), type: 'approle' }),
  'disable-auth-mount': () => ({ path: 'no-mount-of-that-path' }),
  'tune-auth-mount': () => ({ path: 'approle', description: 'd' }),
  'configure-auth-mount': () => ({
    path: 'no-mount-of-that-path',
    config: {
      kind: 'jwt',
      source: { kind: 'keys', keys: [] },
      algorithms: [],
      responseTypes: [],
      namespaceInState: true,
    },
  }),
  'list-auth-mounts': () => ({}),
  'read-auth-mount': () => ({ path: 'no-mount-of-that-path' }),
  'write-login': () => ({ method: 'approle', name: fresh('login') }),
  'read-login': () => ({ method: 'approle', name: 'no-login-of-that-name' }),
  'delete-login': () => ({ method: 'approle', name: 'no-login-of-that-name' }),
  'list-logins': () => ({ method: 'approle', after: '', limit: 10 }),
  'write-revocation-list': () => ({ name: 'no-mount-of-that-kind', list: new Uint8Array(0) }),
  'read-revocation-list': () => ({ name: 'no-mount-of-that-kind' }),
  'delete-revocation-list': () => ({ name: 'no-mount-of-that-kind' }),
  'list-revocation-lists': () => ({}),
  'create-secret-id': () => ({ role: 'no-login-of-that-name' }),
  'read-secret-id': () => ({ role: 'no-login-of-that-name', accessor: 'none' }),
  'list-secret-ids': () => ({ role: 'no-login-of-that-name', after: '', limit: 10 }),
  'destroy-secret-id': () => ({ role: 'no-login-of-that-name', accessor: 'none' }),
  login: () => ({}),
  'begin-oidc-login': () => ({ redirectUri: 'https://client.example/callback' }),
  'wrap-answer': () => ({ answer: plain('{}'), ttl: 60_000, path: 'sys/wrapping/wrap' }),
  'unwrap-answer': () => ({ token: 'clv.none' }),
  'lookup-wrapping': () => ({ token: 'clv.none' }),
  'rewrap-answer': () => ({ token: 'clv.none' }),
  'lookup-token': () => ({}),
  'renew-token': () => ({}),
  'revoke-token': () => ({}),
  'read-audit': () => ({ from: 0, limit: 5 }),
  'prove-audit': () => ({ index: 0 }),
  'read-checkpoint': () => ({}),
  'read-metrics': () => ({}),
  'read-status': () => ({}),
  seal: () => ({}),
  unseal: () => ({ passphrase: plain(passphrase) }),
  'run-schedule': () => ({}),
};

type Who = 'key-administrator' | 'key-user' | 'key-exporter' | 'auditor' | 'security-officer';
const [A, U, E, X, O] = ['key-administrator', 'key-user', 'key-exporter', 'auditor', 'security-officer'] as const;
const everybody = [A, U, E, X, O];

/** Who may do it, written down apart from the policy. `everybody` still is nobody who has no credential. */
const allowed: ActionTable<readonly Who[]> = {
  'create-key': [A],
  'describe-key': [A, U, E, X],
  'list-keys': [A, U, E, X],
  'update-key': [A],
  'enable-key': [A],
  'disable-key': [A],
  'disable-key-version': [A],
  'enable-key-version': [A],
  'rotate-key': [A],
  'schedule-destruction': [A],
  'cancel-destruction': [A],
  'destroy-key': [A],
  'get-import-parameters': [A],
  'import-key-material': [A],
  'delete-imported-material': [A],
  'read-key-cache': [A, U, E, X],
  'set-key-cache': [A],
  'get-key-rules': [A, U, E, X],
  'set-key-rules': [A],
  'request-certificate': [U],
  'set-certificates': [A],
  'get-wrapping-key': [A, U, E, X],
  'import-key': [A],
  'import-key-version': [A],
  'export-key': [E],
  'export-wrapped-key': [E],
  'backup-key': [E],
  'restore-key': [A],
  'import-key-versions': [A],
  'trim-key': [A],
  'create-alias': [A],
  'update-alias': [A],
  'delete-alias': [A],
  'list-aliases': [A, U, E, X],
  'tag-key': [A],
  'untag-key': [A],
  encrypt: [U],
  decrypt: [U],
  're-encrypt': [U],
  'generate-data-key': [U],
  'generate-data-key-pair': [U],
  'generate-random': [U],
  hash: [U],
  sign: [U],
  verify: [U],
  'get-public-key': [U],
  'generate-mac': [U],
  'verify-mac': [U],
  'derive-shared-secret': [U],
  encapsulate: [U],
  decapsulate: [U],
  'list-key-stores': [O],
  'create-key-store': [O],
  'change-key-store': [O],
  'read-last-use': [A, U, E, X],
  'replicate-key': [A],
  'update-primary-region': [A],
  'read-key-policy': [A, X, O],
  'put-key-policy': [O],
  'create-key-grant': [O],
  'retire-key-grant': [O],
  'revoke-key-grant': [O],
  'list-key-grants': [A, X, O],
  'list-retirable-key-grants': [X, O],
  'explain-access': [X, O],
  'create-secret': [U],
  'put-secret-value': [U],
  'update-secret': [U],
  'get-secret-value': [U],
  'read-secret-version': [U],
  'write-secret': [U],
  'import-secret': [U],
  'change-secret-versions': [A],
  'configure-secret': [A],
  'get-secret-rules': [A, U, E, X],
  'set-secret-rules': [A],
  'move-secret-label': [U],
  'describe-secret': [A, U, E, X],
  'list-secret-versions': [A, U, E, X],
  'list-secrets': [A, U, E, X],
  'delete-secret': [A],
  'restore-secret': [A],
  'tag-secret': [A],
  'untag-secret': [A],
  'set-secret-policy': [A],
  'get-secret-policy': [A, U, E, X],
  'delete-secret-policy': [A],
  'check-secret-policy': [A, U, E, X],
  'rotate-secret': [A],
  'cancel-secret-rotation': [A],
  'replicate-secret': [U],
  'remove-secret-replicas': [A],
  'detach-secret-replica': [A],
  'generate-password': [U],
  'report-rotation': [],
  'create-realm': [O],
  'create-region': [O],
  'list-realms': [X, O],
  'create-identity': [O],
  'list-identities': [X, O],
  'disable-identity': [O],
  'create-credentials': [O],
  'revoke-credential': [O],
  'create-grant': [O],
  'revoke-grant': [O],
  'list-grants': [X, O],
  'enable-mount': [O],
  'tune-mount': [O],
  'disable-mount': [O],
  'list-mounts': everybody,
  'read-mount': everybody,
  'list-acl-policies': [X, O],
  'read-acl-policy': [X, O],
  'write-acl-policy': [O],
  'delete-acl-policy': [O],
  'read-capabilities': everybody,
  'create-role': [O],
  'delete-role': [O],
  'list-roles': [X, O],
  'register-provider': [O],
  'delete-provider': [O],
  'list-providers': [X, O],
  // Of a role that trusts them; of one that isn't there nobody is told so.
  'assume-role': [],
  // Of somebody whom an identity provider vouches for.
  'assume-role-with-web-identity': [],
  'create-session': everybody,
  'get-caller-identity': everybody,
  'create-token': everybody,
  'create-orphan-token': [O],
  'list-seals': [O],
  'add-seal': [O],
  'remove-seal': [O],
  'rotate-root': [O],
  'read-root': [O],
  'rotate-seal': [O],
  'prove-seal': [O],
  'acknowledge-share': [O],
  'list-acknowledgements': [O],
  'read-ceremony': [O],
  'start-ceremony': [O],
  'cancel-ceremony': [O],
  'feed-ceremony': [O],
  'take-backup': [O],
  'read-backups': [O],
  'schedule-backups': [O],
  'confirm-restore': [O],
  'run-backup-schedule': [],
  'read-host': [X, O],
  'list-audit-sinks': [X, O],
  'write-token-role': [O],
  'read-token-role': [X, O],
  'delete-token-role': [O],
  'list-token-roles': [X, O],
  'create-role-token': everybody,
  'list-tokens': [X, O],
  'revoke-tokens': [O],
  'revoke-token-alone': [O],
  tidy: [O],
  'enable-auth-mount': [O],
  'disable-auth-mount': [O],
  'tune-auth-mount': [O],
  'configure-auth-mount': [O],
  'list-auth-mounts': everybody,
  'read-auth-mount': [X, O],
  'write-login': [O],
  'read-login': [X, O],
  'delete-login': [O],
  'list-logins': [X, O],
  'write-revocation-list': [O],
  'read-revocation-list': [X, O],
  'delete-revocation-list': [O],
  'list-revocation-lists': [X, O],
  'create-secret-id': [O],
  'read-secret-id': [X, O],
  'list-secret-ids': [X, O],
  'destroy-secret-id': [O],
  login: everybody,
  'begin-oidc-login': everybody,
  'wrap-answer': everybody,
  'unwrap-answer': everybody,
  'lookup-wrapping': everybody,
  'rewrap-answer': everybody,
  'lookup-token': everybody,
  'renew-token': everybody,
  'revoke-token': everybody,
  'read-audit': [X],
  'prove-audit': [X],
  'read-checkpoint': [X],
  'read-metrics': [X],
  'read-status': everybody,
  seal: [O],
  unseal: everybody,
  'run-schedule': [],
};

/** What concerns every realm is only for those of the first. */
const ofServer: readonly Action[] = [
  'set-key-cache',
  'create-realm',
  'read-audit',
  'prove-audit',
  'read-metrics',
  'list-seals',
  'add-seal',
  'remove-seal',
  'rotate-seal',
  'prove-seal',
  'rotate-root',
  'read-root',
  'acknowledge-share',
  'list-acknowledgements',
  'take-backup',
  'read-backups',
  'schedule-backups',
  'confirm-restore',
  'read-ceremony',
  'start-ceremony',
  'cancel-ceremony',
  'feed-ceremony',
  'read-host',
  'list-audit-sinks',
  'seal',
];
const open: readonly Action[] = [
  'read-status',
  'unseal',
  'login',
  'begin-oidc-login',
  'unwrap-answer',
  'lookup-wrapping',
  'rewrap-answer',
];
const actions = Object.keys(commands) as Action[];

let house: House;
let staff: Record<Who, CredentialSet>;
let abroad: Record<Who, CredentialSet>;
let unranked: CredentialSet;

const hireAll = async (suffix: string, realm?: string) => {
  const entries = await Promise.all(
    everybody.map(async (role) => [role, await house.hire(`${role}${suffix}`, role, realm ? { realm } : {})] as const),
  );
  return Object.fromEntries(entries) as Record<Who, CredentialSet>;
};

before(async () => {
  house = await House.open({ mode: 'production' });
  staff = await hireAll('-1');
  await house.perform({ kind: 'create-realm', name: 'other' });
  abroad = await hireAll('-2', 'other');
  unranked = await house.hire('unranked');
  await house.perform({ kind: 'write-token-role', name: 'plain', settings: {} });
});

const keyFor = (more = {}) =>
  house
    .perform(
      { kind: 'create-key', spec: 'aes-256', usages: ['encrypt'], class: 'enveloped', name: fresh('k'), ...more },
      byToken(staff[A]),
    )
    .then(({ key }) => key);

async function commandFor(action: Action): Promise<Command> {
  const key = await keyFor();
  const { ciphertext } = await house.encrypt(key, 'secret', {}, byToken(staff[U]));
  return { kind: action, ...commands[action](key, ciphertext) } as Command;
}

const codeOf = async (act: Promise<unknown>): Promise<string> =>
  act.then(
    () => 'ok',
    (error) => error.code ?? String(error),
  );

/** Opens it again where the action sealed it. */
async function ask(action: Action, proof: Proof): Promise<string> {
  const code = await codeOf(house.perform(await commandFor(action), proof));
  if (house.gate.status().sealed) await house.unseal();
  return code;
}

for (const [what, proof, codes] of [
  ['nobody', { kind: 'none' }, ['unauthenticated']],
  ['a forged token', { kind: 'token', token: `clv.${'A'.repeat(43)}` }, ['invalid-proof']],
  ['no token at all', { kind: 'token', token: '' }, ['invalid-proof']],
] as const) {
  test(`${what} may do nothing`, async () => {
    for (const action of actions.filter((one) => !open.includes(one))) {
      assert.ok((codes as readonly string[]).includes(await ask(action, proof)), action);
    }
  });
}

test('who was granted nothing manages the own token and nothing else', async () => {
  for (const action of actions.filter((one) => !open.includes(one))) {
    // A token of its own each time: some of them end it.
    const { token } = await house.perform({ kind: 'create-token' }, byToken(unranked));
    const code = await ask(action, byToken({ token }));
    if (allowed[action] === everybody) assert.equal(code, 'ok', action);
    else assert.equal(code, 'denied', action);
  }
});

for (const role of everybody) {
  test(`a ${role} may do what the role is for, and is denied everything else`, async () => {
    for (const action of actions.filter((one) => !open.includes(one))) {
      const { token } = await house.perform({ kind: 'create-token' }, byToken(staff[role]));
      const code = await ask(action, byToken({ token }));
      if (allowed[action].includes(role)) assert.notEqual(code, 'denied', action);
      else assert.equal(code, 'denied', action);
      assert.ok(!['internal', 'tampered', 'unauthenticated', 'invalid-proof'].includes(code), `${action}: ${code}`);
    }
  });

  test(`a ${role} of another realm reaches nothing of the first, nor what concerns all`, async () => {
    const mine = ['create-key', 'list-keys', 'list-aliases', 'generate-random', 'hash', 'list-realms'];
    for (const action of actions) {
      const command = await commandFor(action);
      const about = 'key' in command || 'source' in command || action === 'delete-alias' || ofServer.includes(action);
      if (!about || mine.includes(action)) continue;
      const { token } = await house.perform({ kind: 'create-token' }, byToken(abroad[role]));
      const code = await codeOf(house.perform(command, byToken({ token })));
      assert.notEqual(code, 'ok', action);
      const found = ['not-found', 'alias-not-found', 'invalid-ciphertext'];
      const told =
        allowed[action].includes(role) && !ofServer.includes(action) ? found : ['denied', 'invalid-ciphertext'];
      assert.ok(told.includes(code), `${action}: ${code}`);
      // Nor by saying whose it is.
      if ('key' in command && command.key !== undefined) {
        const named = { ...command, key: { ...command.key, realm: house.realm } } as Command;
        assert.notEqual(await codeOf(house.perform(named, byToken(abroad[role]))), 'ok', action);
      }
    }
  });
}

test('that a key is not there is told to who could have used it, and to nobody else', async () => {
  const absent = '00000000-0000-4000-8000-00000000abcd';
  const encrypt = (ref: ReturnType<typeof byName> | ReturnType<typeof byId>, who: CredentialSet) =>
    house.perform({ kind: 'encrypt', key: ref, plaintext: plain('x'), ...encryption }, byToken(who));
  await refused('not-found', encrypt(byId({ id: absent }), staff[U]));
  await refused('alias-not-found', encrypt(byName('no-such-name'), staff[U]));
  for (const who of [unranked, staff[A], staff[X], staff[O]]) {
    await refused('denied', encrypt(byId({ id: absent }), who));
    await refused('denied', encrypt(byName('no-such-name'), who));
  }
  // Who may use some names learns of those only.
  const narrow = await house.hire('narrow');
  await house.perform({
    ...{ kind: 'create-grant', grantee: { kind: 'principal', name: 'narrow' }, role: 'key-user' },
    scope: { kind: 'names', pattern: 'mine/*' },
  });
  await refused('alias-not-found', encrypt(byName('mine/absent'), narrow));
  await refused('denied', encrypt(byName('theirs/absent'), narrow));
  await refused('denied', encrypt(byId({ id: absent }), narrow));
  const theirs = await keyFor({ name: 'theirs/present' });
  await refused('denied', encrypt(byName('theirs/present'), narrow));
  await refused('denied', encrypt(byId(theirs), narrow));
  const mine = await keyFor({ name: 'mine/present' });
  assert.ok(await encrypt(byName('mine/present'), narrow));
  assert.ok(await encrypt(byId(mine), narrow));
  await house.perform({ kind: 'delete-alias', name: 'mine/present' }, byToken(staff[A]));
  await refused('denied', encrypt(byId(mine), narrow));
});

test('a key of another realm is not there, and its ciphertext is no ciphertext', async () => {
  const key = await keyFor({ name: 'at-home' });
  const { ciphertext } = await house.encrypt(key, 'secret', {}, byToken(staff[U]));
  const user = byToken(abroad[U]);
  await refused('not-found', house.encrypt(key, 'x', {}, user));
  await refused('alias-not-found', house.encrypt(key, 'x', { key: byName('at-home') }, user));
  await refused('not-found', house.encrypt(key, 'x', { key: { ...byId(key), realm: house.realm } }, user));
  await refused('invalid-ciphertext', house.decrypt(undefined, ciphertext, {}, user));
  await refused('not-found', house.decrypt(key, ciphertext, {}, user));
});

test('nobody both administers and uses a key, however the grants came about', async () => {
  const grant = (name: string, role: Who, scope: Command<'create-grant'>['scope'] = { kind: 'realm' }) =>
    house.perform({ kind: 'create-grant', grantee: { kind: 'principal', name }, role, scope });
  const hired = await house.hire('torn', 'key-user');
  await refused('separation-of-duties', grant('torn', 'key-administrator'));
  await refused('grant-to-self', grant('founder', 'key-user'));
  await refused('grant-to-self', grant('founder', 'auditor'));
  // By two names that meet on one key only later.
  const two = await house.hire('two-names');
  await grant('two-names', 'key-administrator', { kind: 'names', pattern: 'a/*' });
  await grant('two-names', 'key-user', { kind: 'names', pattern: 'b/*' });
  const key = await keyFor({ name: 'a/1' });
  await refused('denied', house.encrypt(key, 'x', {}, byToken(two)));
  await house.perform({ kind: 'create-alias', key: byId(key), name: 'b/1' }, byToken(staff[A]));
  await refused('separation-of-duties', house.encrypt(key, 'x', {}, byToken(two)));
  await refused('separation-of-duties', house.perform({ kind: 'rotate-key', key: byId(key) }, byToken(two)));
  // By a group.
  await house.hire('member', undefined, { groups: ['users'] });
  await house.perform({
    ...{ kind: 'create-grant', grantee: { kind: 'group', name: 'users' }, role: 'key-user', scope: { kind: 'realm' } },
  });
  await refused('separation-of-duties', grant('member', 'key-administrator'));
  await refused('separation-of-duties', house.hire('late', 'key-administrator', { groups: ['users'] }));
  assert.ok(await house.encrypt(await keyFor(), 'x', {}, byToken(hired)));
});

test('two grants at once that must not be held together are not both given', async () => {
  for (let i = 0; i < 5; i++) {
    await house.hire(`both${i}`);
    const grantee = { kind: 'principal', name: `both${i}` } as const;
    const given = await Promise.allSettled(
      ([A, U] as const).map((role) => house.perform({ kind: 'create-grant', grantee, role, scope: { kind: 'realm' } })),
    );
    assert.deepEqual(given.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  }
});

test('a member who joins a group while the group gets another duty does not end with both', async () => {
  for (let i = 0; i < 5; i++) {
    const group = `group${i}`;
    const settled = await Promise.allSettled([
      house.hire(`joins${i}`, 'key-administrator', { groups: [group] }),
      house.perform({
        ...{
          kind: 'create-grant',
          grantee: { kind: 'group', name: group },
          role: 'key-user',
          scope: { kind: 'realm' },
        },
      }),
    ]);
    assert.equal(settled.filter(({ status }) => status === 'fulfilled').length, 1, `turn ${i}`);
  }
});
