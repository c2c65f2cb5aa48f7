import { aclOperations } from './acl-operations.ts';
import { approleMembers } from './approle-members.ts';
import { authMountOperations } from './auth-mount-operations.ts';
import { ceremonyOperations } from './ceremony-operations.ts';
import { certificateOperations } from './certificate-operations.ts';
import {
  decodeConfigureKey,
  decodeCreateKey,
  decodeDeleteKey,
  decodeListKeys,
  decodeReadCache,
  decodeReadKey,
  decodeReadRules,
  decodeRotateKey,
  decodeSetCache,
  decodeSetRules,
  decodeSoftDelete,
  decodeSoftDeleteRestore,
  decodeTrimKey,
  pageSize,
} from './decode-keys.ts';
import { assertOneProof, decodeSign, decodeVerify } from './decode-sign.ts';
import {
  decodeDataKey,
  decodeDecrypt,
  decodeEncrypt,
  decodeHash,
  decodeHmac,
  decodeRandom,
  decodeRewrap,
  decodeUpsert,
} from './decode-transit.ts';
import {
  cacheWarnings,
  encodeCache,
  encodeChangedKey,
  encodeKey,
  encodeKeyList,
  encodeNothing,
  encodeRules,
} from './encode-keys.ts';
import {
  encodeCiphertext,
  encodeDataKey,
  encodeHash,
  encodeHmac,
  encodePlaintext,
  encodeRandom,
  encodeSignature,
  encodeValid,
} from './encode-transit.ts';
import { jwtOperations } from './jwt-operations.ts';
import { keyCertificateOperations } from './key-certificates.ts';
import { kubernetesOperations } from './kubernetes-operations.ts';
import { kv } from './kv-operations.ts';
import { leaseOperations } from './lease-operations.ts';
import { loginOperations } from './login-operations.ts';
import { mountOperations } from './mount-operations.ts';
import { shownName } from './names.ts';
import { namespaceOperations } from './namespace-operations.ts';
import { revocationOperations } from './revocation-operations.ts';
import { type Row, row, small } from './row.ts';
import { serverOperations } from './server-operations.ts';
import { tokenOperations } from './token-operations.ts';
import { transferOperations } from './transfer-operations.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
/** A body that carries data: at most 767 KiB of it, in base64. */
export const single = 1 * MiB;
/** A body with `batch_input`; without it, `single` holds. */
export const batched = 4 * MiB;

const blankCiphertext = { failure: 400, blank: '' } as const;
const blankPlaintext = { failure: 400, blank: '"plaintext":"",' } as const;
const rewrapped = { failure: 200, blank: '' } as const;
const authenticated = { failure: 200, blank: '' } as const;
const signed = { failure: 200, blank: '"key_version":0,' } as const;
const verified = { failure: 200, blank: '"valid":false,', check: assertOneProof } as const;

const keys: readonly Row[] = [
  row({
    operation: 'transit/keys:create',
    method: 'POST',
    paths: ['transit/keys/:name'],
    action: 'create-key',
    maxBody: small,
    decode: decodeCreateKey,
    encode: encodeChangedKey,
    warnings: ({ existed }, input) => (existed === true ? [`key ${shownName(input)} already existed`] : []),
  }),
  row({
    operation: 'transit/keys:read',
    method: 'GET',
    paths: ['transit/keys/:name'],
    action: 'describe-key',
    maxBody: small,
    decode: decodeReadKey,
    encode: encodeKey,
  }),
  row({
    operation: 'transit/keys:list',
    method: 'LIST',
    paths: ['transit/keys'],
    action: 'list-keys',
    maxBody: small,
    decode: decodeListKeys,
    encode: encodeKeyList,
    more: ({ next }) => (next === undefined ? undefined : { kind: 'list-keys', after: next, limit: pageSize }),
  }),
  row({
    operation: 'transit/keys:delete',
    method: 'DELETE',
    paths: ['transit/keys/:name'],
    action: 'destroy-key',
    maxBody: small,
    decode: decodeDeleteKey,
    encode: encodeNothing,
  }),
  row({
    operation: 'transit/keys/config',
    method: 'POST',
    paths: ['transit/keys/:name/config'],
    action: 'update-key',
    maxBody: small,
    decode: decodeConfigureKey,
    encode: encodeChangedKey,
  }),
  row({
    operation: 'transit/keys/rotate',
    method: 'POST',
    paths: ['transit/keys/:name/rotate'],
    action: 'rotate-key',
    maxBody: small,
    decode: decodeRotateKey,
    encode: encodeChangedKey,
  }),
  row({
    operation: 'transit/keys/soft-delete',
    method: 'DELETE',
    paths: ['transit/keys/:name/soft-delete'],
    action: 'disable-key',
    maxBody: small,
    decode: decodeSoftDelete,
    encode: encodeChangedKey,
    warnings: ({ already }) => (already === true ? ['key was already marked as soft deleted'] : []),
  }),
  row({
    operation: 'transit/keys/soft-delete-restore',
    method: 'POST',
    paths: ['transit/keys/:name/soft-delete-restore'],
    action: 'enable-key',
    maxBody: small,
    decode: decodeSoftDeleteRestore,
    encode: encodeChangedKey,
    warnings: ({ already }) => (already === true ? ['key was already restored'] : []),
  }),
  row({
    operation: 'transit/keys/trim',
    method: 'POST',
    paths: ['transit/keys/:name/trim'],
    action: 'trim-key',
    maxBody: small,
    decode: decodeTrimKey,
    encode: encodeChangedKey,
  }),
];

