import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { KmsError, SecretBytes } from '#domain/domain.ts';
import { ckr } from './ckr.ts';
import type { Hsm, HsmKey, HsmOptions, HsmUse } from './hsm.ts';
import { moduleDigest, openHsm } from './hsm.ts';
import { compilerAbsent, FaultyModule, SoftHsm, userPin } from './testing/softhsm.ts';

const soft = compilerAbsent === undefined ? new SoftHsm() : undefined;
const serial = soft?.addToken('faulty') ?? '';
const faulty = soft === undefined ? undefined : new FaultyModule(soft.directory);
after(() => soft?.[Symbol.dispose]());

const secret = (text: string) => new SecretBytes(Buffer.from(text));
const digest = Buffer.alloc(32, 9);
const sign: HsmUse = { use: 'sign-ecdsa', data: digest };
const encrypt: HsmUse = { use: 'encrypt-gcm', iv: Buffer.alloc(12, 1), aad: Buffer.alloc(0), data: digest };

const fails = (code: string, words?: RegExp) => (error: unknown) => {
  assert.ok(error instanceof KmsError, String(error));
  assert.equal(error.code, code, error.message);
  if (words !== undefined) assert.match(error.message, words);
  return true;
};

const open = (options: HsmOptions) => {
  const place = { modulePath: faulty!.path, moduleSha256: moduleDigest(faulty!.path), tokenSerial: serial };
  return openHsm(place, secret(userPin), options);
};

let ids = 0;
/** A token that was opened, with a key of each kind. */
async function withHsm(
  options: HsmOptions,
  run: (hsm: Hsm, keys: { readonly ec: HsmKey; readonly aes: HsmKey }) => Promise<void>,
): Promise<void> {
  faulty!.calm();
  const hsm = await open(options);
  const id = () => (0x2000 + ids++).toString(16);
  try {
    const ec = await hsm.generate({ id: id(), label: 'ec', key: { type: 'ec', curve: 'P-256' }, usage: 'sign' });
    const aes = await hsm.generate({
      id: id(),
      label: 'aes',
      key: { type: 'aes', bits: 256 },
      usage: 'encrypt-decrypt',
    });
    await run(hsm, { ec, aes });
  } finally {
    faulty!.calm();
    await hsm.close();
  }
}

const it = (title: string, run: () => Promise<void>) => test(title, { skip: compilerAbsent ?? false }, run);

const lostBy = [
  'DEVICE_REMOVED',
  'SESSION_HANDLE_INVALID',
  'SESSION_CLOSED',
  'TOKEN_NOT_PRESENT',
  'DEVICE_ERROR',
  'CRYPTOKI_NOT_INITIALIZED',
  'USER_NOT_LOGGED_IN',
] as const;

for (const name of lostBy)
  for (const [call, use] of [
    ['C_SignInit', sign],
    ['C_Sign', sign],
    ['C_Encrypt', encrypt],
    ['C_FindObjectsInit', sign],
  ] as const)
    it(`answers although ${call} says CKR_${name}, now or three calls later`, async () => {
      for (const skip of [0, 3])
        await withHsm({ sessions: 2 }, async (hsm, { ec, aes }) => {
          const key = call === 'C_Encrypt' ? aes : ec;
          faulty!.disturb({ call, skip: call === 'C_FindObjectsInit' ? 0 : skip, action: 'fail', value: ckr[name] });
          const answers = await Promise.all(Array.from({ length: 8 }, () => hsm.use(key, use)));
          assert.ok(!faulty!.waits, 'the fault happened');
          assert.ok(answers.every(({ length }) => length > 0));
        });
    });

for (const action of ['close', 'finalize'] as const)
  it(`answers although somebody else ${action === 'close' ? 'closed every session' : 'finalized the module'}`, async () => {
    // One session: SoftHSM2 itself frees what its other threads still use.
    await withHsm({ sessions: 1 }, async (hsm, { ec }) => {
      const before = await hsm.use(ec, sign);
      faulty!.disturb({ call: 'C_SignInit', skip: 5, action });
      const answers = await Promise.all(Array.from({ length: 50 }, () => hsm.use(ec, sign)));
      assert.ok(!faulty!.waits);
      assert.ok(answers.every(({ length }) => length === before.length));
      assert.equal((await hsm.find({ class: 'private', id: ec.id })).id, ec.id);
    });
  });

