/** What each kind of seal that reaches a service has for tests: a real one, which can be broken and mended. */
export interface SealBackend {
  readonly kind: string;
  /** What names its key and place, as `claviger seal add --set` takes it. */
  readonly settings: Readonly<Record<string, string>>;
  /** Another key of the same service. */
  readonly otherSettings: Readonly<Record<string, string>>;
  /** The environment in which its credential is found. */
  readonly env: Readonly<Record<string, string>>;
  /** The same with a credential that is wrong. */
  readonly wrongEnv: Readonly<Record<string, string>>;
  /** Nobody answers any more. */
  breakOff(): void;
  /** Connections are taken, and nothing answers. */
  hold(): void;
  mend(): void;
  stop(): Promise<void>;
}
