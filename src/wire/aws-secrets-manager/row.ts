import type { Action, Command, Result } from '#domain/domain.ts';
import type { JsonObject } from '../common/common.ts';
import type { Names } from './names.ts';

/** What of a long answer is asked for, where the door itself cuts it. */
export interface Page {
  readonly after: string;
  readonly limit: number;
}

/** A request as understood: the command for the gate, and what only the answer needs. */
export interface Asked<A extends Action = Action> {
  readonly command: Command<A>;
  readonly page?: Page;
  /** ListSecretVersionIds: also versions without a label. */
  readonly withUnlabelled?: boolean;
  /** DeleteSecret: how the secret was called, for the answer about one that isn't there. */
  readonly named?: string;
}

/** One operation: everything that is particular to it. */
export interface Row<A extends Action = Action> {
  /** What policy decides and the ledger records. */
  readonly action: A;
  /** Bytes. */
  readonly maxBody: number;
  /** Exceptions that this operation has and others don't, by code and subject of the error. */
  readonly faults?: Readonly<Record<string, string>>;
  /** Throws KmsError only. */
  decode(fields: JsonObject, names: Names): Asked<A>;
  /** The body of the answer. Throws KmsError where the answer is an error to AWS clients. */
  encode(result: Result<A>, asked: Asked<A>, names: Names): string;
}

/** A table whose every row agrees with its own action. */
export type Operations = Readonly<Record<string, { [A in Action]: Row<A> }[Action]>>;
