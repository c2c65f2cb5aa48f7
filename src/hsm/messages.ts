import type { HsmKey, KeyClass, KeyName, NewKey, TokenFacts } from './contract.ts';

/* What the main thread and a session's thread say to each other. Every message to the thread has one answer, in order. */

export interface Connect {
  readonly modulePath: string;
  /** One of the two at least. */
  readonly serial: string | undefined;
  readonly label: string | undefined;
  /** In a buffer of its own, which goes to the thread. */
  readonly pin: Uint8Array<ArrayBuffer>;
  /** Ends everything of the module that may be there, and tries its known answers. Of the first thread only, while no other calls. */
  readonly afresh: boolean;
  /** Closes the session that the thread has. Not where the module was begun afresh: its number may be another thread's by now. */
  readonly leave: boolean;
}

export interface Questions {
  connect(how: Connect): TokenFacts;
  find(wanted: { readonly class: KeyClass; readonly id?: string; readonly label?: string }): HsmKey;
  list(): readonly HsmKey[];
  generate(wanted: NewKey): HsmKey;
  publicKey(key: KeyName): Uint8Array;
  destroy(key: KeyName): void;
  /** The last question. `last`: of the last thread, which ends the module. */
  close(last: boolean): void;
}

export type Question = {
  [Name in keyof Questions]: { readonly ask: Name; readonly args: Parameters<Questions[Name]> };
}[keyof Questions];

/** `rv`: a CKR_ value or one of ours (ckr.ts). `words`: of what no return value tells. */
export interface Failure {
  readonly rv: number;
  readonly fault?: 'tampered' | 'unavailable' | 'unsupported' | 'already-exists' | 'invalid-unseal';
  readonly words?: string;
}

export type Answer = { readonly value: unknown } | { readonly failure: Failure };

/** To a batch. */
export interface BatchAnswer {
  readonly answers: ArrayBuffer;
}

/** What the thread starts with: the word that it sleeps on, and beside it how many uses it has begun. */
export interface ThreadSettings {
  readonly words: Int32Array<SharedArrayBuffer>;
}
export const bellWord = 0;
export const begunWord = 1;

export function nameOf({ class: kind, id }: KeyName): string {
  return `${kind}:${id}`;
}

/** The inverse of `nameOf`. */
export function keyNamed(name: string): KeyName {
  const at = name.indexOf(':');
  return { class: name.slice(0, at) as KeyClass, id: name.slice(at + 1) };
}
