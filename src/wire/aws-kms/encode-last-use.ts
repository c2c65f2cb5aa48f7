import type { LastUse, Result } from '#domain/domain.ts';
import { seconds } from '../common/aws-fields.ts';

/** KeyLastUsageTrackingOperation, for uses that came through another door. */
const operationNames: Readonly<Record<string, string>> = {
  encrypt: 'Encrypt',
  decrypt: 'Decrypt',
  're-encrypt': 'ReEncrypt',
  'generate-data-key': 'GenerateDataKey',
  'generate-data-key-pair': 'GenerateDataKeyPair',
  sign: 'Sign',
  verify: 'Verify',
  'generate-mac': 'GenerateMac',
  'verify-mac': 'VerifyMac',
  'derive-shared-secret': 'DeriveSharedSecret',
  encapsulate: 'Encapsulate',
  decapsulate: 'Decapsulate',
  // What AWS Secrets Manager asks of KMS for them.
  'create-secret': 'GenerateDataKey',
  'put-secret-value': 'GenerateDataKey',
  'get-secret-value': 'Decrypt',
  'read-secret-version': 'Decrypt',
  'write-secret': 'GenerateDataKey',
  'import-secret': 'GenerateDataKey',
};

function operationOf({ protocol, operation, action }: LastUse): string | undefined {
  return protocol === 'aws-kms' ? operation.slice(operation.indexOf('.') + 1) : operationNames[action];
}

/** The ledger has every use since the key was made. Its line of a request is found by the request's id. */
export function encodeGetKeyLastUsage({ key, lastUse }: Result<'read-last-use'>): string {
  return JSON.stringify({
    KeyId: key.id,
    KeyLastUsage:
      lastUse === undefined
        ? {}
        : {
            Operation: operationOf(lastUse),
            Timestamp: seconds(lastUse.at),
            CloudTrailEventId: lastUse.requestId,
            KmsRequestId: lastUse.requestId,
          },
    TrackingStartDate: seconds(key.createdAt),
    KeyCreationDate: seconds(key.createdAt),
  });
}
