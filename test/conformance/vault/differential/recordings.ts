import { readFileSync } from 'node:fs';
import type { Answer } from './play.ts';

export interface Recording {
  /** OpenBao's version. */
  readonly openbao: string;
  readonly answers: readonly Answer[];
}

export function recordingOf(scenario: string): URL {
  return new URL(`recorded/${scenario}.json`, import.meta.url);
}

export function readRecording(scenario: string): Recording {
  return JSON.parse(readFileSync(recordingOf(scenario), 'utf8'));
}

/** scenario -> call -> the ways in which Claviger's answer differs. */
export type Differences = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

/** Why answers differ; `src/wire/vault/DIVERGENCES.md` says the same. Each pattern is a regular expression; the first that fits counts. */
export interface Reason {
  readonly why: string;
  readonly differences: ReadonlyArray<{
    readonly scenario: string;
    readonly call: string;
    readonly difference: string;
  }>;
}

export function readReasons(): readonly Reason[] {
  return JSON.parse(readFileSync(new URL('reasons.json', import.meta.url), 'utf8'));
}
