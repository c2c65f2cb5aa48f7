import assert from 'node:assert/strict';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { KMS } from '@aws-sdk/client-kms';
import { type Ended, run, type Started, start } from '../process.ts';

const home = mkdtempSync(join(tmpdir(), 'claviger-backup-'));
const data = join(home, 'data');
const away = join(home, 'away');
const passphraseFile = join(home, 'passphrase');
const opening = ['--passphrase-file', passphraseFile];
let officer: string;
let admin: { token: string; accessKeyId: string; secretAccessKey: string };
let user: typeof admin;
let server: Started;

interface Json {
  readonly [name: string]: unknown;
}

/** A server of one of the folders. */
class Asked {
  readonly #url: string;
  readonly #agent: Agent;

  constructor(url: string, folder: string) {
    this.#url = url;
    this.#agent = new Agent({ ca: readFileSync(join(folder, 'tls/ca.pem')) });
  }

  call(token: string, method: string, path: string, body?: object): Promise<{ status: number; json: Json }> {
    return new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}`, 'x-vault-token': token, 'content-type': 'application/json' };
      const asking = request(`${this.#url}${path}`, { agent: this.#agent, method, headers }, async (answer) => {
        let text = '';
        for await (const piece of answer) text += piece;
        resolve({ status: answer.statusCode!, json: JSON.parse(text === '' ? '{}' : text) as Json });
      });
      asking.on('error', reject);
      asking.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  async done(token: string, method: string, path: string, body?: object): Promise<Json> {
    const { status, json } = await this.call(token, method, path, body);
    assert.ok(status < 300, `${method} ${path}: ${JSON.stringify(json)}`);
    return json;
  }

  kms({ accessKeyId, secretAccessKey }: typeof admin): KMS {
    const requestHandler = { httpsAgent: this.#agent };
    return new KMS({
      ...{ endpoint: this.#url, region: 'us-east-1', requestHandler, maxAttempts: 1 },
      credentials: { accessKeyId, secretAccessKey },
    });
  }
}

const serve = (folder: string, ...more: string[]) =>
  start(['server', '--data', folder, '--listen', '127.0.0.1:0', ...opening, ...more]);
const as = (folder: string, ...args: string[]) =>
  run([...args, '--data', folder], { env: { CLAVIGER_TOKEN: officer } });

async function ok(ended: Promise<Ended>): Promise<string> {
  const { code, output, stdout } = await ended;
  assert.equal(code, 0, output);
  return stdout;
}

async function refused(ended: Promise<Ended>, why: RegExp): Promise<void> {
  const { code, output } = await ended;
  assert.notEqual(code, 0);
  assert.match(output, why);
  assert.doesNotMatch(output, /^\s+at /m, 'a sentence, no stack');
}

async function hire(name: string, role: string): Promise<typeof admin> {
  return JSON.parse(await ok(as(data, 'identity', 'create', name, '--role', role, '--json')));
}

const restore = (file: string, to: string, ...more: string[]) =>
  run(['restore', file, '--data', to, ...opening, ...more]);
const message = Buffer.from('what it is all about').toString('base64');
const names = ['kept', 'lost'] as const;
const made: Record<string, { id: string; ciphertext: string; vault: string }> = {};
let backup: string;

before(async () => {
  writeFileSync(passphraseFile, 'correct horse battery staple\n', { mode: 0o600 });
  mkdirSync(away);
  const { output } = await run(['init', '--data', data, ...opening]);
  officer = /CLAVIGER_TOKEN=(\S+)/.exec(output)![1]!;
  server = await serve(data);
  admin = await hire('admin', 'key-administrator');
  user = await hire('user', 'key-user');
  const here = new Asked(server.url, data);
  for (const name of names) {
    const body = { name, spec: 'aes-256', deletionAllowed: true };
    const { id } = (await here.done(admin.token, 'POST', '/claviger/v1/keys', body)).key as { id: string };
    const sealed = await here.kms(user).encrypt({ KeyId: id, Plaintext: Buffer.from(message, 'base64') });
    const vault = await here.done(user.token, 'POST', `/v1/transit/encrypt/${name}`, { plaintext: message });
    const ciphertext = Buffer.from(sealed.CiphertextBlob!).toString('base64');
    made[name] = { id, ciphertext, vault: (vault.data as { ciphertext: string }).ciphertext };
  }
});
after(async () => {
  await server?.stop();
  rmSync(home, { recursive: true });
});

test('a backup is taken while serving, recorded, and never written over another', async () => {
  const facts = JSON.parse(await ok(as(data, 'backup', '--to', away, '--json'))) as Json & { file: string };
  backup = facts.file;
  assert.ok(existsSync(backup));
  assert.equal(readFileSync(backup).length, facts.bytes);
  assert.ok(!readFileSync(backup).includes('kept'), 'it is encrypted');
  await refused(as(data, 'backup', '--to', backup), /is there already/);
  await refused(as(data, 'backup', '--to', join(home, 'nowhere/')), /is not there/);
  assert.match(await ok(as(data, 'backup', 'status')), new RegExp(String(facts.file)));
  assert.deepEqual(
    readdirSync(data).filter((name) => name.startsWith('snapshot')),
    [],
  );
});

test('a drill restores the last one, opens what was encrypted, and signs what it found', async () => {
  const report = await ok(run(['drill', '--from', away, ...opening]));
  const facts = JSON.parse(report.slice(0, report.indexOf('\n\n'))) as Json;
  assert.equal(facts.canaries, 2);
  assert.match(report, /^— claviger\//m);
  assert.equal(facts.file, backup);
  assert.deepEqual(
    readdirSync(tmpdir()).filter(
      (name) => name.startsWith('claviger-drill-') && existsSync(join(tmpdir(), name, 'claviger.db')),
    ),
    [],
  );
});

test('is restored into an empty place only, by what opens a seal, and not where a byte is wrong', async () => {
  await refused(restore(backup, data), /is not empty/);
  const wrong = join(home, 'wrong');
  writeFileSync(wrong, 'another passphrase\n');
  const there = join(home, 'there');
  await refused(run(['restore', backup, '--data', there, '--passphrase-file', wrong]), /does not open|opens no seal/);
  const altered = join(away, 'altered');
  const bytes = readFileSync(backup);
  bytes[bytes.length - 2000]! ^= 1;
  writeFileSync(altered, bytes);
  await refused(restore(altered, there), /altered or cut short/);
  writeFileSync(altered, readFileSync(backup).subarray(0, -3000));
  await refused(restore(altered, there), /altered or cut short/);
  await refused(restore(backup, there, '--shelf', join(home, 'no-shelf')), /is not there/);
  assert.ok(!existsSync(there) && !existsSync(`${there}.restoring`));
});

test('refuses to go back behind a checkpoint, unless that is said in so many words', async () => {
  const auditor = await hire('auditor', 'auditor');
  const kept = join(home, 'checkpoint');
  const env = { CLAVIGER_TOKEN: auditor.token };
  writeFileSync(kept, await ok(run(['audit', 'checkpoint', '--data', data], { env })));
  const there = join(home, 'behind');
  const { code, output } = await restore(backup, there, '--checkpoint', kept);
  assert.equal(code, 1);
  const phrase = /--accept-loss "(lose lines \d+ to \d+)"/.exec(output)![1]!;
  await refused(restore(backup, there, '--checkpoint', kept, '--accept-loss', 'lose lines 1 to 2'), /is of \d+/);
  await ok(restore(backup, there, '--checkpoint', kept, '--accept-loss', phrase));
});

test('a destroyed key does not come back with an old backup, by no door; others do', async () => {
  const stolen = join(home, 'stolen-shelf');
  copyFileSync(join(away, 'shelf'), stolen);
  const { lost, kept } = made as Required<typeof made>;
  await new Asked(server.url, data).done(admin.token, 'DELETE', `/claviger/v1/keys/${lost!.id}`);
  const shelf = readFileSync(join(data, 'shelf'));
  assert.ok(readFileSync(join(away, 'shelf')).equals(shelf), 'the copy beside the backups lives');
  assert.ok(!readFileSync(stolen).equals(shelf));
  const target = join(home, 'second');
  // Its canaries know the key that is gone: that one is told of, and the rest is proven.
  await ok(restore(backup, target));
  const second = await serve(target);
  try {
    const there = new Asked(second.url, target);
    const kms = there.kms(user);
    const open = (ciphertext: string) => kms.decrypt({ CiphertextBlob: Buffer.from(ciphertext, 'base64') });
    assert.equal(Buffer.from((await open(kept!.ciphertext)).Plaintext!).toString('base64'), message);
    await assert.rejects(open(lost!.ciphertext));
    await assert.rejects(kms.encrypt({ KeyId: lost!.id, Plaintext: Buffer.from('x') }));
    const path = (name: string) => `/v1/transit/decrypt/${name}`;
    assert.equal((await there.call(user.token, 'POST', path('kept'), { ciphertext: kept!.vault })).status, 200);
    assert.notEqual((await there.call(user.token, 'POST', path('lost'), { ciphertext: lost!.vault })).status, 200);
    const native = (id: string, ciphertext: string) =>
      there.call(user.token, 'POST', '/claviger/v1/decrypt', { key: id, ciphertext });
    assert.equal((await native(kept!.id, kept!.ciphertext)).status, 200);
    assert.notEqual((await native(lost!.id, lost!.ciphertext)).status, 200);
    assert.match(await ok(as(target, 'backup', 'status')), /not confirmed yet/);
    await ok(as(target, 'backup', 'confirm-restore'));
    await refused(as(target, 'backup', 'confirm-restore'), /did not come out of a backup/);
  } finally {
    await second.stop();
  }
  // What the threat model says: who kept a copy of the shelf from before has the key.
  const third = join(home, 'third');
  await ok(restore(backup, third, '--shelf', stolen));
});

test('a shelf that is not the living one is told of, by a restoration and by a drill', async () => {
  const shelf = join(home, 'short-shelf');
  writeFileSync(shelf, readFileSync(join(data, 'shelf')).subarray(0, 64));
  const target = join(home, 'fourth');
  assert.match(await ok(restore(backup, target, '--shelf', shelf)), /keys do NOT open/);
  await refused(run(['drill', '--from', backup, '--shelf', shelf, ...opening]), /lacks secrets of \d+ keys/);
});

test('a mirror that is out of reach is finished when it is back, and no server starts without its shelf', async () => {
  const disk = join(home, 'disk');
  mkdirSync(disk);
  await server.stop();
  server = await serve(data, '--shelf-mirror', disk);
  assert.ok(readFileSync(join(disk, 'shelf')).equals(readFileSync(join(data, 'shelf'))));
  await server.stop();
  rmSync(disk, { recursive: true });
  server = await serve(data, '--shelf-mirror', disk);
  const answer = await new Asked(server.url, data).done(admin.token, 'DELETE', `/claviger/v1/keys/${made.kept!.id}`);
  assert.deepEqual(answer.pendingMirrors, [join(disk, 'shelf')]);
  await server.stop();
  mkdirSync(disk);
  server = await serve(data, '--shelf-mirror', disk);
  assert.ok(readFileSync(join(disk, 'shelf')).equals(readFileSync(join(data, 'shelf'))));
  await server.stop();
  rmSync(join(data, 'shelf'));
  const { code, output } = await run(['server', '--data', data, '--listen', '127.0.0.1:0', ...opening]);
  assert.equal(code, 1);
  assert.match(output, /shelf is gone/);
  copyFileSync(join(away, 'shelf'), join(data, 'shelf'));
  server = await serve(data);
});
