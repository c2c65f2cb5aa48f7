import assert from 'node:assert/strict';
import {
  createCipheriv,
  generateKeyPairSync,
  type KeyObject,
  sign as signWith,
  verify as verifyWith,
} from 'node:crypto';
import { beforeEach, describe, test } from 'node:test';
import { openPublicKey, randomBytes, wrapForTransfer } from '#crypto/crypto.ts';
import {
  type Brought,
  type Command,
  type Key,
  type KeySpec,
  type OaepHash,
  oaepHashes,
  SecretBytes,
} from '#domain/domain.ts';
import { byId, byName, day, plain, Ring, realm, refused } from './testing/ring.ts';

let ring: Ring;
beforeEach(async () => {
  ring = await Ring.open();
});

const wrappingKey = async () => (await ring.do(ring.keyring.wrappingKey(realm))).publicKey;

async function wrapped(material: Uint8Array, hash: OaepHash = 'sha256'): Promise<Brought> {
  using secret = new SecretBytes(Uint8Array.from(material));
  const to = openPublicKey('rsa-4096', await wrappingKey());
  return { hash, wrapped: wrapForTransfer(to, hash, secret) };
}

type Facts = Omit<Partial<Command<'import-key'>>, 'brought'>;

const bring = async (brought: Brought | Promise<Brought>, more: Facts = {}): Promise<Key> => {
  const command = { kind: 'import-key', name: 'brought', specs: ['aes-256'], usages: ['encrypt', 'mac'] } as const;
  return (await ring.do(ring.keyring.importKey(realm, { ...command, ...more, brought: await brought }, ring.now))).key;
};

const bringVersion = async (key: Key, brought: Brought | Promise<Brought>, version?: number): Promise<Key> => {
  const command = { kind: 'import-key-version', key: byId(key), brought: await brought } as const;
  const asked = version === undefined ? command : { ...command, version };
  return (await ring.do(ring.keyring.importVersion(key, asked, ring.now))).key;
};

const pkcs8 = (key: KeyObject) => key.export({ format: 'der', type: 'pkcs8' });
const spki = (key: KeyObject) => key.export({ format: 'der', type: 'spki' });
const p256 = () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const ecFacts = { specs: ['ec-p256'], usages: ['sign'] } as const satisfies Facts;
const ecdsa = { family: 'ecdsa', hash: 'sha256' } as const;
const signing = (key: Key) =>
  ({ key: byId(key), message: plain('m'), messageType: 'raw', scheme: ecdsa, context: {} }) as const;

describe('the wrapping key of a realm', () => {
  test('is made once, whoever asks at the same moment, and stays', async () => {
    const [first, second] = await Promise.all([ring.keyring.wrappingKey(realm), ring.keyring.wrappingKey(realm)]);
    assert.deepEqual(first.result, second.result);
    await ring.commit(first.change!);
    await ring.restart();
    const again = await ring.keyring.wrappingKey(realm);
    assert.deepEqual(again, { result: first.result });
    await ring.key({}, '444455556666');
    assert.notDeepEqual((await ring.keyring.wrappingKey('444455556666')).result, first.result);
  });

  test('opens nothing before it was made', async () => {
    const brought = { hash: 'sha256', wrapped: new Uint8Array(600) } as const;
    await refused('invalid-wrapping', bring(brought));
  });
});

