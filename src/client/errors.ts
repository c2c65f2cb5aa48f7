/** The server answered, and the answer is no. */
export class ApiError extends Error {
  /** A code of Claviger's domain, such as 'denied' or 'not-found'. */
  readonly code: string;
  /** HTTP status. */
  readonly status: number;
  /** Finds the line in the ledger; '' when the answer named none. */
  readonly requestId: string;

  constructor(code: string, message: string, status: number, requestId: string) {
    super(message);
    this.name = 'ApiError';
    this.code = code;
    this.status = status;
    this.requestId = requestId;
  }

  /** From the body of an answer, whatever it is. */
  static read(status: number, body: string): ApiError {
    const text = (value: unknown, otherwise: string) => (typeof value === 'string' ? value : otherwise);
    try {
      const { error } = JSON.parse(body) as { error?: Record<string, unknown> };
      if (error !== undefined && error !== null) {
        const message = text(error.message, `The server answered ${status}.`);
        return new ApiError(text(error.code, 'internal'), message, status, text(error.requestId, ''));
      }
    } catch {
      // Not our server's error: whatever stands between answered.
    }
    return new ApiError('internal', `The server answered ${status} in no form that Claviger uses.`, status, '');
  }
}

/** The server could not be asked: `cause` says why. */
export class UnreachableError extends Error {
  constructor(url: string, cause: unknown) {
    super(`${url} can't be reached: ${reason(cause)}.`, { cause });
    this.name = 'UnreachableError';
  }
}

function reason(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const inner = cause.cause instanceof Error ? cause.cause : cause;
  const code = (inner as { code?: unknown }).code;
  if (code === 'ECONNREFUSED') return 'nothing listens there';
  if (inner.name === 'TimeoutError') return 'it did not answer in time';
  const explained = inner.message || (typeof code === 'string' ? code : cause.message);
  return explained.replace(/\.$/, '');
}
