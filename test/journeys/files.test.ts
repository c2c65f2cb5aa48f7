import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  createWriteStream,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type RunningServer, startServer } from '../harness.ts';

const bin = fileURLToPath(new URL('../../bin/claviger.js', import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'claviger-files-'));
const path = (name: string) => join(dir, name);
const chunk = 16 * 1024;
const MiB = 1024 * 1024;
let server: RunningServer;

before(async () => {
  server = await startServer();
});
after(async () => {
  await server?.stop();
  rmSync(dir, { recursive: true });
});

interface Failure {
  readonly code: number;
  readonly stderr: string;
}

async function failure(...args: string[]): Promise<Failure> {
  return server.claviger(...args).then(
    () => assert.fail(`claviger ${args.join(' ')} should have failed`),
    (error: Failure) => error,
  );
}

test('a file of any size comes back as it was', async () => {
  for (const length of [0, 1, chunk - 1, chunk, chunk + 1, 32 * chunk, MiB + 3, 5 * MiB]) {
    const plaintext = randomBytes(length);
    writeFileSync(path('file'), plaintext);
    await server.claviger('encrypt', path('file'), '--force');
    const sealed = readFileSync(path('file.clv'));
    if (length > 32) assert.equal(sealed.includes(plaintext.subarray(0, 32)), false);
    await server.claviger('decrypt', path('file.clv'), '-o', path('back'), '--force');
    assert.ok(plaintext.equals(readFileSync(path('back'))), `${length} bytes`);
  }
});

test('a decrypted file is for its owner only', async () => {
  writeFileSync(path('mode'), 'x', { mode: 0o644 });
  await server.claviger('encrypt', path('mode'));
  rmSync(path('mode'));
  await server.claviger('decrypt', path('mode.clv'));
  assert.equal(statSync(path('mode')).mode & 0o777, 0o600);
});

