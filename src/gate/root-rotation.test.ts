import assert from 'node:assert/strict';
import { test } from 'node:test';
import { House, passphrase, plain, textOf } from './testing/house.ts';
import { rotated, settled } from './testing/root-cases.ts';

const encrypted = async (house: House, key: { readonly id: string }, text: string) => {
  const { ciphertext } = await house.perform({
    ...{ kind: 'encrypt', key: { by: 'id', id: key.id }, plaintext: plain(text), context: {}, scheme: 'natural' },
  });
  return ciphertext;
};
const decrypted = async (house: House, key: { readonly id: string }, ciphertext: Uint8Array) =>
  textOf(
    (
      await house.perform({
        ...{ kind: 'decrypt', key: { by: 'id', id: key.id }, ciphertext, context: {}, scheme: 'natural' },
      })
    ).plaintext,
  );

/** The same store under a server that starts anew: the former one is of no use then. */
async function restarted(house: House): Promise<House> {
  const next = await house.reopen();
  await next.gate.perform({ kind: 'none' }, { kind: 'unseal', passphrase: plain(passphrase) }, next.origin());
  return next;
}

test('every key opens what it sealed after the root was rotated, at once and after a restart', async () => {
  const house = await House.open();
  const keys = await Promise.all(Array.from({ length: 600 }, () => house.key()));
  const rotating = keys[0]!;
  const first = await encrypted(house, rotating, 'first version');
  await house.perform({ kind: 'rotate-key', key: { by: 'id', id: rotating.id } });
  const sealed = await Promise.all(keys.map((key, i) => encrypted(house, key, `message ${i}`)));
  await house.perform({ kind: 'rotate-root' });
  const meanwhile = await Promise.all(keys.map((key, i) => decrypted(house, key, sealed[i]!)));
  assert.deepEqual(
    meanwhile,
    keys.map((_, i) => `message ${i}`),
  );
  const during = await house.key();
  const made = await encrypted(house, during, 'during');
  await settled(house);
  for (const open of [async () => house, () => restarted(house)]) {
    const one = await open();
    assert.equal(await decrypted(one, rotating, first), 'first version');
    assert.equal(await decrypted(one, during, made), 'during');
    assert.deepEqual(await Promise.all(keys.map((key, i) => decrypted(one, key, sealed[i]!))), meanwhile);
    assert.deepEqual(one.log, []);
  }
});

test('roots follow one another, and what hangs from the first one stays', async () => {
  const house = await House.open();
  const key = await house.key();
  const sealed = await encrypted(house, key, 'once');
  const { verifierKey } = house;
  for (let i = 0; i < 3; i++) await rotated(house);
  const again = await restarted(house);
  assert.equal(again.verifierKey, verifierKey);
  assert.equal(await decrypted(again, key, sealed), 'once');
  await rotated(again);
  assert.equal(await decrypted(await restarted(again), key, sealed), 'once');
});

test('a second rotation waits for the first', async () => {
  const house = await House.open();
  await Promise.all(Array.from({ length: 400 }, () => house.key()));
  const status = await house.perform({ kind: 'rotate-root' });
  assert.ok(status.rotatingSince !== undefined && status.rows > 400, JSON.stringify(status));
  await assert.rejects(house.perform({ kind: 'rotate-root' }), /being rotated already/);
  await settled(house);
  await rotated(house);
});
