import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KmsError, Plaintext, type SealAwaited, SecretBytes, type StagedSeals } from '#domain/domain.ts';
import { Custody, passphraseKind, type SealFile, shamirKind } from '../seal.ts';
import { progressLife } from '../share-progress.ts';

const kinds = [passphraseKind({ memoryKiB: 64, passes: 1, parallelism: 1 }), shamirKind];
const rootBytes = '0123456789abcdef0123456789abcdef';
const given = (text: string) => ({ secret: new Plaintext(Buffer.from(text)) });
const refused = (words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof KmsError, String(error));
  assert.equal(error.code, 'invalid-unseal', error.message);
  assert.match(error.message, words);
  return true;
};

/** A server that five shares open, three at a time: its file, its clock, and the shares. */
async function founded() {
  const world = { text: '', now: 0 };
  const file: SealFile = {
    read: () => world.text,
    write: (text) => {
      world.text = text;
    },
    settle: () => {},
  };
  const start = () => new Custody(file, { kinds, clock: () => world.now });
  const shares: string[] = [];
  const custody = start();
  const opening = await custody.found(
    'shamir',
    { name: 'offline', settings: { shares: 5, threshold: 3 } },
    new SecretBytes(Buffer.from(rootBytes)),
    (handouts) => void shares.push(...textsOf(handouts)),
  );
  opening.opened();
  return { world, start, custody, shares };
}

const textsOf = (handouts: StagedSeals['handouts']) =>
  handouts.map(({ text }) => Buffer.from(text.release()).toString());

async function opensBy(custody: Custody, shares: readonly string[]): Promise<void> {
  for (const share of shares.slice(0, -1)) assert.equal(await custody.open(given(share)), undefined);
  const opening = await custody.open(given(shares.at(-1)!));
  using root = opening!.root;
  assert.equal(Buffer.from(root.expose()).toString(), rootBytes);
  opening!.opened();
}

function kept(made: StagedSeals | SealAwaited): readonly string[] {
  assert.ok('keep' in made);
  made.keep();
  return textsOf(made.handouts);
}

const progressOf = (custody: Custody) => custody.status()[0]!.shares!;

test('shares are brought one at a time, and the third opens', async () => {
  const { start, shares } = await founded();
  const custody = start();
  assert.equal(await custody.open(given(shares[4]!)), undefined);
  const { progress, threshold, total, nonce } = progressOf(custody);
  assert.deepEqual([progress, threshold, total], [1, 3, 5]);
  assert.notEqual(nonce, '');
  // As a sheet shows them.
  const typed = (share: string) =>
    share
      .toLowerCase()
      .match(/.{1,4}/g)!
      .join(' ');
  await opensBy(custody, [typed(shares[1]!), typed(shares[0]!)]);
  assert.equal(progressOf(custody).progress, 0);
});

test('what is wrong with a share is said, and ends no progress', async () => {
  const { start, shares } = await founded();
  const other = await founded();
  const custody = start();
  await custody.open(given(shares[0]!));
  const [share] = shares as [string];
  await assert.rejects(custody.open(given(share)), refused(/Share 1 was brought already/));
  await assert.rejects(
    custody.open(given(`${share.slice(0, -1)}${share.endsWith('Q') ? 'P' : 'Q'}`)),
    refused(/mistyped/),
  );
  await assert.rejects(custody.open(given(other.shares[1]!)), refused(/another server/));
  await assert.rejects(custody.open(given('some passphrase')), refused(/no seal/));
  assert.equal(progressOf(custody).progress, 1);
  await opensBy(custody, shares.slice(1, 3));
});

test('shares that are not enough are forgotten after minutes', async () => {
  const { world, start, shares } = await founded();
  const custody = start();
  await custody.open(given(shares[0]!));
  await custody.open(given(shares[1]!));
  world.now += progressLife;
  assert.deepEqual([progressOf(custody).progress, progressOf(custody).nonce], [0, '']);
  assert.equal(await custody.open(given(shares[2]!)), undefined);
  await opensBy(custody, shares.slice(3));
});

test('a passphrase beside the shares opens too, also one that begins as a share does', async () => {
  const { start, custody, shares } = await founded();
  const words = 'clav1 is how my passphrase begins';
  kept(
    await custody.add(
      'passphrase',
      { name: 'daily', settings: {}, ...given(words) },
      given(shares.slice(0, 3).join('\n')),
    ),
  );
  await opensBy(start(), [words]);
  await opensBy(start(), shares.slice(2));
  await assert.rejects(start().open(given(shares[0]!.replace(/.$/, ''))), refused(/82 letters/));
});

