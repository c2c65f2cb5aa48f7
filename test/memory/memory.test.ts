import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Plaintext, SecretBytes } from '#domain/domain.ts';
import { Custody, passphraseKind } from '#seal/seal.ts';
import { DataDirectory } from '../../src/data-directory.ts';
import { Root } from '../../src/keyring/root.ts';
import { forms, textForms } from './canaries.ts';
import { Planted, passphrase } from './planted.ts';
import { missing, type Needles, searchCore, searchMemory } from './search.ts';

/**
 * What is found outside the memory that is locked and left out of dumps, and can't be helped: docs/threat-model.md says why, row by row.
 * Nothing else may be found there, and each of these is looked for, so that the list is not longer than it has to be.
 */
const exceptions = {
  'symmetric keys in use': /^(AES-256|ChaCha20|HMAC|key from the root for records), raw$/,
  'primes of RSA keys in use': /^RSA-2048 [pq], as a number$/,
  'numbers of a pair that was just brought': /^(P-256 d|RSA-2048 [pq]), as a number$/,
  'tokens of callers': /^token of .*, as text$/,
  'what is brought in a request': /^passphrase, as text$/,
} as const;
type Exception = keyof typeof exceptions;

/** In milliseconds: a scrub comes a second after a key is gone, or half a minute after the last one. */
const scrubbed = 3000;
const scrubbedAgain = 32_000;

let server: Planted;
const needles = new Map<string, Uint8Array>();
const add = (more: Needles) => {
  for (const [name, bytes] of more) needles.set(name, bytes);
};

/** The root and all that hangs from it, as whoever has the passphrase can know them. */
async function addRoot(): Promise<void> {
  const { seals } = new DataDirectory(join(server.folder, 'data'));
  const custody = new Custody(
    { read: seals.read, write: () => {}, settle: () => {} },
    { clock: Date.now, kinds: [passphraseKind()] },
  );
  const opening = await custody.open({ secret: new Plaintext(Buffer.from(passphrase)) });
  add(forms('root', Uint8Array.from(opening!.root.expose())));
  for (const [name, secret] of Object.entries(new Root(opening!.root))) {
    if (secret instanceof SecretBytes) add(forms(`key from the root for ${name}`, Uint8Array.from(secret.expose())));
  }
}

before(async () => {
  if (missing !== false) return;
  server = await Planted.production();
  await server.bring();
  for (const { secrets } of server.canaries) for (const [name, bytes] of secrets) add(forms(name, bytes));
  add(textForms('passphrase', passphrase));
  for (const [whose, token] of server.tokens) add(textForms(`token of ${whose}`, token));
  await addRoot();
});
after(() => server?.stop());

/** The names of what lies where it is not promised to be, less what may; asserts that this was there. */
function unguarded(...allowed: readonly Exception[]): readonly string[] {
  const names = [
    ...new Set(
      searchMemory(server.pid, needles)
        .filter(({ guarded }) => !guarded)
        .map(({ name }) => name),
    ),
  ];
  for (const exception of allowed)
    assert.ok(
      names.some((name) => exceptions[exception].test(name)),
      `nothing was found of: ${exception}`,
    );
  return names.filter((name) => !allowed.some((exception) => exceptions[exception].test(name)));
}

test('keys in use lie in guarded memory only, and no core dump has any', { skip: missing }, async () => {
  await server.use();
  assert.deepEqual(
    unguarded(
      'symmetric keys in use',
      'primes of RSA keys in use',
      'numbers of a pair that was just brought',
      'tokens of callers',
    ),
    [],
  );
  const guarded = new Set(searchMemory(server.pid, needles).map(({ name }) => name));
  // It is looked for in the right way.
  for (const name of [
    'AES-256, raw',
    'Ed25519 d, raw',
    'RSA-2048 d, as a number',
    'key from the root for records, raw',
  ])
    assert.ok(guarded.has(name), `${name} was not found in the memory of a server that uses it`);
  assert.equal(guarded.has('root, raw'), false);
  assert.deepEqual(searchCore(server.pid, needles), []);
});

test('a destroyed key is nowhere a moment later, and what was brought is gone with it', { skip: missing }, async () => {
  for (const name of ['AES-256', 'RSA-2048', 'P-256']) await server.destroy(name);
  await sleep(scrubbed);
  const left = searchMemory(server.pid, needles).map(({ name }) => name);
  assert.deepEqual(
    left.filter((name) => /^(AES-256|RSA-2048|P-256)/.test(name)),
    [],
  );
  assert.ok(left.includes('ChaCha20, raw'), 'the keys that are left were lost');
});

test('a sealed server has no key, and no passphrase but one that a request brought', { skip: missing }, async () => {
  await server.native('POST', '/seal');
  await sleep(scrubbedAgain);
  assert.deepEqual(unguarded('tokens of callers'), []);
  assert.deepEqual(
    searchMemory(server.pid, needles).filter(({ name, guarded }) => guarded || !name.startsWith('token')),
    [],
  );
  await server.native('POST', '/unseal', { passphrase });
  assert.deepEqual(
    unguarded('tokens of callers', 'what is brought in a request').filter(
      (name) => !name.startsWith('key from the root'),
    ),
    [],
  );
  assert.deepEqual(searchCore(server.pid, needles), []);
});

test('a heap snapshot holds no key in any form', { skip: missing }, async () => {
  const path = join(server.folder, 'snapshot');
  const loaded = new URL(`snapshot-on-signal.ts?to=${encodeURIComponent(path)}`, import.meta.url).href;
  const other = await Planted.development(`--import=${loaded}`);
  try {
    await other.bring({ asOfficer: true });
    await other.use();
    process.kill(other.pid, 'SIGUSR2');
    for (let waited = 0; waited < 300 && !existsSync(path); waited++) await sleep(100);
    // It is written by and by; its last member is the list of strings.
    let snapshot = '';
    while (!snapshot.trimEnd().endsWith('}')) {
      await sleep(100);
      snapshot = readFileSync(path, 'utf8');
    }
    for (const { secrets } of other.canaries) {
      for (const [name, bytes] of secrets) {
        const texts = [...forms(name, bytes)].filter(([form]) => !form.endsWith('a letter'));
        for (const [form, needle] of texts)
          assert.equal(snapshot.includes(Buffer.from(needle).toString('latin1')), false, form);
      }
    }
    assert.ok(snapshot.includes('snapshot-on-signal'), 'the snapshot has no strings of the server');
  } finally {
    await other.stop();
    rmSync(path, { force: true });
  }
});

test('the threat model lists exactly what is found', () => {
  const text = readFileSync(new URL('../../docs/threat-model.md', import.meta.url), 'utf8');
  const [, table] = /### What can't be promised\n([\s\S]*?)(?=\n## |$)/.exec(text) ?? [];
  const rows = [...(table ?? '').matchAll(/^\| ([^|]+) \|/gm)].map(([, first]) => first!.trim());
  const listed = rows.filter((row) => row !== 'what' && row !== '---');
  assert.deepEqual(listed.slice(0, Object.keys(exceptions).length), Object.keys(exceptions));
});