it('gives up a token that stays lost, says why, and finds it again', async () => {
  await withHsm({ sessions: 2, deadline: 1000 }, async (hsm, { ec }) => {
    faulty!.disturb({ call: 'C_SignInit', times: 1_000_000, action: 'fail', value: ckr.DEVICE_REMOVED });
    const before = performance.now();
    await assert.rejects(hsm.use(ec, sign), fails('unavailable', /DEVICE_REMOVED/));
    assert.ok(performance.now() - before < 3000, 'within its deadline, roughly');
    faulty!.calm();
    assert.equal((await hsm.use(ec, sign)).length, 64);
  });
});

it('serves while the tokens go away and come back, and loses no call that may still wait', async () => {
  await withHsm({ sessions: 3, deadline: 8000 }, async (hsm, { ec }) => {
    let running = true;
    let answered = 0;
    const callers = Array.from({ length: 20 }, async () => {
      while (running) {
        await hsm.use(ec, sign);
        answered++;
      }
    });
    await sleep(200);
    soft!.leave();
    await sleep(700);
    const away = answered;
    await sleep(300);
    assert.equal(answered, away, 'nothing signs while they are away');
    soft!.comeBack();
    await sleep(1500);
    running = false;
    await Promise.all(callers);
    assert.ok(answered > away + 100, `${answered - away} after they came back`);
  });
});

for (const sessions of [1, 2])
  it(`leaves a call that hangs, answers the others meanwhile, and takes its session back, of ${sessions}`, async () => {
    await withHsm({ sessions, deadline: 1000 }, async (hsm, { ec }) => {
      await hsm.use(ec, sign);
      faulty!.disturb({ call: 'C_Sign', action: 'wait', value: 3500 });
      const hung = assert.rejects(hsm.use(ec, sign), fails('unavailable', /did not answer in 1000 ms/));
      await hung;
      const before = performance.now();
      await Promise.all(Array.from({ length: 20 }, () => hsm.use(ec, sign)));
      assert.ok(performance.now() - before < 1000, 'the others have a session');
      await sleep(3500);
      await Promise.all(Array.from({ length: 20 }, () => hsm.use(ec, sign)));
    });
  });

it('does not try the PIN again by itself once the token refuses it', async () => {
  await withHsm({ sessions: 2, deadline: 3000 }, async (hsm, { ec }) => {
    await hsm.use(ec, sign);
    soft!.changePin('faulty', userPin, '77777');
    try {
      faulty!.disturb({ call: 'C_SignInit', action: 'close' });
      await assert.rejects(hsm.use(ec, sign), fails('unavailable', /no longer takes the PIN/));
      faulty!.disturb({ call: 'C_Login', times: 1000, action: 'fail', value: ckr.PIN_LOCKED });
      await sleep(300);
      await assert.rejects(hsm.use(ec, sign), fails('unavailable', /no longer takes the PIN/));
      await assert.rejects(hsm.list(), fails('unavailable', /no longer takes the PIN/));
      assert.equal(faulty!.left, 1000, 'nobody has logged in');
      faulty!.calm();
      await assert.rejects(open({ sessions: 1 }), fails('invalid-unseal'));
    } finally {
      faulty!.calm();
      soft!.changePin('faulty', '77777', userPin);
    }
  });
});

it('opens no token that gives a wrong answer to what is known, and none with a locked PIN', async () => {
  faulty!.disturb({ call: 'C_Digest', action: 'fail', value: 1 });
  await assert.rejects(open({ sessions: 1 }), fails('tampered', /wrong answer/));
  faulty!.disturb({ call: 'C_Login', times: 5, action: 'fail', value: ckr.PIN_LOCKED });
  await assert.rejects(open({ sessions: 1 }), fails('invalid-unseal', /PIN_LOCKED/));
  assert.equal(faulty!.left, 4, 'it was tried once');
  faulty!.calm();
});

