import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
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

export const differencesFile = fileURLToPath(new URL('differences.json', import.meta.url));

export function listedDifferences(): Differences {
  return JSON.parse(readFileSync(differencesFile, 'utf8'));
}
