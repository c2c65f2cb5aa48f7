import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KMS } from '@aws-sdk/client-kms';
import type { SecretsManager } from '@aws-sdk/client-secrets-manager';
import type { STS } from '@aws-sdk/client-sts';
import { revocationList } from '../../src/crypto/testing/recorded-certificates.ts';
import { openersOf, tell } from './openers.ts';
import { sealCommands } from './seal-commands.ts';
import { passphraseOf, type Victim } from './server.ts';
import type { World } from './world.ts';

export type WorldName = 'development' | 'production';

export interface CrashCommand {
  readonly name: string;
  /** What the ledger calls it. */
  readonly action: string;
  readonly world: WorldName;
  /** Brings the server to where the command is to be tried. */
  readonly prepare?: (victim: Victim, world: World) => Promise<void>;
  /**
   * It changes the seals: the server is opened by what it was told it has. `handsOut`: what opens the new one is in the answer only, so one
   * that is cut off may leave a seal that nobody can open, and that does not count.
   */
  readonly seals?: { readonly handsOut?: boolean };
  /** Durable work goes on after the answer, and a restart would do it. */
  readonly busyAfterwards?: true;
  /** Resolves when the server said yes. */
  run(victim: Victim, world: World): Promise<unknown>;
}

/** A rotation that nothing is done of yet. */
export const monthly = { RotationRules: { AutomaticallyAfterDays: 30 }, RotateImmediately: false };

/** That tokens could be signed for. */
const publicKey = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' });

type Facts = Readonly<Record<string, string>>;

const native = (
  name: string,
  action: string,
  ask: (facts: Facts, ciphertexts: readonly string[]) => readonly [method: string, path: string, body?: object],
): CrashCommand => ({
  name,
  action,
  world: 'development',
  run: (victim, { asker, facts, ciphertexts }) => victim.native(asker.token, ...ask(facts, ciphertexts)),
});

const vault = (name: string, action: string, method: string, path: string, body?: object, more = {}): CrashCommand => ({
  name: `${name} (Vault)`,
  action,
  world: 'development',
  run: (victim, { asker }) => victim.call(asker.token, method, `/v1/${path}`, body, more),
});

/** With a body of what the world holds. */
const vaultWith = (action: string, method: string, path: string, body: (facts: Facts) => object): CrashCommand => ({
  name: `${action} (Vault)`,
  action,
  world: 'development',
  run: (victim, { asker, facts }) => victim.call(asker.token, method, `/v1/${path}`, body(facts)),
});

/** With the token of a wrapped answer. */
const wrapping = (name: string): CrashCommand => ({
  name: `${name}-answer (Vault)`,
  action: `${name}-answer`,
  world: 'development',
  run: (victim, { facts }) => victim.call(facts.wrapping!, 'POST', `/v1/sys/wrapping/${name}`),
});

const aws = (name: string, action: string, ask: (kms: KMS, facts: Facts) => Promise<unknown>): CrashCommand => ({
  name: `${name} (AWS)`,
  action,
  world: 'development',
  run: (victim, { asker, facts }) => ask(victim.kms(asker), facts),
});

const secrets = (
  name: string,
  action: string,
  ask: (client: SecretsManager, facts: Facts) => Promise<unknown>,
  region?: string,
): CrashCommand => ({
  name: `${name} (Secrets Manager)`,
  action,
  world: 'development',
  run: (victim, { asker, facts }) => ask(victim.secrets(asker, region), facts),
});

const sts = (name: string, action: string, ask: (client: STS, facts: Facts) => Promise<unknown>): CrashCommand => ({
  name: `${name} (STS)`,
  action,
  world: 'development',
  run: (victim, { asker, facts }) => ask(victim.sts(asker), facts),
});

/** What the default policy of a key says, and a word more. */
const openPolicy = (account: string) =>
  JSON.stringify({
    Statement: [
      { Effect: 'Allow', Principal: { AWS: account }, Action: 'kms:*', Resource: '*' },
      { Effect: 'Deny', Principal: '*', Action: 'kms:Sign', Resource: '*' },
    ],
  });

/** Who may read a secret. */
export const readers = (principal: string) =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Principal: { AWS: principal }, Action: 'secretsmanager:GetSecretValue', Resource: '*' },
    ],
  });

