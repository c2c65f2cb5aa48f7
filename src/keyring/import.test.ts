import assert from 'node:assert/strict';
import { constants, createPrivateKey, createPublicKey, generateKeyPairSync, publicEncrypt, sign } from 'node:crypto';
import { beforeEach, describe, test } from 'node:test';
import { randomBytes, wrapAesKwp } from '#crypto/crypto.ts';
import { type Command, type ImportWrapping, type Key, SecretBytes, type WrappingSpec } from '#domain/domain.ts';
import { byId, day, plain, Ring, realm, refused } from './testing/ring.ts';

let ring: Ring;
beforeEach(async () => {
  ring = await Ring.open();
});

type Import = Omit<Partial<Command<'import-key-material'>>, 'kind' | 'key' | 'wrapped'>;

const parametersFor = (
  key: Key,
  wrapping: ImportWrapping = 'rsa-oaep-sha256',
  wrappingSpec: WrappingSpec = 'rsa-2048',
) =>
  ring.do(
    Promise.try(() =>
      ring.keyring.importParameters(
        key,
        { ...{ kind: 'get-import-parameters', key: byId(key), wrapping, wrappingSpec } },
        ring.now,
      ),
    ),
  );

function wrapFor(spki: Uint8Array, material: Uint8Array): Buffer {
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  return publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }, material);
}

async function bring(key: Key, material: Uint8Array, more: Import = {}): Promise<Key> {
  const { token, wrappingKey } = await parametersFor(key);
  return importing(key, more.token ?? token, wrapFor(wrappingKey, material), more);
}

async function importing(key: Key, token: Uint8Array, wrapped: Uint8Array, more: Import = {}): Promise<Key> {
  const command = { kind: 'import-key-material', key: byId(key), token, wrapped, ...more } as const;
  return (await ring.do(ring.keyring.importMaterial(key, { ...command, token: more.token ?? token }, ring.now))).key;
}

const drop = async (key: Key, materialId?: string) =>
  ring.do(
    Promise.try(() =>
      ring.keyring.deleteImported(key, {
        ...{ kind: 'delete-imported-material', key: byId(key), ...(materialId !== undefined && { materialId }) },
      }),
    ),
  );

const external = (more: Partial<Command<'create-key'>> = {}) => ring.key({ origin: 'external', ...more });
const described = async (key: Key) =>
  await ring.do(ring.keyring.describeKey(key, { kind: 'describe-key', key: byId(key), withVersions: true }));
const due = async () => (await ring.keyring.due(ring.now, 10)).map(({ what }) => what);
const expire = async (key: Key) => (await ring.do(ring.keyring.expireImported(key, ring.now))).key;
const rotateOnDemand = async (key: Key): Promise<Key> =>
  (await ring.do(ring.keyring.rotateKey(key, { kind: 'rotate-key', key: byId(key), onDemand: true }, ring.now))).key;

