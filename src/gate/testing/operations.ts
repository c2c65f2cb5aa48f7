/** One request that succeeds for every row of every door's table, so that tests can run all of them. */
import { openPublicKey, rsaEncrypt } from '#crypto/crypto.ts';
import type { CredentialSet, Key } from '#domain/domain.ts';
import { fromBase64, toBase64, toUtf8 } from '#encoding/encoding.ts';
import type { Answer, Doors } from './doors.ts';
import { byId, type House, passphrase, plain, textOf } from './house.ts';

/** Readies what the request needs, and answers how to send it; a request may be sent more than once. */
export type Case = (doors: Doors) => Promise<() => Promise<Answer>>;
export type Cases = Readonly<Record<string, Case>>;

/** What callers gave to keep secret: no ledger line, log, metric, error or stored row may hold any of it. */
export const canaries = {
  plaintext: 'canary-plaintext-5d1f',
  message: 'canary-message-77aa',
  input: 'canary-input-c0de',
  material: 'canary-material-0123456789abcdef',
} as const;

const b64 = (text: string) => toBase64(toUtf8(text));
const aes = { spec: 'aes-256', usages: ['encrypt', 'mac'] } as const;
let counted = 0;
const fresh = (word: string) => `${word}-${++counted}`;

type WithKey = (key: Key, house: House) => object | Promise<object>;

/** An operation of AWS KMS on a key of its own. */
function aws(operation: string, body: WithKey, more: Parameters<House['key']>[0] = {}, ready?: Ready): Case {
  return async (doors) => {
    const key = await doors.house.key({ ...more, name: more.name ?? fresh('aws') });
    await ready?.(key, doors.house);
    const fields = await body(key, doors.house);
    return () => doors.aws(operation, fields);
  };
}

type Ready = (key: Key, house: House) => Promise<unknown>;

const pending: Ready = (key, house) => house.perform({ kind: 'schedule-destruction', key: byId(key), days: 7 });
const onKey: WithKey = ({ id }) => ({ KeyId: id });
const blobOf = async (key: Key, house: House) => toBase64((await house.encrypt(key, canaries.plaintext)).ciphertext);
const ec = { spec: 'ec-p256', usages: ['sign'] } as const;
const hmacKey = { spec: 'hmac-sha256', usages: ['mac'] } as const;
const signing = { SigningAlgorithm: 'ECDSA_SHA_256', Message: b64(canaries.message) };

async function signatureOf(key: Key, house: House): Promise<string> {
  const scheme = { family: 'ecdsa', hash: 'sha256' } as const;
  const message = plain(canaries.message);
  const { signature } = await house.perform({
    ...{ kind: 'sign', key: byId(key), message, messageType: 'raw', scheme, context: {} },
  });
  return toBase64(signature);
}

async function macOf(key: Key, house: House): Promise<string> {
  const message = plain(canaries.message);
  return toBase64((await house.perform({ kind: 'generate-mac', key: byId(key), hash: 'sha256', message })).mac);
}

const agreeing = { spec: 'ec-p256', usages: ['agree'] } as const;
const kem = { spec: 'ml-kem-768', usages: ['encapsulate'] } as const;

async function publicKeyOf(key: Key, house: House): Promise<string> {
  return toBase64((await house.perform({ kind: 'get-public-key', key: byId(key) })).publicKey);
}

async function encapsulationFor(key: Key, house: House): Promise<string> {
  return toBase64((await house.perform({ kind: 'encapsulate', key: byId(key) })).ciphertext);
}

const mac = { MacAlgorithm: 'HMAC_SHA_256', Message: b64(canaries.message) };

