import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromBech32m, fromHex, toBech32m, toHex, toUtf8 } from './encoding.ts';

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

/** BIP 350, "Test vectors for v0-v16 native segregated witness addresses": prefix, version and program of each with Bech32m. */
const vectors = [
  [
    'bc',
    'bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y',
    1,
    '751e76e8199196d454941c45d1b3a323f1433bd6751e76e8199196d454941c45d1b3a323f1433bd6',
  ],
  ['bc', 'BC1SW50QGDZ25J', 16, '751e'],
  ['bc', 'bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs', 2, '751e76e8199196d454941c45d1b3a323'],
  [
    'tb',
    'tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c',
    1,
    '000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433',
  ],
  [
    'bc',
    'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0',
    1,
    '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798',
  ],
] as const;

test('reads and writes what BIP 350 tells', () => {
  for (const [prefix, address, version, program] of vectors) {
    const read = fromBech32m(prefix, toUtf8(address))!;
    assert.equal(read.version, version);
    assert.equal(toHex(read.bytes), program);
    assert.equal(text(toBech32m(prefix, version, fromHex(program)!)), address.toUpperCase());
  }
});

/** BIP 350, invalid addresses: what a reader of bytes refuses of them. */
const invalid = [
  ['bc', 'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd', 'Bech32 instead of Bech32m'],
  ['tb', 'tb1z0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqglt7rf', 'Bech32 instead of Bech32m'],
  ['bc', 'bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4', 'a letter that there is none of'],
  ['bc', 'tc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq5zuyut', 'another prefix'],
  ['tb', 'tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vpggkg4j', 'more than four bits of filling'],
  ['bc', 'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf', 'filling that is not zero'],
  ['bc', 'bc1gmk9yu', 'no data at all'],
  ['bc', '', 'nothing'],
  ['bc', 'bc1', 'only the prefix'],
] as const;

test('refuses what BIP 350 calls invalid', () => {
  for (const [prefix, address, why] of invalid) assert.equal(fromBech32m(prefix, toUtf8(address)), undefined, why);
});

test('finds every letter that is another one, is missing, or changed places with its neighbour', () => {
  const bytes = Uint8Array.from({ length: 32 }, (_, i) => (i * 37 + 11) & 0xff);
  const good = text(toBech32m('clav', 0, bytes));
  assert.deepEqual(fromBech32m('clav', toUtf8(good.toLowerCase()))?.bytes, bytes);
  const refused = (changed: string) =>
    changed === good || assert.equal(fromBech32m('clav', toUtf8(changed)), undefined, changed);
  for (let i = 0; i < good.length; i++) {
    const [before, after] = [good.slice(0, i), good.slice(i + 1)];
    for (const letter of 'QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LBIO1') refused(before + letter + after);
    refused(before + after);
    refused(before + after.slice(0, 1) + good[i] + after.slice(1));
  }
});
