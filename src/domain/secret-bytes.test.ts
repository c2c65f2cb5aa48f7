import assert from 'node:assert/strict';
import { test } from 'node:test';
import { format, inspect } from 'node:util';
import { KmsError, Plaintext, SecretBytes } from './domain.ts';

const text = 'attack at dawn!!';
const bytes = () => Buffer.from(text);
const forms = [text, bytes().toString('hex'), bytes().toString('base64'), [...bytes()].join(','), '61 74 74 61'];

/** All the ways in which a value gets into a log by mistake. */
const printed = (value: SecretBytes | Plaintext): readonly string[] => [
  `${value}`,
  String(value),
  ''.concat(value as never),
  [value].join(),
  JSON.stringify(value),
  JSON.stringify({ deep: [{ value }] }),
  inspect(value),
  inspect({ deep: { deeper: { value } } }, { depth: 9, showHidden: true, getters: true }),
  inspect(value, { customInspect: false, showHidden: true, depth: 9 }),
  format('%s %o %O %j %d', value, value, value, value, value),
  inspect(new Map([[value, value]])),
  inspect(new Error('failed', { cause: value })),
  new KmsError('internal', `failed on ${value}`, `${value}`).message,
  Object.keys(value).join(),
  Object.getOwnPropertyNames(value).join(),
  JSON.stringify({ ...value }),
  inspect(Object.entries(value)),
];

for (const make of [() => new SecretBytes(bytes()), () => new Plaintext(bytes())] as const) {
  const { name } = make().constructor;

  test(`${name} prints as a length wherever it is printed`, () => {
    const value = make();
    for (const output of printed(value)) {
      for (const form of forms) assert.ok(!output.includes(form), output);
    }
    assert.equal(`${value}`, `${name}(16)`);
    assert.equal(JSON.stringify(value), `"${name}(16)"`);
    assert.equal(inspect(value), `${name}(16)`);
    assert.equal(value.length, 16);
  });

  test(`${name} does not travel in a structured clone`, () => {
    const clone: object = structuredClone({ value: make() }).value;
    assert.deepEqual(Reflect.ownKeys(clone), []);
    assert.ok(!inspect(clone).includes(text));
  });
}

test('disposed secret bytes are overwritten and can not be used', () => {
  const owned = bytes();
  const secret = new SecretBytes(owned);
  assert.equal(Buffer.from(secret.expose()).toString(), text);
  secret.dispose();
  assert.deepEqual([...owned], Array(16).fill(0));
  assert.equal(secret.length, 0);
  assert.throws(() => secret.expose(), /disposal/);
  secret.dispose();
  const scoped = bytes();
  {
    using _ = new SecretBytes(scoped);
  }
  assert.deepEqual([...scoped], Array(16).fill(0));
});
