import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, generateKeyPairSync, generatePrimeSync, type KeyObject } from 'node:crypto';
import { describe, test } from 'node:test';
import { generateMaterial, openMaterial, publicKeyOf, readForeignMaterial } from '#crypto/crypto.ts';
import { isSymmetric, type KeySpec, keySpecs, SecretBytes } from '#domain/domain.ts';
import { derInteger, derOctetString, derSequence, readDer } from '#encoding/encoding.ts';
import { isSoundRsa } from './rsa-soundness.ts';

interface Pair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

const pkcs8 = (key: KeyObject) => key.export({ format: 'der', type: 'pkcs8' });
const read = (spec: KeySpec, bytes: Uint8Array) => readForeignMaterial(spec, new SecretBytes(Uint8Array.from(bytes)));
const refused = async (spec: KeySpec, bytes: Uint8Array) => assert.equal(await read(spec, bytes), undefined);

describe('material from elsewhere', () => {
  for (const spec of Object.keys(keySpecs) as KeySpec[]) {
    // Slow to make and to sign with, and one of a kind.
    if (/^slh-dsa-(sha2|shake)-(128s|192|256)/.test(spec)) continue;
    test(`is taken where it is a ${spec} key`, async () => {
      const { material, publicKey } = await generateMaterial(spec);
      const found = await readForeignMaterial(spec, material);
      assert.ok(found);
      assert.deepEqual(found.material.expose(), material.expose());
      assert.notEqual(found.material.expose(), material.expose(), 'a copy of its own');
      assert.deepEqual(found.publicKey, publicKey);
    });
  }

  test('is refused where it is another kind of key', async () => {
    const specs = ['rsa-2048', 'ec-p256', 'ec-secp256k1', 'ed25519', 'x25519', 'ml-dsa-44', 'ml-kem-512'] as const;
    for (const made of specs) {
      const { material } = await generateMaterial(made);
      for (const wanted of [...specs, 'rsa-3072', 'ec-p384', 'ml-dsa-65', 'aes-256', 'hmac-sha256'] as const) {
        if (wanted !== made) await refused(wanted, material.expose());
      }
    }
  });

  test('has exactly the length of a symmetric key', async () => {
    for (const spec of (Object.keys(keySpecs) as KeySpec[]).filter(isSymmetric)) {
      const { bytes } = keySpecs[spec] as { bytes: number };
      for (const length of [0, bytes - 1, bytes + 1]) await refused(spec, new Uint8Array(length));
    }
  });

  test('is one whole PKCS#8 structure and nothing besides', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const whole = pkcs8(privateKey);
    await refused('ec-p256', Buffer.concat([whole, Buffer.from([0])]));
    await refused('ec-p256', whole.subarray(0, -1));
    await refused('ec-p256', privateKey.export({ format: 'der', type: 'sec1' }));
    await refused('ec-p256', Buffer.from(privateKey.export({ format: 'pem', type: 'pkcs8' })));
    const options = { format: 'der', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'x' } as const;
    await refused('ec-p256', privateKey.export(options));
    await refused('ec-p256', createPublicKey(privateKey).export({ format: 'der', type: 'spki' }));
  });

  test('of an elliptic curve has the point that belongs to its number', async () => {
    const [one, other] = [0, 1].map(() => generateKeyPairSync('ec', { namedCurve: 'prime256v1' })) as [Pair, Pair];
    const point = ({ publicKey }: Pair) => publicKey.export({ format: 'raw-public' });
    const planted = pkcs8(one.privateKey);
    planted.set(point(other), planted.indexOf(point(one)));
    assert.equal(
      createPrivateKey({ key: planted, format: 'der', type: 'pkcs8' }).type,
      'private',
      'OpenSSL believes it',
    );
    await refused('ec-p256', planted);
  });

  test('of an elliptic curve needs no point beside its number', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'secp384r1' });
    const whole = pkcs8(privateKey);
    const [version, algorithm, wrapped] = readDer(readDer(whole)![0]!.body)!;
    const [one, number] = readDer(readDer(wrapped!.body)![0]!.body)!;
    const bare = derSequence(one!.whole, number!.whole);
    const found = await read('ec-p384', derSequence(version!.whole, algorithm!.whole, derOctetString(bare)));
    assert.deepEqual(found?.publicKey, publicKey.export({ format: 'der', type: 'spki' }));
    assert.deepEqual(publicKeyOf(openMaterial('ec-p384', found!.material)), found!.publicKey);
  });

  test('of an elliptic curve has a number within the order', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    for (const fill of [0, 0xff]) {
      const wrong = pkcs8(privateKey);
      const [, , wrapped] = readDer(readDer(wrong)![0]!.body)!;
      readDer(readDer(wrapped!.body)![0]!.body)![1]!.body.fill(fill);
      await refused('ec-p256', wrong);
    }
  });
});

