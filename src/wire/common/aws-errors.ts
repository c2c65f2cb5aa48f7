import { type ErrorCode, KmsError, type Proof } from '#domain/domain.ts';

/** A refusal as AWS' JSON services tell it. */
export interface AwsError {
  /** The exception's name, as the SDKs know it (`__type`). */
  readonly type: string;
  readonly status: number;
  readonly message: string;
}

export type AwsAnswer = Omit<AwsError, 'message'>;

/** How a service answers what goes wrong. */
export interface AwsErrorTable {
  readonly answers: Readonly<Record<ErrorCode, AwsAnswer>>;
  /** Where AWS tells more than the domain's code: by code and subject of the error. */
  readonly particular: Readonly<Record<string, Partial<AwsError>>>;
}

export const clientFault = (type: string): AwsAnswer => ({ type, status: 400 });
/** The SDKs ask again after a 5xx, with growing pauses. */
export const serverFault = (type: string): AwsAnswer => ({ type, status: 500 });

/** The particulars of a proof that fails, as every JSON service of AWS tells them. */
export const failedProofs = {
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
} as const satisfies AwsErrorTable['particular'];

/** Anything that isn't a KmsError is told to nobody. `own`: what the service says of an error that has no particulars. */
export function toAwsError(
  { answers, particular }: AwsErrorTable,
  error: unknown,
  proof: Proof,
  own: (error: KmsError) => Partial<AwsError> | undefined,
): AwsError {
  if (!(error instanceof KmsError)) {
    return { ...answers.internal, message: 'The request failed for a reason that is not yours; ask again.' };
  }
  if (error.code === 'unauthenticated' && proof.kind === 'none') {
    return { type: 'MissingAuthenticationTokenException', status: 400, message: 'Missing Authentication Token' };
  }
  const { type, status } = answers[error.code];
  return { type, status, message: error.message, ...(particular[`${error.code} ${error.subject}`] ?? own(error)) };
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
