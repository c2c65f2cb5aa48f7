import { currentLabel, type ErrorCode, KmsError, type Proof, pendingLabel, previousLabel } from '#domain/domain.ts';

interface Answer {
  /** The exception's name, as the SDKs know it (`__type`). */
  readonly type: string;
  readonly status: number;
}

const client = (type: string): Answer => ({ type, status: 400 });
/** The SDKs ask again after a 5xx, with growing pauses. */
const server = (type: string): Answer => ({ type, status: 500 });

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
} as const satisfies Record<ErrorCode, Answer>;

/** What an error is about says more than its code where AWS tells more. */
const bySubject: Readonly<Record<string, Partial<AwsError>>> = {
  'malformed-policy public': { type: 'PublicPolicyException' },
  'secret-undecryptable protect': { type: 'EncryptionFailure' },
  'secret-not-found secret': { message: "Secrets Manager can't find the specified secret." },
  'secret-not-found version': { message: "Secrets Manager can't find the specified secret version." },
  [`secret-not-found ${currentLabel}`]: missingStage('AWSCURRENT'),
  [`secret-not-found ${previousLabel}`]: missingStage('AWSPREVIOUS'),
  [`secret-not-found ${pendingLabel}`]: missingStage('AWSPENDING'),
  'invalid-proof credential': {
    type: 'UnrecognizedClientException',
    message: 'The security token included in the request is invalid.',
  },
  'invalid-proof signature': {
    message:
      'The request signature we calculated does not match the signature you provided. Check your secret access key and signing method.',
  },
  'expired-proof credential': {
    type: 'ExpiredTokenException',
    message: 'The security token included in the request is expired',
  },
};

function missingStage(stage: string): Partial<AwsError> {
  return { message: `Secrets Manager can't find the specified secret value for staging label: ${stage}` };
}

/** In the form that AWS clients know from every validation failure; it names members in camel case. */
export function invalid(member: string, constraint: string): KmsError {
  const name = member.charAt(0).toLowerCase() + member.slice(1);
  return new KmsError(
    'invalid-parameter',
    `1 validation error detected: Value at '${name}' failed to satisfy constraint: ${constraint}`,
  );
}

export function missing(member: string): KmsError {
  return invalid(member, 'Member must not be null');
}

export function unsupported(what: string): KmsError {
  return new KmsError('unsupported', `${what} is not supported.`);
}

export interface AwsError {
  readonly type: string;
  readonly status: number;
  readonly message: string;
}

/** Anything that isn't a KmsError is told to nobody. `faults`: the operation's own exceptions. */
export function awsError(error: unknown, proof: Proof, faults: Readonly<Record<string, string>> = {}): AwsError {
  if (!(error instanceof KmsError)) {
    return { ...answers.internal, message: 'The request failed for a reason that is not yours; ask again.' };
  }
  if (error.code === 'unauthenticated' && proof.kind === 'none') {
    return { type: 'MissingAuthenticationTokenException', status: 400, message: 'Missing Authentication Token' };
  }
  const answer: Answer = answers[error.code];
  const cause = `${error.code} ${error.subject}`;
  const special = Object.hasOwn(bySubject, cause) ? bySubject[cause] : undefined;
  const type = faults[cause] ?? answer.type;
  return { status: answer.status, type, message: error.message, ...special };
}
