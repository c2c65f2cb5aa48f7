import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KmsError, Plaintext, type SealAwaited, SecretBytes, type StagedSeals } from '#domain/domain.ts';
import { Custody, passphraseKind, type SealFile, type SealKind } from './seal.ts';

const kinds = [passphraseKind({ memoryKiB: 64, passes: 1, parallelism: 1 })];
const clock = () => 0;
const rootBytes = '0123456789abcdef0123456789abcdef';
/** As long as a passphrase has to be. */
const long = (text: string) => Buffer.from(text.padEnd(12, '!'));
const given = (text: string) => ({ secret: new Plaintext(long(text)) });
const refused =
  (code: string, words = /./) =>
  (error: unknown) => {
    assert.ok(error instanceof KmsError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, words);
    return true;
  };
const invalid = refused('invalid-unseal');
const rootOf = (text = rootBytes) => new SecretBytes(Buffer.from(text));

class File implements SealFile {
  text = '';
  writes = -1;

  read(): string {
    return this.text;
  }

  write(text: string): void {
    this.writes++;
    this.text = text;
  }

  get json() {
    return JSON.parse(this.text) as { revision: number; seals: Array<Record<string, unknown>>; mac: string };
  }

  settle(): void {}
}

async function made(root = rootBytes) {
  const file = new File();
  const custody = new Custody(file, { kinds, clock });
  const asked = { name: 'main', settings: {}, ...given('old') };
  (await custody.found('passphrase', asked, rootOf(root), () => {})).opened();
  return { file, custody };
}

/** Nothing more is awaited for it. */
async function staged(making: Promise<StagedSeals | SealAwaited>): Promise<StagedSeals> {
  const made = await making;
  assert.ok('keep' in made);
  return made;
}

/** As a start of the server would. */
async function opens(file: File, text: string, seal?: string): Promise<void> {
  const opening = await new Custody(file, { kinds, clock }).open({ ...given(text), ...(seal && { seal }) });
  using root = opening!.root;
  assert.equal(Buffer.from(root.expose()).toString(), rootBytes);
  opening!.opened();
}

const add = async (custody: Custody, name: string, secret: string, opener = 'old') => {
  const made = await staged(custody.add('passphrase', { name, settings: {}, ...given(secret) }, given(opener)));
  made.keep();
  return made;
};

test('a renewal writes nothing until it is kept; then both open, until the new one has', async () => {
  const { file, custody } = await made();
  const renewal = await custody.renew(given('old'));
  const next = Buffer.from(renewal.passphrase.release()).toString();
  assert.equal(file.writes, 0);
  await assert.rejects(opens(file, next), invalid);
  renewal.keep();
  await opens(file, 'old');
  assert.equal(file.writes, 1);
  await opens(file, next);
  assert.equal(file.json.seals[0]!.former, undefined);
  await assert.rejects(opens(file, 'old'), invalid);
});

test('only the new passphrase proves that it has arrived, and settling ends the former', async () => {
  const { file, custody } = await made();
  const renewal = await custody.renew(given('old'));
  await assert.rejects(renewal.prove(given('old').secret), invalid);
  await renewal.prove(renewal.passphrase);
  renewal.keep();
  renewal.settle();
  await assert.rejects(opens(file, 'old'), invalid);
  await opens(file, Buffer.from(renewal.passphrase.release()).toString());
});

test('whichever of two passphrases makes another one stays good for itself, and the other goes', async () => {
  const { file, custody } = await made();
  const text = (renewal: { passphrase: Plaintext }) => Buffer.from(renewal.passphrase.release()).toString();
  const first = await custody.renew(given('old'));
  first.keep();
  const second = await custody.renew(given('old'));
  second.keep();
  await opens(file, 'old');
  await assert.rejects(opens(file, text(first)), invalid);
  const third = await custody.renew({ secret: second.passphrase });
  third.keep();
  await assert.rejects(opens(file, 'old'), invalid);
  await opens(file, text(second));
});