describe('a key of external origin', () => {
  test('waits for its material, and is of no use before', async () => {
    const key = await external();
    assert.deepEqual(
      [key.current.state, key.current.wrapped, key.current.materialId],
      ['pending-import', undefined, undefined],
    );
    await refused('invalid-state', () => ring.encrypt(key, 'x'));
    await refused('invalid-state', () => ring.keyring.enableKey(key));
    await refused('invalid-state', () => ring.keyring.disableKey(key));
    await refused('invalid-state', () => rotateOnDemand(key));
    await refused('unsupported', () => ring.update(key, { rotationPeriodDays: 90 }));
    const pair = await external({ spec: 'ec-p256', usages: ['sign'] });
    await refused('invalid-state', ring.keyring.getPublicKey(pair, { kind: 'get-public-key', key: byId(pair) }));
  });

  test('works with what was imported, after a restart too', async () => {
    const key = await bring(await external(), randomBytes(32));
    assert.equal(key.current.state, 'active');
    assert.match(key.current.materialId!, /^[0-9a-f]{64}$/);
    const { ciphertext, materialId } = await ring.encrypt(key, 'kept');
    assert.equal(materialId, key.current.materialId);
    await ring.restart();
    assert.equal(await ring.decrypt(await ring.fresh(key), ciphertext), 'kept');
  });

  test('is told from a key that this server made', async () => {
    const key = await ring.key();
    await refused('unsupported', () => parametersFor(key));
    await refused('unsupported', importing(key, Buffer.alloc(100), Buffer.alloc(256)));
    await refused('unsupported', () => drop(key));
  });

  test('can be given up before any import', async () => {
    const key = await external();
    const schedule = { kind: 'schedule-destruction', key: byId(key), days: 7 } as const;
    const ending = (await ring.do(Promise.try(() => ring.keyring.scheduleDestruction(key, schedule, ring.now)))).key;
    await refused('pending-destruction', () => parametersFor(ending));
    const back = (await ring.do(Promise.try(() => ring.keyring.cancelDestruction(ending)))).key;
    assert.deepEqual([back.enabled, back.current.state], [true, 'pending-import']);
    await ring.do(Promise.try(() => ring.keyring.scheduleDestruction(back, schedule, ring.now)));
    ring.now += 8 * day;
    await ring.do(ring.keyring.destroyKey(await ring.fresh(key), ring.now));
    assert.equal(await ring.keyring.find(realm, byId(key)), undefined);
  });

  test('takes every kind of wrapping', async () => {
    const material = randomBytes(32);
    for (const [wrapping, hash] of [
      ['rsa-aes-kwp-sha1', 'sha1'],
      ['rsa-aes-kwp-sha256', 'sha256'],
    ] as const) {
      const key = await external();
      const { token, wrappingKey } = await parametersFor(key, wrapping);
      const kek = randomBytes(32);
      const padding = constants.RSA_PKCS1_OAEP_PADDING;
      const spki = createPublicKey({ key: Buffer.from(wrappingKey), format: 'der', type: 'spki' });
      const head = publicEncrypt({ key: spki, padding, oaepHash: hash }, kek);
      const body = wrapAesKwp(new SecretBytes(kek), new SecretBytes(Buffer.from(material)));
      await importing(key, token, Buffer.concat([head, body]));
    }
  });

  test('of a pair gets its public key from the private one', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const key = await bring(
      await external({ spec: 'ec-p256', usages: ['sign'] }),
      privateKey.export({ format: 'der', type: 'pkcs8' }),
    );
    assert.deepEqual(key.current.publicKey, publicKey.export({ format: 'der', type: 'spki' }));
    const signature = sign('sha256', Buffer.from('m'), privateKey);
    const { valid } = await ring.do(
      ring.keyring.verify(key, {
        ...{ kind: 'verify', key: byId(key), message: plain('m'), messageType: 'raw', context: {}, signature },
        scheme: { family: 'ecdsa', hash: 'sha256' },
      }),
    );
    assert.equal(valid, true);
    const other = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
    await refused('wrong-material', bring(key, other.export({ format: 'der', type: 'pkcs8' })));
    await refused(
      'unsupported',
      bring(key, privateKey.export({ format: 'der', type: 'pkcs8' }), { material: 'existing' }),
    );
    const gone = (await drop(key)).key;
    const again = await bring(gone, privateKey.export({ format: 'der', type: 'pkcs8' }));
    assert.equal(again.current.materialId, key.current.materialId);
    assert.ok(createPrivateKey({ key: privateKey.export({ format: 'pem', type: 'pkcs8' }) }));
  });

  test('refuses wrappings that can not hold its material', async () => {
    const rsa = await external({ spec: 'rsa-2048', usages: ['sign'] });
    await refused('unsupported', () => parametersFor(rsa));
    const large = await external({ spec: 'ec-p521', usages: ['sign'] });
    await refused('unsupported', () => parametersFor(large));
    await parametersFor(large, 'rsa-oaep-sha256', 'rsa-3072');
  });
});

describe('an import token', () => {
  test('fits in 6144 bytes with the longest wrapping key', async () => {
    const { token } = await parametersFor(await external(), 'rsa-aes-kwp-sha256', 'rsa-4096');
    assert.ok(token.length < 6144, `${token.length}`);
  });

  test('serves its key alone, unchanged, for a day', async () => {
    const [key, other] = [await external(), await external()];
    const { token, wrappingKey, validTo } = await parametersFor(key);
    assert.equal(validTo, ring.now + day);
    const wrapped = wrapFor(wrappingKey, randomBytes(32));
    await refused('invalid-import-token', importing(other, token, wrapped));
    for (const at of [...Array(14).keys(), 50, token.length - 1]) {
      const changed = Buffer.from(token);
      changed[at]! ^= 1;
      await refused('invalid-import-token', importing(key, changed, wrapped), `byte ${at}`);
    }
    const far = Buffer.from(token).fill(0xff, 5, 13);
    await refused('invalid-import-token', importing(key, far, wrapped));
    for (const length of [0, 1, 13, 100]) {
      await refused('invalid-import-token', importing(key, token.subarray(0, length), wrapped));
    }
    await refused('invalid-import-token', importing(key, new Uint8Array(7000), wrapped));
    ring.now += day - 1;
    await importing(key, token, wrapped);
    ring.now += 1;
    await refused('expired-import-token', importing(await ring.fresh(key), token, wrapped));
  });

  test('of another key wrapping does not unwrap', async () => {
    const key = await external();
    const [one, two] = [await parametersFor(key), await parametersFor(key)];
    await refused('invalid-wrapping', importing(key, one.token, wrapFor(two.wrappingKey, randomBytes(32))));
  });
});

