import { type ErrorCode, KmsError, type Proof } from '#domain/domain.ts';

interface Answer {
  /** The exception's name, as the SDKs know it (`__type`). */
  readonly type: string;
  readonly status: number;
  /** How AWS KMS words it when the key that was asked for is known; else the error's own message. */
  readonly text?: (key: string) => string;
}

const client = (type: string, text?: Answer['text']): Answer => ({ type, status: 400, ...(text && { text }) });
/** The SDKs ask again after a 5xx, with growing pauses. */
const server = (type: string, status = 500): Answer => ({ type, status });

const notFound = client('NotFoundException', (key) => `${key} is not found.`);
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
  disabled: client('DisabledException', (key) => `${key} is disabled.`),
  'pending-destruction': client('KMSInvalidStateException', (key) => `${key} is pending deletion.`),
  'not-pending-destruction': client('KMSInvalidStateException', (key) => `${key} is not pending deletion.`),
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
} as const satisfies Record<ErrorCode, Answer>;

/** AWS tells more than the domain's code of a proof that fails and of what isn't there: which part it is, is the error's subject. */
const particularAnswers: Readonly<Record<string, Partial<AwsError> & { readonly type: string }>> = {
  'invalid-proof credential': {
    type: 'UnrecognizedClientException',
    message: 'The security token included in the request is invalid.',
  },
  'invalid-proof signature': {
    type: 'InvalidSignatureException',
    message:
      'The request signature we calculated does not match the signature you provided. Check your secret access key and signing method.',
  },
  'not-found key-store': { type: 'CustomKeyStoreNotFoundException' },
  'not-found hsm-cluster': { type: 'CloudHsmClusterNotFoundException' },
  'not-found key-store-proxy': { type: 'XksProxyUriUnreachableException' },
  'not-found key-store-link': { type: 'XksProxyVpcEndpointServiceNotFoundException' },
  'invalid-parameter principal': { type: 'InvalidArnException' },
  'not-found grant': { type: 'NotFoundException' },
  'not-found policy': { type: 'NotFoundException' },
  'expired-proof credential': {
    type: 'ExpiredTokenException',
    message: 'The security token included in the request is expired',
  },
};

/** A refusal for which AWS has an exception of its own that no code of the domain stands for. */
export class AwsFault extends KmsError {
  readonly type: string;

  constructor(type: string, message: string, code: ErrorCode = 'invalid-parameter') {
    super(code, message);
    this.type = type;
  }
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

/** `key`: how the request named its key, if it named one. Anything that isn't a KmsError is told to nobody. */
export function awsError(error: unknown, proof: Proof, key: string | undefined): AwsError {
  if (!(error instanceof KmsError)) {
    return { ...answers.internal, message: 'The request failed for a reason that is not yours; ask again.' };
  }
  if (error.code === 'unauthenticated' && proof.kind === 'none') {
    return { type: 'MissingAuthenticationTokenException', status: 400, message: 'Missing Authentication Token' };
  }
  const { type, status, text }: Answer = answers[error.code];
  const particular = error.subject === undefined ? undefined : particularAnswers[`${error.code} ${error.subject}`];
  if (particular !== undefined) return { status, message: error.message, ...particular };
  if (error instanceof AwsFault) return { type: error.type, status, message: error.message };
  return { type, status, message: text && key !== undefined ? text(key) : error.message };
}
