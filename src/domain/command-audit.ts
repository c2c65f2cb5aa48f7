import type { Entry } from './entry.ts';

/** What is on record, and how it is going. */
export interface AuditCommands {
  'read-audit': { /** Index of the first entry. */ readonly from: number /** 1 to 1000. */; readonly limit: number };
  'prove-audit': { readonly index: number };
  'read-checkpoint': Record<never, never>;
  'read-metrics': Record<never, never>;
}

export interface AuditResults {
  'read-audit': {
    readonly entries: ReadonlyArray<{ readonly index: number; readonly entry: Entry }>;
    readonly size: number;
  };
  'prove-audit': {
    readonly index: number;
    /** The leaf's bytes as hashed. */
    readonly leaf: Uint8Array;
    readonly path: readonly Uint8Array[];
    /** Signed note that the path leads to. */
    readonly checkpoint: string;
  };
  'read-checkpoint': { readonly checkpoint: string; readonly verifierKey: string };
  'read-metrics': { readonly text: string };
}
