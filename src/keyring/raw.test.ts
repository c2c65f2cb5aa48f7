import assert from 'node:assert/strict';
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { before, test } from 'node:test';
import { type Context, type Key, type KeySpec, KmsError, SecretBytes } from '#domain/domain.ts';
import { memoryStore } from '#store/store.ts';
import { bindingOf } from './open.ts';
import { RealmKeys } from './realm-keys.ts';
import { Root, unwrapMaterial } from './root.ts';
import { byId, day, plain, Ring, realm, refused, rootBytes } from './testing/ring.ts';
import { VersionKeys } from './version-keys.ts';

const ciphers = {
  'aes-128': 'aes-128-gcm',
  'aes-256': 'aes-256-gcm',
  'chacha20-poly1305': 'chacha20-poly1305',
} as const satisfies Partial<Record<KeySpec, string>>;
const specs = Object.keys(ciphers) as (keyof typeof ciphers)[];
const bound: Context = { associatedData: Buffer.from('as it came') };
const message = 'the plaintext of this test';

let ring: Ring;
before(async () => {
  ring = await Ring.open();
});

const rawKey = (more: Parameters<Ring['key']>[0] = {}) => ring.key({ class: 'raw', ...more });

/** The bytes of the newest version, which only tests may look at. */
async function materialOf(key: Key): Promise<Uint8Array> {
  const root = new Root(new SecretBytes(rootBytes()));
  const versionKey = await new VersionKeys(new RealmKeys(ring.keyring.records, root.wrapping)).of(key);
  return unwrapMaterial(versionKey, bindingOf(key, key.current.version), key.current.wrapped!).expose();
}

// Another implementation: node:crypto alone.

function theirSeal(spec: (typeof specs)[number], material: Uint8Array, aad: Uint8Array, text: string): Buffer {
  const nonce = Buffer.alloc(12, 9);
  const cipher = createCipheriv(ciphers[spec] as 'aes-256-gcm', material, nonce, { authTagLength: 16 });
  cipher.setAAD(aad);
  return Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
}

function theirOpen(spec: (typeof specs)[number], material: Uint8Array, aad: Uint8Array, sealed: Uint8Array): string {
  const bytes = Buffer.from(sealed);
  const name = ciphers[spec] as 'aes-256-gcm';
  const decipher = createDecipheriv(name, material, bytes.subarray(0, 12), { authTagLength: 16 });
  decipher.setAAD(aad);
  decipher.setAuthTag(bytes.subarray(-16));
  return decipher.update(bytes.subarray(12, -16)).toString('utf8') + decipher.final('utf8');
}

for (const spec of specs) {
  test(`${spec}: another implementation opens what a raw key made, and a raw key what the other made`, async () => {
    const key = await rawKey({ spec });
    const material = await materialOf(key);
    for (const text of ['', message, 'x'.repeat(5000)]) {
      for (const aad of [Buffer.alloc(0), Buffer.from('as it came')]) {
        const context = { associatedData: aad };
        const { ciphertext, version } = await ring.encrypt(await ring.fresh(key), text, { context });
        assert.equal(version, 1);
        assert.equal(ciphertext.length, 12 + text.length + 16);
        assert.equal(theirOpen(spec, material, aad, ciphertext), text);
        assert.equal(await ring.decrypt(key, theirSeal(spec, material, aad, text), { context }), text);
      }
    }
  });

  test(`${spec}: every flipped bit, truncation and extension of a raw ciphertext gets the same refusal`, async () => {
    const key = await rawKey({ spec });
    const { ciphertext } = await ring.encrypt(key, message, { context: bound });
    const wrong: [string, Uint8Array][] = [['one byte more', Buffer.concat([ciphertext, Buffer.alloc(1)])]];
    for (let bit = 0; bit < ciphertext.length * 8; bit++) {
      const flipped = Uint8Array.from(ciphertext);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      wrong.push([`bit ${bit}`, flipped]);
    }
    for (let length = 0; length < ciphertext.length; length++) {
      wrong.push([`${length} bytes`, ciphertext.slice(0, length)]);
    }
    const answers = new Set<string>();
    for (const [what, bytes] of wrong) {
      await assert.rejects(ring.decrypt(key, bytes, { context: bound }), (error) => {
        assert.ok(error instanceof KmsError, what);
        answers.add(`${error.code}: ${error.message}`);
        return true;
      });
    }
    assert.deepEqual([...answers], ['invalid-ciphertext: The ciphertext is not valid for this key and context.']);
    assert.equal(await ring.decrypt(key, ciphertext, { context: bound }), message);
  });
}

