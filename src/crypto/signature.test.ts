import assert from 'node:assert/strict';
import {
  constants,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign as opensslSign,
  verify as opensslVerify,
  publicDecrypt,
} from 'node:crypto';
import { test } from 'node:test';
import {
  digest,
  digestLength,
  generateMaterial,
  type KeyHandle,
  openMaterial,
  openPublicKey,
  sign,
  verify,
} from '#crypto/crypto.ts';
import { type HashName, type KeySpec, keySpecs, type SignatureScheme, specFacts } from '#domain/domain.ts';

const hashes = Object.keys(digestLength) as HashName[];
const specs = Object.keys(keySpecs) as KeySpec[];
const message = Buffer.from('the quick brown fox');

interface Pair {
  readonly spec: KeySpec;
  readonly privateKey: KeyHandle;
  readonly publicKey: KeyHandle;
  /** The same pair as OpenSSL's own objects, for an opinion that isn't ours. */
  readonly theirPrivate: KeyObject;
  readonly theirPublic: KeyObject;
}

async function makePair(spec: KeySpec): Promise<Pair> {
  const { material, publicKey: spki } = await generateMaterial(spec);
  return {
    spec,
    privateKey: openMaterial(spec, material),
    publicKey: openPublicKey(spec, spki!),
    theirPrivate: createPrivateKey({ key: Buffer.from(material.expose()), format: 'der', type: 'pkcs8' }),
    theirPublic: createPublicKey({ key: Buffer.from(spki!), format: 'der', type: 'spki' }),
  };
}

const pairs = new Map<KeySpec, Promise<Pair>>();
const pairOf = (spec: KeySpec) => pairs.get(spec) ?? pairs.set(spec, makePair(spec)).get(spec)!;

/** Our signature of the digest stands before OpenSSL, OpenSSL's of the message before us; ours of the message, too. */
async function agreesWithOpenssl(pair: Pair, scheme: SignatureScheme, hash: HashName, options: object): Promise<void> {
  const hashed = digest(hash, message);
  const what = `${pair.spec} ${JSON.stringify(scheme)}`;
  for (const [type, input] of [
    ['digest', hashed],
    ['raw', message],
  ] as const) {
    const ours = await sign(pair.privateKey, scheme, type, input);
    assert.ok(opensslVerify(hash, message, { key: pair.theirPublic, ...options }, ours), `${what} signed from ${type}`);
    const theirs = opensslSign(hash, message, { key: pair.theirPrivate, ...options });
    assert.ok(await verify(pair.publicKey, scheme, type, input, theirs), `${what} verified from ${type}`);
    const other = type === 'raw' ? Buffer.from('another message') : digest(hash, Buffer.from('another message'));
    assert.equal(await verify(pair.publicKey, scheme, type, other, theirs), false, what);
  }
}

test('RSA-PSS over a given digest is OpenSSL’s over the message, for every hash and salt length', async () => {
  const pair = await pairOf('rsa-2048');
  for (const hash of hashes) {
    for (const saltLength of [0, 1, 20, 'digest', 'max'] as const) {
      const bytes = { digest: digestLength[hash], max: 256 - digestLength[hash] - 2 };
      const options = {
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: typeof saltLength === 'number' ? saltLength : bytes[saltLength],
      };
      await agreesWithOpenssl(pair, { family: 'rsa-pss', hash, saltLength }, hash, options);
    }
  }
  for (const spec of ['rsa-3072', 'rsa-4096'] as const) {
    const options = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
    await agreesWithOpenssl(await pairOf(spec), { family: 'rsa-pss', hash: 'sha256' }, 'sha256', options);
  }
});

test('RSA PKCS#1 v1.5 over a given digest is OpenSSL’s over the message, for every hash and size', async () => {
  for (const spec of ['rsa-2048', 'rsa-3072', 'rsa-4096'] as const) {
    for (const hash of hashes) {
      await agreesWithOpenssl(await pairOf(spec), { family: 'rsa-pkcs1', hash }, hash, {});
    }
  }
});

