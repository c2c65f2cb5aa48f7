import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statfsSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { KMS, type KMSServiceException } from '@aws-sdk/client-kms';
import { run, type Started, start } from '../process.ts';
import { base64, type Caller, caller, identityOf } from './place.ts';

const folder = mkdtempSync(join(tmpdir(), 'claviger-disk-'));
const data = join(folder, 'data');

/** A disk of 4 MB that only this test fills. Needs root. */
function mount(): string | false {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder], { stdio: 'pipe' });
    return false;
  } catch {
    return 'skipped: a small disk can only be mounted by root';
  }
}
const skip = mount();

let server: Started;
let calls: Caller;
let kms: KMS;
const ballast = join(folder, 'ballast');

before(async () => {
  if (skip) return;
  mkdirSync(data);
  server = await start(['dev', '--data', data, '--listen', '127.0.0.1:0']);
  calls = caller(server.url, data);
  const { accessKeyId, secretAccessKey } = identityOf(data);
  kms = new KMS({
    region: 'us-east-1',
    endpoint: server.url,
    credentials: { accessKeyId, secretAccessKey },
    maxAttempts: 1,
    requestHandler: { httpsAgent: new Agent({ ca: readFileSync(join(data, 'tls', 'ca.pem')) }) },
  });
});

after(async () => {
  calls?.close();
  kms?.destroy();
  await server?.stop();
  if (!skip) execFileSync('umount', [folder]);
  rmSync(folder, { recursive: true, force: true });
});

/** Takes all the room there is. */
function fill(): void {
  const file = openSync(ballast, 'a');
  try {
    for (const size of [65536, 4096, 512, 1]) {
      const block = Buffer.alloc(size, 1);
      try {
        for (;;) if (writeSync(file, block) < size) break;
      } catch {
        // Full for blocks of this size.
      }
    }
  } finally {
    closeSync(file);
  }
  assert.equal(statfsSync(folder).bavail, 0);
}

const vault = (method: string, path: string, body?: object) =>
  calls.send(method, `/v1/${path}`, body && JSON.stringify(body), { 'x-vault-token': identityOf(data).token });
const native = (method: string, path: string, body?: object) =>
  calls.send(method, `/claviger/v1${path}`, body && JSON.stringify(body), {
    authorization: `Bearer ${identityOf(data).token}`,
    ...(body && { 'content-type': 'application/json' }),
  });
const encrypt = () => vault('POST', 'transit/encrypt/first', { plaintext: base64('x') });
const keyCount = async () => JSON.parse((await native('GET', '/keys?limit=1000')).body).keys.length as number;

/** Fills the disk, and works until what SQLite had in reserve is used up too: everything is refused from then on. */
async function exhaust(): Promise<void> {
  for (let turn = 0, refusals = 0; turn < 5000 && refusals < 50; turn++) {
    fill();
    refusals = (await encrypt()).status === 200 ? 0 : refusals + 1;
  }
}

test('a full disk is an error of each protocol, nothing is done, and all is well once there is room', {
  skip,
}, async () => {
  const made = await vault('POST', 'transit/encrypt/first', { plaintext: base64('before') });
  const { ciphertext } = JSON.parse(made.body).data as { ciphertext: string };
  const before = await keyCount();
  await exhaust();

  const refusals = [
    await encrypt(),
    await vault('POST', 'transit/decrypt/first', { ciphertext }),
    await vault('POST', 'transit/keys/new', {}),
    await vault('GET', 'transit/keys/first'),
    await vault('GET', 'auth/token/lookup-self'),
  ];
  for (const { status, body } of refusals) {
    assert.ok(status === 507 || status === 500 || status === 503, `${status} ${body}`);
    assert.equal(JSON.parse(body).errors.length, 1);
    assert.doesNotMatch(body, /ciphertext|plaintext"/);
  }
  for (const act of [
    () => kms.encrypt({ KeyId: 'alias/first', Plaintext: Buffer.from('x') }),
    () => kms.createKey({}),
    () => kms.describeKey({ KeyId: 'alias/first' }),
  ]) {
    await assert.rejects(act, (error: KMSServiceException) => {
      assert.ok(['DependencyTimeoutException', 'KMSInternalException'].includes(error.name), error.name);
      assert.ok(error.$metadata.httpStatusCode! >= 500);
      return true;
    });
  }
  for (const { status, body } of [await native('GET', '/keys'), await native('POST', '/keys', { name: 'other' })]) {
    assert.ok(status >= 500, body);
    assert.match(JSON.parse(body).error.code, /^(?:storage-full|audit-unavailable)$/);
  }

  unlinkSync(ballast);
  const again = await vault('POST', 'transit/decrypt/first', { ciphertext });
  assert.equal(again.status, 200, again.body);
  assert.equal(Buffer.from(JSON.parse(again.body).data.plaintext, 'base64').toString(), 'before');
  assert.equal(await keyCount(), before);
  assert.equal((await vault('POST', 'transit/keys/new', {})).status, 200);
  assert.equal(await keyCount(), before + 1);
});

test('a server whose disk is full at its start says so, and starts once there is room', { skip }, async () => {
  await server.stop();
  fill();
  const { code, output } = await run(['dev', '--data', data, '--listen', '127.0.0.1:0']);
  if (code !== null) {
    assert.equal(code, 1);
    assert.match(output, /full|space/i);
    assert.doesNotMatch(output, /^\s+at /m);
  }
  unlinkSync(ballast);
  server = await start(['dev', '--data', data, '--listen', '127.0.0.1:0']);
  calls.close();
  calls = caller(server.url, data);
  assert.equal((await encrypt()).status, 200);
  const verified = await run(['audit', 'verify', '--data', data]);
  assert.equal(verified.code, 0, verified.output);
});