test('no two raw ciphertexts share a nonce, and none is bound to what it was not made with', async () => {
  const key = await rawKey();
  const made = [];
  for (let i = 0; i < 50; i++)
    made.push((await ring.encrypt(await ring.fresh(key), message, { context: bound })).ciphertext);
  assert.equal(new Set(made.map((one) => Buffer.from(one.slice(0, 12)).toString('hex'))).size, made.length);
  for (const context of [{}, { associatedData: Buffer.from('as it came!') }]) {
    await refused('invalid-ciphertext', ring.decrypt(key, made[0]!, { context }));
  }
});

test('a raw ciphertext opens under its own key and version only', async () => {
  const first = await rawKey();
  const { ciphertext } = await ring.encrypt(first, message);
  await refused('invalid-ciphertext', ring.decrypt(await rawKey(), ciphertext));
  const second = await ring.rotate(await ring.fresh(first));
  const later = await ring.encrypt(second, message);
  assert.equal(later.version, 2);
  const key = await ring.fresh(first);
  await refused('invalid-ciphertext', ring.decrypt(key, ciphertext), 'by default the newest');
  assert.equal(await ring.decrypt(key, ciphertext, { version: 1 }), message);
  assert.equal(await ring.decrypt(key, later.ciphertext), message);
  for (const version of [1, 0, -1, 3, 1.5, Number.NaN]) {
    await assert.rejects(ring.decrypt(key, later.ciphertext, { version }), `version ${version}`);
  }
  for (const version of [0, 3]) {
    await refused('invalid-ciphertext', ring.decrypt(key, later.ciphertext, { version }), `version ${version}`);
  }
});

test('a raw key takes associated data and nothing else, to encrypt and to decrypt', async () => {
  const key = await rawKey();
  const { ciphertext } = await ring.encrypt(key, message, { context: { pairs: [], derivation: Buffer.alloc(0) } });
  const unknown: Context[] = [
    { pairs: [['a', 'b']] },
    { derivation: Buffer.from('d') },
    { ...bound, derivation: Buffer.from('d') },
    { associatedData: Buffer.alloc(8 * 1024 + 1) },
  ];
  for (const context of unknown) {
    await refused('invalid-parameter', ring.encrypt(await ring.fresh(key), message, { context }));
    await refused('invalid-parameter', ring.decrypt(key, ciphertext, { context }));
  }
  assert.equal(await ring.decrypt(key, ciphertext), message);
});

test('the classes never mix: neither makes or opens what the other does', async () => {
  const [raw, enveloped] = [await rawKey(), await ring.key()];
  const bare = (await ring.encrypt(raw, message)).ciphertext;
  const envelope = (await ring.encrypt(enveloped, message)).ciphertext;
  await refused('invalid-ciphertext', ring.decrypt(raw, envelope));
  await refused('invalid-ciphertext', ring.decrypt(enveloped, bare));
  for (const [key, scheme] of [
    [raw, 'envelope'],
    [raw, 'rsa-oaep-sha256'],
    [enveloped, 'raw-aead'],
  ] as const) {
    await refused('wrong-algorithm', ring.encrypt(key, message, { scheme }));
    await refused('wrong-algorithm', ring.decrypt(key, key === raw ? bare : envelope, { scheme }));
  }
  const { ciphertext } = await ring.encrypt(await ring.fresh(raw), message, { scheme: 'raw-aead' });
  assert.equal(await ring.decrypt(raw, ciphertext, { scheme: 'raw-aead' }), message);
});