test('shares brought to replace them by others count for nothing else', async () => {
  const { custody, shares } = await founded();
  const asked = { name: 'offline', settings: { shares: 7, threshold: 4 } };
  const bring = (share: string, change = asked) => custody.rotate(change, given(share));
  assert.deepEqual(await bring(shares[0]!), { awaits: { threshold: 3, total: 5, progress: 1 } });
  assert.deepEqual(await bring(shares[1]!), { awaits: { threshold: 3, total: 5, progress: 2 } });
  const greedy = { ...asked, settings: { shares: 2, threshold: 2 } };
  assert.deepEqual(await bring(shares[2]!, greedy), { awaits: { threshold: 3, total: 5, progress: 1 } });
  assert.equal(await custody.proveSeal('offline', given(shares[2]!).secret), false);
  assert.equal(kept(await bring(shares[2]!)).length, 7);
});

test('what forgets shares that were brought for one thing leaves those that were brought for another', async () => {
  const { custody, shares } = await founded();
  const bring = (share: string) => custody.rotate({ name: 'offline', settings: {} }, given(share));
  await bring(shares[0]!);
  // As anybody may ask for, of a server that is unsealed too.
  custody.forgetShares();
  await bring(shares[1]!);
  await assert.rejects(custody.prove(given(shares[2]!)), refused(/too few shares/));
  await assert.rejects(custody.prove(given(shares[3]!)), refused(/too few shares/));
  assert.equal(kept(await bring(shares[2]!)).length, 5);
});

test('shares brought for a passphrase count for no other passphrase', async () => {
  const { custody, shares } = await founded();
  const bring = (share: string, words: string) =>
    custody.add('passphrase', { name: 'daily', settings: {}, ...given(words) }, given(share));
  const agreed = 'what was agreed on';
  for (const [i, share] of shares.slice(0, 2).entries())
    assert.deepEqual(await bring(share, agreed), { awaits: { threshold: 3, total: 5, progress: i + 1 } });
  const another = await bring(shares[2]!, 'what only he knows');
  assert.deepEqual(another, { awaits: { threshold: 3, total: 5, progress: 1 } });
  kept(await bring(shares[2]!, agreed));
});

/** Seven new shares of which four open it; the old ones still do. */
async function replaced() {
  const world = await founded();
  const { custody, shares } = world;
  const settings = { shares: 7, threshold: 4 };
  const next = kept(await custody.rotate({ name: 'offline', settings }, given(shares.slice(0, 3).join('\n'))));
  return { ...world, next };
}

test('until new shares are known to have arrived the old ones open as well, and not together with them', async () => {
  const { start, shares, next } = await replaced();
  const custody = start();
  await custody.open(given(shares[0]!));
  await custody.open(given(shares[1]!));
  assert.equal(await custody.open(given(next[0]!)), undefined);
  await opensBy(custody, [shares[2]!]);
  assert.equal(custody.list()[0]!.former, true);
});

test('new shares that are lost twice over lock nobody out', async () => {
  const { start, custody, shares, next } = await replaced();
  const again = kept(await custody.rotate({ name: 'offline', settings: {} }, given(shares.slice(2).join('\n'))));
  await opensBy(start(), shares.slice(0, 3));
  await assert.rejects(start().open(given(next[0]!)), refused(/superseded/));
  await opensBy(start(), again.slice(0, 4));
  await assert.rejects(start().open(given(shares[0]!)), refused(/superseded/));
});

test('once four new shares have opened it the old ones open nothing', async () => {
  const { start, shares, next } = await replaced();
  const custody = start();
  await opensBy(custody, next.slice(3));
  assert.equal(custody.list()[0]!.former, undefined);
  for (const share of shares) await assert.rejects(start().open(given(share)), refused(/was superseded/));
  await opensBy(start(), next.slice(0, 4));
});

test('once it is settled that new shares have arrived the old ones open nothing', async () => {
  const { start, custody, shares, next } = await replaced();
  custody.settle('offline');
  await assert.rejects(start().open(given(shares.slice(0, 3).join('\n'))), refused(/was superseded/));
  await opensBy(start(), next.slice(0, 4));
  custody.settle('offline');
});

test('what the server tells while it keeps shares holds nothing of them', async () => {
  const { start, shares } = await founded();
  const custody = start();
  await custody.open(given(shares[0]!));
  const told = JSON.stringify(custody.status());
  assert.equal(told.includes(shares[0]!.slice(30, 50)), false);
  custody.forgetShares();
  assert.equal(progressOf(custody).progress, 0);
});