describe('an RSA key from elsewhere', () => {
  const bits = 2048;
  const made = generateKeyPairSync('rsa', { modulusLength: bits }).privateKey;

  /** The same key with other numbers, by their place in RSAPrivateKey. */
  function withNumbers(key: KeyObject, change: (numbers: Uint8Array[]) => void): Uint8Array {
    const [version, algorithm, wrapped] = readDer(readDer(pkcs8(key))![0]!.body)!;
    const numbers = readDer(readDer(wrapped!.body)![0]!.body)!.map(({ body }) => Uint8Array.from(body));
    change(numbers);
    const inner = derSequence(...numbers.map((number) => derInteger(number)));
    return derSequence(version!.whole, algorithm!.whole, derOctetString(inner));
  }

  test('is taken as it is, and its parts are the same', async () => {
    assert.ok(
      await read(
        'rsa-2048',
        withNumbers(made, () => {}),
      ),
    );
  });

  test('is refused where n is not the product of its primes', async () => {
    const other = generateKeyPairSync('rsa', { modulusLength: bits }).privateKey;
    const numbersOf = (key: KeyObject) => {
      let found: Uint8Array[] = [];
      withNumbers(key, (numbers) => {
        found = numbers;
      });
      return found;
    };
    const foreign = numbersOf(other);
    for (const place of [1, 4, 5]) {
      await refused(
        'rsa-2048',
        withNumbers(made, (numbers) => void numbers.splice(place, 1, foreign[place]!)),
      );
    }
  });

  test('is refused with a small or even exponent', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: bits, publicExponent: 3 });
    await refused('rsa-2048', pkcs8(privateKey));
    await refused(
      'rsa-2048',
      withNumbers(made, (numbers) => void numbers.splice(2, 1, Uint8Array.of(1, 0, 2))),
    );
  });

  test('is refused with other exponents than its own', async () => {
    await refused(
      'rsa-2048',
      withNumbers(made, (numbers) => void numbers.splice(2, 1, Uint8Array.of(1, 0, 3))),
    );
  });

  test('is refused where its modulus bears the mark of CVE-2017-15361', async () => {
    // A modulus that is 1 modulo all small primes there, which every such generator gives at times.
    const product = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157].reduce(
      (all, prime) => all * BigInt(prime),
      1n,
    );
    const like = (add: bigint) => Buffer.from(generatePrimeSync(1024, { add, rem: 1n }));
    const multiply = (p: Buffer, q: Buffer) =>
      Buffer.from(
        (BigInt(`0x${p.toString('hex')}`) * BigInt(`0x${q.toString('hex')}`)).toString(16).padStart(512, '0'),
        'hex',
      );
    const keyOf = (p: Buffer, q: Buffer) => {
      const e = Buffer.from([1, 0, 1]);
      return [Buffer.from([0]), multiply(p, q), e, e, p, q, e, e, e];
    };
    assert.equal(await isSoundRsa(keyOf(like(2n * product), like(2n * product))), false);
    assert.equal(await isSoundRsa(keyOf(like(2n), like(2n))), true, 'the same without the mark');
  });

  test('can be used at once', async () => {
    const found = await read('rsa-2048', pkcs8(made));
    assert.deepEqual(publicKeyOf(openMaterial('rsa-2048', found!.material)), found!.publicKey);
  });
});
