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
  /** ListKeyRotations: also the first material, which no rotation made. */
  readonly withFirstMaterial?: boolean;
}

/** One operation: everything that is particular to it. */
export interface Row<A extends Action = Action> {
  /** What policy decides and the ledger records. */
  readonly action: A;
  /** Bytes. */
  readonly maxBody: number;
  /** Whether the request may ask to be decided only. */
  readonly dryRun?: true;
  /** Throws KmsError only. */
  decode(fields: JsonObject, names: Names): Asked<A>;
  /** The body of the answer; '' where AWS KMS answers nothing. Throws KmsError where the answer is an error to AWS clients. */
  encode(result: Result<A>, asked: Asked<A>, names: Names): string;
}

/** A table whose every row agrees with its own action. */
export type Operations = Readonly<Record<string, { [A in Action]: Row<A> }[Action]>>;
