import type { Action, Command } from '#domain/domain.ts';
import type { Page } from '../common/aws-fields.ts';
import type { AwsRow } from '../common/aws-json.ts';
import type { Names } from './names.ts';

/** A request as understood: the command for the gate, and what only the answer needs. */
export interface Asked<A extends Action = Action> {
  readonly command: Command<A>;
  /** What of a long answer is asked for, where the door itself cuts it. */
  readonly page?: Page;
  /** ListKeyRotations: also the first material, which no rotation made. */
  readonly withFirstMaterial?: boolean;
}

/** One operation. */
export interface Row<A extends Action = Action> extends AwsRow<A, Asked<A>, Names> {
  /** Whether the request may ask to be decided only. */
  readonly dryRun?: true;
}

/** A table whose every row agrees with its own action. */
export type Operations = Readonly<Record<string, { [A in Action]: Row<A> }[Action]>>;
