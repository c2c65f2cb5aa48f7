import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Key, Proof } from '#domain/domain.ts';
import { byId, byToken, House, passphrase, plain, refused, textOf } from './testing/house.ts';
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
  // Else its clock would still sign what is not the end of the ledger any more.
  await house.gate.core.entrust(undefined);
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

/** Uses a key once; the answer uses what came of it, on whatever server there is then. */
async function used(house: House, key: Key, proof: Proof): Promise<(one: House) => Promise<void>> {
  const [usage] = key.usages;
  const message = () => plain('message');
  if (usage === 'encrypt') {
    const { ciphertext } = await house.encrypt(key, 'kept', {}, proof);
    return async (one) => assert.equal(await one.decrypt(key, ciphertext, {}, proof), 'kept');
  }
  if (usage === 'mac') {
    const mac = async (one: House) =>
      (await one.perform({ kind: 'generate-mac', key: byId(key), message: message() }, proof)).mac;
    const first = await mac(house);
    return async (one) => assert.deepEqual(await mac(one), first);
  }
  if (usage === 'encapsulate') {
    const { ciphertext, sharedSecret } = await house.perform({ kind: 'encapsulate', key: byId(key) }, proof);
    const first = textOf(sharedSecret);
    return async (one) => {
      const opened = await one.perform({ kind: 'decapsulate', key: byId(key), ciphertext }, proof);
      assert.equal(textOf(opened.sharedSecret), first);
    };
  }
  const scheme = { family: 'natural', hash: 'sha256', rsa: 'pss', saltLength: 'max', encoding: 'der' } as const;
  const how = {
    key: byId(key),
    messageType: 'raw',
    scheme,
    context: {},
  } as const;
  const sign = async (one: House) => (await one.perform({ kind: 'sign', ...how, message: message() }, proof)).signature;
  const first = await sign(house);
  return async (one) => {
    for (const signature of [first, await sign(one)]) {
      const { valid } = await one.perform({ kind: 'verify', ...how, message: message(), signature }, proof);
      assert.ok(valid, key.spec);
    }
  };
}

const kinds = [
  ...[
    { spec: 'aes-256', usage: 'encrypt' },
    { spec: 'chacha20-poly1305', usage: 'encrypt' },
  ],
  ...[
    { spec: 'hmac-sha256', usage: 'mac' },
    { spec: 'rsa-2048', usage: 'encrypt' },
    { spec: 'rsa-2048', usage: 'sign' },
  ],
  ...[
    { spec: 'ec-p256', usage: 'sign' },
    { spec: 'ed25519', usage: 'sign' },
    { spec: 'ml-dsa-44', usage: 'sign' },
  ],
  { spec: 'ml-kem-768', usage: 'encapsulate' },
] as const;

test('keys of every kind, in three realms, serve on after a rotation and a restart, and every row has another MAC', async () => {
  const house = await House.open();
  const proofs = [house.proof];
  for (const name of ['second', 'third']) {
    const { account } = await house.perform({ kind: 'create-realm', name });
    proofs.push(byToken(await house.hire(`of-${name}`, 'developer', { realm: account })));
  }
  const uses: Array<(one: House) => Promise<void>> = [];
  for (const proof of proofs) {
    for (const { spec, usage } of kinds) {
      const command = { kind: 'create-key', spec, usages: [usage], class: 'enveloped' } as const;
      uses.push(await used(house, (await house.perform(command, proof)).key, proof));
    }
  }
  const before = await house.rows();
  await rotated(house);
  const after = await house.rows();
  const macOf = (row: string | undefined) => row?.split(' ')[1];
  const kept = [...before].filter(([name, row]) => macOf(after.get(name)) === macOf(row));
  assert.deepEqual(kept, []);
  for (const use of uses) await use(house);
  const again = await restarted(house);
  for (const use of uses) await use(again);
  await again.assertLedgerVerifies();
  assert.ok((await again.entries()).some(({ summary }) => /all \d+ rows are under the new one/.test(summary ?? '')));
});

test('a rotation whose line can not be written goes on all the same, and no other begins', async (t) => {
  const house = await House.open();
  const key = await house.key();
  const { ciphertext } = await house.encrypt(key, 'kept');
  const { seal, store } = house;
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { write } = seal;
  // The disk fills up behind what made way for the new root.
  seal.write = (text) => {
    write.call(seal, text);
    store.broken = 'storage-full';
  };
  await refused('storage-full', house.perform({ kind: 'rotate-root' }));
  Object.assign(seal, { write });
  store.broken = undefined;
  await assert.rejects(house.perform({ kind: 'rotate-root' }), /being rotated already/);
  for (let i = 0; i < 100 && house.log.length === 0; i++) await new Promise(setImmediate);
  t.mock.timers.tick(5000);
  await settled(house);
  t.mock.timers.reset();
  assert.equal(await (await restarted(house)).decrypt(key, ciphertext), 'kept');
});

test('after a rotation the database opens by no seal file of before', async () => {
  const house = await House.open();
  await house.key();
  const before = house.seal.text;
  await rotated(house);
  const { text } = house.seal;
  assert.notEqual(text, before);
  house.seal.write(before);
  const next = await house.reopen();
  await refused('tampered', next.unseal());
  house.seal.write(text);
  await restarted(house);
});

test('keys that are changed while they are renewed keep both', async () => {
  const house = await House.open();
  const keys = await Promise.all(Array.from({ length: 300 }, () => house.key()));
  const sealed = await Promise.all(keys.map((key) => house.encrypt(key, 'before')));
  await house.perform({ kind: 'rotate-root' });
  await Promise.all(
    keys.map(async (key, i) => {
      if (i % 3 === 0) await house.perform({ kind: 'rotate-key', key: byId(key) });
      else if (i % 3 === 1) await house.perform({ kind: 'disable-key', key: byId(key) });
      else await house.perform({ kind: 'schedule-destruction', key: byId(key), days: 7 });
    }),
  );
  await settled(house);
  const again = await restarted(house);
  for (const [i, key] of keys.entries()) {
    if (i % 3 === 1) await again.perform({ kind: 'enable-key', key: byId(key) });
    if (i % 3 === 2) {
      await again.perform({ kind: 'cancel-destruction', key: byId(key) });
      await again.perform({ kind: 'enable-key', key: byId(key) });
    }
    assert.equal(await again.decrypt(key, sealed[i]!.ciphertext), 'before');
  }
  assert.deepEqual([...house.log, ...again.log], []);
});

test('where the disk does not say which root a restart will find, nothing is written until somebody unseals', async () => {
  const house = await House.open();
  const key = await house.key();
  const { ciphertext: sealed } = await house.encrypt(key, 'once');
  house.seal.unsettled = true;
  await refused('unavailable', house.perform({ kind: 'rotate-root' }));
  await refused('sealed', house.perform({ kind: 'create-realm', name: 'late' }));
  await refused('unavailable', house.unseal());
  house.seal.unsettled = false;
  await house.unseal();
  await settled(house);
  assert.equal(await house.decrypt(key, sealed), 'once');
  await rotated(house);
  assert.equal(await (await restarted(house)).decrypt(key, sealed), 'once');
});
