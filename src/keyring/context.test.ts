import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Context, KmsError } from '#domain/domain.ts';
import { canonicalContext } from './context.ts';

/** The canonical form once more, slowly, from its description in docs/envelope-format.md. */
function slowCanonical({ pairs = [], associatedData, derivation }: Context): Buffer {
  const u16 = (n: number) => Buffer.from([n >> 8, n & 255]);
  const u32 = (n: number) => Buffer.concat([u16(Math.floor(n / 65536)), u16(n % 65536)]);
  const sorted = pairs
    .map(([key, value]) => [Buffer.from(key), Buffer.from(value)] as const)
    .sort(([a], [b]) => Buffer.compare(a, b));
  const members = sorted.flatMap(([key, value]) => [u16(key.length), key, u16(value.length), value]);
  const bytes = (tag: number, data: Uint8Array | undefined) =>
    data === undefined || data.length === 0 ? [] : [Buffer.from([tag]), u32(data.length), data];
  return Buffer.concat([
    ...(pairs.length === 0 ? [] : [Buffer.from([1]), u16(pairs.length), ...members]),
    ...bytes(2, associatedData),
    ...bytes(3, derivation),
  ]);
}

const hex = (context: Context) => Buffer.from(canonicalContext(context)).toString('hex');

const refusedFor = (context: Context, reason: RegExp) =>
  assert.throws(
    () => canonicalContext(context),
    (error) => error instanceof KmsError && error.code === 'invalid-parameter' && reason.test(error.message),
  );

const letters = ['', 'a', 'b', '\u0000', '\u00e9', '\uffff', '\u{10000}', '\u{10ffff}', 'zz'];

test('agrees with a slow twin on random contexts', () => {
  let state = 1;
  const random = (limit: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const text = () => Array.from({ length: random(5) }, () => letters[random(letters.length)]).join('');
  for (let i = 0; i < 3000; i++) {
    const keys = [...new Set(Array.from({ length: random(6) }, text))];
    const context: Context = {
      ...(random(4) > 0 && { pairs: keys.map((key) => [key, text()] as const) }),
      ...(random(3) === 0 && { associatedData: Buffer.from(text()) }),
      ...(random(3) === 0 && { derivation: Buffer.from(text()) }),
    };
    assert.equal(hex(context), slowCanonical(context).toString('hex'), JSON.stringify(context));
  }
});

test('no context is no bytes, however it is said', () => {
  const nothing = new Uint8Array(0);
  for (const context of [{}, { pairs: [] }, { associatedData: nothing }, { derivation: nothing, pairs: [] }]) {
    assert.equal(canonicalContext(context).length, 0);
  }
});

test('the order of pairs does not matter, and theirs is the order of UTF-8 bytes, not of UTF-16 units', () => {
  const [low, high] = ['\uffff', '\u{10000}'];
  assert.ok(low > high, 'UTF-16 puts the higher character first');
  const sorted = hex({
    pairs: [
      [low, '1'],
      [high, '2'],
    ],
  });
  assert.equal(
    hex({
      pairs: [
        [high, '2'],
        [low, '1'],
      ],
    }),
    sorted,
  );
  assert.ok(sorted.indexOf('efbfbf') < sorted.indexOf('f0908080'));
});

test('text is bound as it is, without normalisation', () => {
  assert.notEqual(hex({ pairs: [['k', '\u00e9']] }), hex({ pairs: [['k', 'e\u0301']] }));
});

test('fields of different protocols never stand in for one another', () => {
  // Bytes that spell out another field's encoding, in every place where a caller may put bytes.
  const spelled = Buffer.from(canonicalContext({ pairs: [['a', 'b']] }));
  const contexts: Context[] = [];
  const values = [spelled, Buffer.from('b'), Buffer.from('ab'), Buffer.from([1]), Buffer.from([2]), Buffer.from([3])];
  const pairs: Array<NonNullable<Context['pairs']>> = [
    [['a', 'b']],
    [['ab', '']],
    [['', 'ab']],
    [
      ['a', 'b'],
      ['c', ''],
    ],
    [['a', 'b\u0000\u0001c\u0000\u0000']],
    [
      ['a', ''],
      ['b', ''],
    ],
    [['\u0001', '\u0002']],
  ];
  for (const one of pairs) contexts.push({ pairs: one });
  for (const value of values) {
    contexts.push({ associatedData: value }, { derivation: value });
    for (const other of values) contexts.push({ associatedData: value, derivation: other });
    for (const one of pairs) contexts.push({ pairs: one, associatedData: value }, { pairs: one, derivation: value });
  }
  const forms = new Map(contexts.map((context) => [hex(context), context]));
  assert.equal(forms.size, contexts.length, 'each has a form of its own');
  const all = [...forms.keys()];
  // None is what another one becomes with more behind it, so long as it says where it ends.
  const associated = hex({ associatedData: spelled });
  assert.equal(all.filter((form) => form === associated).length, 1);
});

test('refuses a key that is there twice, also if spelled differently in JSON', () => {
  refusedFor(
    {
      pairs: [
        ['a', '1'],
        ['b', '2'],
        ['a', '1'],
      ],
    },
    /twice/,
  );
  refusedFor(
    {
      pairs: [
        ['', '1'],
        ['', '2'],
      ],
    },
    /twice/,
  );
  refusedFor(
    {
      pairs: [
        ['\u{10000}', '1'],
        ['\ud800\udc00', '2'],
      ],
    },
    /twice/,
  );
});

test('refuses lone surrogates, in keys and in values', () => {
  for (const text of ['\ud800', 'a\udc00b', '\udc00\ud800', '\ud800\ud800\udc00']) {
    refusedFor({ pairs: [[text, '']] }, /Unicode/);
    refusedFor({ pairs: [['k', text]] }, /Unicode/);
  }
});

test('takes 8 KiB in all and not a byte more', () => {
  const overhead = canonicalContext({ pairs: [['k', 'x']] }).length - 1;
  const most = 8192 - overhead;
  assert.equal(canonicalContext({ pairs: [['k', 'x'.repeat(most)]] }).length, 8192);
  refusedFor({ pairs: [['k', 'x'.repeat(most + 1)]] }, /8192/);
  // Bytes count, not characters.
  refusedFor({ pairs: [['k', '\u00e9'.repeat(most / 2 + 1)]] }, /8192/);
  assert.equal(canonicalContext({ associatedData: new Uint8Array(8187) }).length, 8192);
  refusedFor({ associatedData: new Uint8Array(8188) }, /8192/);
  refusedFor({ associatedData: new Uint8Array(4096), derivation: new Uint8Array(4090) }, /8192/);
  refusedFor({ pairs: [['k', 'x'.repeat(70_000)]] }, /65535|8192/);
  refusedFor({ pairs: Array.from({ length: 70_000 }, (_, i) => [`${i}`, ''] as const) }, /many|8192/);
});