test('a root that the server does not run on proves nothing and is not renewed', async () => {
  const { file, custody } = await made();
  file.text = (await made('f'.repeat(32))).file.text;
  await assert.rejects(custody.prove(given('old')), invalid);
  await assert.rejects(custody.renew(given('old')), refused('tampered', /mac/));
  assert.throws(() => custody.list(), refused('tampered', /mac/));
});

test('any of several seals opens the root, by its own secret or by its name', async () => {
  const { file, custody } = await made();
  await add(custody, 'safe', 'in the safe');
  assert.deepEqual(
    custody.list().map(({ name, kind, asks }) => [name, kind, asks]),
    [
      ['main', 'passphrase', 'passphrase'],
      ['safe', 'passphrase', 'passphrase'],
    ],
  );
  await opens(file, 'old');
  await opens(file, 'in the safe');
  await opens(file, 'in the safe', 'safe');
  await assert.rejects(opens(file, 'in the safe', 'main'), invalid);
  await assert.rejects(opens(file, 'in the safe', 'nowhere'), refused('invalid-parameter', /nowhere/));
  assert.equal(file.json.revision, 2);
});

test('a seal is added by whoever can open one, under a name of its own', async () => {
  const { file, custody } = await made();
  await assert.rejects(add(custody, 'safe', 'x', 'wrong'), invalid);
  await assert.rejects(add(custody, 'main', 'x'), refused('already-exists'));
  for (const name of ['', 'A', '-a', 'a b', 'a'.repeat(33), '__proto__']) {
    await assert.rejects(add(custody, name, 'x'), refused('invalid-parameter'), name);
  }
  await assert.rejects(
    custody.add('unheard-of', { name: 'a', settings: {} }, given('old')),
    refused('invalid-parameter', /passphrase/),
  );
  await assert.rejects(
    custody.add('passphrase', { name: 'a', settings: { cost: 1 }, ...given('x') }, given('old')),
    refused('invalid-parameter', /cost/),
  );
  assert.equal(file.writes, 0);
});

test('what was kept and could not be recorded is taken back', async () => {
  const { file, custody } = await made();
  const before = file.json.seals;
  (await add(custody, 'safe', 'in the safe')).undo();
  assert.deepEqual(file.json.seals, before);
  const rotated = await staged(custody.rotate({ name: 'main', settings: {}, ...given('new') }, given('old')));
  rotated.keep();
  rotated.undo();
  assert.deepEqual(file.json.seals, before);
  await add(custody, 'safe', 'in the safe');
  const both = file.json.seals;
  const removed = custody.remove('main');
  removed.keep();
  removed.undo();
  assert.deepEqual(file.json.seals.toSorted(byName), both.toSorted(byName));
  await opens(file, 'old');
});

const byName = (a: Record<string, unknown>, b: Record<string, unknown>) => (String(a.name) < String(b.name) ? -1 : 1);

test('a seal that is removed opens no more, and the last one stays', async () => {
  const { file, custody } = await made();
  assert.throws(() => custody.remove('main'), refused('invalid-state', /last seal/));
  await add(custody, 'safe', 'in the safe');
  custody.remove('main').keep();
  await assert.rejects(opens(file, 'old'), invalid);
  await opens(file, 'in the safe');
  assert.throws(() => custody.remove('safe'), refused('invalid-state'));
});

test('of two that remove the last two seals at once, one does', async () => {
  const { custody } = await made();
  await add(custody, 'safe', 'in the safe');
  const [first, second] = [custody.remove('main'), custody.remove('safe')];
  first.keep();
  assert.throws(() => second.keep(), refused('invalid-state'));
});

test('a seal gets another passphrase and another key pair in one write', async () => {
  const { file, custody } = await made();
  const { recipient } = file.json.seals[0]!;
  (await staged(custody.rotate({ name: 'main', settings: {}, ...given('new') }, given('old')))).keep();
  await assert.rejects(opens(file, 'old'), invalid);
  await opens(file, 'new');
  assert.notEqual(file.json.seals[0]!.recipient, recipient);
});

