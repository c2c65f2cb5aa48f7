import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import { type RunningServer, startServer } from '../harness.ts';
import { ask, b64, bao, type OpenBao, startOpenBao } from '../openbao.ts';

/*
 * A migration that is killed with -9 at each of its steps: before and after every request that it makes, to either server, and between
 * its answer and the journal's line. Whatever was killed, each key and secret is here whole or not at all; and the next run goes on.
 * All steps are tried with CLAVIGER_ALL_KILLS=1, else every so many.
 */

const skip = bao.missing;
const bin = fileURLToPath(new URL('../../bin/claviger.js', import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'claviger-kills-'));
const tokenFile = join(home, 'token');

let source: OpenBao;
let server: RunningServer;
let token: string;
let ca: string;

const message = b64('attack at dawn');
const made: Record<string, string[]> = {};

before(async () => {
  if (skip) return;
  [source, server] = await Promise.all([startOpenBao(), startServer()]);
  const env = await server.env();
  token = env.VAULT_TOKEN!;
  ca = env.VAULT_CACERT!;
  tls.setDefaultCACertificates([readFileSync(ca, 'utf8')]);
  writeFileSync(tokenFile, source.token);
  const { call } = source;
  for (const name of ['one', 'two']) {
    made[name] = [];
    await call('POST', `transit/keys/${name}`, { exportable: true, allow_plaintext_backup: name === 'two' });
    for (let version = 1; version <= 3; version++) {
      if (version > 1) await call('POST', `transit/keys/${name}/rotate`);
      made[name]!.push((await call('POST', `transit/encrypt/${name}`, { plaintext: message })).data.ciphertext);
    }
  }
  for (let i = 1; i <= 3; i++) await call('POST', 'secret/data/app', { data: { i } });
  await call('POST', 'kv/plain', { v: 1 });
});

after(async () => {
  await source?.stop();
  try {
    await server?.claviger('audit', 'verify');
  } finally {
    await server?.stop();
    rmSync(home, { recursive: true });
  }
});

/** Stands between the command and a server, and kills the command before or after the request that is named. */
class Assassin {
  readonly #counted: { steps: number };
  readonly #at: number;
  victim: ChildProcess | undefined;
  readonly url: () => string;
  readonly close: () => void;

  constructor(listener: http.Server, scheme: string, counted: { steps: number }, at: number) {
    this.#counted = counted;
    this.#at = at;
    this.url = () => `${scheme}://127.0.0.1:${(listener.address() as AddressInfo).port}`;
    this.close = () => {
      listener.closeAllConnections();
      listener.close();
    };
  }