test('ECDSA over a given digest is OpenSSL’s over the message, for every curve, hash and encoding', async () => {
  for (const spec of ['ec-p256', 'ec-p384', 'ec-p521', 'ec-secp256k1'] as const) {
    for (const hash of hashes) {
      for (const [encoding, dsaEncoding] of [
        ['der', 'der'],
        ['p1363', 'ieee-p1363'],
      ] as const) {
        await agreesWithOpenssl(await pairOf(spec), { family: 'ecdsa', hash, encoding }, hash, { dsaEncoding });
      }
    }
  }
});

test('an ECDSA scheme without a hash takes the one of its curve', async () => {
  const pair = await pairOf('ec-p384');
  const signature = await sign(pair.privateKey, { family: 'ecdsa' }, 'raw', message);
  assert.ok(opensslVerify('sha384', message, pair.theirPublic, signature));
});

test('Ed25519ph says the same of a message and of its digest, and isn’t Ed25519', async () => {
  const { privateKey, publicKey } = await pairOf('ed25519');
  const hashed = digest('sha512', message);
  const signature = await sign(privateKey, { family: 'ed25519ph' }, 'digest', hashed);
  assert.deepEqual(await sign(privateKey, { family: 'ed25519ph' }, 'raw', message), signature);
  assert.ok(await verify(publicKey, { family: 'ed25519ph' }, 'raw', message, signature));
  assert.equal(await verify(publicKey, { family: 'ed25519' }, 'raw', message, signature), false);
  assert.equal(await verify(publicKey, { family: 'ed25519' }, 'raw', hashed, signature), false);
});

test('PKCS#1 v1.5 without DigestInfo pads what it is given', async () => {
  const { privateKey, publicKey, theirPublic } = await pairOf('rsa-2048');
  const scheme = { family: 'rsa-pkcs1', hash: 'none' } as const;
  for (const length of [0, 1, 32, 245]) {
    const content = Buffer.alloc(length, 0xa5);
    for (const type of ['raw', 'digest'] as const) {
      const signature = await sign(privateKey, scheme, type, content);
      assert.deepEqual(publicDecrypt({ key: theirPublic, padding: constants.RSA_PKCS1_PADDING }, signature), content);
      assert.ok(await verify(publicKey, scheme, type, content, signature));
    }
  }
  await assert.rejects(sign(privateKey, scheme, 'raw', Buffer.alloc(246)), { code: 'invalid-parameter' });
});

test('a salt of another length is refused unless any is asked for', async () => {
  const { privateKey, publicKey } = await pairOf('rsa-2048');
  const pss = { family: 'rsa-pss', hash: 'sha256' } as const;
  for (const [type, input] of [
    ['raw', message],
    ['digest', digest('sha256', message)],
  ] as const) {
    const signature = await sign(privateKey, { ...pss, saltLength: 'auto' }, type, input);
    const verdicts = [];
    for (const saltLength of ['auto', 'max', 222, 'digest', 32, 0] as const) {
      verdicts.push(await verify(publicKey, { ...pss, saltLength }, type, input, signature));
    }
    assert.deepEqual(verdicts, [true, true, true, false, false, false]);
    for (const saltLength of [-1, 1.5, 223, Number.NaN]) {
      const scheme = { ...pss, saltLength };
      await assert.rejects(sign(privateKey, scheme, type, input), { code: 'invalid-parameter' });
      await assert.rejects(verify(publicKey, scheme, type, input, signature), { code: 'invalid-parameter' });
    }
  }
});

const keyFamilies = {
  'rsa-pss': 'rsa',
  'rsa-pkcs1': 'rsa',
  ecdsa: 'ec',
  ed25519: 'ed25519',
  ed25519ph: 'ed25519',
  'ml-dsa': 'ml-dsa',
  'slh-dsa': 'slh-dsa',
  sm2: 'sm2',
} as const satisfies Record<SignatureScheme['family'], string>;
const families = Object.keys(keyFamilies) as Array<SignatureScheme['family']>;

