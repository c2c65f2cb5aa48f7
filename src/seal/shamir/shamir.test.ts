import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KmsError, SecretBytes } from '#domain/domain.ts';
import { sealContract } from '../testing/contract-suite.ts';
import type { ShamirSettings } from './settings.ts';
import { shamirKind } from './shamir.ts';

const secret = (text: string) => new SecretBytes(Buffer.from(text));
const rootText = '0123456789abcdef0123456789abcdef';

/** A seal, the texts of its shares, and a secret under it. */
async function made(given: Record<string, unknown> = { shares: 5, threshold: 3 }) {
  const { settings, seal, handouts = [] } = await shamirKind.create(shamirKind.settings(given), undefined);
  const wrapped = await seal.wrap(secret(rootText));
  await seal.close();
  return { settings, wrapped, shares: handouts.map(({ text }) => Buffer.from(text.release()).toString()), handouts };
}

async function opens(settings: ShamirSettings, wrapped: Uint8Array, shares: readonly string[]) {
  const seal = await shamirKind.open(settings, secret(shares.join('\n')));
  using root = await seal.unwrap(wrapped);
  await seal.close();
  return Buffer.from(root.expose()).toString() === rootText;
}

const refused = (words: RegExp) => (error: unknown) =>
  error instanceof KmsError && error.code === 'invalid-unseal' && words.test(error.message);

function* subsets<T>(items: readonly T[], size: number): Generator<T[]> {
  if (size === 0) yield [];
  else
    for (const [i, item] of items.entries())
      for (const rest of subsets(items.slice(i + 1), size - 1)) yield [item, ...rest];
}

let latest: readonly string[] = [];
sealContract('shamir', () => ({
  kind: {
    ...shamirKind,
    async create(settings, given) {
      const created = await shamirKind.create(settings as ShamirSettings, given);
      latest = created.handouts!.map(({ text }) => Buffer.from(text.release()).toString());
      return created;
    },
  } as typeof shamirKind,
  settings: () => ({ shares: '5', threshold: '3' }),
  openSecret: () => secret(latest.slice(1, 4).join('\n')),
  wrongSecret: () => secret(latest.slice(0, 2).join('\n')),
}));

test('every three of five shares open it, in any order and any more of them too', async () => {
  const { settings, wrapped, shares } = await made();
  let tried = 0;
  for (const three of subsets(shares, 3)) {
    assert.ok(await opens(settings, wrapped, three));
    assert.ok(await opens(settings, wrapped, three.toReversed()));
    tried++;
  }
  assert.equal(tried, 10);
  for (const more of [...subsets(shares, 4), shares]) assert.ok(await opens(settings, wrapped, more));
});

test('no two of five do, nor one, nor none', async () => {
  const { settings, wrapped, shares } = await made();
  const fewer = [0, 1, 2].flatMap((size) => [...subsets(shares, size)]);
  assert.equal(fewer.length, 16);
  for (const few of fewer) await assert.rejects(opens(settings, wrapped, few), refused(/takes 3 shares/));
});

test('two shares say nothing of the key, however the third is made up', async () => {
  const { settings, wrapped, shares } = await made();
  const other = await made();
  await assert.rejects(opens(settings, wrapped, [...shares.slice(0, 2), other.shares[2]!]), refused(/another/));
});

test('a share brought twice is told from two shares', async () => {
  const { settings, wrapped, shares } = await made();
  const [a, b] = shares as [string, string];
  await assert.rejects(opens(settings, wrapped, [a, b, a]), refused(/^Share 1 was brought twice\.$/));
});

test('every letter of a share that is another one is found, and none of it is said', async () => {
  const { settings, shares } = await made({ shares: 2, threshold: 2 });
  const [share] = shares as [string];
  assert.match(share, /^CLAV1[02-9AC-HJ-NP-Z]{78}$/);
  for (let i = 0; i < share.length; i++) {
    for (const letter of ['Q', 'Z', '7', 'B', '1']) {
      const changed = share.slice(0, i) + letter + share.slice(i + 1);
      if (changed === share) continue;
      assert.throws(
        () => shamirKind.shares!.numberOf(settings, secret(changed)),
        (error) => refused(/mistyped|begins with/)(error) && !(error as Error).message.includes(changed.slice(10, 16)),
      );
    }
  }
});