test('a raw key decrypts only where the request names it, even what has the header of an envelope', async () => {
  const key = await rawKey();
  const other = await ring.encrypt(await ring.key(), 'x'.repeat(200));
  const header = Buffer.from(other.ciphertext);
  Buffer.from(key.id.replaceAll('-', ''), 'hex').copy(header, 9);
  assert.equal(ring.keyring.keyNamedBy(realm, header), key.id);
  const unnamed = { kind: 'decrypt', context: {}, scheme: 'natural' } as const;
  await refused('invalid-ciphertext', async () => ring.keyring.decrypt(key, { ...unnamed, ciphertext: header }));
  const { ciphertext } = await ring.encrypt(key, message);
  await refused('invalid-ciphertext', async () => ring.keyring.decrypt(key, { ...unnamed, ciphertext }));
});

test('re-encryption goes from one class to the other, and counts where it makes a raw ciphertext', async () => {
  const [raw, enveloped] = [await rawKey(), await ring.key()];
  const move = (from: Key, to: Key, ciphertext: Uint8Array) =>
    ring.do(
      ring.keyring.reEncrypt(from, to, {
        ...{ kind: 're-encrypt', source: byId(from), sourceScheme: 'natural', sourceContext: {}, ciphertext },
        ...{ target: byId(to), targetScheme: 'natural', targetContext: {} },
      }),
    );
  const bare = await move(enveloped, raw, (await ring.encrypt(enveloped, message)).ciphertext);
  assert.equal((await ring.fresh(raw)).current.reservedUses, 2 ** 20);
  assert.equal(await ring.decrypt(raw, bare.ciphertext), message);
  assert.equal(await ring.decrypt(enveloped, (await move(raw, enveloped, bare.ciphertext)).ciphertext), message);
});

test('a raw key is not derived and protects no data keys', async () => {
  await refused('unsupported', rawKey({ derived: true }));
  const key = await rawKey();
  const command = { key: byId(key), context: {}, withPlaintext: true } as const;
  await refused('unsupported', async () =>
    ring.keyring.generateDataKey(key, { kind: 'generate-data-key', bytes: 32, ...command }),
  );
  await refused(
    'unsupported',
    ring.keyring.generateDataKeyPair(key, { kind: 'generate-data-key-pair', spec: 'ec-p256', ...command }),
  );
});

test('for key pairs and MAC keys the class changes nothing, and no use is counted', async () => {
  const rsa = await rawKey({ spec: 'rsa-2048' });
  const { ciphertext } = await ring.encrypt(rsa, message);
  assert.equal(await ring.decrypt(rsa, ciphertext), message);
  assert.equal((await ring.fresh(rsa)).current.reservedUses, undefined);
  const mac = await rawKey({ spec: 'hmac-sha256', usages: ['mac'] });
  assert.equal(mac.class, 'raw');
});

const few = { capacity: 100, uses: { limit: 10, block: 4 } };

/** Encrypts until it is refused; how often it went well. */
async function exhaust(some: Ring, key: Key): Promise<number> {
  for (let done = 0; ; done++) {
    try {
      await some.encrypt(await some.fresh(key), message);
    } catch (error) {
      assert.ok(error instanceof KmsError && error.code === 'limit-exceeded' && /rotate/.test(error.message));
      return done;
    }
  }
}

test('a version of a raw key encrypts as often as it may, with one write a block, and a rotation starts anew', async () => {
  const some = await Ring.open(memoryStore(), few);
  const key = await some.key({ class: 'raw' });
  const first = await some.encrypt(key, message);
  assert.equal(await exhaust(some, key), 9);
  const full = await some.fresh(key);
  assert.equal(full.current.reservedUses, 10);
  assert.equal(full.revision, key.revision + 3, '4 uses, 4 uses and the last 2');
  const rotated = await some.rotate(full);
  assert.equal(rotated.current.reservedUses, undefined);
  assert.equal(await exhaust(some, key), 10);
  assert.equal(await some.decrypt(await some.fresh(key), first.ciphertext, { version: 1 }), message);
});

