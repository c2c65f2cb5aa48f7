import type { Command, DueRotation, Gate, Result, RotationStep } from '#domain/domain.ts';

/** What a rotator is told, as the rotation functions of AWS are. */
export interface RotatorCall {
  readonly Step: 'createSecret' | 'setSecret' | 'testSecret' | 'finishSecret';
  readonly SecretId: string;
  readonly ClientRequestToken: string;
}

/** Does one step. Rejects where it couldn't, with a reason that may be shown; the same step is then asked for again. */
export type Rotator = (call: RotatorCall, signal: AbortSignal) => Promise<void>;

/** By the names that callers use. */
export interface Rotators {
  find(name: string): Rotator | undefined;
}

const calls = {
  create: 'createSecret',
  set: 'setSecret',
  test: 'testSecret',
  finish: 'finishSecret',
} as const satisfies Record<RotationStep, RotatorCall['Step']>;

/** Why a rotator says that it failed. Any other error is the server's own and is told to nobody. */
export class RotatorFailure extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'RotatorFailure';
  }
}

/** Rotators called at the same time; what is due beyond them is taken up by the next run. */
const most = 16;

interface Options {
  readonly rotators: Rotators;
  readonly newRequestId: () => string;
  readonly onFailure: (error: unknown) => void;
}

/**
 * Calls rotators, one step of a secret after the other. Which step is due is kept by the server before any of them is called, and what
 * became of it told before the next: what a crash cuts off is done again from the step that wasn't told.
 */
export class Rotations {
  readonly #gate: Gate;
  readonly #options: Options;
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #stopping = new AbortController();

  constructor(gate: Gate, options: Options) {
    this.#gate = gate;
    this.#options = options;
  }

  /** Returns at once. A secret whose rotator is being called is left alone. */
  begin(steps: readonly DueRotation[]): void {
    for (const step of steps) {
      const secret = `${step.realm}/${step.secretId}`;
      if (this.#underWay.size >= most || this.#stopping.signal.aborted) return;
      if (this.#underWay.has(secret)) continue;
      const run = this.#follow(step)
        .catch(this.#options.onFailure)
        .finally(() => this.#underWay.delete(secret));
      this.#underWay.set(secret, run);
    }
  }

  async #follow(first: DueRotation): Promise<void> {
    const { signal } = this.#stopping;
    for (let due: DueRotation | undefined = first; due !== undefined && !signal.aborted; ) {
      const failure = await this.#call(due);
      if (signal.aborted) return;
      const { realm, secretId, versionId, step }: DueRotation = due;
      const command: Command<'report-rotation'> = {
        ...{ kind: 'report-rotation', realm, secretId, versionId, step },
        ...(failure !== undefined && { failure }),
      };
      const origin = { protocol: 'job', operation: 'rotation', peer: '', requestId: this.#options.newRequestId() };
      const proof = { kind: 'system', name: 'rotation' } as const;
      const told: Result<'report-rotation'> = await this.#gate.perform(proof, command, origin);
      due = told.next;
    }
  }

  /** Why it failed; undefined where it didn't. */
  async #call({ step, resource, versionId, rotator: name }: DueRotation): Promise<string | undefined> {
    const rotator = this.#options.rotators.find(name);
    if (rotator === undefined) return 'The rotation function is not registered with the server any more.';
    try {
      await rotator({ Step: calls[step], SecretId: resource, ClientRequestToken: versionId }, this.#stopping.signal);
      return undefined;
    } catch (error) {
      if (!(error instanceof RotatorFailure)) this.#options.onFailure(error);
      return error instanceof RotatorFailure ? error.message : 'The rotation function could not be called.';
    }
  }

  /** Resolves once nobody is being called. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay.values());
  }

  stop(): Promise<void> {
    this.#stopping.abort();
    return this.settled();
  }
}