test('what is cut short, too long, or no share is told as that', async () => {
  const { settings, shares } = await made();
  const [share] = shares as [string];
  const numberOf = (text: string) => shamirKind.shares!.numberOf(settings, secret(text));
  assert.throws(() => numberOf(share.slice(0, -1)), refused(/82 letters instead of 83/));
  assert.throws(() => numberOf(`${share}Q`), refused(/84 letters instead of 83/));
  assert.throws(() => numberOf('correct horse battery staple'), refused(/begins with "CLAV1"/));
  assert.throws(() => numberOf(''), refused(/begins with/));
  assert.throws(() => numberOf('Q'.repeat(100_000)), refused(/far too long/));
});

test('a share is read in small letters, in groups, with hyphens and line ends', async () => {
  const { settings, shares } = await made();
  for (const [i, share] of shares.entries()) {
    const groups = share.match(/.{1,4}/g)!;
    for (const typed of [share.toLowerCase(), groups.join(' '), groups.join('-'), `  ${groups.join('\r\n')}\n`])
      assert.equal(shamirKind.shares!.numberOf(settings, secret(typed)), i + 1);
  }
});

test('a sound share of another set, of a set that was replaced, and one that was never handed out are told apart', async () => {
  const first = await made();
  const other = await made();
  const next = await made({ ...first.settings, shares: 7, threshold: 4 });
  const numberOf = (text: string) => shamirKind.shares!.numberOf(next.settings, secret(text));
  assert.equal(numberOf(next.shares[6]!), 7);
  assert.throws(() => numberOf(first.shares[1]!), refused(/Share 2 of the set [0-9a-f]{16} was superseded/));
  assert.throws(() => numberOf(other.shares[1]!), refused(/another seal or another server/));
  const [a, b] = first.settings.issued!.commitments as [string, string];
  const swapped = { ...first.settings, issued: { ...first.settings.issued!, commitments: [b, a, a, b, a] } };
  assert.throws(() => shamirKind.shares!.numberOf(swapped, secret(first.shares[0]!)), refused(/ever handed out/));
});

test('other shares hold another key: old ones open nothing of what is under the new', async () => {
  const first = await made();
  const next = await made({ ...first.settings, shares: 7, threshold: 4 });
  assert.deepEqual(shamirKind.shares!.quorum(next.settings), { threshold: 4, total: 7 });
  await assert.rejects(opens(next.settings, next.wrapped, first.shares), refused(/superseded/));
  await assert.rejects(opens(first.settings, next.wrapped, first.shares.slice(0, 3)), refused(/do not open/));
  assert.ok(await opens(next.settings, next.wrapped, next.shares.slice(3)));
});

test('two of two and 255 of 255 open, and nothing fewer or more is made', async () => {
  for (const shares of [2, 255]) {
    const all = await made({ shares, threshold: shares });
    assert.ok(await opens(all.settings, all.wrapped, all.shares));
    await assert.rejects(opens(all.settings, all.wrapped, all.shares.slice(1)), refused(/takes/));
  }
  for (const [shares, threshold] of [
    [5, 1],
    [1, 1],
    [5, 6],
    [256, 3],
    ['5', '03.5'],
    [5.5, 2],
    [undefined, 3],
  ]) {
    assert.throws(
      () => shamirKind.settings({ shares, threshold }),
      (error) =>
        error instanceof KmsError && error.code === 'invalid-parameter' && /shares|threshold/.test(error.message),
    );
  }
});

test('custodians have names of their own, no more of them than shares', () => {
  const settings = (custodians: unknown) => shamirKind.settings({ shares: 3, threshold: 2, custodians });
  assert.deepEqual(settings([{ name: 'Anna' }]).custodians, [{ name: 'Anna' }]);
  for (const custodians of [
    'Anna',
    [{ name: 'Anna' }, { name: 'Anna' }],
    [{ name: '' }],
    [{ name: 'An\u001bna' }],
    [{ name: ' Anna' }],
    [{ name: 'a' }, { name: 'b' }, { name: 'c' }, { name: 'd' }],
    [{ name: 'Anna', key: 'no key' }],
    [{ name: 'Anna', mail: 'x' }],
    [{}],
    [null],
  ]) {
    assert.throws(() => settings(custodians), { code: 'invalid-parameter' });
  }
});
