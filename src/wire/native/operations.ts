import { backupOperations } from './backup-operations.ts';
import * as decode from './decode.ts';
import { onKey, page } from './decode.ts';
import * as decodeRegion from './decode-region.ts';
import * as role from './decode-role.ts';
import * as encode from './encode.ts';
import * as roles from './encode-role.ts';
import { importOperations } from './import-operations.ts';
import { rootOperations } from './root-operations.ts';
import type { Operations } from './row.ts';
import { sealOperations } from './seal-operations.ts';
import { shareOperations } from './share-operations.ts';

const KiB = 1024;
const pages = ['after', 'limit'] as const;
const nothing = () => ({});

/** Paths are under /claviger/v1, except /metrics. `{key}` is an id or a name, percent-encoded. */
export const operations = {
  'GET /status': { action: 'read-status', maxBody: 0, decode: nothing, encode: encode.status },
  'GET /metrics': { action: 'read-metrics', maxBody: 0, decode: nothing, encode: (result) => result.text },
  'POST /seal': { action: 'seal', maxBody: KiB, decode: nothing, encode: encode.asIs },
  ...sealOperations,
  ...rootOperations,
  ...shareOperations,
  ...backupOperations,

  'GET /keys': { action: 'list-keys', maxBody: 0, query: pages, decode: page, encode: encode.asIs },
  'POST /keys': {
    action: 'create-key',
    maxBody: 64 * KiB,
    body: [
      'spec',
      'usages',
      'class',
      'name',
      'description',
      'tags',
      'exportable',
      'deletionAllowed',
      'rotationPeriodDays',
      'multiRegion',
      'protection',
    ],
    decode: decode.createKey,
    encode: encode.key,
  },
  'GET /keys/{key}': {
    action: 'describe-key',
    maxBody: 0,
    decode: (input) => ({ ...onKey(input), withVersions: true }),
    encode: encode.keyAndVersions,
  },
  'GET /keys/{key}/last-use': { action: 'read-last-use', maxBody: 0, decode: onKey, encode: encode.lastUse },
  'PATCH /keys/{key}': {
    action: 'update-key',
    maxBody: 16 * KiB,
    body: [
      'description',
      'minDecryptionVersion',
      'minEncryptionVersion',
      'exportable',
      'deletionAllowed',
      'rotationPeriodDays',
    ],
    decode: decode.updateKey,
    encode: encode.key,
  },
  'DELETE /keys/{key}': { action: 'destroy-key', maxBody: 0, decode: onKey, encode: encode.destroyed },
  'POST /keys/{key}/enable': { action: 'enable-key', maxBody: KiB, decode: onKey, encode: encode.key },
  'POST /keys/{key}/disable': { action: 'disable-key', maxBody: KiB, decode: onKey, encode: encode.key },
  'POST /keys/{key}/rotate': {
    action: 'rotate-key',
    maxBody: KiB,
    decode: (input) => ({ ...onKey(input), onDemand: true }),
    encode: encode.key,
  },
  'POST /keys/{key}/versions/{version}/disable': {
    action: 'disable-key-version',
    maxBody: KiB,
    decode: decode.onVersion,
    encode: encode.keyVersion,
  },
  'POST /keys/{key}/versions/{version}/enable': {
    action: 'enable-key-version',
    maxBody: KiB,
    decode: decode.onVersion,
    encode: encode.keyVersion,
  },
  'POST /keys/{key}/schedule-destruction': {
    action: 'schedule-destruction',
    maxBody: KiB,
    body: ['days'],
    decode: decode.scheduleDestruction,
    encode: encode.key,
  },
  'POST /keys/{key}/cancel-destruction': {
    action: 'cancel-destruction',
    maxBody: KiB,
    decode: onKey,
    encode: encode.key,
  },
  'POST /keys/{key}/replicate': {
    action: 'replicate-key',
    maxBody: 64 * KiB,
    body: ['region', 'description', 'tags'],
    decode: decodeRegion.replicateKey,
    encode: encode.key,
  },
  'POST /keys/{key}/primary-region': {
    action: 'update-primary-region',
    maxBody: KiB,
    body: ['region'],
    decode: decodeRegion.updatePrimaryRegion,
    encode: encode.key,
  },
  'POST /keys/{key}/explain-access': {
    action: 'explain-access',
    maxBody: 64 * KiB,
    body: ['principal', 'action', 'context', 'source', 'protocol'],
    decode: decode.explainAccess,
    encode: encode.asIs,
  },
  'POST /keys/{key}/encrypt': {
    action: 'encrypt',
    maxBody: 128 * KiB,
    body: ['plaintext', 'context', 'associatedData', 'version'],
    decode: decode.encrypt,
    encode: encode.encrypted,
  },
  'POST /keys/{key}/data-key': {
    action: 'generate-data-key',
    maxBody: 64 * KiB,
    body: ['bytes', 'context', 'withPlaintext'],
    decode: decode.dataKey,
    encode: encode.dataKey,
  },
  'POST /decrypt': {
    action: 'decrypt',
    maxBody: 128 * KiB,
    body: ['key', 'version', 'ciphertext', 'context', 'associatedData'],
    decode: decode.decrypt,
    encode: encode.decrypted,
  },

  ...importOperations,

  'GET /aliases': { action: 'list-aliases', maxBody: 0, query: pages, decode: page, encode: encode.aliases },
  'PUT /keys/{key}/aliases/{name}': {
    action: 'create-alias',
    maxBody: KiB,
    decode: (input) => ({ ...onKey(input), name: decode.aliasName({ ...input, path: input.path.slice(1) }) }),
    encode: encode.asIs,
  },
  'PATCH /keys/{key}/aliases/{name}': {
    action: 'update-alias',
    maxBody: KiB,
    decode: (input) => ({ ...onKey(input), name: decode.aliasName({ ...input, path: input.path.slice(1) }) }),
    encode: encode.asIs,
  },
  'DELETE /aliases/{name}': {
    action: 'delete-alias',
    maxBody: 0,
    decode: (input) => ({ name: decode.aliasName(input) }),
    encode: encode.asIs,
  },

  'GET /realms': { action: 'list-realms', maxBody: 0, query: pages, decode: page, encode: encode.asIs },
  'POST /realms': {
    action: 'create-realm',
    maxBody: KiB,
    body: ['name'],
    decode: decode.createRealm,
    encode: encode.asIs,
  },
  'POST /regions': {
    action: 'create-region',
    maxBody: KiB,
    body: ['name', 'region'],
    decode: decodeRegion.createRegion,
    encode: encode.asIs,
  },
  'GET /identities': {
    action: 'list-identities',
    maxBody: 0,
    query: pages,
    decode: page,
    encode: encode.identities,
  },
  'POST /identities': {
    action: 'create-identity',
    maxBody: 16 * KiB,
    body: ['name', 'role', 'groups', 'realm', 'ttlSeconds'],
    decode: decode.createIdentity,
    encode: encode.credentials,
  },
  'POST /identities/{name}/disable': {
    action: 'disable-identity',
    maxBody: KiB,
    body: ['realm'],
    decode: decode.onIdentity,
    encode: encode.asIs,
  },
  'POST /identities/{name}/credentials': {
    action: 'create-credentials',
    maxBody: KiB,
    body: ['realm', 'ttlSeconds'],
    decode: decode.createCredentials,
    encode: encode.credentials,
  },
  'DELETE /credentials/{id}': {
    action: 'revoke-credential',
    maxBody: 0,
    decode: (input) => ({ id: input.path[0]! }),
    encode: encode.asIs,
  },
  'GET /grants': { action: 'list-grants', maxBody: 0, query: pages, decode: page, encode: encode.grants },
  'POST /grants': {
    action: 'create-grant',
    maxBody: 16 * KiB,
    body: ['grantee', 'granteeKind', 'role', 'actions', 'keyId', 'names', 'condition', 'ttlSeconds'],
    decode: decode.createGrant,
    encode: encode.grant,
  },
  'DELETE /grants/{id}': {
    action: 'revoke-grant',
    maxBody: 0,
    decode: (input) => ({ id: input.path[0]! }),
    encode: encode.asIs,
  },
  'GET /roles': { action: 'list-roles', maxBody: 0, query: pages, decode: page, encode: roles.roles },
  'POST /roles': {
    action: 'create-role',
    maxBody: 64 * KiB,
    body: ['name', 'role', 'identities', 'groups', 'providers', 'externalId', 'maxSessionSeconds', 'again'],
    decode: role.createRole,
    encode: roles.role,
  },
  'DELETE /roles/{name}': {
    action: 'delete-role',
    maxBody: 0,
    decode: (input) => ({ name: input.path[0]! }),
    encode: encode.asIs,
  },
  'POST /roles/{name}/sessions': {
    action: 'assume-role',
    maxBody: 4 * KiB,
    body: ['sessionName', 'durationSeconds', 'externalId'],
    decode: role.assumeRole,
    encode: roles.assumed,
  },
  'GET /providers': { action: 'list-providers', maxBody: 0, query: pages, decode: page, encode: roles.providers },
  'POST /providers': {
    action: 'register-provider',
    maxBody: 128 * KiB,
    body: ['issuer', 'audiences', 'jwks', 'url'],
    decode: role.registerProvider,
    encode: roles.provider,
  },
  'DELETE /providers/{issuer}': {
    action: 'delete-provider',
    maxBody: 0,
    decode: (input) => ({ issuer: input.path[0]! }),
    encode: encode.asIs,
  },
  'GET /caller': { action: 'get-caller-identity', maxBody: 0, decode: nothing, encode: roles.caller },
  'POST /tokens': {
    action: 'create-token',
    maxBody: 16 * KiB,
    body: ['ttlSeconds', 'renewable', 'label', 'actions'],
    decode: decode.createToken,
    encode: encode.newToken,
  },
  'GET /tokens/{accessor}': {
    action: 'lookup-token',
    maxBody: 0,
    decode: decode.onToken,
    encode: encode.token,
  },
  'POST /tokens/{accessor}/renew': {
    action: 'renew-token',
    maxBody: KiB,
    body: ['incrementSeconds'],
    decode: decode.renewToken,
    encode: encode.token,
  },
  'DELETE /tokens/{accessor}': {
    action: 'revoke-token',
    maxBody: 0,
    decode: decode.onToken,
    encode: encode.asIs,
  },

  'GET /audit/entries': {
    action: 'read-audit',
    maxBody: 0,
    query: ['from', 'limit'],
    decode: (input) => ({ from: decode.wholeNumber(input.query, 'from') ?? 0, limit: page(input).limit }),
    encode: encode.auditEntries,
  },
  'GET /audit/proofs/{index}': {
    action: 'prove-audit',
    maxBody: 0,
    decode: (input) => ({ index: decode.pathNumber(input) }),
    encode: encode.auditProof,
  },
  'GET /audit/checkpoint': {
    action: 'read-checkpoint',
    maxBody: 0,
    decode: nothing,
    encode: encode.asIs,
  },
} as const satisfies Operations;