/** A secret from elsewhere with three versions, of which one is hidden and one was destroyed. */
const at = '2026-01-01T00:00:00Z';
const arriving = {
  ...{ name: 'moved', rules: { keep: 5 }, notes: { owner: 'payments' }, createdAt: at, changedAt: at },
  versions: [
    { number: 1, createdAt: at, state: 'destroyed' },
    { number: 2, createdAt: at, hiddenAt: at, value: 'e30=' },
    { number: 3, createdAt: at, value: 'e30=' },
  ],
};

/** A key from elsewhere with two versions. */
const arrivingKey = (wrapped: string) => ({
  ...{ name: 'moved', spec: 'aes-256', usages: ['encrypt', 'mac'], minDecryptionVersion: 1, wrapped },
  versions: [1, 2].map((version) => ({ version, createdAt: at })),
});

/** Every command that changes state, and some that only leave a line. */
export const commands: readonly CrashCommand[] = [
  native('create-key', 'create-key', () => ['POST', '/keys', {}]),
  native('create-key with name', 'create-key', () => [
    'POST',
    '/keys',
    { name: 'fresh', tags: { a: 'b' }, rotationPeriodDays: 90 },
  ]),
  native('create-key, a key pair', 'create-key', () => ['POST', '/keys', { spec: 'ec-p256', usages: ['sign'] }]),
  vault('create-key', 'create-key', 'POST', 'transit/keys/fresh', { derived: true }),
  aws('create-key', 'create-key', (kms) => kms.createKey({ Tags: [{ TagKey: 'a', TagValue: 'b' }] })),
  native('rotate-key', 'rotate-key', () => ['POST', '/keys/plain/rotate']),
  vault('rotate-key', 'rotate-key', 'POST', 'transit/keys/plain/rotate'),
  native('enable-key', 'enable-key', () => ['POST', '/keys/off/enable']),
  native('disable-key', 'disable-key', () => ['POST', '/keys/plain/disable']),
  aws('disable-key', 'disable-key', (kms, { plain }) => kms.disableKey({ KeyId: plain! })),
  native('disable-key-version', 'disable-key-version', () => ['POST', '/keys/old/versions/1/disable']),
  native('enable-key-version', 'enable-key-version', () => ['POST', '/keys/old/versions/2/enable']),
  native('update-key', 'update-key', () => [
    'PATCH',
    '/keys/plain',
    { description: 'changed', minDecryptionVersion: 1, deletionAllowed: true, rotationPeriodDays: 120 },
  ]),
  aws('update-key', 'update-key', (kms, { plain }) => kms.enableKeyRotation({ KeyId: plain! })),
  native('schedule-destruction', 'schedule-destruction', () => [
    'POST',
    '/keys/plain/schedule-destruction',
    { days: 30 },
  ]),
  aws('schedule-destruction', 'schedule-destruction', (kms, { plain }) =>
    kms.scheduleKeyDeletion({ KeyId: plain!, PendingWindowInDays: 7 }),
  ),
  native('cancel-destruction', 'cancel-destruction', () => ['POST', '/keys/ending/cancel-destruction']),
  native('destroy-key', 'destroy-key', () => ['DELETE', '/keys/old']),
  vault('trim-key', 'trim-key', 'POST', 'transit/keys/old/trim', { min_available_version: 3 }),
  native('create-alias', 'create-alias', ({ plain }) => ['PUT', `/keys/${plain}/aliases/second`]),
  native('update-alias', 'update-alias', ({ old }) => ['PATCH', `/keys/${old}/aliases/pointer`]),
  native('delete-alias', 'delete-alias', () => ['DELETE', '/aliases/pointer']),
  aws('tag-key', 'tag-key', (kms, { plain }) =>
    kms.tagResource({ KeyId: plain!, Tags: [{ TagKey: 'cost', TagValue: '7' }] }),
  ),
  aws('untag-key', 'untag-key', (kms, { plain }) => kms.untagResource({ KeyId: plain!, TagKeys: ['owner'] })),

  aws('put-key-policy', 'put-key-policy', (kms, { plain, account }) =>
    kms.putKeyPolicy({ KeyId: plain!, Policy: openPolicy(account!) }),
  ),
  aws('create-key-grant', 'create-key-grant', (kms, { plain, ann }) =>
    kms.createGrant({ KeyId: plain!, GranteePrincipal: ann!, Operations: ['Encrypt'], Name: 'fresh' }),
  ),
  aws('retire-key-grant', 'retire-key-grant', (kms, { keyGrantToken }) =>
    kms.retireGrant({ GrantToken: keyGrantToken! }),
  ),
  aws('revoke-key-grant', 'revoke-key-grant', (kms, { plain, keyGrant }) =>
    kms.revokeGrant({ KeyId: plain!, GrantId: keyGrant! }),
  ),

  aws('create-key for an import', 'create-key', (kms) => kms.createKey({ Origin: 'EXTERNAL' })),
  aws('get-import-parameters', 'get-import-parameters', (kms, { foreign }) =>
    kms.getParametersForImport({
      ...{ KeyId: foreign!, WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_2048' },
    }),
  ),
  aws('import-key-material', 'import-key-material', (kms, { foreign, importToken, wrapped }) =>
    kms.importKeyMaterial({
      KeyId: foreign!,
      ImportToken: Buffer.from(importToken!, 'base64'),
      EncryptedKeyMaterial: Buffer.from(wrapped!, 'base64'),
      ValidTo: new Date(Date.now() + 86_400_000),
    }),
  ),
  aws('delete-imported-material', 'delete-imported-material', (kms, { brought }) =>
    kms.deleteImportedKeyMaterial({ KeyId: brought! }),
  ),
  vault('get-wrapping-key', 'get-wrapping-key', 'GET', 'transit/wrapping_key'),
  vaultWith('import-key', 'POST', 'transit/keys/arrived/import', ({ travelling }) => ({ ciphertext: travelling! })),
  vaultWith('import-key-version', 'POST', 'transit/keys/travelled/import_version', ({ travelling }) => ({
    ciphertext: travelling!,
  })),
  native('import-key-versions', 'import-key-versions', ({ bundle }) => ['POST', '/imports/keys', arrivingKey(bundle!)]),
  vaultWith('restore-key', 'POST', 'transit/restore/returned', ({ backup }) => ({ backup: backup! })),
  vaultWith('set-certificates', 'POST', 'transit/keys/certified/set-certificate', ({ chain }) => ({
    certificate_chain: chain!,
  })),
  vault('set-key-rules', 'set-key-rules', 'POST', 'transit/config/keys', { disable_upsert: true }),
  vault('set-key-cache', 'set-key-cache', 'POST', 'transit/cache-config', { size: 1000 }),
  vault('backup-key', 'backup-key', 'GET', 'transit/backup/leaving'),
  vault('export-key', 'export-key', 'GET', 'transit/export/encryption-key/leaving'),
  secrets('create-secret', 'create-secret', (client) => client.createSecret({ Name: 'fresh', SecretString: 'value' })),
  secrets('put-secret-value', 'put-secret-value', (client) =>
    client.putSecretValue({ SecretId: 'kept', SecretString: 'newest' }),
  ),
  secrets('put-secret-value in every region', 'put-secret-value', (client) =>
    client.putSecretValue({ SecretId: 'copied', SecretString: 'newest' }),
  ),
  secrets('update-secret with another key', 'update-secret', (client, { plain }) =>
    client.updateSecret({ SecretId: 'kept', KmsKeyId: plain! }),
  ),
  vault('write-secret', 'write-secret', 'POST', 'secret/data/fresh', { data: { a: 'b' } }),
  native('import-secret', 'import-secret', () => ['POST', '/imports/secrets', arriving]),
  vault('change-secret-versions', 'change-secret-versions', 'POST', 'secret/destroy/kept', { versions: [1] }),
  vault('configure-secret', 'configure-secret', 'POST', 'secret/metadata/kept', { max_versions: 1 }),
  vault('set-secret-rules', 'set-secret-rules', 'POST', 'secret/config', { cas_required: true }),
  secrets('move-secret-label', 'move-secret-label', (client, { version }) =>
    client.updateSecretVersionStage({ SecretId: 'kept', VersionStage: 'mine', MoveToVersionId: version! }),
  ),
  secrets('replicate-secret', 'replicate-secret', (client) =>
    client.replicateSecretToRegions({ SecretId: 'kept', AddReplicaRegions: [{ Region: 'eu-west-1' }] }),
  ),
  secrets('remove-secret-replicas', 'remove-secret-replicas', (client) =>
    client.removeRegionsFromReplication({ SecretId: 'copied', RemoveReplicaRegions: ['eu-west-1'] }),
  ),
  secrets(
    'detach-secret-replica',
    'detach-secret-replica',
    (client) => client.stopReplicationToReplica({ SecretId: 'copied' }),
    'eu-west-1',
  ),
  secrets('tag-secret', 'tag-secret', (client) =>
    client.tagResource({ SecretId: 'copied', Tags: [{ Key: 'cost', Value: '7' }] }),
  ),
  secrets('untag-secret', 'untag-secret', (client) => client.untagResource({ SecretId: 'ruled', TagKeys: ['owner'] })),
  secrets('set-secret-policy', 'set-secret-policy', (client, { ann }) =>
    client.putResourcePolicy({ SecretId: 'copied', ResourcePolicy: readers(ann!) }),
  ),
  secrets('delete-secret-policy', 'delete-secret-policy', (client) =>
    client.deleteResourcePolicy({ SecretId: 'ruled' }),
  ),
  secrets('rotate-secret, from now on', 'rotate-secret', (client, { dawdler }) =>
    client.rotateSecret({ SecretId: 'kept', RotationLambdaARN: dawdler!, ...monthly }),
  ),
  secrets('cancel-secret-rotation', 'cancel-secret-rotation', (client) =>
    client.cancelRotateSecret({ SecretId: 'ruled' }),
  ),
  secrets('restore-secret', 'restore-secret', (client) => client.restoreSecret({ SecretId: 'leaving' })),
  secrets('delete-secret', 'delete-secret', (client) => client.deleteSecret({ SecretId: 'kept' })),
  secrets('delete-secret at once', 'delete-secret', (client) =>
    client.deleteSecret({ SecretId: 'kept', ForceDeleteWithoutRecovery: true }),
  ),
  native('create-realm', 'create-realm', () => ['POST', '/realms', { name: 'subsidiary' }]),
  native('create-region', 'create-region', () => ['POST', '/regions', { name: 'far', region: 'ap-south-1' }]),
  native('replicate-key', 'replicate-key', () => ['POST', '/keys/lone/replicate', { region: 'eu-west-1' }]),
  aws('replicate-key', 'replicate-key', (kms, { lone }) =>
    kms.replicateKey({ KeyId: lone!, ReplicaRegion: 'eu-west-1', Tags: [{ TagKey: 'a', TagValue: 'b' }] }),
  ),
  native('update-primary-region', 'update-primary-region', () => [
    'POST',
    '/keys/spread/primary-region',
    { region: 'eu-west-1' },
  ]),
  native('rotate-key in every region', 'rotate-key', () => ['POST', '/keys/spread/rotate']),
  native('create-identity', 'create-identity', () => [
    'POST',
    '/identities',
    { name: 'ben', role: 'auditor', groups: ['staff', 'guests'] },
  ]),
  native('create-identity in a new realm', 'create-identity', () => [
    'POST',
    '/identities',
    { name: 'cat', role: 'key-user', realm: 'branch' },
  ]),
  native('create-credentials', 'create-credentials', () => ['POST', '/identities/ann/credentials', {}]),
  native('disable-identity', 'disable-identity', () => ['POST', '/identities/ann/disable', {}]),
  native('revoke-credential', 'revoke-credential', ({ annAccessKey }) => ['DELETE', `/credentials/${annAccessKey}`]),
  native('create-grant', 'create-grant', () => [
    'POST',
    '/grants',
    { grantee: 'ann', role: 'auditor', ttlSeconds: 60 },
  ]),
  native('revoke-grant', 'revoke-grant', ({ grant }) => ['DELETE', `/grants/${grant}`]),
  native('create-token', 'create-token', () => ['POST', '/tokens', { ttlSeconds: 600, label: 'one' }]),
  vault('create-token', 'create-token', 'POST', 'auth/token/create', { ttl: '10m' }),
  vault('write-acl-policy', 'write-acl-policy', 'POST', 'sys/policies/acl/fresh', {
    policy: 'path "transit/*" { capabilities = ["update"] }',
  }),
  vault('delete-acl-policy', 'delete-acl-policy', 'DELETE', 'sys/policies/acl/old'),
  vault('enable-mount', 'enable-mount', 'POST', 'sys/mounts/fresh', { type: 'transit' }),
  vault('tune-mount', 'tune-mount', 'POST', 'sys/mounts/crash/tune', { options: { version: '2' } }),
  vault('disable-mount', 'disable-mount', 'DELETE', 'sys/mounts/crash'),
  vault('create-orphan-token', 'create-orphan-token', 'POST', 'auth/token/create-orphan', { ttl: '10m' }),
  vault('write-token-role', 'write-token-role', 'POST', 'auth/token/roles/fresh', { orphan: true }),
  vault('delete-token-role', 'delete-token-role', 'DELETE', 'auth/token/roles/crash'),
  vault('create-role-token', 'create-role-token', 'POST', 'auth/token/create/crash', {}),
  vault('revoke-tokens', 'revoke-tokens', 'POST', 'sys/leases/revoke-prefix/auth/token/create/crash', {}),
  {
    ...vault('revoke-token-alone', 'revoke-token-alone', 'POST', 'auth/token/revoke-orphan'),
    run: (victim, { asker, facts }) =>
      victim.call(asker.token, 'POST', '/v1/auth/token/revoke-orphan', { token: facts.token }),
  },
  vault('enable-auth-mount', 'enable-auth-mount', 'POST', 'sys/auth/fresh', { type: 'jwt' }),
  vault('tune-auth-mount', 'tune-auth-mount', 'POST', 'sys/auth/crash/tune', { default_lease_ttl: '1h' }),
  vault('configure-auth-mount', 'configure-auth-mount', 'POST', 'auth/crash/config', {
    jwt_validation_pubkeys: [publicKey],
  }),
  vault('disable-auth-mount', 'disable-auth-mount', 'DELETE', 'sys/auth/crash'),
  vault('write-login, a role', 'write-login', 'POST', 'auth/approle/role/fresh', { secret_id_num_uses: 2 }),
  vault('write-login, a user', 'write-login', 'POST', 'auth/userpass/users/fresh', { password: 'correct horse' }),
  vault('delete-login', 'delete-login', 'DELETE', 'auth/approle/role/crash'),
  vault('write-revocation-list', 'write-revocation-list', 'POST', 'auth/crash-cert/crls/fresh', {
    crl: revocationList,
  }),
  vault('delete-revocation-list', 'delete-revocation-list', 'DELETE', 'auth/crash-cert/crls/crash'),
  vault('create-secret-id', 'create-secret-id', 'POST', 'auth/approle/role/crash/secret-id', {}),
  vault('destroy-secret-id', 'destroy-secret-id', 'POST', 'auth/approle/role/crash/secret-id/destroy', {
    secret_id: 'once',
  }),
  vault('login', 'login', 'POST', 'auth/approle/login', { role_id: 'crash-role', secret_id: 'once' }),
  vault('wrap-answer', 'wrap-answer', 'POST', 'sys/wrapping/wrap', { a: 'b' }, { 'x-vault-wrap-ttl': '600' }),
  wrapping('unwrap'),
  wrapping('rewrap'),
  native('create-role', 'create-role', () => [
    'POST',
    '/roles',
    { name: 'fresh', role: 'auditor', identities: ['ann'] },
  ]),
  native('delete-role', 'delete-role', () => ['DELETE', '/roles/taken']),
  native('register-provider', 'register-provider', () => [
    'POST',
    '/providers',
    { issuer: 'https://fresh.example', audiences: ['claviger'], url: 'https://fresh.example/jwks' },
  ]),
  native('delete-provider', 'delete-provider', ({ issuer }) => ['DELETE', `/providers/${encodeURIComponent(issuer!)}`]),
  native('assume-role', 'assume-role', () => ['POST', '/roles/taken/sessions', { sessionName: 'crash' }]),
  sts('assume-role-with-web-identity', 'assume-role-with-web-identity', (client, { role, webIdentity }) =>
    client.assumeRoleWithWebIdentity({ RoleArn: role!, RoleSessionName: 'crash', WebIdentityToken: webIdentity! }),
  ),
  sts('create-session', 'create-session', (client) => client.getSessionToken({ DurationSeconds: 900 })),
  native('renew-token', 'renew-token', ({ accessor }) => ['POST', `/tokens/${accessor}/renew`, {}]),
  native('revoke-token', 'revoke-token', ({ accessor }) => ['DELETE', `/tokens/${accessor}`]),

  native('take-backup', 'take-backup', () => ['POST', '/backups', {}]),
  native('schedule-backups', 'schedule-backups', () => {
    // The first one is taken at once.
    const schedule = { every: 31_536_000, to: join(tmpdir(), 'claviger-crash-backups'), keep: 2 };
    return ['PUT', '/backups/schedule', schedule];
  }),

  native('encrypt', 'encrypt', () => ['POST', '/keys/plain/encrypt', { plaintext: 'AAAA' }]),
  native('decrypt', 'decrypt', (_, [ciphertext]) => ['POST', '/decrypt', { ciphertext }]),
  aws('generate-data-key', 'generate-data-key', (kms, { plain }) =>
    kms.generateDataKey({ KeyId: plain!, KeySpec: 'AES_256' }),
  ),
  {
    ...native('rotate-key before the WAL is copied back', 'rotate-key', () => ['POST', '/keys/plain/rotate']),
    prepare: gathered,
    busyAfterwards: true,
  },
  ...sealCommands,
  {
    name: 'seal',
    action: 'seal',
    world: 'production',
    run: (victim, { asker }) => victim.native(asker.token, 'POST', '/seal'),
  },
  ceremony('a root token', 'generate-root/update', () => startCeremony('generate-root/attempt', {})),
  anotherPassphrase('a new passphrase', 'rekey/update', () => startCeremony('rekey/init', oneShare)),
  anotherPassphrase('a new passphrase put in force', 'rekey/verify', () => newPassphrase),
  {
    name: 'unseal',
    action: 'unseal',
    world: 'production',
    prepare: sealed,
    run: (victim) =>
      victim.native('', 'POST', '/unseal', { passphrase: readFileSync(passphraseOf(victim.data), 'utf8') }),
  },
  {
    name: 'unseal in development',
    action: 'unseal',
    world: 'development',
    prepare: sealed,
    run: (victim) =>
      victim.native('', 'POST', '/unseal', { passphrase: readFileSync(join(victim.data, 'dev-passphrase'), 'utf8') }),
  },
];

const oneShare = { secret_shares: 1, secret_threshold: 1 };
const verified = { ...oneShare, require_verification: true };

interface Fed {
  readonly nonce: string;
  /** The passphrase. */
  readonly key: string;
}

type Begin = (victim: Victim, world: World) => Promise<Fed>;

/** What goes on with a ceremony that was begun on the same server. */
function ceremony(name: string, path: string, begin: () => Begin): CrashCommand {
  const fed = new WeakMap<Victim, Fed>();
  return {
    name: `feed-ceremony, ${name} (Vault)`,
    action: 'feed-ceremony',
    world: 'production',
    prepare: async (victim, world) => {
      fed.set(victim, await begin()(victim, world));
    },
    run: (victim, { asker }) => victim.call(asker.token, 'POST', `/v1/sys/${path}`, fed.get(victim)!),
  };
}

/** One that leaves the seal under another passphrase: the last answer of the ceremony tells it. */
function anotherPassphrase(name: string, path: string, begin: () => Begin): CrashCommand {
  const told = ceremony(name, path, begin);
  return {
    ...told,
    seals: { handsOut: true },
    async run(victim, world) {
      const before = openersOf(victim.data).filter(({ state }) => state === 'there');
      for (const opener of before) opener.state = 'perhaps';
      const { keys } = (await told.run(victim, world)) as { keys?: readonly [string] };
      // What was answered before it was put in force is known already.
      if (keys !== undefined) tell(victim.data, { seal: 'passphrase', secret: keys[0], state: 'there' });
      else for (const opener of openersOf(victim.data)) opener.state = before.includes(opener) ? 'gone' : 'there';
    },
  };
}

const startCeremony =
  (path: string, body: object): Begin =>
  async (victim, { asker }) => {
    await victim.call(asker.token, 'DELETE', `/v1/sys/${path}`);
    const { nonce } = (await victim.call(asker.token, 'POST', `/v1/sys/${path}`, body)) as { nonce: string };
    return { nonce, key: readFileSync(passphraseOf(victim.data), 'utf8') };
  };

/** Answered, and not given back yet. */
const newPassphrase: Begin = async (victim, world) => {
  const started = await startCeremony('rekey/init', verified)(victim, world);
  const made = await victim.call(world.asker.token, 'POST', '/v1/sys/rekey/update', started);
  const { keys, verification_nonce: nonce } = made as { keys: [string]; verification_nonce: string };
  tell(victim.data, { seal: 'passphrase', secret: keys[0], state: 'perhaps' });
  return { nonce, key: keys[0] };
};

/** Sealed, and asked in vain: its ledger has lines then that nobody vouched for. */
async function sealed(victim: Victim, { asker }: World): Promise<void> {
  await victim.native(asker.token, 'POST', '/seal');
  await victim.native(asker.token, 'GET', '/keys').catch(() => {});
}

const walFrame = 24 + 4096;

/** So much is in the WAL that the next commit is followed by copying it into the database. */
async function gathered(victim: Victim, { asker }: World): Promise<void> {
  const wal = join(victim.data, 'claviger.db-wal');
  while (statSync(wal).size < 996 * walFrame) await victim.native(asker.token, 'GET', '/keys/plain');
}
