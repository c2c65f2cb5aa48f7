import type { Principal } from '#domain/domain.ts';
import type { LoginFacts } from './login-facts.ts';

/** A principal with what its token is narrowed to: `policy/` takes that as a fact. */
export interface Identified extends Principal {
  readonly limitedTo?: readonly string[];
  /** Names of the ACL policies that its token carries. */
  readonly policies?: readonly string[];
  /** The addresses and ranges that its token may be used from. */
  readonly cidrs?: readonly string[];
  /** Each request with its token is to be counted: see `IdentityRoom.spend`. */
  readonly counted?: true;
  /** Set where a login was proven, which is not a credential yet. */
  readonly login?: LoginFacts;
  /** Set beside it: address and port that it came from. */
  readonly peer?: string;
}