test('refuses to write over a file, over its own input, and over what is no file', async () => {
  writeFileSync(path('kept'), 'kept');
  writeFileSync(path('kept.clv'), 'somebody else');
  const taken = await failure('encrypt', path('kept'));
  assert.equal(taken.code, 1);
  assert.match(taken.stderr, /there already.*--force/);
  assert.equal(readFileSync(path('kept.clv'), 'utf8'), 'somebody else');
  assert.match((await failure('encrypt', path('kept'), '-o', path('kept'), '--force')).stderr, /input itself/);
  assert.match((await failure('encrypt', path('kept'), '-o', dir, '--force')).stderr, /not a file/);
  assert.match((await failure('encrypt', dir)).stderr, /folder/);
  assert.match((await failure('encrypt', path('absent'))).stderr, /can't be read/);
});

test('every altered, cut or extended file exits 3 and leaves nothing behind', async () => {
  writeFileSync(path('precious'), randomBytes(3 * chunk + 100));
  await server.claviger('encrypt', path('precious'), '-c', 'purpose=test');
  const sealed = readFileSync(path('precious.clv'));
  const flipped = (at: number) => {
    const copy = Buffer.from(sealed);
    copy[at]! ^= 1;
    return copy;
  };
  const swapped = Buffer.from(sealed);
  const last = sealed.length - (100 + 16);
  sealed.copy(swapped, last - chunk - 16, last - 2 * (chunk + 16), last - chunk - 16);
  const wrongs = {
    'the realm in the header': flipped(14),
    'the context in the header': flipped(sealed.indexOf('purpose')),
    'the first chunk': flipped(last - 3 * (chunk + 16) + 9),
    'the last byte': flipped(sealed.length - 1),
    'cut within a chunk': sealed.subarray(0, sealed.length - 30),
    'cut between chunks': sealed.subarray(0, last),
    extended: Buffer.concat([sealed, Buffer.from('x')]),
    'a chunk twice': swapped,
  };
  for (const [what, bytes] of Object.entries(wrongs)) {
    writeFileSync(path('wrong.clv'), bytes);
    const { code, stderr } = await failure('decrypt', path('wrong.clv'));
    assert.ok(what.includes('header') ? code === 1 || code === 3 : code === 3, `${what}: ${code}`);
    assert.match(stderr, /^claviger: \S/);
    assert.equal(existsSync(path('wrong')), false, what);
  }
  assert.deepEqual(
    readdirSync(dir).filter((name) => name.endsWith('.part')),
    [],
  );
});

test('what is no file of ours is told so', async () => {
  writeFileSync(path('alien.clv'), 'hello, this is something else entirely');
  const { code, stderr } = await failure('decrypt', path('alien.clv'));
  assert.equal(code, 1);
  assert.match(stderr, /not a file that Claviger encrypted/);
});

test('the key that the file names decrypts it, after a rotation too, and not once it is disabled', async () => {
  await server.claviger('key', 'create', 'archive');
  writeFileSync(path('old'), 'old secret');
  await server.claviger('encrypt', path('old'), '--key', 'archive');
  await server.claviger('key', 'rotate', 'archive');
  await server.claviger('decrypt', path('old.clv'), '-o', path('old.back'));
  assert.equal(readFileSync(path('old.back'), 'utf8'), 'old secret');
  await server.claviger('key', 'disable', 'archive');
  const { code, stderr } = await failure('decrypt', path('old.clv'), '-o', path('old.again'));
  assert.equal(code, 1);
  assert.match(stderr, /disabled/i);
});

test('a context that the file does not hold refuses it', async () => {
  writeFileSync(path('bound'), 'x');
  await server.claviger('encrypt', path('bound'), '-c', 'case=17', '-c', 'by=ann');
  await server.claviger('decrypt', path('bound.clv'), '-o', path('bound.back'), '-c', 'case=17');
  assert.equal((await failure('decrypt', path('bound.clv'), '-o', path('bound.x'), '-c', 'case=18')).code, 3);
});

/** Runs the command with its standard input and output on pipes; answers also its peak memory in bytes. */
async function piped(args: readonly string[], input: AsyncIterable<Uint8Array>, output?: string) {
  const report =
    "data:text/javascript,process.on('exit',()=>process.stderr.write('peak='+process.resourceUsage().maxRSS+';'))";
  const child = spawn(process.execPath, ['--import', report, bin, ...args, '--data', server.data]);
  let stderr = '';
  child.stderr.on('data', (data: Buffer) => {
    stderr += data;
  });
  const hash = createHash('sha256');
  let length = 0;
  const file = output === undefined ? undefined : createWriteStream(output);
  child.stdout.on('data', (data: Buffer) => {
    hash.update(data);
    length += data.length;
    file?.write(data);
  });
  child.stdin.on('error', () => {});
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  for await (const piece of input) {
    if (!child.stdin.write(piece)) await new Promise((resolve) => child.stdin.once('drain', resolve));
  }
  child.stdin.end();
  const code = await exited;
  await new Promise<void>((resolve) => (file === undefined ? resolve() : file.end(resolve)));
  const peak = Math.max(...[...stderr.matchAll(/peak=(\d+);/g)].map((match) => Number(match[1]) * 1024));
  return { code, stderr, digest: hash.digest('hex'), length, peak };
}

async function* pattern(length: number, hash?: ReturnType<typeof createHash>): AsyncGenerator<Uint8Array> {
  const block = randomBytes(64 * 1024);
  for (let left = length; left > 0; left -= block.length) {
    block.writeUInt32BE(left % 2 ** 32);
    const piece = Buffer.from(block.subarray(0, Math.min(left, block.length)));
    hash?.update(piece);
    yield piece;
  }
}

async function* bytesOf(file: string): AsyncGenerator<Uint8Array> {
  const bytes = readFileSync(file);
  for (let at = 0; at < bytes.length; at += 60_000) yield bytes.subarray(at, at + 60_000);
}

test('100 MiB through pipes and through files take the memory of 1 MiB', async () => {
  const peaks: number[] = [];
  for (const length of [MiB, 100 * MiB]) {
    const hash = createHash('sha256');
    const sealed = await piped(['encrypt', '-'], pattern(length, hash), path('piped.clv'));
    assert.equal(sealed.code, 0, sealed.stderr);
    const expected = hash.digest('hex');
    const opened = await piped(['decrypt', '-'], bytesOf(path('piped.clv')));
    assert.equal(opened.digest, expected);
    assert.equal(opened.length, length);
    const fromFile = await piped(['decrypt', path('piped.clv'), '-o', path('piped'), '--force'], pattern(0));
    assert.equal(fromFile.code, 0, fromFile.stderr);
    const toFile = await piped(['encrypt', path('piped'), '-o', path('again.clv'), '--force'], pattern(0));
    assert.equal(toFile.code, 0, toFile.stderr);
    assert.equal(
      createHash('sha256')
        .update(readFileSync(path('piped')))
        .digest('hex'),
      expected,
    );
    peaks.push(Math.max(sealed.peak, opened.peak, fromFile.peak, toFile.peak));
  }
  const [small, large] = peaks as [number, number];
  assert.ok(large < small + 96 * MiB, `${large / MiB} MiB against ${small / MiB} MiB`);
});

test('standard output gets proven bytes only, and the exit code tells that they are not the whole', async () => {
  const plaintext = randomBytes(2 * MiB);
  writeFileSync(path('long'), plaintext);
  await server.claviger('encrypt', path('long'));
  const sealed = readFileSync(path('long.clv'));
  sealed[sealed.length - 500_000]! ^= 1;
  writeFileSync(path('long.clv'), sealed);
  const { code, stderr, length } = await piped(['decrypt', path('long.clv'), '-o', '-'], pattern(0), path('partial'));
  assert.equal(code, 3);
  assert.match(stderr, /altered/);
  assert.ok(length > 0 && length < plaintext.length - 500_000 + chunk);
  assert.ok(plaintext.subarray(0, length).equals(readFileSync(path('partial'))));
});

test('a reader that goes away ends the command without a crash', async () => {
  writeFileSync(path('big'), randomBytes(4 * MiB));
  await server.claviger('encrypt', path('big'));
  const command = `"${process.execPath}" "${bin}" decrypt "${path('big.clv')}" -o - --data "${server.data}" | head -c 10`;
  const { stderr } = await promisify(execFile)('/bin/sh', ['-c', command], { encoding: 'buffer' });
  assert.doesNotMatch(stderr.toString(), /at .*node:/);
});

test('an interrupted command leaves no part of a file', async () => {
  writeFileSync(path('huge'), '');
  const child = spawn(process.execPath, [bin, 'encrypt', '-', '-o', path('huge.clv'), '--data', server.data]);
  const parts = () => readdirSync(dir).filter((name) => name.includes('huge.clv'));
  child.stdin.on('error', () => {});
  child.stdin.write(Buffer.alloc(MiB));
  for (let tries = 0; parts().length === 0 && tries < 200; tries++)
    await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(parts().length, 1);
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGINT');
  assert.equal(await exited, 130);
  assert.deepEqual(parts(), []);
});
