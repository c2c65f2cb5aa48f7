type Asking = <T>(method: string, path: string, body?: object) => Promise<T>;

/** A backup of a whole server. Places are paths on its machine; times are milliseconds since the epoch. */
export interface Backup {
  readonly id: string;
  readonly file: string;
  readonly bytes: number;
  /** SHA-256, in hexadecimal digits. */
  readonly digest: string;
  readonly takenAt: number;
  /** Lines of the ledger in it. */
  readonly ledger: number;
}

export interface BackupSchedule {
  /** Seconds. */
  readonly every: number;
  readonly to: string;
  readonly keep: number;
}

export interface BackupStatus {
  readonly schedule?: BackupSchedule;
  readonly last?: Backup;
  readonly failure?: { readonly at: number; readonly reason: string };
  /** One should be there by now and isn't. */
  readonly overdue: boolean;
  /** The server came out of a backup, and does nothing by the clock until that is confirmed. */
  readonly restored?: { readonly backup: string; readonly at: number };
}

/** Backups of a server. Methods reject as those of the client do. */
export class Backups {
  readonly #ask: Asking;

  constructor(ask: Asking) {
    this.#ask = ask;
  }

  /** `to`: an absolute path of a folder, or of a file that is not there yet. Default: a folder beside the data. */
  take(to?: string): Promise<Backup> {
    return this.#ask('POST', '/backups', to === undefined ? {} : { to });
  }

  status(): Promise<BackupStatus> {
    return this.#ask('GET', '/backups');
  }

  schedule(schedule: BackupSchedule): Promise<BackupStatus> {
    return this.#ask('PUT', '/backups/schedule', schedule);
  }

  unschedule(): Promise<BackupStatus> {
    return this.#ask('DELETE', '/backups/schedule');
  }

  /** The restored server is the one that lives on. */
  confirmRestore(): Promise<BackupStatus> {
    return this.#ask('POST', '/restored/confirm', {});
  }
}