describe('a key that is imported whole', () => {
  test('works at once, by its name, after a restart too', async () => {
    const key = await bring(wrapped(randomBytes(32)));
    assert.deepEqual([key.origin, key.current.state, key.exportable], ['external', 'active', false]);
    const { ciphertext } = await ring.encrypt(key, 'kept');
    await ring.restart();
    const found = await ring.keyring.find(realm, byName('brought'));
    assert.equal(await ring.decrypt(found!, ciphertext), 'kept');
  });

  test('may be wrapped with every hash that OAEP has', async () => {
    for (const hash of oaepHashes) {
      const key = await bring(wrapped(randomBytes(32), hash), { name: hash });
      assert.equal(key.spec, 'aes-256');
      const other = hash === 'sha256' ? 'sha384' : 'sha256';
      const mistaken = { ...(await wrapped(randomBytes(32), hash)), hash: other } as const;
      await refused('invalid-wrapping', bring(mistaken, { name: 'mistaken' }));
    }
  });

  test('is of the first kind whose length fits', async () => {
    const specs: readonly KeySpec[] = ['hmac-sha256', 'hmac-sha384', 'hmac-sha512'];
    const key = await bring(wrapped(randomBytes(48)), { specs, usages: ['mac'] });
    assert.equal(key.spec, 'hmac-sha384');
    await refused('wrong-material', bring(wrapped(randomBytes(40)), { specs, usages: ['mac'], name: 'odd' }));
  });

  test('is refused by one name for all that is wrong with its wrapping', async () => {
    const good = (await wrapped(randomBytes(32))) as Extract<Brought, { hash: OaepHash }>;
    for (const length of [0, 1, 511, 512, 520, good.wrapped.length - 1]) {
      await refused('invalid-wrapping', bring({ ...good, wrapped: good.wrapped.subarray(0, length) }), `${length}`);
    }
    for (const at of [0, 200, 511, 512, good.wrapped.length - 1]) {
      const changed = Uint8Array.from(good.wrapped);
      changed[at]! ^= 1;
      await refused('invalid-wrapping', bring({ ...good, wrapped: changed }), `${at}`);
    }
  });

  test('is refused where its material is of another kind', async () => {
    await refused('wrong-material', bring(wrapped(randomBytes(16))));
    await refused('wrong-material', bring(wrapped(pkcs8(p256().privateKey)), { specs: ['ec-p384'], usages: ['sign'] }));
    await refused('wrong-material', bring(wrapped(randomBytes(32)), ecFacts));
  });

  test('does not take a name that is taken, nor one of the server itself', async () => {
    await ring.key({ name: 'brought' });
    await refused('already-exists', bring(wrapped(randomBytes(32))));
    await refused('invalid-parameter', async () => bring(await wrapped(randomBytes(32)), { name: 'aws/x' }));
  });

  test('rotates to material of this server only where that was allowed, and is one of its own from then on', async () => {
    const fixed = await bring(wrapped(randomBytes(32)));
    await refused('invalid-state', ring.rotate(fixed));
    const key = await bring(wrapped(randomBytes(32)), { name: 'free', ownRotation: true, rotationPeriodDays: 90 });
    assert.equal(key.rotation?.periodDays, 90);
    const { ciphertext } = await ring.encrypt(key, 'older');
    const rotated = await ring.rotate(key);
    assert.deepEqual([rotated.current.version, rotated.origin, rotated.ownRotation], [2, undefined, undefined]);
    assert.equal(await ring.decrypt(rotated, ciphertext), 'older');
    await refused('unsupported', bringVersion(rotated, wrapped(randomBytes(32))));
    await ring.restart();
    assert.equal(await ring.decrypt(await ring.fresh(rotated), ciphertext), 'older');
    await refused('unsupported', bring(wrapped(randomBytes(32)), { name: 'still', rotationPeriodDays: 90 }));
  });
});