test('a key refuses every scheme that isn’t its own', async () => {
  for (const spec of [
    'aes-256',
    'hmac-sha256',
    'rsa-2048',
    'ec-p256',
    'ed25519',
    'x25519',
    'ml-dsa-44',
    'ml-kem-512',
  ] as const) {
    const { material } = await generateMaterial(spec);
    const handle = openMaterial(spec, material);
    for (const family of families) {
      if (keyFamilies[family] === specFacts(spec).family) continue;
      const scheme = { family, hash: 'sha256' } as const;
      await assert.rejects(sign(handle, scheme, 'raw', message), { code: 'wrong-algorithm' }, `${spec} ${family}`);
      await assert.rejects(verify(handle, scheme, 'raw', message, message), { code: 'wrong-algorithm' });
    }
  }
});

test('a digest of the wrong length, or for a scheme that takes none, is refused', async () => {
  for (const [spec, scheme, length] of [
    ['rsa-2048', { family: 'rsa-pss', hash: 'sha256' }, 31],
    ['rsa-2048', { family: 'rsa-pkcs1', hash: 'sha384' }, 32],
    ['rsa-2048', { family: 'rsa-pss' }, 32],
    ['rsa-2048', { family: 'rsa-pkcs1' }, 32],
    ['rsa-2048', { family: 'rsa-pss', hash: 'none' }, 32],
    ['ec-p256', { family: 'ecdsa', hash: 'sha512' }, 32],
    ['ec-p256', { family: 'ecdsa', hash: 'none' }, 32],
    ['ec-p521', { family: 'ecdsa' }, 0],
    ['ed25519', { family: 'ed25519ph' }, 32],
    ['ed25519', { family: 'ed25519' }, 64],
    ['ml-dsa-44', { family: 'ml-dsa' }, 64],
  ] as const satisfies ReadonlyArray<readonly [KeySpec, SignatureScheme, number]>) {
    const { privateKey, publicKey } = await pairOf(spec);
    const hashed = Buffer.alloc(length);
    await assert.rejects(
      sign(privateKey, scheme, 'digest', hashed),
      { code: 'invalid-parameter' },
      JSON.stringify(scheme),
    );
    await assert.rejects(verify(publicKey, scheme, 'digest', hashed, hashed), { code: 'invalid-parameter' });
  }
});

test('an external mu is for ML-DSA only, and 64 bytes long', async () => {
  const { privateKey, publicKey } = await pairOf('ml-dsa-44');
  const [short, mu] = [Buffer.alloc(63), Buffer.alloc(64)];
  const mistake = { code: 'invalid-parameter' };
  await assert.rejects(sign(privateKey, { family: 'ml-dsa' }, 'external-mu', short), mistake);
  await assert.rejects(verify(publicKey, { family: 'ml-dsa' }, 'external-mu', short, mu), mistake);
  const ec = await pairOf('ec-p256');
  await assert.rejects(sign(ec.privateKey, { family: 'ecdsa' }, 'external-mu', mu), mistake);
});

const signing: ReadonlyArray<readonly [KeySpec, SignatureScheme]> = [
  ['rsa-2048', { family: 'rsa-pss', hash: 'sha256' }],
  ['rsa-2048', { family: 'rsa-pss', hash: 'sha256', saltLength: 'auto' }],
  ['rsa-2048', { family: 'rsa-pkcs1', hash: 'sha256' }],
  ['rsa-2048', { family: 'rsa-pkcs1', hash: 'none' }],
  ['ec-p256', { family: 'ecdsa', hash: 'sha256' }],
  ['ec-p384', { family: 'ecdsa', hash: 'sha256', encoding: 'p1363' }],
  ['ec-p521', { family: 'ecdsa', hash: 'sha512' }],
  ['ec-secp256k1', { family: 'ecdsa', hash: 'sha256' }],
  ['ed25519', { family: 'ed25519' }],
  ['ed25519', { family: 'ed25519ph' }],
  ['ml-dsa-44', { family: 'ml-dsa' }],
  ['slh-dsa-sha2-128f', { family: 'slh-dsa' }],
];