describe('imported material', () => {
  test('has the length and kind that its key wants', async () => {
    const key = await external();
    for (const length of [16, 31, 33]) await refused('wrong-material', bring(key, randomBytes(length)));
  });

  test('comes back after it was deleted, the same only, and its ciphertexts open again', async () => {
    const material = randomBytes(32);
    const key = await bring(await external(), material, { materialLabel: 'first' });
    const { ciphertext } = await ring.encrypt(key, 'old');
    const { key: gone, materialId } = await drop(key);
    assert.equal(materialId, key.current.materialId);
    assert.deepEqual([gone.enabled, gone.current.state, gone.current.wrapped], [true, 'pending-import', undefined]);
    await refused('invalid-state', () => ring.decrypt(gone, ciphertext));
    assert.equal((await drop(gone)).materialId, materialId, 'deleting nothing is no fault');
    await ring.restart();
    const waiting = await ring.fresh(key);
    await refused('wrong-material', bring(waiting, randomBytes(32)));
    await refused('wrong-material', bring(waiting, material, { materialId: '0'.repeat(64) }));
    const back = await bring(waiting, material, { materialId: materialId! });
    assert.equal(back.current.materialLabel, 'first');
    assert.equal(await ring.decrypt(back, ciphertext), 'old');
  });

  test('has another id in another key', async () => {
    const material = randomBytes(32);
    const [one, two] = [await bring(await external(), material), await bring(await external(), material)];
    assert.notEqual(one.current.materialId, two.current.materialId);
  });

  test('of a disabled key leaves it disabled', async () => {
    const material = randomBytes(32);
    const key = await bring(await external(), material);
    const off = (await ring.do(Promise.try(() => ring.keyring.disableKey(key)))).key;
    const back = await bring((await drop(off)).key, material);
    assert.equal(back.enabled, false);
    await refused('disabled', () => ring.encrypt(back, 'x'));
  });

  test('ends at its time to the millisecond, whether or not the schedule has run', async () => {
    const material = randomBytes(32);
    const key = await bring(await external(), material, { expiresAt: ring.now + day });
    const { ciphertext } = await ring.encrypt(key, 'until then');
    ring.now += day - 1;
    assert.equal(await ring.decrypt(key, ciphertext), 'until then');
    assert.deepEqual(await due(), []);
    ring.now += 1;
    await refused('invalid-state', () => ring.decrypt(key, ciphertext));
    await refused('invalid-state', () => ring.encrypt(key, 'x'));
    const told = await described(key);
    assert.deepEqual([told.key.current.state, told.key.current.wrapped], ['pending-import', undefined]);
    assert.deepEqual(await due(), ['end-of-material']);
    const gone = await expire(key);
    assert.deepEqual(
      [gone.current.state, gone.current.wrapped, gone.current.expiresAt],
      ['pending-import', undefined, undefined],
    );
    assert.deepEqual(await due(), []);
    const back = await bring(gone, material);
    assert.equal(await ring.decrypt(back, ciphertext), 'until then');
  });

  test('is given another end, or none, by importing it again', async () => {
    const material = randomBytes(32);
    const key = await bring(await external(), material, { expiresAt: ring.now + day });
    const later = await bring(key, material, { expiresAt: ring.now + 2 * day });
    ring.now += day;
    await ring.encrypt(later, 'x');
    const never = await bring(later, material);
    ring.now += 30 * day;
    await ring.encrypt(never, 'x');
    assert.deepEqual(await due(), []);
  });

  test('ends in the future and within a year', async () => {
    const key = await external();
    for (const expiresAt of [0, ring.now, ring.now + 366 * day]) {
      await refused('invalid-parameter', bring(key, randomBytes(32), { expiresAt }));
    }
  });

  test('ends while its key is pending deletion too', async () => {
    const key = await bring(await external(), randomBytes(32), { expiresAt: ring.now + day });
    const schedule = { kind: 'schedule-destruction', key: byId(key), days: 7 } as const;
    const ending = (await ring.do(Promise.try(() => ring.keyring.scheduleDestruction(key, schedule, ring.now)))).key;
    ring.now += day;
    assert.deepEqual(await due(), ['end-of-material']);
    const gone = await expire(ending);
    assert.equal(gone.current.wrapped, undefined);
    ring.now += 6 * day;
    assert.deepEqual(await due(), ['destruction']);
  });
});

