import { KmsError } from '#domain/domain.ts';
import type { AuthMountRecord, LoginRecord, SecretIdRecord } from './directory.ts';

/**
 * What a proven login stands on: somebody has proven, in the way of the mount, to be whom the login lets in. Where any of it changes before
 * the token is durable, the gate decides again.
 */
export interface LoginFacts {
  readonly mount: AuthMountRecord;
  readonly login: LoginRecord;
  /** The path below the mount that made it so. */
  readonly via: string;
  /** What the token says of who it was. */
  readonly meta: Readonly<Record<string, string>>;
  /** Whom the token is called after, where the mount isn't enough. */
  readonly label?: string;
  /** What the ledger says of the proof beside that. */
  readonly by?: string;
  /** SHA-256 of the certificate that was brought. */
  readonly certificate?: string;
  /** The secret id that was brought. */
  readonly secretId?: SecretIdRecord;
}

/** Nobody could log in so: the role that was named is none, or nothing was set up. */
export function noSuchLogin(words: string): KmsError {
  return new KmsError('invalid-proof', words, 'login-place');
}

/** Whatever was wrong with a login, it is said in one way, but where a way of logging in has something to say that is no secret. */
export function wrongLogin(words = 'The login is unknown, wrong or no longer valid.'): KmsError {
  return new KmsError('invalid-proof', words, 'login');
}
