import assert from 'node:assert/strict';
import { test } from 'node:test';
import { claimsFit, claimTexts, fits, mayBothFit } from './claims.ts';

test('a pattern fits as the same pattern written as a regular expression does', () => {
  let state = 7;
  const random = (n: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  const text = (alphabet: string, length: number) =>
    Array.from({ length: random(length) }, () => alphabet[random(alphabet.length)]).join('');
  let fitting = 0;
  for (let i = 0; i < 100_000; i++) {
    const pattern = text('ab*', 7);
    const value = text('ab', 9);
    const naive = new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(value);
    assert.equal(fits(pattern, value), naive, `${pattern} ${value}`);
    if (naive) fitting++;
  }
  assert.ok(fitting > 10_000);
});

test('a hostile pattern takes no time', () => {
  const before = performance.now();
  fits(`${'*a'.repeat(500)}b`, 'a'.repeat(20_000));
  assert.ok(performance.now() - before < 500);
});

test('every claim must be there with a value that fits; lists fit by any member, objects never', () => {
  const claims = claimTexts({
    ...{ iss: 'i', sub: 'repo:me/it', aud: ['a', 'b'], exp: 1, groups: ['x', 'y'], verified: true },
    ...{ nested: { a: 1 }, nothing: null },
  });
  const fit = (wanted: Record<string, string[]>) => claimsFit({ issuer: 'i', claims: wanted }, claims);
  assert.ok(fit({ sub: ['repo:me/*'], groups: ['z', 'y'], verified: ['true'], aud: ['b'] }));
  for (const wanted of [
    { sub: ['repo:you/*'] },
    { sub: ['repo:me/*'], absent: ['*'] },
    { nested: ['*'] },
    { nothing: ['*'] },
    { toString: ['*'] },
    { __proto__x: ['*'] },
  ]) {
    assert.ok(!fit(wanted as Record<string, string[]>), JSON.stringify(wanted));
  }
});

test('two roles are open to one token unless their subjects can’t be the same', () => {
  const of = (sub: string[] | undefined, issuer = 'i') => ({ issuer, claims: sub === undefined ? {} : { sub } });
  const both: ReadonlyArray<[string[] | undefined, string[] | undefined, boolean]> = [
    [['a'], ['a'], true],
    [['a'], ['b'], false],
    [['a*'], ['ab'], true],
    [['ab'], ['a*'], true],
    [['a*'], ['b'], false],
    [['a*'], ['*b'], true],
    [['a', 'b'], ['c', 'b'], true],
    [undefined, ['a'], true],
  ];
  for (const [one, other, may] of both) {
    assert.equal(mayBothFit(of(one), of(other)), may, `${one} ${other}`);
    assert.equal(mayBothFit(of(other), of(one)), may, `${other} ${one}`);
  }
  assert.equal(mayBothFit(of(['a']), of(['a'], 'j')), false);
});