  /** One step of the run; answers whether it was the last one. */
  strikes(): boolean {
    if (++this.#counted.steps !== this.#at) return false;
    this.victim?.kill('SIGKILL');
    return true;
  }
}

async function between(url: string, counted: { steps: number }, at: number): Promise<Assassin> {
  const listener = http.createServer();
  const assassin = new Assassin(listener, 'http', counted, at);
  listener.on('request', (request, response) => {
    if (assassin.strikes()) return;
    const target = new URL(url);
    const { request: send } = target.protocol === 'https:' ? https : http;
    const options = { method: request.method!, path: request.url!, headers: request.headers, ca: readFileSync(ca) };
    const onward = send(target, options, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        // Done there, and never told.
        if (assassin.strikes()) return;
        response.writeHead(answer.statusCode!, answer.headers);
        response.end(Buffer.concat(chunks));
      });
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return assassin;
}

interface Ended {
  readonly killed: boolean;
  readonly output: string;
  /** Steps that it took. */
  readonly steps: number;
}

/** Runs the migration, and kills it at that step. */
async function migrate(journal: string, at: number): Promise<Ended> {
  const counted = { steps: 0 };
  const [from, to] = [await between(source.url, counted, at), await between(server.url, counted, at)];
  const args = [
    'migrate',
    'vault',
    '--from',
    from.url(),
    '--from-token-file',
    tokenFile,
    '--journal',
    journal,
    '--json',
  ];
  const env = { ...process.env, CLAVIGER_ADDR: to.url(), CLAVIGER_TOKEN: token };
  const child = spawn(process.execPath, [bin, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  from.victim = child;
  to.victim = child;
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    child.once('close', (code, by) => resolve([code, by])),
  );
  for (const assassin of [from, to]) assassin.close();
  return { killed: signal === 'SIGKILL', output, steps: counted.steps };
}

const here = (method: string, path: string, body?: object) => ask({ url: server.url, token }, method, path, body);

/** Everything that is here is whole; answers how much that is. */
async function assertWhole(what: string): Promise<number> {
  let found = 0;
  for (const [name, ciphertexts] of Object.entries(made)) {
    const { status, data } = await here('GET', `transit/keys/${name}`);
    if (status === 404) continue;
    found++;
    assert.equal(data.latest_version, 3, what);
    for (const ciphertext of ciphertexts) {
      const opened = await here('POST', `transit/decrypt/${name}`, { ciphertext });
      assert.equal(opened.data?.plaintext, message, what);
    }
  }
  const { status, data } = await here('GET', 'secret/metadata/app');
  if (status !== 404) {
    found++;
    assert.equal(data.current_version, 3, what);
    for (let version = 1; version <= 3; version++) {
      const { data: read } = await here('GET', `secret/data/app?version=${version}`);
      assert.deepEqual(read.data, { i: version }, what);
    }
  }
  const plain = await here('GET', 'kv/plain');
  if (plain.status !== 404) {
    found++;
    assert.deepEqual(plain.data, { v: 1 }, what);
  }
  return found;
}

/** As before any migration. */
async function forget(): Promise<void> {
  for (const name of Object.keys(made)) {
    if ((await here('GET', `transit/keys/${name}`)).status === 404) continue;
    await here('POST', `transit/keys/${name}/config`, { deletion_allowed: true });
    await here('DELETE', `transit/keys/${name}`);
  }
  await here('DELETE', 'secret/metadata/app');
  await here('DELETE', 'kv/plain');
}

test('kill -9 at every step of a migration leaves nothing half here, and the next run goes on', {
  skip,
  timeout: 600_000,
}, async () => {
  const every = process.env.CLAVIGER_ALL_KILLS === '1' ? 1 : 13;
  const { steps, output } = await migrate(join(home, 'whole'), 0);
  assert.equal(await assertWhole('without a kill'), 4, output);
  assert.ok(steps > 60, `${steps} steps`);
  let halfway = 0;
  for (let at = 1; at <= steps; at += every) {
    await forget();
    const journal = join(home, `at-${at}`);
    const what = `killed at step ${at} of ${steps}`;
    const first = await migrate(journal, at);
    assert.ok(first.killed, `${what}: ${first.output}`);
    const found = await assertWhole(what);
    if (found > 0 && found < 4) halfway++;
    const second = await migrate(journal, 0);
    assert.equal(await assertWhole(`${what}, and run again`), 4, second.output);
    const { failed, left, differing, verified } = JSON.parse(second.output);
    assert.deepEqual([failed, left, differing, verified], [[], [], [], 4], what);
  }
  assert.ok(halfway > 0, 'no kill was in the middle of it');
});

test('kill -9 again and again, each time a little later, ends with everything here', {
  skip,
  timeout: 120_000,
}, async () => {
  await forget();
  const journal = join(home, 'again');
  const every = process.env.CLAVIGER_ALL_KILLS === '1' ? 3 : 16;
  for (let at = 4; ; at += every) {
    const ended = await migrate(journal, at);
    await assertWhole(`killed at its step ${at}`);
    if (!ended.killed) break;
  }
  assert.equal(await assertWhole('in the end'), 4);
});
