import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { exportJWK, generateKeyPair } from 'jose';
import type { IdentityProvider } from '#domain/domain.ts';
import { KeySets } from './key-sets.ts';
import { rejectsWith } from './rig.test.ts';

const provider: IdentityProvider = {
  ...{
    realm: '111122223333',
    issuer: 'https://issuer.example',
    revision: 1,
    id: 'one',
    audiences: ['a'],
    createdAt: 0,
  },
  keys: { url: 'https://issuer.example/keys' },
};

let now = 0;
let asked: string[] = [];
let published = '';
let status = 200;
let sets: KeySets;
const kids = async (keys: Promise<{ keys: ReadonlyArray<{ kid?: string | undefined }> }>) =>
  (await keys).keys.map(({ kid }) => kid);

async function publish(...names: string[]): Promise<void> {
  const keys = await Promise.all(
    names.map(async (kid) => ({ ...(await exportJWK((await generateKeyPair('ES256')).publicKey)), kid, use: 'sig' })),
  );
  published = JSON.stringify({ keys });
}

beforeEach(async () => {
  now = 0;
  asked = [];
  status = 200;
  await publish('first');
  sets = new KeySets(
    async ({ url }) => {
      asked.push(url);
      if (published === '') throw new Error('unreachable');
      return { status, text: published };
    },
    () => now,
  );
});

test('published keys are read once in ten minutes, however many ask at once', async () => {
  await Promise.all([sets.of(provider), sets.of(provider), sets.of(provider)]);
  now = 10 * 60_000 - 1;
  await sets.of(provider);
  assert.deepEqual(asked, ['https://issuer.example/keys']);
  now++;
  await publish('second');
  assert.deepEqual(await kids(sets.of(provider)), ['second']);
});

test('a key that is not in the set has it read again, twice a minute at most', async () => {
  await sets.of(provider);
  await publish('first', 'second');
  assert.deepEqual(await kids(sets.again(provider)), ['first']);
  now = 30_000;
  assert.deepEqual(await kids(sets.again(provider)), ['first', 'second']);
  for (let i = 0; i < 10; i++) await sets.again(provider);
  assert.equal(asked.length, 2);
});

test('what can’t be read is not believed, and neither is what was read before it got too old', async () => {
  await sets.of(provider);
  const before = published;
  published = '';
  now = 10 * 60_000;
  for (let i = 0; i < 10; i++) await rejectsWith('unavailable', () => sets.of(provider));
  assert.equal(asked.length, 2);
  published = before;
  now += 30_000;
  assert.deepEqual(await kids(sets.of(provider)), ['first']);
});

test('an answer that isn’t 200 publishes nothing', async () => {
  for (const [i, other] of [204, 302, 404, 500].entries()) {
    status = other;
    await rejectsWith('unavailable', () => sets.of({ ...provider, id: `${i}` }));
  }
});

test('what is published must be public signature keys', async () => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const good = await exportJWK(publicKey);
  const wrong: unknown[] = [
    '',
    null,
    {},
    { keys: {} },
    { keys: [] },
    { keys: [null] },
    { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] },
    { keys: [await exportJWK(privateKey)] },
    { keys: [{ ...good, use: 'enc' }] },
    { keys: [{ ...good, x: 1 }] },
    { keys: [{ kty: 'constructor' }] },
    { keys: Array.from({ length: 101 }, () => good) },
  ];
  for (const [i, value] of wrong.entries()) {
    published = value === '' ? 'no JSON' : JSON.stringify(value);
    await rejectsWith('unavailable', () => sets.of({ ...provider, id: `wrong ${i}` }), published);
  }
  published = JSON.stringify({ keys: [{ kty: 'unknown' }, good] });
  assert.equal((await sets.of({ ...provider, id: 'good' })).keys.length, 1);
});

test('without a way to ask others, published keys are not believed, and given ones are', async () => {
  const closed = new KeySets(undefined, () => now);
  await rejectsWith('unavailable', () => closed.of(provider));
  assert.deepEqual(await kids(closed.of({ ...provider, keys: { jwks: published } })), ['first']);
});