const external = { origin: 'external' } as const;
const wrapping = { WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_2048' };

/** The same material for each time it is sent. */
async function importOf(key: Key, house: House) {
  const { token, wrappingKey } = await house.perform({
    ...{ kind: 'get-import-parameters', key: byId(key), wrapping: 'rsa-oaep-sha256', wrappingSpec: 'rsa-2048' },
  });
  const material = toUtf8(canaries.material);
  const wrapped = rsaEncrypt(openPublicKey('rsa-2048', wrappingKey), 'rsa-oaep-sha256', material);
  return {
    KeyId: key.id,
    ImportToken: toBase64(token),
    EncryptedKeyMaterial: toBase64(wrapped),
    ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
  };
}

/** It says what the default one says, and more: with it the key speaks for itself. */
const openPolicy = (realm: string) =>
  JSON.stringify({
    Statement: [
      { Effect: 'Allow', Principal: { AWS: realm }, Action: 'kms:*', Resource: '*' },
      {
        Effect: 'Deny',
        Principal: '*',
        Action: 'kms:*',
        Resource: '*',
        Condition: { Bool: { 'aws:SecureTransport': false } },
      },
    ],
  });

const arnOf = ({ realm, id }: Key) => `arn:aws:kms:eu-central-1:${realm}:key/${id}`;

async function granteeOf(house: House): Promise<string> {
  const { identity } = await house.hire(fresh('grantee'));
  return `arn:aws:iam::${house.realm}:user/${identity}`;
}

async function grantOn(key: Key, house: House): Promise<string> {
  const grantee = await granteeOf(house);
  const { grant } = await house.perform({
    ...{ kind: 'create-key-grant', key: byId(key), grantee, operations: ['Encrypt'] },
  });
  return grant.id;
}

export const awsCases: Cases = {
  CreateKey: aws('CreateKey', () => ({ Description: 'made by a test', Tags: [{ TagKey: 'a', TagValue: 'b' }] })),
  DescribeKey: aws('DescribeKey', onKey),
  ListKeys: aws('ListKeys', () => ({})),
  UpdateKeyDescription: aws('UpdateKeyDescription', ({ id }) => ({ KeyId: id, Description: 'other' })),
  EnableKey: aws('EnableKey', onKey, {}, (key, house) => house.perform({ kind: 'disable-key', key: byId(key) })),
  DisableKey: aws('DisableKey', onKey),
  EnableKeyRotation: aws('EnableKeyRotation', onKey),
  DisableKeyRotation: aws('DisableKeyRotation', onKey, { rotationPeriodDays: 90 }),
  GetKeyRotationStatus: aws('GetKeyRotationStatus', onKey),
  RotateKeyOnDemand: aws('RotateKeyOnDemand', onKey),
  ListKeyRotations: aws('ListKeyRotations', onKey),
  GetParametersForImport: aws('GetParametersForImport', ({ id }) => ({ KeyId: id, ...wrapping }), external),
  ImportKeyMaterial: aws('ImportKeyMaterial', importOf, external),
  DeleteImportedKeyMaterial: aws('DeleteImportedKeyMaterial', onKey, external, async (key, house) => {
    const { ImportToken, EncryptedKeyMaterial } = await importOf(key, house);
    const [token, wrapped] = [fromBase64(ImportToken)!, fromBase64(EncryptedKeyMaterial)!];
    await house.perform({ kind: 'import-key-material', key: byId(key), token, wrapped });
  }),
  ScheduleKeyDeletion: aws('ScheduleKeyDeletion', onKey),
  CancelKeyDeletion: aws('CancelKeyDeletion', onKey, {}, pending),
  CreateAlias: aws('CreateAlias', ({ id }) => ({ AliasName: `alias/${fresh('new')}`, TargetKeyId: id })),
  UpdateAlias: aws('UpdateAlias', async ({ id }, house) => {
    const other = await house.key({ name: fresh('moving') });
    return { AliasName: `alias/${other.names[0]}`, TargetKeyId: id };
  }),
  DeleteAlias: aws('DeleteAlias', ({ names }) => ({ AliasName: `alias/${names[0]}` })),
  ListAliases: aws('ListAliases', () => ({})),
  TagResource: aws('TagResource', ({ id }) => ({ KeyId: id, Tags: [{ TagKey: 'a', TagValue: 'b' }] })),
  UntagResource: aws('UntagResource', ({ id }) => ({ KeyId: id, TagKeys: ['a'] }), { tags: { a: 'b' } }),
  ListResourceTags: aws('ListResourceTags', onKey),
  Encrypt: aws('Encrypt', ({ id }) => ({ KeyId: id, Plaintext: b64(canaries.plaintext) })),
  Decrypt: aws('Decrypt', async (key, house) => ({ CiphertextBlob: await blobOf(key, house) })),
  ReEncrypt: aws('ReEncrypt', async (key, house) => ({
    CiphertextBlob: await blobOf(key, house),
    DestinationKeyId: key.id,
  })),
  GenerateDataKey: aws('GenerateDataKey', ({ id }) => ({ KeyId: id, KeySpec: 'AES_256' })),
  GenerateDataKeyWithoutPlaintext: aws('GenerateDataKeyWithoutPlaintext', ({ id }) => ({
    KeyId: id,
    NumberOfBytes: 64,
  })),
  GenerateDataKeyPair: aws('GenerateDataKeyPair', ({ id }) => ({ KeyId: id, KeyPairSpec: 'ECC_NIST_P256' })),
  GenerateDataKeyPairWithoutPlaintext: aws('GenerateDataKeyPairWithoutPlaintext', ({ id }) => ({
    KeyId: id,
    KeyPairSpec: 'ECC_NIST_P256',
  })),
  GenerateRandom: aws('GenerateRandom', () => ({ NumberOfBytes: 32 })),
  Sign: aws('Sign', ({ id }) => ({ KeyId: id, ...signing }), ec),
  Verify: aws(
    'Verify',
    async (key, house) => ({ KeyId: key.id, ...signing, Signature: await signatureOf(key, house) }),
    ec,
  ),
  GetPublicKey: aws('GetPublicKey', onKey, ec),
  GetKeyLastUsage: aws('GetKeyLastUsage', onKey),
  DescribeCustomKeyStores: aws('DescribeCustomKeyStores', () => ({})),
  GenerateMac: aws('GenerateMac', ({ id }) => ({ KeyId: id, ...mac }), hmacKey),
  VerifyMac: aws('VerifyMac', async (key, house) => ({ KeyId: key.id, ...mac, Mac: await macOf(key, house) }), hmacKey),
  PutKeyPolicy: aws('PutKeyPolicy', ({ id, realm }) => ({ KeyId: id, Policy: openPolicy(realm) })),
  GetKeyPolicy: aws('GetKeyPolicy', onKey),
  ListKeyPolicies: aws('ListKeyPolicies', onKey),
  CreateGrant: aws('CreateGrant', async ({ id }, house) => ({
    KeyId: id,
    GranteePrincipal: await granteeOf(house),
    Operations: ['Decrypt', 'DescribeKey'],
  })),
  ListGrants: aws('ListGrants', onKey),
  ListRetirableGrants: aws('ListRetirableGrants', ({ realm }) => ({
    RetiringPrincipal: `arn:aws:iam::${realm}:user/founder`,
  })),
  RetireGrant: aws('RetireGrant', async (key, house) => ({ KeyId: arnOf(key), GrantId: await grantOn(key, house) })),
  RevokeGrant: aws('RevokeGrant', async (key, house) => ({ KeyId: key.id, GrantId: await grantOn(key, house) })),
  DeriveSharedSecret: aws(
    'DeriveSharedSecret',
    async ({ id }, house) => ({
      KeyId: id,
      KeyAgreementAlgorithm: 'ECDH',
      PublicKey: await publicKeyOf(await house.key(agreeing), house),
    }),
    agreeing,
  ),
  Encapsulate: aws('Encapsulate', ({ id }) => ({ KeyId: id, EncapsulationAlgorithm: 'ML_KEM' }), kem),
  Decapsulate: aws(
    'Decapsulate',
    async (key, house) => ({
      KeyId: key.id,
      EncapsulationAlgorithm: 'ML_KEM',
      SharedSecretCiphertextBlob: await encapsulationFor(key, house),
    }),
    kem,
  ),
  ReplicateKey: aws(
    'ReplicateKey',
    async ({ id }, house) => ({ KeyId: id, ReplicaRegion: await madeRegion(house), Description: 'a replica' }),
    { multiRegion: true },
  ),
  UpdatePrimaryRegion: aws(
    'UpdatePrimaryRegion',
    async (key, house) => ({ KeyId: key.id, PrimaryRegion: await replicaRegion(key, house) }),
    { multiRegion: true },
  ),
};

const freshRegion = () => `test-region-${++counted}`;

async function madeRegion(house: House): Promise<string> {
  const region = freshRegion();
  await house.perform({ kind: 'create-region', name: fresh('place'), region });
  return region;
}

async function replicaRegion(key: Key, house: House): Promise<string> {
  const region = await madeRegion(house);
  await house.perform({ kind: 'replicate-key', key: byId(key), region });
  return region;
}

interface VaultNeeds {
  readonly key?: Parameters<House['key']>[0];
  readonly ready?: Ready;
  readonly body?: (key: Key, house: House) => object | undefined | Promise<object | undefined>;
}

/** A request of Vault on a key of its own, whose name stands for `:name`. */
function vault(method: string, path: string, { key: kind, ready, body }: VaultNeeds = {}): Case {
  return async (doors) => {
    const key = await doors.house.key({ ...aes, ...kind, name: fresh('vault') });
    await ready?.(key, doors.house);
    const fields = await body?.(key, doors.house);
    return () => doors.vault(method, path.replace(':name', key.names[0]!), fields);
  };
}

/** A request with a token of its own, which may end by it. */
function vaultToken(method: string, path: string, byAccessor: boolean | 'itself'): Case {
  return async (doors) => {
    const { token, credential } = await doors.house.perform({ kind: 'create-token', ttl: 1_000_000 });
    if (byAccessor === 'itself') return () => doors.vault(method, path, { token: textOf(token) });
    const body = byAccessor ? { accessor: credential.id } : method === 'GET' ? undefined : {};
    return () => doors.vault(method, path, body, byAccessor ? undefined : textOf(token));
  };
}

/** A request about a secret of its own, which has a value. */
function vaultSecret(method: string, path: string, body?: object): Case {
  return async (doors) => {
    const name = fresh('kv');
    const secret = { name: path === 'kv' ? `kv/${name}` : name };
    const value = { form: 'text', bytes: plain(JSON.stringify({ a: canaries.plaintext })) } as const;
    await doors.house.perform({ kind: 'write-secret', secret, value });
    return () => doors.vault(method, `${path}/${name}`, body);
  };
}

const vaultBlob = async (key: Key, house: House) => ({ ciphertext: `vault:v1:${await blobOf(key, house)}` });
const plaintext = () => ({ plaintext: b64(canaries.plaintext) });
const input = () => ({ input: b64(canaries.input) });

/** By method and first path, as the rows have them. Rows that only say what isn't offered have no case. */
const aclPolicy = 'path "transit/*" { capabilities = ["update"] }';
const askedPaths = { paths: ['transit/encrypt/k', 'sys/mounts'] };

export const vaultCases: Cases = {
  'POST transit/keys/:name': async (doors) => {
    const name = fresh('made');
    return () => doors.vault('POST', `transit/keys/${name}`, { type: 'aes256-gcm96' });
  },
  'GET transit/keys/:name': vault('GET', 'transit/keys/:name'),
  'LIST transit/keys': vault('LIST', 'transit/keys'),
  'DELETE transit/keys/:name': vault('DELETE', 'transit/keys/:name', { key: { deletionAllowed: true } }),
  'POST transit/keys/:name/config': vault('POST', 'transit/keys/:name/config', {
    body: () => ({ deletion_allowed: true }),
  }),
  'POST transit/keys/:name/rotate': vault('POST', 'transit/keys/:name/rotate'),
  'DELETE transit/keys/:name/soft-delete': vault('DELETE', 'transit/keys/:name/soft-delete'),
  'POST transit/keys/:name/soft-delete-restore': vault('POST', 'transit/keys/:name/soft-delete-restore', {
    ready: (key, house) => house.perform({ kind: 'disable-key', key: byId(key) }),
  }),
  'POST transit/keys/:name/trim': vault('POST', 'transit/keys/:name/trim', {
    ready: async (key, house) => {
      await house.perform({ kind: 'rotate-key', key: byId(key) });
      const patch = { minDecryptionVersion: 2, minEncryptionVersion: 2 };
      await house.perform({ kind: 'update-key', key: byId(key), patch });
    },
    body: () => ({ min_available_version: 2 }),
  }),
  'POST transit/encrypt/:name': vault('POST', 'transit/encrypt/:name', { body: plaintext }),
  'POST transit/decrypt/:name': vault('POST', 'transit/decrypt/:name', { body: vaultBlob }),
  'POST transit/rewrap/:name': vault('POST', 'transit/rewrap/:name', { body: vaultBlob }),
  'POST transit/datakey/:form/:name': vault('POST', 'transit/datakey/plaintext/:name', { body: () => ({}) }),
  'POST transit/random': vault('POST', 'transit/random', { body: () => ({ bytes: 32 }) }),
  'POST transit/hash': vault('POST', 'transit/hash', { body: input }),
  'POST transit/hmac/:name': vault('POST', 'transit/hmac/:name', { body: input }),
  'POST transit/sign/:name': vault('POST', 'transit/sign/:name', { key: ec, body: input }),
  'POST transit/verify/:name': vault('POST', 'transit/verify/:name', {
    key: ec,
    body: async (key, house) => ({
      input: b64(canaries.message),
      signature: `vault:v1:${await signatureOf(key, house)}`,
    }),
  }),
  'POST auth/token/create': vault('POST', 'auth/token/create', { body: () => ({ ttl: '1h' }) }),
  'POST auth/token/create-orphan': vault('POST', 'auth/token/create-orphan', { body: () => ({ ttl: '1h' }) }),
  'POST auth/token/lookup': vaultToken('POST', 'auth/token/lookup', 'itself'),
  'POST auth/token/renew': vaultToken('POST', 'auth/token/renew', 'itself'),
  'POST auth/token/revoke': vaultToken('POST', 'auth/token/revoke', 'itself'),
  'GET auth/token/lookup-self': vaultToken('GET', 'auth/token/lookup-self', false),
  'POST auth/token/lookup-accessor': vaultToken('POST', 'auth/token/lookup-accessor', true),
  'POST auth/token/renew-self': vaultToken('POST', 'auth/token/renew-self', false),
  'POST auth/token/renew-accessor': vaultToken('POST', 'auth/token/renew-accessor', true),
  'POST auth/token/revoke-self': vaultToken('POST', 'auth/token/revoke-self', false),
  'POST auth/token/revoke-accessor': vaultToken('POST', 'auth/token/revoke-accessor', true),
  'LIST sys/policies/acl': vault('LIST', 'sys/policies/acl'),
  'GET sys/policies/acl/:policy': vault('GET', 'sys/policies/acl/default'),
  'POST sys/policies/acl/:policy': vault('POST', 'sys/policies/acl/written', { body: () => ({ policy: aclPolicy }) }),
  'DELETE sys/policies/acl/:policy': vault('DELETE', 'sys/policies/acl/written'),
  'LIST sys/policy': vault('LIST', 'sys/policy'),
  'GET sys/policy': vault('GET', 'sys/policy'),
  'GET sys/policy/:policy': vault('GET', 'sys/policy/default'),
  'POST sys/policy/:policy': vault('POST', 'sys/policy/written', { body: () => ({ policy: aclPolicy }) }),
  'DELETE sys/policy/:policy': vault('DELETE', 'sys/policy/written'),
  'POST sys/capabilities-self': vault('POST', 'sys/capabilities-self', { body: () => askedPaths }),
  'POST sys/capabilities': vault('POST', 'sys/capabilities', {
    body: async (_, house) => ({ ...askedPaths, token: textOf((await house.perform({ kind: 'create-token' })).token) }),
  }),
  'POST sys/capabilities-accessor': vault('POST', 'sys/capabilities-accessor', {
    body: async (_, house) => ({
      ...askedPaths,
      accessor: (await house.perform({ kind: 'create-token' })).credential.id,
    }),
  }),
  'GET sys/mounts': vault('GET', 'sys/mounts'),
  'GET sys/mounts/transit/tune': vault('GET', 'sys/mounts/transit/tune'),
  'GET sys/mounts/secret/tune': vault('GET', 'sys/mounts/secret/tune'),
  'GET sys/mounts/kv/tune': vault('GET', 'sys/mounts/kv/tune'),
  'GET sys/auth': vault('GET', 'sys/auth'),
  'GET sys/internal/ui/mounts': vault('GET', 'sys/internal/ui/mounts'),
  'GET secret/data/*': vaultSecret('GET', 'secret/data'),
  'POST secret/data/*': vaultSecret('POST', 'secret/data', { data: { a: canaries.plaintext } }),
  'PATCH secret/data/*': vaultSecret('PATCH', 'secret/data', { data: { b: canaries.message } }),
  'DELETE secret/data/*': vaultSecret('DELETE', 'secret/data'),
  'POST secret/delete/*': vaultSecret('POST', 'secret/delete', { versions: [1] }),
  'POST secret/undelete/*': vaultSecret('POST', 'secret/undelete', { versions: [1] }),
  'POST secret/destroy/*': vaultSecret('POST', 'secret/destroy', { versions: [1] }),
  'GET secret/subkeys/*': vaultSecret('GET', 'secret/subkeys'),
  'GET secret/metadata/*': vaultSecret('GET', 'secret/metadata'),
  'POST secret/metadata/*': vaultSecret('POST', 'secret/metadata', { max_versions: 3 }),
  'PATCH secret/metadata/*': vaultSecret('PATCH', 'secret/metadata', { custom_metadata: { a: 'b' } }),
  'LIST secret/metadata': async (doors) => {
    await vaultSecret('GET', 'secret/data')(doors);
    return () => doors.vault('LIST', 'secret/metadata');
  },
  'DELETE secret/metadata/*': vaultSecret('DELETE', 'secret/metadata'),
  'GET secret/config': vault('GET', 'secret/config'),
  'POST secret/config': vault('POST', 'secret/config', { body: () => ({ max_versions: 10 }) }),
  'GET kv/*': vaultSecret('GET', 'kv'),
  'POST kv/*': vaultSecret('POST', 'kv', { a: canaries.plaintext }),
  'LIST kv': async (doors) => {
    await vaultSecret('GET', 'kv')(doors);
    return () => doors.vault('LIST', 'kv');
  },
  'DELETE kv/*': vaultSecret('DELETE', 'kv'),
  'GET sys/internal/ui/mounts/secret': vault('GET', 'sys/internal/ui/mounts/secret'),
  'GET sys/internal/ui/mounts/secret/*': vault('GET', 'sys/internal/ui/mounts/secret/a'),
  'GET sys/internal/ui/mounts/kv': vault('GET', 'sys/internal/ui/mounts/kv'),
  'GET sys/internal/ui/mounts/kv/*': vault('GET', 'sys/internal/ui/mounts/kv/a'),
  'GET sys/internal/ui/mounts/transit': vault('GET', 'sys/internal/ui/mounts/transit'),
  'GET sys/internal/ui/mounts/transit/*': vault('GET', 'sys/internal/ui/mounts/transit/keys'),
};

/** A request of our own API on a key of its own, whose id stands for `{key}`. */
function native(template: string, body?: WithKey, more: Parameters<House['key']>[0] = {}, ready?: Ready): Case {
  const [method, path] = template.split(' ') as [string, string];
  return async (doors) => {
    const key = await doors.house.key({ ...more, name: fresh('native') });
    await ready?.(key, doors.house);
    const fields = await body?.(key, doors.house);
    const target = path.replace('{key}', key.id).replace('aliases/{name}', `aliases/${fresh('other')}`);
    return () => doors.native(method, target, fields);
  };
}

/** A request about somebody who was made for it. */
function aboutSomebody(method: string, path: (set: CredentialSet) => string, body?: object): Case {
  return async (doors) => {
    const set = await doors.house.hire(fresh('somebody'), 'auditor');
    return () => doors.native(method, path(set), body);
  };
}

const childToken = async ({ house }: Doors) => house.perform({ kind: 'create-token', ttl: 1_000_000 });

/** By the template of the row. 'GET /status' reads nothing and leaves no line, so it has no case. */
export const nativeCases: Cases = {
  'GET /metrics': native('GET /metrics'),
  'POST /seal': async (doors) => () => doors.native('POST', '/seal'),
  'POST /unseal': async (doors) => {
    await doors.house.perform({ kind: 'seal' });
    return () => doors.native('POST', '/unseal', { passphrase });
  },
  'GET /keys': native('GET /keys'),
  'POST /keys': native('POST /keys', () => ({ spec: 'aes-256', name: fresh('named') })),
  'GET /keys/{key}': native('GET /keys/{key}'),
  'GET /keys/{key}/last-use': native('GET /keys/{key}/last-use'),
  'PATCH /keys/{key}': native('PATCH /keys/{key}', () => ({ description: 'other' })),
  'DELETE /keys/{key}': native('DELETE /keys/{key}', undefined, { deletionAllowed: true }),
  'POST /keys/{key}/enable': native('POST /keys/{key}/enable', undefined, {}, (key, house) =>
    house.perform({ kind: 'disable-key', key: byId(key) }),
  ),
  'POST /keys/{key}/disable': native('POST /keys/{key}/disable'),
  'POST /keys/{key}/versions/{version}/disable': native(
    'POST /keys/{key}/versions/1/disable',
    undefined,
    {},
    (key, house) => house.perform({ kind: 'rotate-key', key: byId(key) }),
  ),
  'POST /keys/{key}/versions/{version}/enable': native(
    'POST /keys/{key}/versions/1/enable',
    undefined,
    {},
    async (key, house) => {
      await house.perform({ kind: 'rotate-key', key: byId(key) });
      await house.perform({ kind: 'disable-key-version', key: byId(key), version: 1 });
    },
  ),
  'POST /keys/{key}/rotate': native('POST /keys/{key}/rotate'),
  'POST /keys/{key}/schedule-destruction': native('POST /keys/{key}/schedule-destruction', () => ({ days: 8 })),
  'POST /keys/{key}/cancel-destruction': native('POST /keys/{key}/cancel-destruction', undefined, {}, pending),
  'POST /keys/{key}/explain-access': native('POST /keys/{key}/explain-access', () => ({
    principal: 'founder',
    action: 'decrypt',
  })),
  'POST /keys/{key}/replicate': native(
    'POST /keys/{key}/replicate',
    async (_, house) => ({ region: await madeRegion(house) }),
    { multiRegion: true },
  ),
  'POST /keys/{key}/primary-region': native(
    'POST /keys/{key}/primary-region',
    async (key, house) => ({ region: await replicaRegion(key, house) }),
    { multiRegion: true },
  ),
  'POST /keys/{key}/encrypt': native('POST /keys/{key}/encrypt', plaintext),
  'POST /keys/{key}/data-key': native('POST /keys/{key}/data-key', () => ({ bytes: 32 })),
  'POST /decrypt': native('POST /decrypt', async (key, house) => ({ ciphertext: await blobOf(key, house) })),
  'GET /aliases': native('GET /aliases'),
  'PUT /keys/{key}/aliases/{name}': native('PUT /keys/{key}/aliases/{name}'),
  'PATCH /keys/{key}/aliases/{name}': async (doors) => {
    const [from, to] = [await doors.house.key({ name: fresh('moves') }), await doors.house.key()];
    return () => doors.native('PATCH', `/keys/${to.id}/aliases/${from.names[0]}`);
  },
  'DELETE /aliases/{name}': async (doors) => {
    const key = await doors.house.key({ name: fresh('leaves') });
    return () => doors.native('DELETE', `/aliases/${key.names[0]}`);
  },
  'GET /realms': native('GET /realms'),
  'POST /realms': native('POST /realms', () => ({ name: fresh('realm') })),
  'POST /regions': native('POST /regions', () => ({ name: fresh('region'), region: freshRegion() })),
  'GET /identities': native('GET /identities'),
  'POST /identities': native('POST /identities', () => ({ name: fresh('person'), role: 'auditor' })),
  'POST /identities/{name}/disable': aboutSomebody('POST', ({ identity }) => `/identities/${identity}/disable`),
  'POST /identities/{name}/credentials': aboutSomebody('POST', ({ identity }) => `/identities/${identity}/credentials`),
  'DELETE /credentials/{id}': aboutSomebody('DELETE', ({ accessKeyId }) => `/credentials/${accessKeyId}`),
  'GET /grants': native('GET /grants'),
  'POST /grants': async (doors) => {
    const { identity } = await doors.house.hire(fresh('grantee'));
    return () => doors.native('POST', '/grants', { grantee: identity, role: 'auditor' });
  },
  'DELETE /grants/{id}': async (doors) => {
    const { identity: name } = await doors.house.hire(fresh('grantee'));
    const grantee = { kind: 'principal', name } as const;
    const { grant } = await doors.house.perform({
      ...{ kind: 'create-grant', grantee, role: 'auditor', scope: { kind: 'realm' } },
    });
    return () => doors.native('DELETE', `/grants/${grant.id}`);
  },
  'POST /tokens': native('POST /tokens', () => ({ ttlSeconds: 60 })),
  'GET /tokens/{accessor}': async (doors) => {
    const { credential } = await childToken(doors);
    return () => doors.native('GET', `/tokens/${credential.id}`);
  },
  'POST /tokens/{accessor}/renew': async (doors) => {
    const { credential } = await childToken(doors);
    return () => doors.native('POST', `/tokens/${credential.id}/renew`, {});
  },
  'DELETE /tokens/{accessor}': async (doors) => {
    const { credential } = await childToken(doors);
    return () => doors.native('DELETE', `/tokens/${credential.id}`);
  },
  'GET /audit/entries': native('GET /audit/entries'),
  'GET /audit/proofs/{index}': async (doors) => () => doors.native('GET', '/audit/proofs/0'),
  'GET /audit/checkpoint': native('GET /audit/checkpoint'),
};
