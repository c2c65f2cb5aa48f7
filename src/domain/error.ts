/**
 * Everything that can go wrong, as one closed set. Rooms throw `KmsError`; only `wire/<protocol>/errors.ts` turns a code into
 * a protocol's own error, and does so with `satisfies Record<ErrorCode, ...>`, so a new code needs an answer at every door.
 */
export const errorCodes = [
  // the request itself
  'malformed', // not parseable, or a field of the wrong type
  'invalid-parameter', // parseable, but a value is out of range or contradicts another
  'too-large', // the body or a field is over its limit
  'unknown-operation', // no such operation at this door
  'dry-run', // all that was asked for would have been done
  'malformed-policy', // a policy that is not understood in full, or that would lock everyone out
  'invalid-page', // a marker of no page
  'unsupported', // a real operation or option that this key or this server doesn't offer
  // who is asking
  'unauthenticated', // no proof, or one that is unknown
  'invalid-proof', // a signature or token that does not verify
  'incomplete-proof', // a signature without all that belongs to it
  'expired-proof', // a token past its end, or a signature outside the clock window
  'replayed', // a signed mutating call that was already answered
  'denied', // known, but not allowed
  'needs-approval', // allowed only after a quorum agrees
  'separation-of-duties', // would let one principal both administer and use a key
  'grant-to-self',
  'throttled', // more than this principal's share; ask again later
  'invalid-grant', // no such grant token or grant id
  'invalid-assertion', // an identity provider's token that does not verify or is not trusted
  // what is asked of
  'not-found', // no such key, identity, grant ...
  'alias-not-found',
  'already-exists',
  'conflict', // changed meanwhile; ask again
  'limit-exceeded',
  'disabled', // the key is suspended
  'pending-destruction',
  'not-pending-destruction',
  'invalid-state', // any other state that forbids the operation
  'wrong-usage', // the key isn't for this kind of operation
  'wrong-algorithm', // the key can't do this algorithm
  'version-not-found',
  'version-too-old', // below the minimum version that policy allows
  'destruction-not-allowed', // the key's own setting forbids destruction
  // cryptography: one code for every way in which a ciphertext is wrong
  'invalid-ciphertext',
  'wrong-key', // the ciphertext names another key than the request
  'invalid-signature',
  'invalid-mac',
  // material from elsewhere
  'invalid-import-token',
  'expired-import-token',
  'invalid-wrapping', // the wrapped material does not unwrap to what the key needs
  'wrong-material', // not the material that this key had before
  // secrets
  'secret-not-found',
  'secret-exists',
  'secret-deleted', // waiting to be deleted for good
  'secret-undecryptable', // the key that protects it can't be used
  // the server
  'sealed',
  'not-sealed',
  'invalid-unseal', // the passphrase or share does not open the root key
  'audit-unavailable', // the audit line could not be made durable, so nothing is answered
  'storage-full',
  'tampered', // stored state does not carry its MAC
  'unavailable',
  'internal',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** A failure that may be told to the caller: `message` says what failed and what to do, and never holds a secret. */
export class KmsError extends Error {
  readonly code: ErrorCode;
  /** The key's state or ARN-like id, where the protocol's answer names it. */
  readonly subject: string | undefined;

  constructor(code: ErrorCode, message: string, subject?: string) {
    super(message);
    this.name = 'KmsError';
    this.code = code;
    this.subject = subject;
  }
}
