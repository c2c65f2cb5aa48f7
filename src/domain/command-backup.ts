/** A backup of the whole server: not of one key, which `backup-key` takes. */
export interface BackupFacts {
  /** A UUID. */
  readonly id: string;
  /** Where it lies, on the server's machine. */
  readonly file: string;
  readonly bytes: number;
  /** SHA-256 of the file, in hexadecimal digits. */
  readonly digest: string;
  /** Milliseconds since the epoch. */
  readonly takenAt: number;
  /** Lines of the ledger that it holds. */
  readonly ledger: number;
}

export interface BackupSchedule {
  /** Seconds from the end of one that succeeded to the next. */
  readonly every: number;
  /** An absolute path of a folder on the server's machine. */
  readonly to: string;
  /** How many of its own stay there. */
  readonly keep: number;
}

export interface BackupStatus {
  readonly schedule?: BackupSchedule;
  readonly last?: BackupFacts;
  /** The last that failed since. */
  readonly failure?: { readonly at: number; readonly reason: string };
  /** One should be there by now and isn't, however that comes. */
  readonly overdue: boolean;
  /** This server came out of a backup, and nobody said yet that no other one lives on: nothing is done by the clock. */
  readonly restored?: { readonly backup: string; readonly at: number };
}

export interface BackupCommands {
  /** `to`: an absolute path of a folder or of a file that is not there yet. Default: `backups` in the data folder. */
  'take-backup': { readonly to?: string };
  'read-backups': Record<never, never>;
  /** Without a schedule: none from now on. */
  'schedule-backups': { readonly schedule?: BackupSchedule };
  /** The restored server is the one that lives on. */
  'confirm-restore': Record<never, never>;
  /** By the clock: takes what is due. */
  'run-backup-schedule': Record<never, never>;
}

export interface BackupResults {
  'take-backup': BackupFacts;
  'read-backups': BackupStatus;
  'schedule-backups': BackupStatus;
  'confirm-restore': BackupStatus;
  /** `gone`: how many older ones were deleted. */
  'run-backup-schedule': { readonly taken?: BackupFacts; readonly gone: number };
}
