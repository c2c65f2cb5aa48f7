import { type ErrorCode, KmsError, type Proof } from '#domain/domain.ts';
import {
  type AwsAnswer,
  type AwsError,
  type AwsErrorTable,
  clientFault as client,
  failedProofs,
  serverFault as server,
  toAwsError,
} from '../common/aws-errors.ts';

const notFound = client('NotFoundException');
const denied = client('AccessDeniedException');
const invalidUsage = client('InvalidKeyUsageException');

/** KMS API reference, "Common Errors" and each operation's own; which choices are ours is told in DIVERGENCES.md. */
const answers = {
  malformed: client('SerializationException'),
  'invalid-parameter': client('ValidationException'),
  'too-large': client('ValidationException'),
  'unknown-operation': client('UnknownOperationException'),
  unsupported: client('UnsupportedOperationException'),
  unauthenticated: client('UnrecognizedClientException'),
  'invalid-proof': client('InvalidSignatureException'),
  'expired-proof': client('InvalidSignatureException'),
  replayed: denied,
  denied,
  'needs-approval': denied,
  'separation-of-duties': denied,
  'grant-to-self': denied,
  'not-found': notFound,
  'alias-not-found': notFound,
  'already-exists': client('AlreadyExistsException'),
  conflict: client('ConflictException'),
  'limit-exceeded': client('LimitExceededException'),
  disabled: client('DisabledException'),
  'pending-destruction': client('KMSInvalidStateException'),
  'not-pending-destruction': client('KMSInvalidStateException'),
  'invalid-state': client('KMSInvalidStateException'),
  'wrong-usage': invalidUsage,
  'wrong-algorithm': invalidUsage,
  'version-not-found': client('InvalidCiphertextException'),
  'version-too-old': client('KMSInvalidStateException'),
  'destruction-not-allowed': client('UnsupportedOperationException'),
  'invalid-ciphertext': client('InvalidCiphertextException'),
  'wrong-key': client('IncorrectKeyException'),
  'invalid-signature': client('KMSInvalidSignatureException'),
  'invalid-mac': client('KMSInvalidMacException'),
  'dry-run': { type: 'DryRunOperationException', status: 412 },
  'malformed-policy': client('MalformedPolicyDocumentException'),
  'invalid-page': client('InvalidMarkerException'),
  'incomplete-proof': client('IncompleteSignatureException'),
  throttled: client('ThrottlingException'),
  'invalid-grant': client('InvalidGrantTokenException'),
  'invalid-assertion': denied,
  'invalid-import-token': client('InvalidImportTokenException'),
  'expired-import-token': client('ExpiredImportTokenException'),
  'invalid-wrapping': client('InvalidCiphertextException'),
  'wrong-material': client('IncorrectKeyMaterialException'),
  'secret-not-found': notFound,
  'secret-exists': client('AlreadyExistsException'),
  'secret-deleted': client('KMSInvalidStateException'),
  'secret-undecryptable': client('KMSInvalidStateException'),
  sealed: server('KeyUnavailableException'),
  'not-sealed': client('KMSInvalidStateException'),
  'invalid-unseal': denied,
  'audit-unavailable': server('DependencyTimeoutException'),
  'storage-full': server('DependencyTimeoutException'),
  tampered: server('KMSInternalException'),
  unavailable: server('DependencyTimeoutException'),
  internal: server('KMSInternalException'),
} as const satisfies Record<ErrorCode, AwsAnswer>;

/** How AWS KMS words it where the key that was asked for is known. */
const textsOfKey: Readonly<Partial<Record<ErrorCode, (key: string) => string>>> = {
  'not-found': (key) => `${key} is not found.`,
  'alias-not-found': (key) => `${key} is not found.`,
  disabled: (key) => `${key} is disabled.`,
  'pending-destruction': (key) => `${key} is pending deletion.`,
  'not-pending-destruction': (key) => `${key} is not pending deletion.`,
};

/** What isn't there may be something else than the key. */
const table: AwsErrorTable = {
  answers,
  particular: {
    ...failedProofs,
    'not-found key-store': { type: 'CustomKeyStoreNotFoundException' },
    'not-found hsm-cluster': { type: 'CloudHsmClusterNotFoundException' },
    'not-found key-store-proxy': { type: 'XksProxyUriUnreachableException' },
    'not-found key-store-link': { type: 'XksProxyVpcEndpointServiceNotFoundException' },
    'not-found grant': {},
    'not-found policy': {},
    'invalid-parameter principal': { type: 'InvalidArnException' },
  },
};

/** A refusal for which AWS has an exception of its own that no code of the domain stands for. */
export class AwsFault extends KmsError {
  readonly type: string;

  constructor(type: string, message: string) {
    super('invalid-parameter', message);
    this.type = type;
  }
}

/** `key`: how the request named its key, if it named one. */
export function awsError(error: unknown, proof: Proof, key?: string): AwsError {
  return toAwsError(table, error, proof, (known) => {
    if (known instanceof AwsFault) return { type: known.type };
    const text = textsOfKey[known.code];
    return text && key !== undefined ? { message: text(key) } : undefined;
  });
}
