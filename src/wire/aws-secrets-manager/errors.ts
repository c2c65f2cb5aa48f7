import { currentLabel, type ErrorCode, type Proof, pendingLabel, previousLabel } from '#domain/domain.ts';
import {
  type AwsAnswer,
  type AwsError,
  type AwsErrorTable,
  clientFault as client,
  failedProofs,
  serverFault as server,
  toAwsError,
} from '../common/aws-errors.ts';

const denied = client('AccessDeniedException');
const notFound = client('ResourceNotFoundException');
const invalidParameter = client('InvalidParameterException');
const invalidRequest = client('InvalidRequestException');
const encryption = client('EncryptionFailure');
const failing = server('InternalServiceError');

/** Secrets Manager API reference, "Common Errors" and each operation's own; which choices are ours is told in DIVERGENCES.md. */
const answers = {
  malformed: client('SerializationException'),
  'invalid-parameter': invalidParameter,
  'too-large': invalidParameter,
  'unknown-operation': client('UnknownOperationException'),
  'dry-run': invalidRequest,
  'malformed-policy': client('MalformedPolicyDocumentException'),
  'invalid-page': client('InvalidNextTokenException'),
  unsupported: invalidParameter,
  unauthenticated: client('UnrecognizedClientException'),
  'invalid-proof': client('InvalidSignatureException'),
  'incomplete-proof': client('IncompleteSignatureException'),
  'expired-proof': client('InvalidSignatureException'),
  replayed: denied,
  denied,
  'needs-approval': denied,
  'separation-of-duties': denied,
  'grant-to-self': denied,
  throttled: client('ThrottlingException'),
  'invalid-grant': denied,
  'invalid-assertion': denied,
  'not-found': notFound,
  'alias-not-found': notFound,
  'already-exists': client('ResourceExistsException'),
  conflict: invalidRequest,
  'limit-exceeded': client('LimitExceededException'),
  disabled: encryption,
  'pending-destruction': encryption,
  'not-pending-destruction': invalidRequest,
  'invalid-state': invalidRequest,
  'wrong-usage': encryption,
  'wrong-algorithm': encryption,
  'version-not-found': notFound,
  'version-too-old': encryption,
  'destruction-not-allowed': invalidRequest,
  'invalid-ciphertext': client('DecryptionFailure'),
  'wrong-key': client('DecryptionFailure'),
  'invalid-signature': invalidRequest,
  'invalid-mac': invalidRequest,
  'invalid-import-token': invalidRequest,
  'expired-import-token': invalidRequest,
  'invalid-wrapping': invalidRequest,
  'wrong-material': invalidRequest,
  'secret-not-found': notFound,
  'secret-exists': client('ResourceExistsException'),
  'secret-deleted': invalidRequest,
  'secret-undecryptable': client('DecryptionFailure'),
  sealed: failing,
  'not-sealed': invalidRequest,
  'invalid-unseal': denied,
  'audit-unavailable': failing,
  'storage-full': failing,
  tampered: failing,
  unavailable: failing,
  internal: failing,
} as const satisfies Record<ErrorCode, AwsAnswer>;

const table: AwsErrorTable = {
  answers,
  particular: {
    ...failedProofs,
    'malformed-policy public': { type: 'PublicPolicyException' },
    'secret-undecryptable protect': { type: 'EncryptionFailure' },
    'secret-not-found secret': { message: "Secrets Manager can't find the specified secret." },
    'secret-not-found version': { message: "Secrets Manager can't find the specified secret version." },
    [`secret-not-found ${currentLabel}`]: missingStage('AWSCURRENT'),
    [`secret-not-found ${previousLabel}`]: missingStage('AWSPREVIOUS'),
    [`secret-not-found ${pendingLabel}`]: missingStage('AWSPENDING'),
  },
};

function missingStage(stage: string): Partial<AwsError> {
  return { message: `Secrets Manager can't find the specified secret value for staging label: ${stage}` };
}

/** `faults`: the operation's own exceptions. */
export function awsError(error: unknown, proof: Proof, faults: Readonly<Record<string, string>> = {}): AwsError {
  return toAwsError(table, error, proof, ({ code, subject }) => {
    const type = faults[`${code} ${subject}`];
    return type === undefined ? undefined : { type };
  });
}
