import type { Gate, Origin } from '#domain/domain.ts';
import { Rotations, type Rotators } from './rotations.ts';

export { type Rotator, type RotatorCall, RotatorFailure, type Rotators } from './rotations.ts';

export interface JobOptions {
  readonly newRequestId: () => string;
  /** Milliseconds between runs. */
  readonly every?: number;
  /** What may be called to change secrets. Default: nothing. */
  readonly rotators?: Rotators;
  /** Told when a run failed; the next run tries again. */
  readonly onFailure: (error: unknown) => void;
}

export interface Jobs {
  /** Something is due that wasn't before: looks at once. */
  wake(): void;
  stop(): Promise<void>;
}

/** The server's own clockwork: a caller like any other, by the same gate and with a line of its own. */
export function startJobs(
  gate: Gate,
  { newRequestId, every = 60_000, rotators = { find: () => undefined }, onFailure }: JobOptions,
): Jobs {
  const rotations = new Rotations(gate, { rotators, newRequestId, onFailure });
  let running: Promise<unknown> = Promise.resolve();
  let busy = false;
  let again = false;
  let backingUp: Promise<unknown> | undefined;

  const originOf = (operation: string): Origin => ({
    ...{ protocol: 'job', operation, peer: '', requestId: newRequestId() },
  });

  /** Beside everything else: it takes as long as it takes. What failed is recorded, and told by the gate. */
  const backUp = () => {
    backingUp ??= gate
      .perform({ kind: 'system', name: 'scheduler' }, { kind: 'run-backup-schedule' }, originOf('backup'))
      .catch(onFailure)
      .finally(() => {
        backingUp = undefined;
      });
  };

  const run = () => {
    // Sealed, there is nothing that could be done; and a run never overtakes another.
    if (gate.status().sealed) return;
    again = busy;
    if (busy) return;
    busy = true;
    running = gate
      .perform({ kind: 'system', name: 'scheduler' }, { kind: 'run-schedule' }, originOf('schedule'))
      .then(({ steps = [], backupDue }) => {
        if (backupDue === true) backUp();
        return rotations.begin(steps);
      })
      .catch(onFailure)
      .finally(() => {
        busy = false;
        if (again) run();
      });
  };

  const timer = setInterval(run, every);
  timer.unref();
  run();
  return {
    wake: run,
    async stop() {
      clearInterval(timer);
      again = false;
      await running;
      await backingUp;
      await rotations.stop();
    },
  };
}
