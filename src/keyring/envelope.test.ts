import assert from 'node:assert/strict';
import { createCipheriv, createDecipheriv, createHash, createHmac } from 'node:crypto';
import { before, test } from 'node:test';
import { type Context, type Key, type KeySpec, KmsError } from '#domain/domain.ts';
import { canonicalContext } from './context.ts';
import { Ring, refused } from './testing/ring.ts';

const specs = ['aes-256', 'aes-128', 'chacha20-poly1305'] as const satisfies readonly KeySpec[];
const context: Context = {
  pairs: [
    ['purpose', 'test'],
    ['tenant', '\u{10000}'],
  ],
};
const message = 'the plaintext of this test';

let ring: Ring;
before(async () => {
  ring = await Ring.open();
});

interface Material {
  readonly bytes: Uint8Array;
  readonly spec: (typeof specs)[number];
}

// The format once more, slowly and with node:crypto alone, from docs/envelope-format.md. It shares no line with the code.

const suiteOf = { 'aes-256': 1, 'aes-128': 2, 'chacha20-poly1305': 3 } as const;
const cipherOf = {
  'aes-256': 'aes-256-gcm',
  'aes-128': 'aes-128-gcm',
  'chacha20-poly1305': 'chacha20-poly1305',
} as const;
const keyLength = { 'aes-256': 32, 'aes-128': 16, 'chacha20-poly1305': 32 } as const;

function header(spec: Material['spec'], key: Key, version: number): Buffer {
  const fields = Buffer.alloc(30);
  fields.write('CV', 0, 'latin1');
  fields[2] = 1;
  fields.writeUInt16BE(suiteOf[spec], 3);
  createHash('sha256').update(`claviger/v1/realm/${key.realm}`).digest().copy(fields, 5, 0, 4);
  Buffer.from(key.id.replaceAll('-', ''), 'hex').copy(fields, 9);
  fields.writeUInt32BE(version, 25);
  return fields;
}

function derive({ bytes, spec }: Material, fields: Buffer, realm: string, salt: Uint8Array) {
  const name = Buffer.from(realm);
  const info = Buffer.concat([
    Buffer.from('claviger/v1/message'),
    fields.subarray(3, 5),
    fields.subarray(9, 29),
    Buffer.from([name.length]),
    name,
  ]);
  // HKDF-Expand of one block (RFC 5869 section 2.3), the salt in its info.
  const derived = createHmac('sha512', bytes)
    .update(info)
    .update(salt)
    .update(Buffer.from([1]))
    .digest();
  return {
    key: derived.subarray(0, keyLength[spec]),
    nonce: salt.subarray(0, 12),
    commitment: derived.subarray(32, 64),
  };
}

