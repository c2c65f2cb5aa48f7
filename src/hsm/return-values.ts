import { type ErrorCode, KmsError } from '#domain/domain.ts';
import { ckr, notFound, severalFound } from './ckr.ts';

/** Whether a session, the login or the whole token was lost: after reconnecting, the same call may be answered. */
export function isLost(rv: number): boolean {
  return lost.has(rv);
}

/** Whether the token refuses the PIN. Never tried again unasked: a token locks itself after a few. */
export function isPinRefusal(rv: number): boolean {
  return pinRefusals.has(rv);
}

const lost: ReadonlySet<number> = new Set([
  ckr.SLOT_ID_INVALID,
  ckr.DEVICE_ERROR,
  ckr.DEVICE_REMOVED,
  // An operation that somebody began in our session, or that ours no longer knows: it isn't the session that it was.
  ckr.OPERATION_ACTIVE,
  ckr.OPERATION_NOT_INITIALIZED,
  ckr.SESSION_CLOSED,
  ckr.SESSION_HANDLE_INVALID,
  ckr.TOKEN_NOT_PRESENT,
  ckr.TOKEN_NOT_RECOGNIZED,
  ckr.USER_NOT_LOGGED_IN,
  ckr.CRYPTOKI_NOT_INITIALIZED,
]);

const pinRefusals: ReadonlySet<number> = new Set([
  ckr.PIN_INCORRECT,
  ckr.PIN_INVALID,
  ckr.PIN_LEN_RANGE,
  ckr.PIN_EXPIRED,
  ckr.PIN_LOCKED,
]);

const errors: ReadonlyMap<number, readonly [ErrorCode, string]> = new Map<number, readonly [ErrorCode, string]>([
  [notFound, ['not-found', 'has no such key']],
  [severalFound, ['conflict', 'has several keys of that name']],
  [ckr.DATA_INVALID, ['invalid-parameter', 'refuses the data']],
  [ckr.DATA_LEN_RANGE, ['invalid-parameter', 'refuses data of that length']],
  [ckr.ARGUMENTS_BAD, ['invalid-parameter', 'refuses the arguments']],
  [ckr.ENCRYPTED_DATA_INVALID, ['invalid-ciphertext', 'does not open the ciphertext']],
  [ckr.ENCRYPTED_DATA_LEN_RANGE, ['invalid-ciphertext', 'does not open the ciphertext']],
  [ckr.AEAD_DECRYPT_FAILED, ['invalid-ciphertext', 'does not open the ciphertext']],
  [ckr.KEY_FUNCTION_NOT_PERMITTED, ['wrong-usage', 'does not let the key do this']],
  [ckr.KEY_TYPE_INCONSISTENT, ['wrong-algorithm', 'says that the key is of another kind']],
  [ckr.KEY_SIZE_RANGE, ['wrong-algorithm', 'refuses the size of the key']],
  ...(
    [
      'ATTRIBUTE_READ_ONLY',
      'ATTRIBUTE_TYPE_INVALID',
      'ATTRIBUTE_VALUE_INVALID',
      'CURVE_NOT_SUPPORTED',
      'DOMAIN_PARAMS_INVALID',
      'FUNCTION_NOT_SUPPORTED',
      'MECHANISM_INVALID',
      'MECHANISM_PARAM_INVALID',
      'SESSION_READ_ONLY',
      'TEMPLATE_INCOMPLETE',
      'TEMPLATE_INCONSISTENT',
      'TOKEN_WRITE_PROTECTED',
    ] as const
  ).map((name) => [ckr[name], ['unsupported', 'does not offer this']] as const),
]);

/** What a return value means to whoever asked `token`. */
export function toError(rv: number, token: string): KmsError {
  const known = errors.get(rv);
  if (known !== undefined) return new KmsError(known[0], `${token} ${known[1]}${named(rv)}.`);
  if (isPinRefusal(rv)) return new KmsError('invalid-unseal', `${token} refuses the PIN${named(rv)}.`);
  return new KmsError('unavailable', `${token} can't be used now${named(rv)}.`);
}

const names: ReadonlyMap<number, string> = new Map(Object.entries(ckr).map(([name, rv]) => [rv, `CKR_${name}`]));

function named(rv: number): string {
  if (rv < 0) return '';
  return ` (${names.get(rv) ?? `CKR 0x${rv.toString(16)}`})`;
}
