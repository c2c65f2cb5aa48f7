import type { Worker } from 'node:worker_threads';
import { KmsError } from '#domain/domain.ts';
import { CommitConflict } from '../durable-state.ts';
import type { Answers, Calls, Failure, Question } from './messages.ts';

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: KmsError) => void;
}

/** The main thread's end of the worker: questions go in order and are answered in order. */
export class Courier {
  readonly #worker: Worker;
  readonly #bell: Int32Array<SharedArrayBuffer>;
  readonly #waiting: Waiting[] = [];
  readonly #gone: Promise<void>;
  #end: KmsError | undefined;

  /** `bell` is the word that the worker sleeps on. */
  constructor(worker: Worker, bell: Int32Array<SharedArrayBuffer>) {
    this.#worker = worker;
    this.#bell = bell;
    worker.on('message', (answers: Answers) => this.#take(answers));
    worker.on('error', ({ name, code }: NodeJS.ErrnoException) =>
      this.#finish(`The storage thread failed (${code ?? name}).`),
    );
    this.#gone = new Promise((resolve) => {
      worker.on('exit', () => {
        this.#finish('The storage thread has ended.');
        resolve();
      });
    });
  }

  /** What the worker says first, before any question: whether it could open its files. */
  opened(): Promise<void> {
    return this.#awaitAnswer();
  }

  ask<Name extends keyof Calls>(name: Name, ...args: Parameters<Calls[Name]>): Promise<ReturnType<Calls[Name]>> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    const question: Question<Name> = [name, args];
    this.#worker.postMessage(question);
    Atomics.add(this.#bell, 0, 1);
    Atomics.notify(this.#bell, 0);
    return this.#awaitAnswer();
  }

  /** The last question. Resolves when the worker has let go of its files; at once where it is gone already. */
  async close(): Promise<void> {
    if (this.#end !== undefined) return this.#gone;
    const closed = this.ask('close');
    this.#end = new KmsError('unavailable', 'The store is closed.');
    await closed;
    await this.#gone;
  }

  #awaitAnswer<T>(): Promise<T> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #take(answers: Answers): void {
    for (const answer of answers) {
      const waiting = this.#waiting.shift()!;
      if ('failure' in answer) waiting.reject(toError(answer.failure));
      else waiting.resolve(answer.value as never);
    }
  }

  /** Whoever waits, and whoever asks from now on, is refused. */
  #finish(reason: string): void {
    this.#end ??= new KmsError('unavailable', reason);
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#end);
  }
}

function toError({ code, message, change }: Failure): KmsError {
  return change === undefined ? new KmsError(code, message) : new CommitConflict(change);
}