const cache: readonly Row[] = [
  row({
    operation: 'transit/cache-config:read',
    method: 'GET',
    paths: ['transit/cache-config'],
    action: 'read-key-cache',
    maxBody: small,
    decode: decodeReadCache,
    encode: encodeCache,
    warnings: cacheWarnings,
  }),
  row({
    operation: 'transit/cache-config',
    method: 'POST',
    paths: ['transit/cache-config'],
    action: 'set-key-cache',
    maxBody: small,
    decode: decodeSetCache,
    encode: encodeCache,
    warnings: cacheWarnings,
  }),
];

const rules: readonly Row[] = [
  row({
    operation: 'transit/config/keys:read',
    method: 'GET',
    paths: ['transit/config/keys'],
    action: 'get-key-rules',
    maxBody: small,
    decode: decodeReadRules,
    encode: encodeRules,
  }),
  row({
    operation: 'transit/config/keys',
    method: 'POST',
    paths: ['transit/config/keys'],
    action: 'set-key-rules',
    maxBody: small,
    decode: decodeSetRules,
    encode: encodeRules,
  }),
];

const cryptography: readonly Row[] = [
  row({
    operation: 'transit/encrypt',
    method: 'POST',
    paths: ['transit/encrypt/:name'],
    action: 'encrypt',
    maxBody: batched,
    decode: decodeEncrypt,
    encode: encodeCiphertext,
    batch: blankCiphertext,
    creates: decodeUpsert,
  }),
  row({
    operation: 'transit/decrypt',
    method: 'POST',
    paths: ['transit/decrypt/:name'],
    action: 'decrypt',
    maxBody: batched,
    decode: decodeDecrypt,
    encode: encodePlaintext,
    batch: blankPlaintext,
  }),
  row({
    operation: 'transit/rewrap',
    method: 'POST',
    paths: ['transit/rewrap/:name'],
    action: 're-encrypt',
    maxBody: batched,
    decode: decodeRewrap,
    encode: encodeCiphertext,
    batch: rewrapped,
  }),
  row({
    operation: 'transit/datakey',
    method: 'POST',
    paths: ['transit/datakey/:form/:name'],
    action: 'generate-data-key',
    maxBody: small,
    decode: decodeDataKey,
    encode: encodeDataKey,
  }),
  row({
    operation: 'transit/random',
    method: 'POST',
    paths: [
      ...['transit/random', 'transit/random/:source', 'transit/random/:source/:bytes'],
      ...['sys/tools/random', 'sys/tools/random/:source', 'sys/tools/random/:source/:bytes'],
    ],
    action: 'generate-random',
    maxBody: small,
    decode: decodeRandom,
    encode: encodeRandom,
  }),
  row({
    operation: 'transit/hash',
    method: 'POST',
    paths: ['transit/hash', 'transit/hash/:algorithm', 'sys/tools/hash', 'sys/tools/hash/:algorithm'],
    action: 'hash',
    maxBody: single,
    decode: decodeHash,
    encode: encodeHash,
  }),
  row({
    operation: 'transit/hmac',
    method: 'POST',
    paths: ['transit/hmac/:name', 'transit/hmac/:name/:algorithm'],
    action: 'generate-mac',
    maxBody: batched,
    decode: decodeHmac,
    encode: encodeHmac,
    batch: authenticated,
  }),
  row({
    operation: 'transit/sign',
    method: 'POST',
    paths: ['transit/sign/:name', 'transit/sign/:name/:algorithm'],
    action: 'sign',
    maxBody: batched,
    decode: decodeSign,
    encode: encodeSignature,
    batch: signed,
  }),
  row<'verify' | 'verify-mac'>({
    operation: 'transit/verify',
    method: 'POST',
    paths: ['transit/verify/:name', 'transit/verify/:name/:algorithm'],
    action: 'verify',
    maxBody: batched,
    decode: decodeVerify,
    encode: encodeValid,
    batch: verified,
  }),
];

/** The door's whole vocabulary; each row says everything that is particular. */
export const operations: readonly Row[] = [
  ...aclOperations,
  ...loginOperations,
  ...approleMembers,
  ...authMountOperations,
  ...jwtOperations,
  ...kubernetesOperations,
  ...certificateOperations,
  ...revocationOperations,
  ...keys,
  ...cryptography,
  ...transferOperations,
  ...cache,
  ...rules,
  ...keyCertificateOperations,
  ...tokenOperations,
  ...leaseOperations,
  ...ceremonyOperations,
  ...serverOperations,
  ...kv,
  ...mountOperations,
  ...namespaceOperations,
];