describe('what was encrypted elsewhere by the bare material', () => {
  const asVault = (material: Uint8Array, text: string, aad = '') => {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', material, nonce);
    cipher.setAAD(Buffer.from(aad));
    return Buffer.concat([nonce, cipher.update(text), cipher.final(), cipher.getAuthTag()]);
  };
  const version = (number: number) => ({ version: number });

  test('opens by an imported version, whatever else the key became', async () => {
    const [first, second] = [randomBytes(32), randomBytes(32)];
    let key = await bring(wrapped(first), { ownRotation: true });
    key = await bringVersion(key, wrapped(second));
    const old = asVault(first, 'old');
    assert.equal(await ring.decrypt(key, old, version(1)), 'old');
    assert.equal(await ring.decrypt(key, asVault(second, 'new'), version(2)), 'new');
    const bound = asVault(first, 'bound', 'to this');
    const context = { associatedData: Buffer.from('to this') };
    assert.equal(await ring.decrypt(key, bound, { ...version(1), context }), 'bound');
    key = await ring.rotate(key);
    assert.equal(await ring.decrypt(key, old, version(1)), 'old');
    const { ciphertext } = await ring.encrypt(key, 'own');
    assert.equal(await ring.decrypt(key, ciphertext, version(3)), 'own');
  });

  test('opens nowhere else, and by nothing else', async () => {
    const material = randomBytes(32);
    let key = await bring(wrapped(material), { ownRotation: true });
    const old = asVault(material, 'old');
    await refused('invalid-ciphertext', ring.decrypt(key, old), 'without its version');
    await refused('invalid-ciphertext', ring.decrypt(key, old, { ...version(1), scheme: 'envelope' }));
    await refused('invalid-ciphertext', ring.decrypt(key, old, version(2)));
    await refused('invalid-ciphertext', ring.decrypt(key, old.subarray(1), version(1)));
    await refused('invalid-ciphertext', ring.decrypt(key, Buffer.alloc(5), version(1)));
    key = await ring.rotate(key);
    await refused('invalid-ciphertext', ring.decrypt(key, old, version(2)), 'by a version of its own');
    await refused('invalid-ciphertext', ring.decrypt(await ring.key(), old, version(1)));
    const raised = await ring.update(key, { minDecryptionVersion: 2 });
    await refused('version-too-old', ring.decrypt(raised, old, version(1)));
  });
});

describe('a version that is imported', () => {
  test('is current at once, and the ones before keep their numbers', async () => {
    let key = await bring(wrapped(randomBytes(32)));
    const ciphertexts = [(await ring.encrypt(key, 'by 1')).ciphertext];
    for (const version of [2, 3]) {
      key = await bringVersion(key, wrapped(randomBytes(32)));
      const made = await ring.encrypt(key, `by ${version}`);
      assert.equal(made.version, version);
      ciphertexts.push(made.ciphertext);
    }
    await ring.restart();
    key = await ring.fresh(key);
    for (const [i, ciphertext] of ciphertexts.entries()) {
      assert.equal(await ring.decrypt(key, ciphertext), `by ${i + 1}`);
    }
  });

  test('is material that the key does not have yet', async () => {
    const material = randomBytes(32);
    const key = await bring(wrapped(material));
    await refused('wrong-material', bringVersion(key, wrapped(material)));
    const next = await bringVersion(key, wrapped(randomBytes(32)));
    await refused('wrong-material', bringVersion(next, wrapped(material)));
  });

  test('goes into keys only that came from elsewhere and are of use', async () => {
    const brought = await wrapped(randomBytes(32));
    await refused('unsupported', bringVersion(await ring.key(), brought));
    const key = await bring(brought);
    const other = await wrapped(randomBytes(32));
    const off = (await ring.do(Promise.try(() => ring.keyring.disableKey(key)))).key;
    await refused('disabled', bringVersion(off, other));
    const waiting = await ring.key({ origin: 'external' });
    await refused('invalid-state', bringVersion(waiting, other));
    const everywhere = await ring.key({ origin: 'external', multiRegion: true });
    await refused('invalid-state', bringVersion(everywhere, other));
  });
});

