import { type ErrorCode, KmsError, type Proof } from '#domain/domain.ts';
import { json } from '#wire/common/common.ts';
import type { Response } from '#wire/wire.ts';
import type { Input } from './row.ts';

interface Answer {
  readonly status: number;
  /** Replaces the error's own message where Vault's clients look for words, or where failures must look alike. */
  readonly text?: string;
}

const denied = 'permission denied';
const undecryptable = 'invalid ciphertext: unable to decrypt';

export const answers = {
  malformed: { status: 400 },
  'invalid-parameter': { status: 400 },
  'too-large': { status: 413, text: 'the request body is too large' },
  'unknown-operation': { status: 404 },
  unsupported: { status: 400 },
  unauthenticated: { status: 403, text: denied },
  'invalid-proof': { status: 403, text: denied },
  'expired-proof': { status: 403, text: denied },
  replayed: { status: 400 },
  denied: { status: 403, text: denied },
  'needs-approval': { status: 403 },
  'separation-of-duties': { status: 403 },
  'grant-to-self': { status: 403 },
  'not-found': { status: 400, text: 'encryption key not found' },
  'alias-not-found': { status: 400, text: 'encryption key not found' },
  'already-exists': { status: 400 },
  conflict: { status: 412 },
  'limit-exceeded': { status: 400 },
  disabled: { status: 400 },
  'pending-destruction': { status: 400 },
  'not-pending-destruction': { status: 400 },
  'invalid-state': { status: 400 },
  'wrong-usage': { status: 400 },
  'wrong-algorithm': { status: 400 },
  'version-not-found': { status: 400 },
  'version-too-old': {
    status: 400,
    text: 'the version of the ciphertext, signature or request is disallowed by policy (too old)',
  },
  'destruction-not-allowed': { status: 400, text: 'deletion is not allowed for this key: set deletion_allowed first' },
  'invalid-ciphertext': { status: 400, text: undecryptable },
  'wrong-key': { status: 400, text: undecryptable },
  'invalid-signature': { status: 400 },
  'invalid-mac': { status: 400 },
  'dry-run': { status: 400 },
  'malformed-policy': { status: 400 },
  'invalid-page': { status: 400 },
  'incomplete-proof': { status: 403, text: denied },
  throttled: { status: 429 },
  'invalid-grant': { status: 400 },
  'invalid-assertion': { status: 400 },
  'invalid-import-token': { status: 400 },
  'expired-import-token': { status: 400 },
  'invalid-wrapping': { status: 400 },
  'wrong-material': { status: 400 },
  'secret-not-found': { status: 404 },
  'secret-exists': { status: 400 },
  'secret-deleted': { status: 404 },
  'secret-undecryptable': { status: 500 },
  sealed: { status: 503, text: 'Vault is sealed: Claviger answers again once it is unsealed' },
  'not-sealed': { status: 400 },
  'invalid-unseal': { status: 400 },
  'audit-unavailable': {
    status: 500,
    text: 'the audit line could not be made durable, so the request is not answered',
  },
  'storage-full': { status: 507 },
  tampered: { status: 500 },
  unavailable: { status: 503 },
  internal: { status: 500, text: 'internal error' },
} as const satisfies Record<ErrorCode, Answer>;

/** An error whose status Vault chooses by the place, not by the kind of failure. */
export class PlacedError extends KmsError {
  readonly status: number;

  constructor(status: number, code: ErrorCode, message: string) {
    super(code, message);
    this.status = status;
  }
}

/** What can't be a matter of one item of a batch: then the whole request fails with it. */
const ofTheWholeRequest: ReadonlySet<ErrorCode> = new Set([
  'unauthenticated',
  'invalid-proof',
  'expired-proof',
  'denied',
  'needs-approval',
  'separation-of-duties',
  'not-found',
  'alias-not-found',
  'sealed',
  'audit-unavailable',
  'storage-full',
  'tampered',
  'unavailable',
  'internal',
] satisfies ErrorCode[]);

export function failsWholeRequest(error: KmsError): boolean {
  return ofTheWholeRequest.has(error.code);
}

export function asKmsError(error: unknown): KmsError {
  return error instanceof KmsError ? error : new KmsError('internal', 'An unexpected failure.');
}

/** The text that a client reads. */
export function messageOf(error: KmsError): string {
  const answer: Answer = answers[error.code];
  return error instanceof PlacedError ? error.message : (answer.text ?? error.message);
}

/** A body that was to prove who asks and doesn't: to the ledger a proof that is wrong, to the client what is wrong with it. */
export function unproven(error: KmsError): PlacedError {
  const status = error instanceof PlacedError ? error.status : answers[error.code].status;
  return new PlacedError(status, 'invalid-proof', messageOf(error));
}

/** What isn't there, with the status and the words that Vault has for it at some places. */
export function absentAs(
  status: number,
  words?: string | ((input: Input) => string),
): (error: KmsError, input: Input) => KmsError {
  return (error, input) => {
    if (error.code !== 'not-found') return error;
    return new PlacedError(status, error.code, (typeof words === 'function' ? words(input) : words) ?? error.message);
  };
}

export const noStore: readonly string[] = Object.freeze(['cache-control', 'no-store']);

export function errorResponse(error: KmsError, proof: Proof, reads: boolean): Response {
  if (error instanceof PlacedError) return refusal(error.status, error.message);
  if (error.code === 'unauthenticated' && proof.kind === 'none') return refusal(400, 'missing client token');
  if (reads && unread.has(error.code)) return nothingThere;
  if (error.subject === 'wrapping') return refusal(400, 'wrapping token is not valid or does not exist');
  // Roles, users and secret ids: no keys, of which the usual words speak.
  if (error.code === 'not-found' && notKeys.has(error.subject)) return refusal(404, error.message);
  return refusal(answers[error.code].status, messageOf(error));
}

const notKeys: ReadonlySet<string | undefined> = new Set(['login', 'secret-id']);

/** What isn't there is nothing to speak of to who only reads. */
const unread: ReadonlySet<ErrorCode> = new Set([
  'not-found',
  'alias-not-found',
  'secret-not-found',
  'secret-deleted',
] satisfies ErrorCode[]);

function refusal(status: number, message: string): Response {
  return json(status, `{"errors":[${JSON.stringify(message)}]}`, noStore);
}

/** Vault says so little of what can't be read. */
export const nothingThere: Response = json(404, '{"errors":[]}', noStore);

/** Below a mount that is there: Vault's clients tell an engine that lacks a path from a path without an engine. */
export const nothingBelow = (): KmsError => new KmsError('unknown-operation', 'unsupported path');