describe('several materials of one key', () => {
  const [first, second, third] = [randomBytes(32), randomBytes(32), randomBytes(32)];

  test('follow one another by rotations that are asked for', async () => {
    let key = await bring(await external(), first);
    const old = await ring.encrypt(key, 'old');
    await refused('invalid-state', () => rotateOnDemand(key));
    await refused('wrong-material', bring(key, first, { material: 'new' }));
    await refused('wrong-material', bring(key, second));
    key = await bring(key, second, { material: 'new', materialLabel: 'second' });
    assert.deepEqual([key.current.version, key.next?.state], [1, 'pre-active']);
    assert.equal((await ring.encrypt(key, 'x')).version, 1);
    await refused('invalid-state', bring(key, third, { material: 'new' }));
    ring.now += day;
    key = await rotateOnDemand(key);
    assert.deepEqual(
      [key.current.version, key.current.state, key.current.createdAt, key.next],
      [2, 'active', ring.now, undefined],
    );
    assert.equal(key.current.rotatedBy, 'request');
    const now = await ring.encrypt(key, 'new');
    assert.equal(now.version, 2);
    await ring.restart();
    key = await ring.fresh(key);
    assert.equal(await ring.decrypt(key, old.ciphertext), 'old');
    assert.equal(await ring.decrypt(key, now.ciphertext), 'new');
    await refused('wrong-material', bring(key, first, { material: 'new' }));
  });

  test('must all be there for the key to be of use', async () => {
    let key = await bring(await external(), first);
    const id = key.current.materialId!;
    const { ciphertext } = await ring.encrypt(key, 'old');
    key = await rotateOnDemand(await bring(key, second, { material: 'new' }));
    key = (await drop(key, id)).key;
    await refused('invalid-state', () => ring.encrypt(key, 'x'));
    await refused('invalid-state', () => ring.decrypt(key, ciphertext));
    assert.equal((await described(key)).key.current.state, 'pending-import');
    await ring.restart();
    key = await ring.fresh(key);
    await refused('invalid-state', () => ring.encrypt(key, 'x'));
    key = await bring(key, first, { expiresAt: ring.now + day });
    assert.equal(await ring.decrypt(key, ciphertext), 'old');
    ring.now += day;
    await refused('invalid-state', () => ring.encrypt(key, 'x'));
    key = await expire(key);
    const { versions } = await described(key);
    assert.deepEqual(
      versions.map(({ version, wrapped }) => [version, wrapped !== undefined]),
      [
        [1, false],
        [2, true],
      ],
    );
    key = await bring(key, first);
    assert.equal(await ring.decrypt(key, ciphertext), 'old');
    assert.equal((await ring.encrypt(key, 'x')).version, 2);
  });

  test('may be forgotten before their rotation', async () => {
    let key = await bring(await external(), first);
    key = await bring(key, second, { material: 'new' });
    key = (await drop(key, key.next!.materialId)).key;
    assert.equal(key.next, undefined);
    assert.equal(key.current.state, 'active');
    key = await bring(key, third, { material: 'new', expiresAt: ring.now + day });
    ring.now += day;
    await refused('invalid-state', () => rotateOnDemand(key));
    assert.equal((await described(key)).key.next, undefined);
    assert.deepEqual(await due(), ['end-of-material']);
    key = await expire(key);
    assert.equal(key.next, undefined);
    await ring.encrypt(key, 'x');
    await refused('not-found', () => drop(key, '0'.repeat(64)));
  });

  test('are not for keys of other kinds', async () => {
    const key = await bring(await external({ spec: 'hmac-sha256', usages: ['mac'] }), first);
    await refused('unsupported', bring(key, second, { material: 'new' }));
    await refused('unsupported', bring(key, first, { materialLabel: 'x' }));
    await refused('wrong-material', bring(key, second));
    await bring(key, first);
  });
});
