import type { LoginRecord, SecretIdRecord } from './directory.ts';

/** What a proven login stands on: the gate writes over just this, so that nothing of it changed meanwhile. */
export interface LoginFacts {
  readonly login: LoginRecord;
  /** The secret id that was brought. */
  readonly secretId?: SecretIdRecord;
}
