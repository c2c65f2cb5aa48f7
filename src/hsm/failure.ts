import type { Failure } from './messages.ts';

/** What a call came to that has no result. */
export class CallFailed extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.words ?? `return value ${failure.rv}`);
    this.failure = failure;
  }
}
