import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { KmsError } from '#domain/domain.ts';
import { ckr, notBegun } from './ckr.ts';
import type { HsmUse } from './contract.ts';
import { CallFailed } from './failure.ts';
import {
  type Answer,
  type BatchAnswer,
  begunWord,
  bellWord,
  type Question,
  type Questions,
  type ThreadSettings,
} from './messages.ts';
import { type Batch, pack, readAnswers } from './packing.ts';

/** A use that somebody waits for. */
export interface Waiting {
  readonly key: string;
  readonly use: HsmUse;
  /** On the clock of `performance.now`. */
  readonly expires: number;
  /** Not called twice. */
  readonly resolve: (answer: Uint8Array) => void;
  readonly reject: (error: KmsError) => void;
  settled: boolean;
}

/** What becomes of the uses of a batch: the pool's part. */
export type Settle = (waiting: Waiting, rv: number, answer: Uint8Array | undefined) => void;

interface UnderWay {
  readonly uses?: readonly Waiting[];
  readonly resolve?: (value: never) => void;
  readonly reject?: (error: Error) => void;
}

const fewest = 1;
const most = 64;
/** Microseconds that a batch is to take: long enough that waking a thread costs little, short enough to share work among threads. */
const batchTime = 1000;

/** The main thread's end of a session's thread. */
export class Thread {
  readonly #worker: Worker;
  readonly #words = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
  readonly #underWay: UnderWay[] = [];
  readonly #settle: Settle;
  readonly #changed: () => void;
  /** Rejects with 'unsupported' where the binding can't be loaded. */
  readonly started: Promise<void>;
  readonly ended: Promise<void>;
  /** A call of it took longer than it may. What it was asked since is not waited for. */
  stuck = false;
  /** Its module can be used: connected, and no session lost since. */
  connected = false;
  gone = false;
  #begunBefore = 0;
  #batch = 16;
  #each = 0;
  #since = 0;

  /** `settle` is called for each use, then `changed` once per answer. */
  constructor(settle: Settle, changed: () => void) {
    this.#settle = settle;
    this.#changed = changed;
    const script = new URL(`./worker${extname(import.meta.url)}`, import.meta.url);
    const workerData: ThreadSettings = { words: this.#words };
    // Flags meant for the main script would stop the worker from starting.
    this.#worker = new Worker(script, { workerData, name: 'hsm', execArgv: [] });
    // Whoever waits for an answer keeps the process, by the pool's timer: an idle session doesn't.
    this.#worker.unref();
    this.started = new Promise((resolve, reject) => this.#underWay.push({ resolve, reject }));
    this.#worker.on('message', (answer: Answer | BatchAnswer) => this.#take(answer));
    this.#worker.on('error', () => this.#lose());
    this.ended = new Promise((resolve) => {
      this.#worker.on('exit', () => {
        this.#lose();
        resolve();
      });
    });
  }

  /** Batches and questions that it was given and didn't answer. */
  get load(): number {
    return this.#underWay.length;
  }

  /** Whether a question is under way, or waits: behind one that makes a key, uses would wait for minutes. */
  get asked(): boolean {
    return this.#underWay.some(({ uses }) => uses === undefined);
  }

  /** How many uses it is to be given at once. */
  get batch(): number {
    return this.#batch;
  }

  /** Microseconds that a use took of late; 0: not known. */
  get each(): number {
    return this.#each;
  }

  /** The use that the token works on now. */
  get current(): Waiting | undefined {
    const begun = Atomics.load(this.#words, begunWord) - this.#begunBefore;
    return begun > 0 ? this.#underWay[0]?.uses?.[begun - 1] : undefined;
  }

  /** Everything that was handed to it and has no answer, in order. */
  *waiting(): Iterable<Waiting> {
    for (const { uses } of this.#underWay) if (uses !== undefined) yield* uses;
  }

  give(uses: readonly Waiting[]): void {
    const batch = pack(uses);
    if (this.#underWay.length === 0) this.#since = performance.now();
    this.#underWay.push({ uses });
    this.#post(batch, [batch.bytes]);
  }

  /** Rejects with `CallFailed`. */
  ask<Name extends keyof Questions>(
    name: Name,
    ...args: Parameters<Questions[Name]>
  ): Promise<ReturnType<Questions[Name]>> {
    return new Promise((resolve, reject) => {
      if (this.gone) return reject(new CallFailed({ rv: ckr.SESSION_CLOSED }));
      this.#underWay.push({ resolve, reject });
      const [{ pin } = {}] = args as readonly [{ readonly pin?: Uint8Array<ArrayBuffer> }?];
      this.#post({ ask: name, args } as unknown as Question, pin === undefined ? [] : [pin.buffer]);
    });
  }

  /** The last question. `last`: of the last thread of the module. */
  async end(last: boolean): Promise<void> {
    this.#worker.ref();
    await this.ask('close', last);
    await this.ended;
  }

  #post(message: Question | Batch, handedOver: ArrayBuffer[]): void {
    this.#worker.postMessage(message, handedOver);
    Atomics.add(this.#words, bellWord, 1);
    Atomics.notify(this.#words, bellWord);
  }

  #take(answer: Answer | BatchAnswer): void {
    const { uses, resolve, reject } = this.#underWay.shift() ?? {};
    this.stuck = false;
    if ('answers' in answer) this.#takeBatch(uses ?? [], answer);
    else if ('failure' in answer) reject?.(new CallFailed(answer.failure));
    else resolve?.(answer.value as never);
    this.#changed();
  }

  #takeBatch(uses: readonly Waiting[], { answers }: BatchAnswer): void {
    let begun = 0;
    readAnswers(answers, uses.length, (i, rv, answer) => {
      if (rv !== notBegun) begun++;
      const waiting = uses[i]!;
      this.#settle(waiting, rv, rv === ckr.OK ? copyOf(answer, waiting.use) : undefined);
    });
    this.#begunBefore += begun;
    this.#measure(begun);
  }

  /** How long a use takes decides how many go together. */
  #measure(uses: number): void {
    const now = performance.now();
    if (uses > 0) {
      const each = ((now - this.#since) * 1000) / uses;
      this.#each = this.#each === 0 ? each : (this.#each * 7 + each) / 8;
      const wanted = Math.round(batchTime / each);
      this.#batch = Math.max(fewest, Math.min(most, Math.ceil((this.#batch + wanted) / 2)));
    }
    this.#since = now;
  }

  #lose(): void {
    if (this.gone) return;
    this.gone = true;
    this.connected = false;
    for (const { uses, reject } of this.#underWay.splice(0)) {
      for (const waiting of uses ?? []) this.#settle(waiting, ckr.SESSION_CLOSED, undefined);
      reject?.(new CallFailed({ rv: ckr.SESSION_CLOSED }));
    }
    this.#changed();
  }
}

/** A plaintext doesn't go on V8's heap, where small arrays lie otherwise: it moves them and leaves copies behind. */
function copyOf(answer: Uint8Array, { use }: HsmUse): Uint8Array {
  if (use !== 'decrypt-gcm' && use !== 'decrypt-oaep') return answer.slice();
  const copy = new Uint8Array(new ArrayBuffer(answer.length));
  copy.set(answer);
  return copy;
}
