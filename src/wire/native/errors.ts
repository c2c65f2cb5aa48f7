import type { ErrorCode, KmsError } from '#domain/domain.ts';
import type { Response } from '#wire/wire.ts';
import { json } from '../common/common.ts';

/** Our own API says the domain's code as it is; the HTTP status is for whatever stands between. */
const httpStatus = {
  malformed: 400,
  'invalid-parameter': 400,
  'too-large': 413,
  'unknown-operation': 404,
  unsupported: 400,
  unauthenticated: 401,
  'invalid-proof': 401,
  'expired-proof': 401,
  replayed: 401,
  denied: 403,
  'needs-approval': 403,
  'separation-of-duties': 403,
  'grant-to-self': 403,
  'not-found': 404,
  'alias-not-found': 404,
  'already-exists': 409,
  conflict: 409,
  'limit-exceeded': 429,
  disabled: 409,
  'pending-destruction': 409,
  'not-pending-destruction': 409,
  'invalid-state': 409,
  'wrong-usage': 400,
  'wrong-algorithm': 400,
  'version-not-found': 404,
  'version-too-old': 409,
  'destruction-not-allowed': 409,
  'invalid-ciphertext': 400,
  'wrong-key': 400,
  'invalid-signature': 400,
  'invalid-mac': 400,
  'dry-run': 412,
  'malformed-policy': 400,
  'invalid-page': 400,
  'incomplete-proof': 401,
  throttled: 429,
  'invalid-grant': 400,
  'invalid-assertion': 400,
  'invalid-import-token': 400,
  'expired-import-token': 400,
  'invalid-wrapping': 400,
  'wrong-material': 400,
  'secret-not-found': 404,
  'secret-exists': 409,
  'secret-deleted': 409,
  'secret-undecryptable': 409,
  sealed: 503,
  'not-sealed': 409,
  'invalid-unseal': 403,
  'audit-unavailable': 503,
  'storage-full': 507,
  tampered: 500,
  unavailable: 503,
  internal: 500,
} as const satisfies Record<ErrorCode, number>;

export function errorResponse(error: KmsError, requestId: string): Response {
  const status = httpStatus[error.code];
  const body = { error: { code: error.code, message: error.message, requestId } };
  const challenge = status === 401 ? ['www-authenticate', 'Bearer realm="claviger"'] : [];
  return json(status, JSON.stringify(body), ['cache-control', 'no-store', ...challenge]);
}