test('a restart never counts a use twice: what was reserved and not used is lost', async () => {
  const some = await Ring.open(memoryStore(), few);
  const key = await some.key({ class: 'raw' });
  await some.encrypt(key, message);
  await some.restart(few);
  assert.equal((await some.fresh(key)).current.reservedUses, 4, 'one was used');
  await some.encrypt(await some.fresh(key), message);
  assert.equal((await some.fresh(key)).current.reservedUses, 8);
  await some.restart(few);
  assert.equal(await exhaust(some, key), 2);
  await some.restart(few);
  assert.equal(await exhaust(some, key), 0);
  const { ciphertext } = await some.encrypt(await some.rotate(await some.fresh(key)), message);
  assert.equal(await some.decrypt(await some.fresh(key), ciphertext), message);
});

test('every other change of a raw key keeps its count', async () => {
  const some = await Ring.open(memoryStore(), few);
  const key = await some.key({ class: 'raw' });
  await some.encrypt(key, message);
  const now = () => some.fresh(key);
  const changes = [
    async () => some.keyring.disableKey(await now()),
    async () => some.keyring.enableKey(await now()),
    async () => some.keyring.tagKey(await now(), { kind: 'tag-key', key: byId(key), tags: { a: 'b' } }),
    async () => {
      const command = { kind: 'schedule-destruction', key: byId(key), days: 7 } as const;
      return some.keyring.scheduleDestruction(await now(), command, some.now + day);
    },
    async () => some.keyring.cancelDestruction(await now()),
    async () => some.keyring.enableKey(await now()),
  ];
  for (const change of changes) {
    await some.do(change());
    assert.equal((await now()).current.reservedUses, 4);
  }
  await some.update(await now(), { description: 'changed' });
  const before = (await now()).revision;
  for (let i = 0; i < 3; i++) await some.encrypt(await now(), message);
  assert.equal((await now()).revision, before, 'the three that were left need no write');
  assert.equal(await exhaust(some, key), 6);
});

test('keys and versions that memory has let go come back without the uses it had left', async () => {
  const tiny = { capacity: 2, uses: { limit: 10, block: 4 } };
  const some = await Ring.open(memoryStore(), tiny);
  const key = await some.key({ class: 'raw' });
  await some.encrypt(key, message);
  for (let i = 0; i < 6; i++) await some.encrypt(await some.key({ class: 'raw' }), message);
  assert.equal(await exhaust(some, key), 6);
  assert.equal((await some.fresh(key)).current.reservedUses, 10);
});

test('of two encryptions that reserve at once one is refused as a conflict, and its uses are not counted', async () => {
  const some = await Ring.open(memoryStore(), few);
  const key = await some.key({ class: 'raw' });
  const propose = async () =>
    some.keyring.encrypt(key, {
      ...{ kind: 'encrypt', key: byId(key), context: {}, scheme: 'natural' },
      plaintext: plain(message),
    });
  const [one, two] = [await propose(), await propose()];
  assert.ok(one.change && two.change);
  await some.commit(one.change);
  await refused('conflict', some.commit(two.change));
  assert.equal((await some.fresh(key)).current.reservedUses, 4);
  assert.equal(await exhaust(some, key), 9);
});

test('a raw key encrypts under its newest version only, whatever its minima allow', async () => {
  const key = await rawKey();
  const rotated = await ring.rotate(key);
  const lenient = await ring.update(rotated, { minEncryptionVersion: 1 });
  await refused('version-too-old', ring.encrypt(lenient, message, { version: 1 }));
  assert.equal((await ring.encrypt(lenient, message, { version: 2 })).version, 2);
});