it('does not spend the last try that a token has for a PIN', async () => {
  faulty!.disturb({ call: 'C_GetTokenInfo', times: 100, action: 'fail', value: 0x20000 });
  await assert.rejects(open({ sessions: 1 }), fails('invalid-unseal', /locks its PIN at the next wrong one/));
  faulty!.calm();
  await (await open({ sessions: 1 })).close();
});

it('opens a token with fewer sessions than it was to have, and says when it has none', async () => {
  faulty!.disturb({ call: 'C_OpenSession', skip: 2, times: 9, action: 'fail', value: ckr.SESSION_COUNT });
  const hsm = await open({ sessions: 4 });
  const key = await hsm.generate({ id: 'face', label: 'few', key: { type: 'ec', curve: 'P-256' }, usage: 'sign' });
  faulty!.disturb({ call: 'C_SignInit', action: 'fail', value: ckr.SESSION_CLOSED });
  assert.equal((await hsm.use(key, sign)).length, 64);
  faulty!.disturb({ call: 'C_OpenSession', skip: 2, times: 9, action: 'fail', value: ckr.SESSION_COUNT });
  await hsm.destroy(key);
  await hsm.close();
  faulty!.disturb({ call: 'C_OpenSession', times: 9, action: 'fail', value: ckr.SESSION_COUNT });
  await assert.rejects(open({ sessions: 2 }), fails('unavailable', /SESSION_COUNT/));
  faulty!.calm();
});

it('signs on while a key is made that takes its time', async () => {
  await withHsm({ sessions: 2 }, async (hsm, { ec }) => {
    await hsm.use(ec, sign);
    faulty!.disturb({ call: 'C_GenerateKey', action: 'wait', value: 3000 });
    const wanted = { id: 'cafe', label: 'slow', key: { type: 'aes', bits: 256 }, usage: 'encrypt-decrypt' } as const;
    const making = hsm.generate(wanted);
    while (faulty!.waits) await sleep(10);
    const before = performance.now();
    await Promise.all(Array.from({ length: 50 }, () => hsm.use(ec, sign)));
    assert.ok(performance.now() - before < 1500, 'nothing waits behind it');
    assert.equal((await making).id, 'cafe');
  });
});

it('finds a lost session again while another makes a key that takes its time', async () => {
  await withHsm({ sessions: 2, deadline: 2000 }, async (hsm, { ec }) => {
    await hsm.use(ec, sign);
    faulty!.disturb({ call: 'C_GenerateKey', action: 'wait', value: 5000 });
    const wanted = { id: 'cabe', label: 'slow', key: { type: 'aes', bits: 256 }, usage: 'encrypt-decrypt' } as const;
    const making = hsm.generate(wanted);
    while (faulty!.waits) await sleep(10);
    faulty!.disturb({ call: 'C_SignInit', action: 'fail', value: ckr.SESSION_CLOSED });
    assert.equal((await hsm.use(ec, sign)).length, 64);
    assert.equal((await making).id, 'cabe');
    await Promise.all(Array.from({ length: 20 }, () => hsm.use(ec, sign)));
  });
});

it('makes no key a second time where the token was lost while it made one', async () => {
  await withHsm({ sessions: 1 }, async (hsm) => {
    const before = (await hsm.list()).length;
    faulty!.disturb({ call: 'C_GenerateKey', action: 'fail', value: ckr.DEVICE_ERROR });
    const wanted = { id: 'beef', label: 'once', key: { type: 'aes', bits: 256 }, usage: 'encrypt-decrypt' } as const;
    await assert.rejects(hsm.generate(wanted), fails('unavailable', /DEVICE_ERROR/));
    assert.equal((await hsm.list()).length, before);
    assert.equal((await hsm.generate(wanted)).id, 'beef');
  });
});
