import type { Action, Commands, Result } from '#domain/domain.ts';
import type { Input } from './decode.ts';

/** One row: everything that is particular to an operation. */
export interface Operation<A extends Action = Action> {
  readonly action: A;
  /** Bytes. */
  readonly maxBody: number;
  /** The fields that the JSON body may hold; absent: there is no body. */
  readonly body?: readonly string[];
  /** The parameters that the query may hold. */
  readonly query?: readonly string[];
  decode(input: Input): Commands[A];
  /** The JSON of the answer, or plain text. */
  encode(result: Result<A>): object | string;
}

/** A table whose every row agrees with its own action. */
export type Operations = Readonly<Record<string, { [A in Action]: Operation<A> }[Action]>>;
