import { type ErrorCode, KmsError, type Proof } from '#domain/domain.ts';

export interface StsError {
  /** As the SDKs know it. */
  readonly code: string;
  readonly status: number;
  readonly message: string;
}

type Answer = Omit<StsError, 'message'>;

const bad = (code: string): Answer => ({ code, status: 400 });
const forbidden = (code: string): Answer => ({ code, status: 403 });
/** The SDKs ask again after a 5xx, with growing pauses. */
const failed: Answer = { code: 'InternalFailure', status: 500 };
const later: Answer = { code: 'ServiceUnavailable', status: 503 };

const accessDenied = forbidden('AccessDenied');
const validation = bad('ValidationError');

/** STS API reference, "Common Errors" and each operation's own; which choices are ours is told in DIVERGENCES.md. */
const answers = {
  malformed: bad('MalformedQueryString'),
  'invalid-parameter': validation,
  'too-large': validation,
  'unknown-operation': bad('InvalidAction'),
  'dry-run': validation,
  'malformed-policy': bad('MalformedPolicyDocument'),
  'invalid-page': validation,
  unsupported: validation,
  unauthenticated: forbidden('MissingAuthenticationToken'),
  'invalid-proof': forbidden('SignatureDoesNotMatch'),
  'incomplete-proof': bad('IncompleteSignature'),
  'expired-proof': forbidden('SignatureDoesNotMatch'),
  replayed: accessDenied,
  denied: accessDenied,
  'needs-approval': accessDenied,
  'separation-of-duties': accessDenied,
  'grant-to-self': accessDenied,
  throttled: bad('Throttling'),
  'invalid-grant': validation,
  'invalid-assertion': bad('InvalidIdentityToken'),
  'not-found': validation,
  'alias-not-found': validation,
  'already-exists': validation,
  conflict: later,
  'limit-exceeded': validation,
  disabled: validation,
  'pending-destruction': validation,
  'not-pending-destruction': validation,
  'invalid-state': validation,
  'wrong-usage': validation,
  'wrong-algorithm': validation,
  'version-not-found': validation,
  'version-too-old': validation,
  'destruction-not-allowed': validation,
  'invalid-ciphertext': validation,
  'wrong-key': validation,
  'invalid-signature': validation,
  'invalid-mac': validation,
  'invalid-import-token': validation,
  'expired-import-token': validation,
  'invalid-wrapping': validation,
  'wrong-material': validation,
  'secret-not-found': validation,
  'secret-exists': validation,
  'secret-deleted': validation,
  'secret-undecryptable': validation,
  sealed: later,
  'not-sealed': validation,
  'invalid-unseal': accessDenied,
  'audit-unavailable': later,
  'storage-full': later,
  tampered: failed,
  unavailable: later,
  internal: failed,
} as const satisfies Record<ErrorCode, Answer>;

/** STS tells more of what fails than the domain's code: what it was is the error's subject. */
const particular: Readonly<Record<string, Partial<StsError> & Answer>> = {
  'invalid-proof credential': {
    ...forbidden('InvalidClientTokenId'),
    message: 'The security token included in the request is invalid.',
  },
  'invalid-proof signature': {
    ...forbidden('SignatureDoesNotMatch'),
    message:
      'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.',
  },
  'expired-proof credential': {
    ...forbidden('ExpiredToken'),
    message: 'The security token included in the request is expired',
  },
  'expired-proof assertion': bad('ExpiredTokenException'),
  'invalid-assertion claim': forbidden('IDPRejectedClaim'),
  'unavailable provider': bad('IDPCommunicationError'),
};

export function stsError(error: unknown, proof: Proof): StsError {
  if (!(error instanceof KmsError)) {
    return { ...failed, message: 'The request failed for a reason that is not yours; ask again.' };
  }
  if (error.code === 'unauthenticated' && proof.kind === 'none') {
    return { ...answers.unauthenticated, message: 'Request is missing Authentication Token' };
  }
  const answer = error.subject === undefined ? undefined : particular[`${error.code} ${error.subject}`];
  return { message: error.message, ...(answer ?? answers[error.code]) };
}
