import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { KmsError, type SecretBytes } from '#domain/domain.ts';
import { ckr, notBegun } from './ckr.ts';
import type { HsmUse, TokenFacts } from './contract.ts';
import { CallFailed } from './failure.ts';
import type { Questions } from './messages.ts';
import { isLost, isPinRefusal, toError } from './return-values.ts';
import { Thread, type Waiting } from './thread.ts';

export interface PoolSettings {
  readonly modulePath: string;
  readonly serial: string | undefined;
  readonly label: string | undefined;
  /** The pool's own. */
  readonly pin: SecretBytes;
  readonly sessions: number;
  readonly deadline: number;
}

/** Milliseconds between attempts to reach a token that was lost: doubled from the first to the last. */
const firstPause = 25;
const longestPause = 1000;
/** Waiting uses; more are refused at once. */
const longestQueue = 20_000;
/** Microseconds. */
const soon = 500;
/** Of each session, those that hang included. */
const mostThreads = 3;
/** Batches of a thread: one that it works on, and one that it finds when it has done so. */
const batchesEach = 2;

/** The sessions of one token: shares uses among them, gives up what takes too long, and brings back what was lost. */
export class Pool {
  readonly #settings: PoolSettings;
  /** Known once it was opened; from then on no other token will do. */
  #serial: string | undefined;
  /** Fewer than were asked for where the token has no more. */
  #sessions: number;
  readonly #threads: Thread[] = [];
  #queue: Waiting[] = [];
  #flushing = false;
  #timer: NodeJS.Timeout | undefined;
  #pending = 0;
  /** Resolves when sessions are there; undefined while they are. */
  #recovery: Promise<void> | undefined;
  #outage: KmsError | undefined;
  #failures = 0;
  /** Why nothing is tried any more. */
  #end: KmsError | undefined;
  readonly #stopping = new AbortController();

  constructor(settings: PoolSettings) {
    this.#settings = settings;
    this.#serial = settings.serial;
    this.#sessions = settings.sessions;
  }

  /** Once, before anything else. Tries once. */
  async open(): Promise<TokenFacts> {
    try {
      const facts = await this.#connect();
      this.#serial = facts.serial;
      return facts;
    } catch (error) {
      await this.close();
      throw this.#meaning(error);
    }
  }