test('every seal gets another root without being opened, and a file from before it is refused', async () => {
  const { file, custody } = await made();
  await add(custody, 'safe', 'in the safe');
  const before = file.text;
  const late = await staged(custody.add('passphrase', { name: 'late', settings: {}, ...given('late') }, given('old')));
  using next = rootOf('ffffffffffffffffffffffffffffffff');
  custody.giveRoot(next);
  for (const text of ['old', 'in the safe']) {
    using root = (await new Custody(file, { kinds, clock }).open(given(text)))!.root;
    assert.equal(Buffer.from(root.expose()).toString(), 'f'.repeat(32));
  }
  assert.throws(() => late.keep(), refused('conflict'));
  file.text = before;
  assert.throws(() => custody.list(), refused('tampered', /mac/));
});

test('what was changed in the file is refused, whichever part it is', async () => {
  const { file, custody } = await made();
  await add(custody, 'safe', 'in the safe');
  const { text, json } = file;
  const [main, safe] = json.seals as [Record<string, unknown>, Record<string, unknown>];
  const tampered: ReadonlyArray<readonly [string, object]> = [
    ['an older revision', { ...json, revision: 1 }],
    ['a seal less', { ...json, seals: [main] }],
    ['another order', { ...json, seals: [safe, main] }],
    ['another name', { ...json, seals: [{ ...main, name: 'other' }, safe] }],
    ['another recipient', { ...json, seals: [main, { ...safe, recipient: main.recipient }] }],
    ['another root', { ...json, seals: [main, { ...safe, root: main.root }] }],
    ['a mark less', { ...json, seals: [main, { ...safe, unproven: true }] }],
    ['another mac', { ...json, mac: Buffer.alloc(32).toString('base64') }],
  ];
  for (const [what, changed] of tampered) {
    file.text = JSON.stringify(changed);
    await assert.rejects(opens(file, 'old'), refused('tampered'), what);
    assert.throws(() => custody.list(), refused('tampered'), what);
  }
  file.text = text;
  await opens(file, 'old');
});

test('what is no seal file is refused before anything is tried', async () => {
  const { file } = await made();
  const { json, text } = file;
  const [main] = json.seals as [Record<string, unknown>];
  const broken = [
    ...['', '{', '[]', 'null', '{}', text.replace('"format"', '"format": 2, "format"'), 'x'.repeat(2 ** 20 + 1)],
    ...[
      { ...json, format: 1 },
      { ...json, format: '2' },
      { ...json, revision: 0 },
      { ...json, revision: 1.5 },
      { ...json, extra: 1 },
      { ...json, seals: [] },
      { ...json, seals: {} },
      { ...json, seals: [main, main] },
      { ...json, seals: Array.from({ length: 17 }, (_, i) => ({ ...main, name: `n${i}` })) },
      { ...json, seals: [{ ...main, extra: 1 }] },
      { ...json, seals: [{ ...main, settings: [] }] },
      { ...json, seals: [{ ...main, settings: null }] },
      { ...json, seals: [{ ...main, kind: 7 }] },
      { ...json, seals: [{ ...main, name: '../x' }] },
      { ...json, seals: [{ ...main, guarded: '' }] },
      { ...json, seals: [{ ...main, guarded: '!' }] },
      { ...json, seals: [{ ...main, recipient: 'AA==' }] },
      { ...json, seals: [{ ...main, root: 'AA==' }] },
      { ...json, seals: [{ ...main, unproven: false }] },
      { ...json, seals: [{ ...main, former: {} }] },
      { ...json, seals: [{ ...main, former: main }] },
      { ...json, mac: 'AA==' },
      { ...json, mac: undefined },
    ].map((value) => JSON.stringify(value)),
  ];
  for (const wrong of broken) {
    file.text = wrong;
    await assert.rejects(opens(file, 'old'), refused('tampered'), wrong.slice(0, 200));
  }
});

test('a seal of a kind that this release does not know stops no other', async () => {
  const { file, custody } = await made();
  const newer = { ...kinds[0]!, kind: 'quantum' };
  const both = new Custody(file, { kinds: [...kinds, newer], clock });
  (await both.open(given('old')))!.opened();
  (await staged(both.add('quantum', { name: 'next', settings: {}, ...given('x') }, given('old')))).keep();
  await opens(file, 'old');
  assert.match(custody.list()[1]!.trouble!, /does not know/);
});

