import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command } from '#domain/domain.ts';
import { Ring } from '../keyring/testing/ring.ts';
import { generatePassword } from './password.ts';

const all = ['lower', 'upper', 'digit', 'punctuation'] as const;

async function maker() {
  const { keyring } = await Ring.open();
  return (more: Partial<Command<'generate-password'>>) => {
    const command = {
      kind: 'generate-password',
      length: 32,
      kinds: all,
      without: '',
      requireEach: true,
      ...more,
    } as const;
    return Buffer.from(generatePassword(keyring, command).result.password.release()).toString();
  };
}

test('every character is as likely as every other', async () => {
  const make = await maker();
  const drawn = Array.from({ length: 40 }, () => make({ length: 4096, requireEach: false })).join('');
  const counts = new Map<string, number>();
  for (const character of drawn) counts.set(character, (counts.get(character) ?? 0) + 1);
  assert.equal(counts.size, 94);
  const expected = drawn.length / 94;
  let chiSquare = 0;
  for (const count of counts.values()) chiSquare += (count - expected) ** 2 / expected;
  // 93 degrees of freedom: beyond 175 once in 10^6 runs.
  assert.ok(chiSquare < 175, String(chiSquare));
});

test('a required character has no place of its own', async () => {
  const make = await maker();
  const places = new Map<number, number>();
  for (let i = 0; i < 3000; i++) {
    const at = make({ length: 4, kinds: ['lower', 'digit'] }).search(/[0-9]/);
    places.set(at, (places.get(at) ?? 0) + 1);
  }
  const share = places.get(0)! / 3000;
  // Words of four with a letter and a digit, and those of them that begin with a digit.
  const right = (10 * 36 ** 3 - 10 ** 4) / (36 ** 4 - 26 ** 4 - 10 ** 4);
  assert.ok(Math.abs(share - right) < 0.04, `${share}, not ${right}`);
});

test('what is excluded never comes, and what is required always does', async () => {
  const make = await maker();
  for (let i = 0; i < 200; i++) {
    const password = make({ length: 5, kinds: [...all, 'space'], without: 'abcXYZ789"\\' });
    assert.match(password, / /);
    assert.match(password, /[0-6]/);
    assert.doesNotMatch(password, /[abcXYZ789"\\]/);
  }
});