  use(key: string, use: HsmUse): Promise<Uint8Array> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    if (this.#queue.length >= longestQueue)
      return Promise.reject(new KmsError('throttled', `${this.#name} has too much to do.`));
    return new Promise((resolve, reject) => {
      const expires = performance.now() + this.#settings.deadline;
      this.#queue.push({ key, use, expires, resolve, reject, settled: false });
      if (this.#pending++ === 0) this.#watch();
      if (this.#flushing) return;
      this.#flushing = true;
      queueMicrotask(() => this.#flush());
    });
  }

  /** A question that is not part of the hot path. `repeat`: it may be asked again where the session was lost meanwhile. */
  async ask<Name extends 'find' | 'list' | 'generate' | 'publicKey' | 'destroy'>(
    { repeat, within = this.#settings.deadline }: { readonly repeat: boolean; readonly within?: number },
    name: Name,
    ...args: Parameters<Questions[Name]>
  ): Promise<ReturnType<Questions[Name]>> {
    const expires = performance.now() + within;
    for (;;) {
      if (this.#recovery !== undefined) await this.#before(expires, this.#recovery);
      if (this.#end !== undefined) throw this.#end;
      const thread = this.#ready().sort((a, b) => a.load - b.load)[0];
      if (thread === undefined) {
        this.#lost();
        continue;
      }
      try {
        const answer = await this.#before(expires, thread.ask(name, ...args), thread);
        this.#failures = 0;
        return answer;
      } catch (error) {
        if (!(error instanceof CallFailed)) throw error;
        const { rv, fault } = error.failure;
        if (fault !== undefined || !isLost(rv)) throw this.#meaning(error);
        thread.connected = false;
        this.#lost(toError(rv, this.#name));
        if (!repeat) throw this.#meaning(error);
      }
    }
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    this.#fail(new KmsError('unavailable', `${this.#name} was closed.`));
    this.#settings.pin.dispose();
    const answering = this.#threads.filter((thread) => !thread.gone && !thread.stuck);
    // One after the other: the last ends the module, when no other is in it.
    for (const [i, thread] of answering.entries()) {
      const last = i === answering.length - 1 && answering.length === this.#threads.length;
      const grace = sleep(this.#settings.deadline, undefined, { ref: false });
      await Promise.race([thread.end(last), grace]).catch(() => {});
    }
  }

  get #name(): string {
    return `The token ${this.#serial ?? `"${this.#settings.label}"`}`;
  }

  #ready(): Thread[] {
    return this.#threads.filter(({ connected, stuck, gone }) => connected && !stuck && !gone);
  }

  /** Hands out what waits. */
  #flush(): void {
    this.#flushing = false;
    if (this.#recovery !== undefined || this.#queue.length === 0) return;
    const ready = this.#ready();
    if (ready.length === 0) this.#lost();
    const open = ready.filter(({ asked }) => !asked);
    // Calls that are over so soon keep a processor busy rather than wait: more threads than processors would only take turns.
    const useful = (open[0]?.each ?? 0) < soon ? open.slice(0, Math.max(1, availableParallelism())) : open;
    const free = useful.filter(({ load }) => load < batchesEach).sort((a, b) => a.load - b.load);
    for (const [i, thread] of free.entries()) {
      if (this.#queue.length === 0) return;
      const share = Math.ceil(this.#queue.length / (free.length - i));
      thread.give(this.#queue.splice(0, Math.min(share, thread.batch)));
    }
  }

  #settle(thread: Thread, waiting: Waiting, rv: number, answer: Uint8Array | undefined): void {
    if (waiting.settled) {
      answer?.fill(0);
      return;
    }
    if (answer !== undefined) {
      this.#failures = 0;
      this.#done(waiting).resolve(answer);
    } else if (rv === notBegun || isLost(rv)) {
      // Every use may be repeated: none changes what the token keeps.
      this.#queue.unshift(waiting);
      if (rv === notBegun || this.#end !== undefined) return;
      thread.connected = false;
      this.#lost(toError(rv, this.#name));
    } else this.#done(waiting).reject(toError(rv, this.#name));
  }

  #done(waiting: Waiting): Waiting {
    waiting.settled = true;
    this.#pending--;
    if (this.#pending === 0) this.#timer?.unref();
    return waiting;
  }

  /** While somebody waits; and a while longer, since the next one often comes at once. */
  #watch(): void {
    this.#timer?.ref();
    this.#timer ??= setInterval(() => this.#expire(), Math.max(5, Math.min(250, this.#settings.deadline / 8)));
  }

  /** Who waited too long is told so, and a thread that is in a call for too long is left to it. */
  #expire(): void {
    if (this.#pending === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    const now = performance.now();
    const late = () =>
      this.#outage ?? new KmsError('unavailable', `${this.#name} did not answer in ${this.#settings.deadline} ms.`);
    this.#queue = this.#queue.filter((waiting) => {
      if (waiting.expires > now) return true;
      this.#done(waiting).reject(late());
      return false;
    });
    for (const thread of this.#threads) {
      const { current } = thread;
      if (current !== undefined && current.expires <= now) this.#leaveStuck(thread, late());
    }
    this.#flush();
  }

  /** What waits behind the call that hangs goes to another thread. */
  #leaveStuck(thread: Thread, error: KmsError): void {
    thread.stuck = true;
    const now = performance.now();
    const { current } = thread;
    for (const waiting of [...thread.waiting()]) {
      if (waiting.settled) continue;
      if (waiting === current || waiting.expires <= now) this.#done(waiting).reject(error);
      else {
        // Its answer, should it come, is nobody's: a second entry takes the place of the first.
        const again: Waiting = { ...waiting };
        waiting.settled = true;
        this.#queue.push(again);
      }
    }
    if (this.#ready().length > 0) void this.#replace();
    else this.#lost(error);
  }

  /** Another thread for one that hangs, while the others go on. */
  async #replace(): Promise<void> {
    if (this.#recovery !== undefined || this.#threads.length >= mostThreads * this.#sessions) return;
    const thread = this.#start();
    try {
      await this.#join(thread, false, false);
      this.#flush();
    } catch (error) {
      this.#lost(this.#meaning(error));
    }
  }

  #lost(why?: KmsError): void {
    if (why !== undefined) this.#outage = why;
    if (this.#recovery !== undefined || this.#end !== undefined) return;
    this.#recovery = this.#recover().finally(() => {
      this.#recovery = undefined;
      this.#flush();
    });
  }

  /** Until there are sessions again, or none will ever be. */
  async #recover(): Promise<void> {
    const signal = this.#stopping.signal;
    while (this.#end === undefined) {
      const pause = this.#failures === 0 ? 0 : Math.min(longestPause, firstPause * 2 ** (this.#failures - 1));
      this.#failures++;
      if (pause > 0) await sleep(pause, undefined, { signal, ref: false }).catch(() => {});
      if (this.#end !== undefined) return;
      try {
        await this.#connect();
        this.#outage = undefined;
        return;
      } catch (error) {
        this.#outage = this.#meaning(error);
        if (!(error instanceof CallFailed) || !isPinRefusal(error.failure.rv)) continue;
        const words = `${this.#name} no longer takes the PIN that it was opened with, which is not tried again: a token locks itself after a few.`;
        this.#fail(new KmsError('unavailable', words));
      }
    }
  }

  /** Every session anew. The module is begun afresh where no thread is in a call of it, which PKCS#11 asks for (section 5.4). */
  async #connect(): Promise<TokenFacts> {
    await this.#quiet();
    const stuck = this.#threads.filter((thread) => thread.stuck && !thread.gone);
    this.#threads.splice(0, Infinity, ...this.#threads.filter(({ gone }) => !gone));
    const limit = Math.min(this.#sessions + stuck.length, mostThreads * this.#sessions);
    const usable = () => this.#threads.filter((thread) => !thread.stuck && !thread.gone);
    while (usable().length < this.#sessions && this.#threads.length < limit) this.#start();
    const afresh = stuck.length === 0;
    let facts: TokenFacts | undefined;
    for (const thread of usable()) {
      try {
        facts = (await this.#join(thread, afresh && facts === undefined, !afresh)) ?? facts;
      } catch (error) {
        // A token may have fewer sessions than were asked for.
        const full = error instanceof CallFailed && error.failure.rv === ckr.SESSION_COUNT;
        if (facts === undefined || !full) throw error;
        this.#threads.splice(this.#threads.indexOf(thread), 1);
        this.#sessions = Math.max(1, this.#ready().length);
        await thread.end(false);
      }
    }
    if (facts !== undefined) return facts;
    const words = `${this.#name} is in calls that have not come back, with every thread that it may have.`;
    throw new CallFailed({ rv: ckr.FUNCTION_FAILED, fault: 'unavailable', words });
  }

  async #join(thread: Thread, afresh: boolean, leave: boolean): Promise<TokenFacts> {
    const { modulePath, label, pin, deadline } = this.#settings;
    const expires = performance.now() + 2 * deadline;
    await this.#before(expires, thread.started, thread);
    // Handed over, not copied; the thread wipes it.
    const bytes = new Uint8Array(new ArrayBuffer(pin.length));
    bytes.set(pin.expose());
    const connected = thread.ask('connect', { modulePath, serial: this.#serial, label, pin: bytes, afresh, leave });
    const facts = await this.#before(expires, connected, thread);
    thread.connected = true;
    return facts;
  }

  #start(): Thread {
    const thread: Thread = new Thread(
      (waiting, rv, answer) => this.#settle(thread, waiting, rv, answer),
      () => this.#flush(),
    );
    thread.started.catch(() => {});
    this.#threads.push(thread);
    return thread;
  }

  /**
   * Resolves once every thread that isn't stuck has answered all that it was given. One that takes its time, as for making a key, is left to
   * it, so that who waits may still be answered.
   */
  async #quiet(): Promise<void> {
    const end = performance.now() + this.#settings.deadline / 2;
    const busy = () => this.#threads.filter(({ load, stuck, gone }) => load > 0 && !stuck && !gone);
    for (let left = busy(); left.length > 0; left = busy()) {
      if (performance.now() > end) for (const thread of left) thread.stuck = true;
      else await sleep(1, undefined, { ref: false });
    }
  }

  /** Rejects with 'unavailable' at that time, and leaves a thread that it waited for to its call. */
  async #before<T>(expires: number, answer: Promise<T>, thread?: Thread): Promise<T> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => {
        if (thread !== undefined) thread.stuck = true;
        reject(this.#outage ?? new KmsError('unavailable', `${this.#name} did not answer in time.`));
      },
      Math.max(0, expires - performance.now()),
    );
    try {
      return await Promise.race([answer, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** From now on everything is refused. */
  #fail(error: KmsError): void {
    this.#end ??= error;
    for (const waiting of this.#queue.splice(0)) this.#done(waiting).reject(this.#end);
    for (const thread of this.#threads)
      for (const waiting of thread.waiting()) if (!waiting.settled) this.#done(waiting).reject(this.#end);
  }

  #meaning(error: unknown): KmsError {
    if (error instanceof KmsError) return error;
    if (!(error instanceof CallFailed)) return new KmsError('unavailable', `${this.#name} can't be used.`);
    const { rv, fault, words } = error.failure;
    return fault === undefined ? toError(rv, this.#name) : new KmsError(fault, words ?? this.#name);
  }
}