test('more than would be read again is not written', async () => {
  const { file } = await made();
  const wordy = { ...kinds[0]!, kind: 'wordy', settings: (told: object) => told };
  const custody = new Custody(file, { kinds: [...kinds, wordy], clock });
  (await custody.open(given('old')))!.opened();
  const asked = (name: string) => ({ name, settings: { words: 'x'.repeat(600_000) }, ...given('x') });
  (await staged(custody.add('wordy', asked('first'), given('old')))).keep();
  const { text } = file;
  const second = await staged(custody.add('wordy', asked('second'), given('old')));
  assert.throws(() => second.keep(), refused('limit-exceeded', /1 MiB/));
  assert.equal(file.text, text);
  await opens(file, 'old');
});

test('a credential that was given at the start opens without anybody’s help', async () => {
  const { file } = await made();
  const passphrase = (text: string) => new SecretBytes(long(text));
  const started = new Custody(file, { kinds, clock, given: { passphrase: passphrase('old') } });
  assert.equal(started.opensAlone, true);
  assert.equal(started.waitsForSomebody, false);
  const opening = await started.openAlone();
  opening.opened();
  (await staged(started.add('passphrase', { name: 'safe', settings: {}, ...given('in the safe') }, undefined))).keep();
  await opens(file, 'in the safe');
  const wrong = new Custody(file, { kinds, clock, given: { passphrase: passphrase('wrong') } });
  await assert.rejects(wrong.openAlone(), invalid);
  const bare = new Custody(file, { kinds, clock });
  assert.equal(bare.opensAlone, false);
  (await bare.open(given('old')))!.opened();
  await assert.rejects(
    bare.add('passphrase', { name: 'more', settings: {}, ...given('x') }, undefined),
    refused('invalid-unseal', /bring what opens one/),
  );
});

test('a PIN that a token refused is not tried again while another seal is waited for', async () => {
  const { file } = await made();
  const tried: string[] = [];
  let away = false;
  const token = { ...kinds[0]!, kind: 'token', asks: 'pin' } as const;
  const cloud = { ...kinds[0]!, kind: 'cloud', asks: 'nothing' } as const;
  const reached = (kind: typeof token | typeof cloud, secret?: SecretBytes) => {
    tried.push(kind.kind);
    if (away && kind === cloud) throw new KmsError('unavailable', 'the cloud is away');
    return kinds[0]!.open({}, kind === cloud ? new SecretBytes(long('cloud')) : secret);
  };
  const all: SealKind[] = [
    ...kinds,
    { ...token, open: async (_, secret) => reached(token, secret) },
    {
      ...cloud,
      create: () => kinds[0]!.create({}, new SecretBytes(long('cloud'))),
      open: async () => reached(cloud),
    },
  ];
  const first = new Custody(file, { kinds: all, clock });
  (await first.open(given('old')))!.opened();
  (await staged(first.add('token', { name: 'hsm', settings: {}, ...given('pin') }, given('old')))).keep();
  (await staged(first.add('cloud', { name: 'cloud', settings: {} }, given('old')))).keep();
  tried.length = 0;
  away = true;
  const next = new Custody(file, { kinds: all, clock, given: { pin: new SecretBytes(long('wrong')) } });
  for (let i = 0; i < 3; i++) await assert.rejects(next.openAlone(), refused('unavailable', /cloud is away/));
  assert.deepEqual(tried, ['token', 'cloud', 'cloud', 'cloud']);
  assert.match(next.status().find(({ name }) => name === 'hsm')!.trouble!, /does not open/);
  away = false;
  (await next.openAlone()).opened();
});

test('pads are letters and digits, of the length asked for and never the same', async () => {
  const { custody } = await made();
  const pads = Array.from({ length: 20 }, () => Buffer.from(custody.pad(47).release()).toString());
  for (const pad of pads) assert.match(pad, /^[A-Za-z0-9]{47}$/);
  assert.equal(new Set(pads).size, 20);
  assert.equal(custody.pad(0).length, 0);
});
