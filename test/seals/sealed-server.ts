/** A production server whose seals are tried: its processes, and its commands. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Ended, run, type Started, start } from '../process.ts';
import { type Answer, caller } from '../server/place.ts';
import type { Args, LivingSeal } from './table-seals.ts';

interface FiledSeal {
  readonly name: string;
  readonly kind: string;
  readonly guarded: string;
  readonly former?: object;
}

export class SealedServer {
  readonly data: string;
  /** Of the commands and the processes. */
  readonly #env: Record<string, string>;
  #process: Started | undefined;
  #officer = '';

  constructor(data: string, env: Readonly<Record<string, string>>) {
    this.data = data;
    this.#env = { ...env };
  }

  async init(kind: string, options: Args): Promise<Ended> {
    const made = await run(['init', '--data', this.data, '--seal', kind, ...options], { env: this.#env });
    assert.equal(made.code, 0, made.output);
    this.#officer = /CLAVIGER_TOKEN=(\S+)/.exec(made.output)![1]!;
    return made;
  }

  /** Kills the process before. `env`: instead of its own. */
  async start(options: Args = [], env: Readonly<Record<string, string>> = this.#env): Promise<void> {
    await this.kill();
    const args = ['server', '--data', this.data, '--listen', '127.0.0.1:0', ...options];
    this.#process = await start(args, { env: { ...env } });
  }

  /** A start that must fail. */
  async startsNothing(options: Args): Promise<Ended> {
    await this.kill();
    const args = ['server', '--data', this.data, '--listen', '127.0.0.1:0', ...options];
    const ended = await run(args, { env: this.#env, limit: 20_000 });
    assert.equal(ended.code, 1, ended.output);
    assertSentence(ended);
    return ended;
  }

  async kill(): Promise<void> {
    await this.#process?.stop('SIGKILL');
    this.#process = undefined;
  }

  /** Ends it in good order. */
  async stop(): Promise<void> {
    const { code, output } = await this.#process!.stop();
    this.#process = undefined;
    assert.equal(code, 0, output);
  }

  output(): string {
    return this.#process!.output();
  }

  /** As its security officer. */
  command(...args: Args): Promise<Ended> {
    return run([...args, '--data', this.data], { env: { ...this.#env, CLAVIGER_TOKEN: this.#officer }, limit: 40_000 });
  }

  /** Runs a command, which must succeed once all have brought what they have, and not before. */
  async commandBy(args: Args, bring: readonly Args[]): Promise<void> {
    const all = bring.length === 0 ? [[]] : bring;
    for (const [i, options] of all.entries()) {
      const ended = await this.command(...args, ...options);
      assert.equal(ended.code, i === all.length - 1 ? 0 : 1, ended.output);
    }
  }

  async refuses(args: Args, words: RegExp): Promise<void> {
    const ended = await this.command(...args);
    assert.notEqual(ended.code, 0, ended.output);
    assert.match(ended.output, words);
    assertSentence(ended);
  }

  async assertWorks(): Promise<void> {
    assert.equal((await this.#list()).status, 200, this.output());
  }

  async assertSealed(): Promise<void> {
    const { status, body } = await this.#list();
    assert.equal(status, 503, this.output());
    assert.match(body, /sealed/);
  }

  async becomesUnsealed(): Promise<void> {
    for (const end = performance.now() + 30_000; performance.now() < end; await sleep(200))
      if ((await this.#list()).status === 200) return;
    assert.fail(this.output());
  }

  /** Starts it by this seal, whoever has to be there for that. */
  async open(seal: LivingSeal): Promise<void> {
    const alone = seal.start();
    await this.start(alone);
    if (alone === undefined) await this.commandBy(['unseal'], seal.bring());
    await this.assertWorks();
  }

  /** The only seal that its file has. */
  onlySeal(): FiledSeal {
    const { seals } = JSON.parse(readFileSync(join(this.data, 'seal.json'), 'utf8')) as { seals: readonly FiledSeal[] };
    assert.equal(seals.length, 1);
    return seals[0]!;
  }

  async #list(): Promise<Answer> {
    const asking = caller(this.#process!.url, this.data);
    try {
      const authorization = `Bearer ${this.#officer}`;
      return await asking.send('GET', '/claviger/v1/identities', '', { authorization });
    } finally {
      asking.close();
    }
  }
}

function assertSentence({ output }: Ended): void {
  assert.doesNotMatch(output, /^\s+at /m, 'a sentence, no stack');
}
