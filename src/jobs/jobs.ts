import type { Gate, Origin } from '#domain/domain.ts';

export interface JobOptions {
  readonly newRequestId: () => string;
  /** Milliseconds between runs. */
  readonly every?: number;
  /** Told when a run failed; the next run tries again. */
  readonly onFailure: (error: unknown) => void;
}

/** The server's own clockwork: a caller like any other, by the same gate and with a line of its own. */
export function startJobs(
  gate: Gate,
  { newRequestId, every = 60_000, onFailure }: JobOptions,
): { stop(): Promise<void> } {
  let running: Promise<unknown> = Promise.resolve();
  let busy = false;

  const run = () => {
    // Sealed, there is nothing that could be done; and a run never overtakes another.
    if (busy || gate.status().sealed) return;
    busy = true;
    const origin: Origin = { protocol: 'job', operation: 'schedule', peer: '', requestId: newRequestId() };
    running = gate
      .perform({ kind: 'system', name: 'scheduler' }, { kind: 'run-schedule' }, origin)
      .catch(onFailure)
      .finally(() => {
        busy = false;
      });
  };

  const timer = setInterval(run, every);
  timer.unref();
  run();
  return {
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}
