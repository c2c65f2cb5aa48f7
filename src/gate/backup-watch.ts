import type { RecordReader } from '#domain/domain.ts';
import { Gauge, type Metrics } from '#telemetry/telemetry.ts';
import { statusOf } from './backup-status.ts';

/** Numbers for whoever watches: when a backup last succeeded, and when one failed since. */
export class BackupWatch {
  #succeeded = 0;
  #failed = 0;

  constructor(metrics: Metrics) {
    const help = 'in seconds since the epoch; 0: never.';
    metrics.add(
      new Gauge(
        'claviger_backup_last_success_seconds',
        `When the last backup was taken, ${help}`,
        () => this.#succeeded,
      ),
    );
    metrics.add(
      new Gauge('claviger_backup_last_failure_seconds', `When one failed since then, ${help}`, () => this.#failed),
    );
  }

  async look(records: RecordReader): Promise<void> {
    const { last, failure } = await statusOf(records);
    this.#succeeded = Math.floor((last?.takenAt ?? 0) / 1000);
    this.#failed = Math.floor((failure?.at ?? 0) / 1000);
  }
}
