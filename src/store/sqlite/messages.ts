import type { ErrorCode } from '#domain/domain.ts';
import type { Database, Places } from './database.ts';

/** What the main thread may ask of the worker: the calls of `Database`, by name. */
export type Calls = Pick<
  Database,
  'head' | 'anchors' | 'read' | 'list' | 'scan' | 'macs' | 'ledger' | 'commit' | 'close'
>;

export type Question<Name extends keyof Calls = keyof Calls> = readonly [name: Name, args: Parameters<Calls[Name]>];

/** Answers come in the order of the questions, several in one message where nobody has to wait for that. */
export type Answers = readonly Answer[];

export type Answer = { readonly value: unknown } | { readonly failure: Failure };

/** A KmsError on its way between threads. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  /** Set for a CommitConflict. */
  readonly change?: number;
}

export interface WorkerSettings {
  readonly places: Places;
  readonly readOnly: boolean;
  /** One shared word, counted up for each question: the worker sleeps on it. */
  readonly bell: Int32Array<SharedArrayBuffer>;
}
