import type { LoginRecord, SecretIdRecord } from './directory.ts';

/** What a proven login stands on. Where any of it changes before the login is durable, the gate decides again. */
export interface LoginFacts {
  readonly login: LoginRecord;
  /** The secret id that was brought. */
  readonly secretId?: SecretIdRecord;
}
