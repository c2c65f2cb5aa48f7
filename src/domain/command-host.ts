/** What the machine says of itself. */
export interface Host {
  readonly hostname: string;
  readonly platform: string;
  readonly architecture: string;
  readonly kernel: string;
  /** Seconds. */
  readonly uptime: number;
  readonly processors: ReadonlyArray<{ readonly model: string; readonly mhz: number }>;
  /** Bytes. */
  readonly memory: { readonly total: number; readonly free: number };
  /** Averages over 1, 5 and 15 minutes. */
  readonly load: readonly [number, number, number];
}

/** Where audit lines go. */
export interface AuditSink {
  /** What Vault's clients see it at, without a slash. */
  readonly name: string;
  readonly kind: string;
  readonly description: string;
}

export interface HostCommands {
  'read-host': Record<never, never>;
  'list-audit-sinks': Record<never, never>;
}

export interface HostResults {
  'read-host': { readonly host: Host };
  'list-audit-sinks': { readonly sinks: readonly AuditSink[] };
}