function slowSeal(
  material: Material,
  key: Key,
  version: number,
  salt: Uint8Array,
  bound: Context,
  text: string,
): Buffer {
  const fields = header(material.spec, key, version);
  const { key: messageKey, nonce, commitment } = derive(material, fields, key.realm, salt);
  const cipher = createCipheriv(cipherOf[material.spec] as 'aes-256-gcm', messageKey, nonce, { authTagLength: 16 });
  const head = Buffer.concat([fields, salt, commitment]);
  cipher.setAAD(Buffer.concat([head, canonicalContext(bound)]));
  return Buffer.concat([head, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
}

function slowOpen(material: Material, key: Key, version: number, bound: Context, envelope: Buffer): string {
  assert.ok(envelope.subarray(0, 30).equals(header(material.spec, key, version)));
  const salt = envelope.subarray(30, 62);
  const { key: messageKey, nonce, commitment } = derive(material, envelope.subarray(0, 30), key.realm, salt);
  assert.ok(envelope.subarray(62, 94).equals(commitment));
  const decipher = createDecipheriv(cipherOf[material.spec] as 'aes-256-gcm', messageKey, nonce, { authTagLength: 16 });
  decipher.setAAD(Buffer.concat([envelope.subarray(0, 94), canonicalContext(bound)]));
  decipher.setAuthTag(envelope.subarray(-16));
  return decipher.update(envelope.subarray(94, -16)).toString('utf8') + decipher.final('utf8');
}

/** The bytes of a key, which only tests may look at: through the wrapping that the keyring's own parts undo. */
async function materialOf(key: Key): Promise<Material> {
  const { RealmKeys } = await import('./realm-keys.ts');
  const { VersionKeys } = await import('./version-keys.ts');
  const { Root, unwrapMaterial } = await import('./root.ts');
  const { bindingOf } = await import('./open.ts');
  const { SecretBytes } = await import('#domain/domain.ts');
  const { rootBytes } = await import('./testing/ring.ts');
  const root = new Root(new SecretBytes(rootBytes()));
  const versionKey = await new VersionKeys(new RealmKeys(ring.keyring.records, root.wrapping)).of(key);
  const bytes = unwrapMaterial(versionKey, bindingOf(key, key.current.version), key.current.wrapped!).expose();
  return { bytes, spec: key.spec as Material['spec'] };
}

for (const spec of specs) {
  test(`${spec}: a slow twin opens what the keyring made, and the keyring what the twin made`, async () => {
    const key = await ring.key({ spec });
    const material = await materialOf(key);
    for (const [bound, text] of [
      [{}, ''],
      [{}, message],
      [context, message],
      [context, 'x'.repeat(5000)],
    ] as const) {
      const { ciphertext } = await ring.encrypt(key, text, { context: bound });
      assert.equal(slowOpen(material, key, 1, bound, Buffer.from(ciphertext)), text);
      const salt = Buffer.alloc(32, text.length % 251);
      const made = slowSeal(material, key, 1, salt, bound, text);
      assert.equal(await ring.decrypt(key, made, { context: bound }), text);
      assert.equal(made.length, ciphertext.length);
    }
  });

  test(`${spec}: every flipped bit of a ciphertext gets the same refusal`, async () => {
    const key = await ring.key({ spec });
    const { ciphertext } = await ring.encrypt(key, message, { context });
    const answers = new Map<string, number>();
    for (let bit = 0; bit < ciphertext.length * 8; bit++) {
      const flipped = Uint8Array.from(ciphertext);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      await assert.rejects(ring.decrypt(key, flipped, { context }), (error) => {
        assert.ok(error instanceof KmsError);
        const answer = `${error.code}: ${error.message}`;
        answers.set(answer, (answers.get(answer) ?? 0) + 1);
        // The id in the clear says that another key made it, which AWS has an exception of its own for.
        // Its flag is a part of it: what follows `mrk-` could be a UUID's bytes.
        const inKeyId = (bit >> 3 >= 9 && bit >> 3 < 25) || bit === 29 * 8;
        assert.equal(error.code, inKeyId ? 'wrong-key' : 'invalid-ciphertext', `bit ${bit}`);
        return true;
      });
    }
    assert.deepEqual(
      [...answers.values()].sort((a, b) => a - b),
      [129, ciphertext.length * 8 - 129],
    );
    assert.equal(await ring.decrypt(key, ciphertext, { context }), message);
  });

  test(`${spec}: every truncation and extension is refused`, async () => {
    const key = await ring.key({ spec });
    const { ciphertext } = await ring.encrypt(key, message);
    for (let length = 0; length < ciphertext.length; length++) {
      await refused('invalid-ciphertext', ring.decrypt(key, ciphertext.subarray(0, length)), `${length} bytes`);
    }
    for (const more of [1, 2, 16, 110, 4096]) {
      await refused('invalid-ciphertext', ring.decrypt(key, Buffer.concat([ciphertext, Buffer.alloc(more)])));
      await refused('invalid-ciphertext', ring.decrypt(key, Buffer.concat([Buffer.alloc(more), ciphertext])));
    }
    await refused('invalid-ciphertext', ring.decrypt(key, Buffer.concat([ciphertext, ciphertext])));
  });
}

test('a ciphertext opens under its own key, realm and version only', async () => {
  const [key, other] = [await ring.key(), await ring.key()];
  const abroad = await ring.key({}, '444455556666');
  const { ciphertext } = await ring.encrypt(key, message);
  await refused('wrong-key', ring.decrypt(other, ciphertext));
  await refused('invalid-ciphertext', ring.decrypt(abroad, ciphertext));
  assert.throws(() => ring.keyring.keyNamedBy(abroad.realm, ciphertext), KmsError);
  assert.equal(ring.keyring.keyNamedBy(key.realm, ciphertext), key.id);
  // The header rewritten to name the other key, realm and version: what it was made under shows.
  const forged = (change: (bytes: Buffer) => void) => {
    const bytes = Buffer.from(ciphertext);
    change(bytes);
    return bytes;
  };
  const head = (of: Key) => header('aes-256', of, 1);
  await refused(
    'invalid-ciphertext',
    ring.decrypt(
      other,
      forged((bytes) => head(other).copy(bytes)),
    ),
  );
  await refused(
    'invalid-ciphertext',
    ring.decrypt(
      abroad,
      forged((bytes) => head(abroad).copy(bytes)),
    ),
  );
  const rotated = await ring.rotate(key);
  for (const version of [0, 2, 3, 0xffffffff]) {
    await refused(
      'invalid-ciphertext',
      ring.decrypt(
        rotated,
        forged((bytes) => bytes.writeUInt32BE(version, 25)),
      ),
    );
  }
  await refused('invalid-ciphertext', ring.decrypt(rotated, ciphertext, { version: 2 }));
  assert.equal(await ring.decrypt(rotated, ciphertext, { version: 1 }), message);
  assert.equal(await ring.decrypt(rotated, ciphertext), message);
});

test('a suite of another cipher is refused though the key would fit', async () => {
  const key = await ring.key({ spec: 'aes-256' });
  const { ciphertext } = await ring.encrypt(key, message);
  for (const suite of [0, 2, 3, 4, 256]) {
    const bytes = Buffer.from(ciphertext);
    bytes.writeUInt16BE(suite, 3);
    await refused('invalid-ciphertext', ring.decrypt(key, bytes));
  }
});

test('a context that is missing, other, or more than was bound opens nothing', async () => {
  const key = await ring.key();
  const bytes = Buffer.from('purpose');
  const bindings: readonly Context[] = [
    {},
    context,
    { pairs: [context.pairs![0]!] },
    { pairs: [...context.pairs!, ['more', '']] },
    { pairs: [['purpose', 'Test'], context.pairs![1]!] },
    { pairs: [['Purpose', 'test'], context.pairs![1]!] },
    { associatedData: bytes },
    { associatedData: Buffer.from(canonicalContext(context)) },
    { ...context, associatedData: bytes },
  ];
  for (const bound of bindings) {
    const { ciphertext } = await ring.encrypt(key, message, { context: bound });
    for (const given of bindings) {
      const opening = ring.decrypt(key, ciphertext, { context: given });
      if (given === bound) assert.equal(await opening, message);
      else await refused('invalid-ciphertext', opening, JSON.stringify([bound, given]));
    }
  }
});

test('a derived key needs its context, and binds it', async () => {
  const key = await ring.key({ derived: true });
  const derivation = Buffer.from('user 1');
  await refused('invalid-parameter', ring.encrypt(key, message));
  await refused('invalid-parameter', ring.encrypt(key, message, { context: { derivation: new Uint8Array(0) } }));
  const { ciphertext } = await ring.encrypt(key, message, { context: { derivation } });
  assert.equal(await ring.decrypt(key, ciphertext, { context: { derivation } }), message);
  await refused(
    'invalid-ciphertext',
    ring.decrypt(key, ciphertext, { context: { derivation: Buffer.from('user 2') } }),
  );
  await refused(
    'invalid-ciphertext',
    ring.decrypt(key, ciphertext, { context: { derivation, associatedData: derivation } }),
  );
  await refused('invalid-parameter', ring.decrypt(key, ciphertext));
  // A key that isn't derived takes no notice of it.
  const plainKey = await ring.key();
  const made = await ring.encrypt(plainKey, message, { context: { derivation } });
  assert.equal(await ring.decrypt(plainKey, made.ciphertext), message);
});

test('a ciphertext of two keys that both would authenticate opens under neither but its own', async () => {
  // AES-GCM alone is not committing: whoever holds two keys can make one ciphertext that both open. The tag below is made to fit the
  // second key, and the commitment can be that of one key only.
  const [one, two] = [await ring.key(), await ring.key()];
  const [first, second] = [await materialOf(one), await materialOf(two)];
  const salt = Buffer.alloc(32, 5);
  const made = slowSeal(first, one, 1, salt, {}, message);
  // The same body under the second key's header, derived key and tag, but with the first key's commitment.
  const fields = header('aes-256', two, 1);
  const { key: messageKey, nonce, commitment } = derive(second, fields, two.realm, salt);
  const sealUnder = (claimed: Uint8Array) => {
    const head = Buffer.concat([fields, salt, claimed]);
    const cipher = createCipheriv('aes-256-gcm', messageKey, nonce, { authTagLength: 16 });
    cipher.setAAD(head);
    return Buffer.concat([head, cipher.update('a salamander'), cipher.final(), cipher.getAuthTag()]);
  };
  await refused('invalid-ciphertext', ring.decrypt(two, sealUnder(made.subarray(62, 94))));
  await refused('invalid-ciphertext', ring.decrypt(two, sealUnder(Buffer.alloc(32))));
  assert.equal(await ring.decrypt(two, sealUnder(commitment)), 'a salamander');
  assert.equal(await ring.decrypt(one, made), message);
});

test('no two envelopes share a salt, so no derived key is used twice', async () => {
  const key = await ring.key();
  const salts = new Set<string>();
  for (let i = 0; i < 3000; i++) {
    const { ciphertext } = await ring.encrypt(key, '');
    salts.add(Buffer.from(ciphertext.subarray(30, 62)).toString('latin1'));
  }
  assert.equal(salts.size, 3000);
});

test('an answer is a copy: changing it, or the plaintext that was given, changes nothing', async () => {
  const key = await ring.key();
  const given = Buffer.from(message);
  const { ciphertext } = await ring.encrypt(key, given);
  given.fill(0);
  const copy = Uint8Array.from(ciphertext);
  const again = await ring.encrypt(key, message);
  assert.deepEqual(ciphertext, Buffer.from(copy));
  assert.notDeepEqual(again.ciphertext, ciphertext);
  assert.equal(await ring.decrypt(key, copy), message);
});
