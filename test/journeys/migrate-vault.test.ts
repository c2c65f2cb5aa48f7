import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import tls from 'node:tls';
import { type RunningServer, startServer } from '../harness.ts';
import { ask, b64, bao, type OpenBao, type Said, startOpenBao } from '../openbao.ts';

/** From a live OpenBao into a live Claviger: what was made there works here. */

const skip = bao.missing;
const home = mkdtempSync(join(tmpdir(), 'claviger-migrate-'));
const tokenFile = join(home, 'token');
const journal = join(home, 'journal');

let source: OpenBao;
let server: RunningServer;
let token: string;

before(async () => {
  if (skip) return;
  [source, server] = await Promise.all([startOpenBao(), startServer()]);
  const env = await server.env();
  token = env.VAULT_TOKEN!;
  tls.setDefaultCACertificates([readFileSync(env.VAULT_CACERT!, 'utf8')]);
  writeFileSync(tokenFile, `${source.token}\n`, { mode: 0o600 });
  await fill();
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

/** This server through Vault's door. */
const here = (method: string, path: string, body?: object): Promise<Said> =>
  ask({ url: server.url, token }, method, path, body);

const there = (method: string, path: string, body?: object) => source.call(method, path, body);

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const migrate = (...args: string[]): Promise<Ran> =>
  server
    .claviger('migrate', 'vault', '--from', source.url, '--from-token-file', tokenFile, '--journal', journal, ...args)
    .then(
      (ran) => ({ code: 0, ...ran }),
      (error: Ran) => error,
    );

const told = async (...args: string[]) => JSON.parse((await migrate('--json', ...args)).stdout);

const message = b64('attack at dawn');
const context = b64('tenant-7');
/** By name: what the key made there, by each of its versions. */
const made = new Map<string, Array<Readonly<Record<string, string>>>>();

interface Kind {
  readonly type: string;
  readonly more?: object;
  readonly backup?: boolean;
}

const kinds: Readonly<Record<string, Kind>> = {
  'aes-256': { type: 'aes256-gcm96' },
  'aes-128': { type: 'aes128-gcm96', backup: true },
  chacha: { type: 'chacha20-poly1305' },
  derived: { type: 'aes256-gcm96', more: { derived: true } },
  convergent: { type: 'aes256-gcm96', more: { derived: true, convergent_encryption: true }, backup: true },
  'rsa-2048': { type: 'rsa-2048' },
  'rsa-3072-backup': { type: 'rsa-3072', backup: true },
  p256: { type: 'ecdsa-p256' },
  'p384-backup': { type: 'ecdsa-p384', backup: true },
  'p521-backup': { type: 'ecdsa-p521', backup: true },
  p521: { type: 'ecdsa-p521' },
  ed25519: { type: 'ed25519' },
  'ed25519-backup': { type: 'ed25519', backup: true },
  'ed25519-derived': { type: 'ed25519', more: { derived: true } },
  hmac: { type: 'hmac', more: { key_size: 32 } },
  'hmac-backup': { type: 'hmac', more: { key_size: 64 }, backup: true },
};

const encrypts = (type: string) => /gcm|chacha|rsa/.test(type);
const signs = (type: string) => /ecdsa|ed25519|rsa/.test(type);

async function makeKey(name: string, { type, more = {}, backup = false }: Kind): Promise<void> {
  const way = { exportable: true, allow_plaintext_backup: backup };
  await there('POST', `transit/keys/${name}`, { type, ...way, ...more });
  for (let version = 1; version <= 3; version++) {
    if (version > 1) await there('POST', `transit/keys/${name}/rotate`);
    await use(name, type, more);
  }
}

/** What the newest version makes there is kept for later. */
async function use(name: string, type: string, more: object = {}): Promise<void> {
  const bound = 'derived' in more ? { context } : {};
  const one: Record<string, string> = {};
  if (encrypts(type)) {
    one.ciphertext = (await there('POST', `transit/encrypt/${name}`, { plaintext: message, ...bound })).data.ciphertext;
  }
  if (signs(type))
    one.signature = (await there('POST', `transit/sign/${name}`, { input: message, ...bound })).data.signature;
  one.hmac = (await there('POST', `transit/hmac/${name}`, { input: message })).data.hmac;
  one.hmac512 = (await there('POST', `transit/hmac/${name}/sha2-512`, { input: message })).data.hmac;
  made.set(name, [...(made.get(name) ?? []), one]);
}

async function assertWorks(name: string, { more = {} }: Kind): Promise<void> {
  const bound = 'derived' in more ? { context } : {};
  for (const [i, one] of made.get(name)!.entries()) {
    const what = `${name}, version ${i + 1}`;
    if (one.ciphertext !== undefined) {
      const { data, errors } = await here('POST', `transit/decrypt/${name}`, { ciphertext: one.ciphertext, ...bound });
      assert.equal(data?.plaintext, message, `${what}: ${errors.join()}`);
    }
    if (one.signature !== undefined) {
      const { data } = await here('POST', `transit/verify/${name}`, {
        ...{ input: message, signature: one.signature, ...bound },
      });
      assert.equal(data?.valid, true, `${what}: signature`);
    }
    for (const [algorithm, hmac] of [
      ['', one.hmac],
      ['/sha2-512', one.hmac512],
    ] as const) {
      const { data, errors } = await here('POST', `transit/verify/${name}${algorithm}`, { input: message, hmac });
      assert.equal(data?.valid, true, `${what}: hmac${algorithm} ${errors.join()}`);
    }
  }
}

const put = (path: string, data: object) => there('POST', `secret/data/${path}`, { data });

async function fill(): Promise<void> {
  for (const [name, kind] of Object.entries(kinds)) await makeKey(name, kind);
  const configure = (name: string, body: object) => there('POST', `transit/keys/${name}/config`, body);
  await configure('aes-256', { auto_rotate_period: 7200, deletion_allowed: true });
  await configure('chacha', { min_decryption_version: 2 });
  await configure('aes-128', { min_decryption_version: 2, min_encryption_version: 3 });
  await configure('ed25519', { min_decryption_version: 2, min_encryption_version: 2 });
  await there('POST', 'transit/keys/ed25519/trim', { min_available_version: 2 });
  await there('POST', 'transit/keys/closed', {});
  await there('POST', 'transit/keys/odd', { type: 'xchacha20-poly1305', exportable: true });

  for (let i = 1; i <= 4; i++)
    await put('app/db', { password: `p${i}`, html: '<b>&\u2028', deep: { list: [1, 2.5, null] } });
  await there('POST', 'secret/destroy/app/db', { versions: [1] });
  await there('POST', 'secret/delete/app/db', { versions: [2] });
  await there('POST', 'secret/metadata/app/db', {
    ...{ max_versions: 9, cas_required: true, delete_version_after: '30h' },
    custom_metadata: { owner: 'payments', tier: '1' },
  });
  for (let i = 1; i <= 5; i++)
    await there('POST', 'secret/metadata/trimmed', { max_versions: 3 }).then(() => put('trimmed', { i }));
  await put('gone', { a: 1 });
  await there('DELETE', 'secret/data/gone');
  await put(encodeURI('odd ü/a b'), { odd: true });
  await there('POST', 'secret/metadata/only-metadata', { custom_metadata: { note: 'x' } });
  await fetch(`${source.url}/v1/kv/numbers`, {
    ...{ method: 'POST', headers: { 'x-vault-token': source.token } },
    body: '{"big":12345678901234567890,"float":1.0}',
  });
  await there('POST', 'kv/deep/er', { v: 1 });
  await there('POST', 'sys/mounts/team/keys', { type: 'transit' });
  await there('POST', 'team/keys/keys/pay', { exportable: true });
  await there('POST', 'sys/mounts/other', { type: 'kv', options: { version: '2' } });
  await there('POST', 'other/config', { max_versions: 4 });
  await there('POST', 'other/data/x', { data: { y: 1 } });
}

describe('a migration from OpenBao', { skip }, () => {
  test('a dry run says what would come and what can not, and changes nothing', async () => {
    const size = async () => (await server.claviger('status', '--json')).stdout.length;
    const plan = await told('--dry-run');
    assert.equal(plan.dryRun, true);
    const named = new Map<string, Readonly<Record<string, string>>>(
      plan.items.map((item: Readonly<Record<string, string>>) => [item.from!, item]),
    );
    assert.equal(named.get('transit/aes-256')!.way, 'export');
    assert.equal(named.get('transit/aes-128')!.way, 'backup');
    assert.equal(named.get('transit/chacha')!.versions, '2 to 3');
    assert.equal(named.get('secret/app/db')!.state, 'new');
    assert.deepEqual(plan.mountsToMake, ['other/', 'team/keys/']);
    const left = plan.left.map(({ from, remedy }: { from: string; remedy?: string }) => [from, remedy]);
    assert.deepEqual(left, [
      ['transit/closed', 'bao write transit/keys/closed/config exportable=true allow_plaintext_backup=true'],
      ['transit/odd', undefined],
    ]);
    assert.equal((await here('GET', 'transit/keys/aes-256')).status, 404);
    assert.throws(() => readFileSync(journal));
    assert.ok((await size()) > 0);
  });

  test('brings what can come, says what can not, and finds it the same here', async () => {
    const { code, stdout } = await migrate();
    assert.equal(code, 1, stdout);
    assert.match(stdout, /transit\/closed: it is not exportable/);
    assert.match(stdout, /17 keys and 8 secrets came, 2 did not come, 25 compared and found the same/);
    assert.ok(!readFileSync(journal, 'utf8').includes('p4'));
  });

  for (const [name, kind] of Object.entries(kinds)) {
    test(`what ${name} encrypted, signed and computed there is good here`, async () => {
      const from = { chacha: 1, 'aes-128': 1, ed25519: 1 }[name] ?? 0;
      made.set(
        name,
        made.get(name)!.map((one, i) => (i < from ? {} : one)),
      );
      if (from > 0)
        made.set(
          name,
          made.get(name)!.filter((_, i) => i >= from),
        );
      await assertWorks(name, kind);
    });
  }

  test('settings and numbers of keys are what they were', async () => {
    const facts = async (name: string) => {
      const { data } = await here('GET', `transit/keys/${name}`);
      const { latest_version: latest, min_decryption_version: decrypts, min_encryption_version: protects } = data;
      return [latest, decrypts, protects, data.min_available_version, data.exportable, data.allow_plaintext_backup];
    };
    assert.deepEqual(await facts('aes-256'), [3, 1, 0, 0, true, false]);
    assert.deepEqual(await facts('chacha'), [3, 2, 0, 2, true, false]);
    assert.deepEqual(await facts('aes-128'), [3, 2, 3, 0, true, true]);
    assert.deepEqual(await facts('ed25519'), [3, 2, 2, 2, true, false]);
    const { data } = await here('GET', 'transit/keys/aes-256');
    assert.deepEqual([data.auto_rotate_period, data.deletion_allowed], [7200, true]);
    assert.equal((await here('GET', 'transit/keys/convergent')).data.convergent_encryption, true);
    // Below the minimum there, and so here, until it is lowered.
    await here('POST', 'transit/keys/aes-128/config', { min_decryption_version: 1 });
    assert.equal((await here('GET', 'transit/keys/aes-128')).data.min_decryption_version, 1);
    assert.equal((await here('GET', 'team/keys/keys/pay')).data.latest_version, 1);
  });

  test('a migrated key goes on here: it encrypts, makes data keys, rotates, and opens what it made before', async () => {
    const { ciphertext } = (await here('POST', 'transit/encrypt/aes-256', { plaintext: message })).data;
    assert.match(ciphertext, /^vault:v3:/);
    const key = (await here('POST', 'transit/datakey/plaintext/aes-256', {})).data;
    assert.equal(
      (await here('POST', 'transit/decrypt/aes-256', { ciphertext: key.ciphertext })).data.plaintext,
      key.plaintext,
    );
    await here('POST', 'transit/keys/rsa-2048/rotate');
    assert.equal((await here('GET', 'transit/keys/rsa-2048')).data.latest_version, 4);
    await assertWorks('rsa-2048', kinds['rsa-2048']!);
    assert.equal((await here('POST', 'transit/decrypt/aes-256', { ciphertext })).data.plaintext, message);
    const rewrapped = (
      await here('POST', 'transit/rewrap/derived', { ciphertext: made.get('derived')![0]!.ciphertext, context })
    ).data;
    assert.equal((await here('POST', 'transit/decrypt/derived', { ...rewrapped, context })).data.plaintext, message);
  });

  test('secrets have their versions, states, settings and metadata', async () => {
    const strip = ({ created_time: _, updated_time: __, ...facts }: Record<string, unknown>) => facts;
    for (const path of ['app/db', 'trimmed', 'gone', encodeURI('odd ü/a b'), 'only-metadata']) {
      const [given, kept] = [
        await there('GET', `secret/metadata/${path}`),
        await here('GET', `secret/metadata/${path}`),
      ];
      const cut = (data: { versions: object }) =>
        JSON.parse(
          JSON.stringify(strip(data as never), (name, value) =>
            typeof value === 'string' && name.endsWith('_time') ? value.slice(0, 19) : value,
          ),
        );
      const { oldest_version: _, ...there_ } = cut(given.data);
      const { oldest_version: __, ...here_ } = cut(kept.data);
      for (const name of Object.keys(there_).filter((name) => name !== 'current_metadata_version')) {
        assert.deepEqual(here_[name], there_[name], `${path}: ${name}`);
      }
      for (const number of Object.keys(given.data.versions)) {
        const [a, b] = await Promise.all([
          ask(source, 'GET', `secret/data/${path}?version=${number}`),
          here('GET', `secret/data/${path}?version=${number}`),
        ]);
        assert.deepEqual([b.status, b.data?.data], [a.status, a.data?.data], `${path}, version ${number}`);
      }
    }
    assert.equal((await here('GET', 'other/config')).data.max_versions, 4);
    assert.deepEqual((await here('GET', 'kv/deep/er')).data, { v: 1 });
  });

  test('run again it does nothing, and takes what changed there since', async () => {
    const again = await told();
    assert.deepEqual([again.moved, again.same, again.failed, again.differing], [[], 2, [], []]);
    await there('POST', 'transit/keys/p256/rotate');
    await use('p256', 'ecdsa-p256');
    await there('POST', 'secret/undelete/app/db', { versions: [2] });
    await there('POST', 'secret/data/trimmed', { data: { i: 6 } });
    await there('POST', 'secret/destroy/trimmed', { versions: [4] });
    await there('POST', 'kv/deep/er', { v: 2 });
    await there('POST', 'secret/data/late', { data: { l: 1 } });
    const { moved, differing } = await told();
    assert.deepEqual(
      moved.map(({ from, versions }: { from: string; versions: number }) => [from, versions]),
      [
        ['kv/deep/er', 1],
        ['secret/app/db', 0],
        ['secret/late', 1],
        ['secret/trimmed', 1],
        ['transit/p256', 1],
      ],
    );
    assert.deepEqual(differing, []);
    await assertWorks('p256', kinds.p256!);
    assert.equal((await here('GET', 'secret/data/app/db?version=2')).data.data.password, 'p2');
    assert.deepEqual((await here('GET', 'kv/deep/er')).data, { v: 2 });
    assert.equal((await here('GET', 'secret/data/trimmed?version=4')).data.metadata.destroyed, true);
  });

  test('without its journal it finds the same', async () => {
    const { moved, same, failed, differing } = await told('--journal', join(home, 'lost'), '--keys', 'p*');
    assert.deepEqual([moved, failed, differing], [[], [], []]);
    assert.equal(same, 14);
  });

  test('settings of a mount that could not be brought are told by each run, until they are here', async () => {
    const only = ['--keys', '', '--mounts', 'other'];
    await there('POST', 'other/config', { delete_version_after: '-1s' });
    for (let run = 0; run < 2; run++) {
      const { left, same, doneBefore } = await told(...only);
      assert.deepEqual([left.length, left[0].kind, same, doneBefore], [1, 'mount', 0, 1]);
    }
    await there('POST', 'other/config', { delete_version_after: '72h', max_versions: 5 });
    assert.deepEqual((await told(...only)).left, []);
    const { data } = await here('GET', 'other/config');
    assert.deepEqual([data.delete_version_after, data.max_versions], ['72h0m0s', 5]);
  });

  test('what is here already and something else is left as it is, and told', async () => {
    await there('POST', 'transit/keys/mine', { exportable: true });
    await there('POST', 'secret/data/mine', { data: { theirs: true } });
    await here('POST', 'transit/keys/mine', {});
    await here('POST', 'secret/data/mine', { data: { ours: true } });
    const { failed } = await told('--keys', 'mine', '--kv', 'mine');
    assert.deepEqual(
      failed.map(({ from, reason }: { from: string; reason: string }) => [from, /There is another/.test(reason)]),
      [
        ['secret/mine', true],
        ['transit/mine', true],
      ],
    );
    assert.deepEqual((await here('GET', 'secret/data/mine')).data.data, { ours: true });
  });

  test('a token that may read only some of it brings that, and says what policy it lacks', async () => {
    await there('POST', 'sys/policies/acl/some', {
      policy: [
        'path "transit/keys" { capabilities = ["list"] }',
        'path "transit/keys/*" { capabilities = ["read"] }',
        'path "secret/metadata/*" { capabilities = ["read", "list"] }',
        'path "secret/data/app/*" { capabilities = ["read"] }',
      ].join('\n'),
    });
    const answer = await fetch(`${source.url}/v1/auth/token/create`, {
      ...{ method: 'POST', headers: { 'x-vault-token': source.token }, body: '{"policies":["some"]}' },
    });
    const { auth } = (await answer.json()) as { auth: { client_token: string } };
    const file = join(home, 'some');
    writeFileSync(file, auth.client_token);
    const { items, left } = await told('--dry-run', '--from-token-file', file, '--journal', join(home, 'none'));
    assert.deepEqual(
      items.map(({ from }: { from: string }) => from),
      ['secret/app/db'],
    );
    const about = (from: string) => left.find((one: { from: string }) => one.from === from);
    assert.match(about('transit/aes-256').remedy, /path "transit\/export\/encryption-key\/aes-256"/);
    assert.match(about('transit/aes-128').remedy, /path "transit\/backup\/aes-128"/);
    assert.match(about('secret/trimmed').remedy, /path "secret\/data\/trimmed"/);
    const { stdout } = await migrate('--dry-run', '--from-token-file', file, '--journal', join(home, 'none'));
    for (const kind of ['encryption-key', 'hmac-key']) {
      assert.match(stdout, new RegExp(`^    path "transit/export/${kind}/aes-256" \\{.*\\}$`, 'm'));
    }
    assert.match(stdout, /for a policy of the token there/);
    assert.doesNotMatch(stdout, /\ufffd/);
  });

  test('what others write while it is read comes as one state of it, and the rest with the next run', async () => {
    await there('POST', 'transit/keys/busy', { exportable: true });
    await put('busy', { n: 0 });
    let written = 0;
    let busy = true;
    const writing = (async () => {
      while (busy) {
        await put('busy', { n: ++written });
        if (written % 3 === 0) await there('POST', 'transit/keys/busy/rotate');
      }
    })();
    const some = ['--keys', 'busy', '--kv', 'busy'];
    for (let run = 0; run < 3; run++) {
      const { failed } = await told(...some, '--no-verify');
      for (const { reason } of failed) assert.match(reason, /changed there while it was read/);
      const { status, data } = await here('GET', 'secret/metadata/busy');
      if (status !== 200) continue;
      for (const [number, { destroyed }] of Object.entries<{ destroyed: boolean }>(data.versions)) {
        const read = await here('GET', `secret/data/busy?version=${number}`);
        assert.deepEqual([destroyed, read.data.data], [false, { n: Number(number) - 1 }]);
      }
    }
    busy = false;
    await writing;
    const last = await told(...some);
    assert.deepEqual([last.failed, last.differing, last.verified], [[], [], 2]);
    assert.deepEqual((await here('GET', 'secret/data/busy')).data.data, { n: written });
    const latest = async (of: typeof there) => (await of('GET', 'transit/keys/busy')).data.latest_version;
    assert.equal(await latest(here), await latest(there));
  });

  test('refuses a token in the clear, another migration’s journal, and words that make no sense', async () => {
    assert.match((await migrate('--from', 'http://192.0.2.1:8200')).stderr, /in the clear/);
    const other = join(home, 'other');
    writeFileSync(other, '{"journal":1,"source":"x","namespace":"","target":"y"}\n');
    assert.match((await migrate('--journal', other)).stderr, /between other servers/);
    writeFileSync(other, 'wrong');
    assert.match((await migrate('--from-token-file', other)).stderr, /http:\/\/127\S+ refuses the token/);
    assert.match((await migrate('--journal', other)).stderr, /is no journal/);
    assert.equal((await migrate('--limit', 'x')).code, 2);
    assert.equal((await migrate('--map', 'x')).code, 1);
  });
});