test('a malformed signature is false, never a crash', async () => {
  for (const [spec, scheme] of signing) {
    const { privateKey, publicKey } = await pairOf(spec);
    const right = Buffer.from(await sign(privateKey, scheme, 'raw', message));
    const malformed = [
      Buffer.alloc(0),
      Buffer.alloc(1),
      right.subarray(1),
      right.subarray(0, -1),
      Buffer.concat([right, Buffer.alloc(1)]),
      Buffer.concat([Buffer.alloc(1), right]),
      Buffer.alloc(right.length),
      Buffer.alloc(right.length, 0xff),
      Buffer.concat([Buffer.alloc(1), Buffer.alloc(right.length - 1, 0xff)]),
    ];
    for (let bit = 0; bit < right.length * 8; bit += Math.ceil(right.length / 8)) {
      const flipped = Buffer.from(right);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      malformed.push(flipped);
    }
    const hash = scheme.family === 'ed25519ph' ? 'sha512' : (scheme.hash as HashName | 'none' | undefined);
    for (const signature of malformed) {
      const what = `${spec} ${scheme.family} ${signature.length}`;
      assert.equal(await verify(publicKey, scheme, 'raw', message, signature), false, what);
      if (hash === undefined || hash === 'none') continue;
      assert.equal(await verify(publicKey, scheme, 'digest', digest(hash, message), signature), false, what);
    }
    assert.equal(await verify(publicKey, scheme, 'raw', message, right), true, spec);
  }
});

// FIPS 204 table 2 and FIPS 205 table 2.
const signatureLengths: Partial<Record<KeySpec, number>> = {
  'ml-dsa-44': 2420,
  'ml-dsa-65': 3309,
  'ml-dsa-87': 4627,
  'slh-dsa-sha2-128s': 7856,
  'slh-dsa-sha2-128f': 17088,
  'slh-dsa-sha2-192s': 16224,
  'slh-dsa-sha2-192f': 35664,
  'slh-dsa-sha2-256s': 29792,
  'slh-dsa-sha2-256f': 49856,
  'slh-dsa-shake-128s': 7856,
  'slh-dsa-shake-128f': 17088,
  'slh-dsa-shake-192s': 16224,
  'slh-dsa-shake-192f': 35664,
  'slh-dsa-shake-256s': 29792,
  'slh-dsa-shake-256f': 49856,
};

test('every ML-DSA and SLH-DSA set signs for itself only, in the length of its standard', async () => {
  for (const spec of specs) {
    const { family } = specFacts(spec);
    if (family !== 'ml-dsa' && family !== 'slh-dsa') continue;
    const { privateKey, publicKey, theirPublic } = await pairOf(spec);
    const signature = Buffer.from(await sign(privateKey, { family }, 'raw', message));
    assert.equal(signature.length, signatureLengths[spec], spec);
    assert.ok(opensslVerify(null, message, theirPublic, signature), spec);
    assert.ok(await verify(publicKey, { family }, 'raw', message, signature), spec);
    assert.equal(await verify(publicKey, { family }, 'raw', Buffer.from('other'), signature), false, spec);
    signature[0]! ^= 1;
    assert.equal(await verify(publicKey, { family }, 'raw', message, signature), false, spec);
  }
});

test('the loop turns while a slow signature is made', async () => {
  const { privateKey } = await pairOf('slh-dsa-sha2-128s');
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  await sign(privateKey, { family: 'slh-dsa' }, 'raw', message);
  clearInterval(timer);
  assert.ok(turns > 3, `only ${turns} turns`);
});

test('a leading zero of an RSA signature may not be left out', async () => {
  const { privateKey, publicKey } = await pairOf('rsa-2048');
  for (const family of ['rsa-pss', 'rsa-pkcs1'] as const) {
    const scheme = { family, hash: 'sha256' } as const;
    let hashed: Buffer;
    let signature: Uint8Array;
    let attempt = 0;
    do {
      hashed = digest('sha256', Buffer.from(String(attempt++)));
      signature = await sign(privateKey, scheme, 'digest', hashed);
    } while (signature[0] !== 0);
    assert.ok(await verify(publicKey, scheme, 'digest', hashed, signature));
    assert.equal(await verify(publicKey, scheme, 'digest', hashed, signature.subarray(1)), false);
  }
});