describe('a public half alone', () => {
  test('verifies and does not sign, until its private half comes', async () => {
    const pair = p256();
    let key = await bring({ publicKey: spki(pair.publicKey) }, ecFacts);
    const signature = signWith('sha256', Buffer.from('m'), pair.privateKey);
    const valid = async () =>
      (await ring.do(ring.keyring.verify(key, { kind: 'verify', ...signing(key), signature }))).valid;
    assert.equal(await valid(), true);
    await refused('invalid-state', ring.keyring.sign(key, { kind: 'sign', ...signing(key) }));
    const mac = { kind: 'generate-mac', key: byId(key), message: plain('m') } as const;
    await refused('invalid-state', ring.keyring.generateMac(key, mac));
    await refused('wrong-material', bringVersion(key, wrapped(pkcs8(p256().privateKey)), 1));
    await refused('invalid-state', bringVersion(key, { publicKey: spki(pair.publicKey) }, 1));
    await ring.restart();
    key = await bringVersion(await ring.fresh(key), wrapped(pkcs8(pair.privateKey)));
    assert.deepEqual([key.current.version, key.current.publicOnly], [1, undefined]);
    const made = await ring.do(ring.keyring.sign(key, { kind: 'sign', ...signing(key) }));
    assert.ok(verifyWith('sha256', Buffer.from('m'), pair.publicKey, made.signature));
    assert.equal(await valid(), true);
    await refused('invalid-state', bringVersion(key, wrapped(pkcs8(pair.privateKey)), 1));
  });

  test('of an older version is completed by its number', async () => {
    const [first, second] = [p256(), p256()];
    let key = await bring({ publicKey: spki(first.publicKey) }, ecFacts);
    key = await bringVersion(key, { publicKey: spki(second.publicKey) });
    const older = { ...signing(key), version: 1, signature: signWith('sha256', Buffer.from('m'), first.privateKey) };
    assert.equal((await ring.do(ring.keyring.verify(key, { kind: 'verify', ...older }))).valid, true);
    await refused('version-not-found', bringVersion(key, wrapped(pkcs8(first.privateKey)), 3));
    key = await bringVersion(key, wrapped(pkcs8(first.privateKey)), 1);
    assert.deepEqual([key.current.version, key.current.publicOnly], [2, true]);
    key = await ring.update(key, { minEncryptionVersion: 1 });
    const made = await ring.do(ring.keyring.sign(key, { kind: 'sign', ...signing(key), version: 1 }));
    assert.ok(verifyWith('sha256', Buffer.from('m'), first.publicKey, made.signature));
  });

  test('encrypts where it is RSA, and opens nothing', async () => {
    const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const facts = { specs: ['rsa-2048'], usages: ['encrypt', 'sign'] } as const;
    let key = await bring({ publicKey: spki(pair.publicKey) }, facts);
    const { ciphertext } = await ring.encrypt(key, 'sealed');
    await refused('invalid-state', ring.decrypt(key, ciphertext));
    key = await bringVersion(key, wrapped(pkcs8(pair.privateKey)));
    assert.equal(await ring.decrypt(key, ciphertext), 'sealed');
  });

  test('is none of a symmetric key, of a derived one, or of another kind', async () => {
    const { publicKey } = p256();
    await refused('invalid-parameter', bring({ publicKey: spki(publicKey) }));
    await refused('invalid-parameter', bring({ publicKey: spki(publicKey) }, { ...ecFacts, specs: ['ec-p384'] }));
    await refused('invalid-parameter', bring({ publicKey: randomBytes(91) }, ecFacts));
    const ed = generateKeyPairSync('ed25519').publicKey;
    const derived = { specs: ['ed25519'], usages: ['sign'], derived: true } as const;
    await refused('invalid-parameter', bring({ publicKey: spki(ed) }, derived));
  });

  test('goes with its key', async () => {
    const key = await bring({ publicKey: spki(p256().publicKey) }, ecFacts);
    const next = await bringVersion(key, wrapped(pkcs8(p256().privateKey)));
    const ended = await ring.update(next, { deletionAllowed: true });
    await ring.do(ring.keyring.destroyKey(ended, ring.now + day));
    const row = JSON.parse(Buffer.from((await ring.row('version', `${realm}/${key.id}/00000001`)).body).toString());
    assert.deepEqual([row.state, row.publicOnly], ['destroyed', undefined]);
  });
});
