import * as ask from './decode.ts';
import * as tell from './encode.ts';
import type { Operations } from './row.ts';

/** Bytes. */
const usual = 64 * 1024;
/** A value of 65,536 bytes, each of which JSON may write as six. */
const large = 512 * 1024;

/** The operations of Secrets Manager by the name that follows `secretsmanager.`; BatchGetSecretValue is told in `batch.ts`. */
export const operations = {
  CancelRotateSecret: {
    action: 'cancel-secret-rotation',
    maxBody: usual,
    decode: ask.decodeCancelRotateSecret,
    encode: tell.encodeVersion,
  },
  CreateSecret: {
    action: 'create-secret',
    maxBody: large,
    decode: ask.decodeCreateSecret,
    encode: tell.encodeCreateSecret,
    faults: { 'unsupported region': 'PreconditionNotMetException' },
  },
  DeleteResourcePolicy: {
    action: 'delete-secret-policy',
    maxBody: usual,
    decode: ask.decodeDeleteResourcePolicy,
    encode: tell.encodeNamed,
  },
  DeleteSecret: {
    action: 'delete-secret',
    maxBody: usual,
    decode: ask.decodeDeleteSecret,
    encode: tell.encodeDeleteSecret,
  },
  DescribeSecret: {
    action: 'describe-secret',
    maxBody: usual,
    decode: ask.decodeDescribeSecret,
    encode: tell.encodeDescribeSecret,
  },
  GetRandomPassword: {
    action: 'generate-password',
    maxBody: usual,
    decode: ask.decodeGetRandomPassword,
    encode: tell.encodeGetRandomPassword,
  },
  GetResourcePolicy: {
    action: 'get-secret-policy',
    maxBody: usual,
    decode: ask.decodeGetResourcePolicy,
    encode: tell.encodeGetResourcePolicy,
  },
  GetSecretValue: {
    action: 'get-secret-value',
    maxBody: usual,
    decode: ask.decodeGetSecretValue,
    encode: tell.encodeGetSecretValue,
  },
  ListSecretVersionIds: {
    action: 'list-secret-versions',
    maxBody: usual,
    decode: ask.decodeListSecretVersionIds,
    encode: tell.encodeListSecretVersionIds,
  },
  ListSecrets: {
    action: 'list-secrets',
    maxBody: usual,
    decode: ask.decodeListSecrets,
    encode: tell.encodeListSecrets,
  },
  PutResourcePolicy: {
    action: 'set-secret-policy',
    maxBody: 2 * usual,
    decode: ask.decodePutResourcePolicy,
    encode: tell.encodeNamed,
  },
  PutSecretValue: {
    action: 'put-secret-value',
    maxBody: large,
    decode: ask.decodePutSecretValue,
    encode: tell.encodePutSecretValue,
  },
  RemoveRegionsFromReplication: {
    action: 'remove-secret-replicas',
    maxBody: usual,
    decode: ask.decodeRemoveReplicas,
    encode: tell.encodeReplication,
  },
  ReplicateSecretToRegions: {
    action: 'replicate-secret',
    maxBody: usual,
    decode: ask.decodeReplicate,
    encode: tell.encodeReplication,
  },
  RestoreSecret: {
    action: 'restore-secret',
    maxBody: usual,
    decode: ask.decodeRestoreSecret,
    encode: tell.encodeNamed,
  },
  RotateSecret: {
    action: 'rotate-secret',
    maxBody: usual,
    decode: ask.decodeRotateSecret,
    encode: tell.encodeVersion,
  },
  StopReplicationToReplica: {
    action: 'detach-secret-replica',
    maxBody: usual,
    decode: ask.decodeStopReplication,
    encode: tell.encodeArn,
  },
  TagResource: { action: 'tag-secret', maxBody: usual, decode: ask.decodeTagResource, encode: tell.encodeNothing },
  UntagResource: {
    action: 'untag-secret',
    maxBody: usual,
    decode: ask.decodeUntagResource,
    encode: tell.encodeNothing,
  },
  UpdateSecret: {
    action: 'update-secret',
    maxBody: large,
    decode: ask.decodeUpdateSecret,
    encode: tell.encodeVersion,
  },
  UpdateSecretVersionStage: {
    action: 'move-secret-label',
    maxBody: usual,
    decode: ask.decodeUpdateSecretVersionStage,
    encode: tell.encodeNamed,
  },
  ValidateResourcePolicy: {
    action: 'check-secret-policy',
    maxBody: 2 * usual,
    decode: ask.decodeValidateResourcePolicy,
    encode: tell.encodeValidateResourcePolicy,
  },
} as const satisfies Operations;
