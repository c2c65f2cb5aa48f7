import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generateMaterial, openMaterial, openPublicKey, sign, verify } from '#crypto/crypto.ts';
import { derInteger, derSequence } from '#encoding/encoding.ts';

const scheme = { family: 'sm2' } as const;
const hex = (text: string) => Buffer.from(text, 'hex');
const prefix = '3059301306072a8648ce3d020106082a811ccf5501822d03420004';

// GM/T 0003.5-2012 (GB/T 32918.5) annex A.2.
const example = {
  publicKey: hex(
    `${prefix}09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020` +
      'ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13',
  ),
  message: Buffer.from('message digest'),
  digest: hex('f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640'),
  signature: derSequence(
    derInteger(hex('f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3')),
    derInteger(hex('b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa')),
  ),
};

test('the example of the standard verifies, as message and as digest', async () => {
  const key = openPublicKey('sm2', example.publicKey);
  assert.equal(await verify(key, scheme, 'raw', example.message, example.signature), true);
  assert.equal(await verify(key, scheme, 'digest', example.digest, example.signature), true);
  for (let bit = 0; bit < example.signature.length * 8; bit += 11) {
    const forged = Buffer.from(example.signature);
    forged[bit >> 3]! ^= 1 << (bit & 7);
    assert.equal(await verify(key, scheme, 'raw', example.message, forged), false, `bit ${bit}`);
  }
  assert.equal(await verify(key, scheme, 'raw', Buffer.from('another'), example.signature), false);
});

test('what a key signs it verifies, and no other does', async () => {
  const made = await Promise.all([generateMaterial('sm2'), generateMaterial('sm2')]);
  const [mine, other] = made.map(({ material, publicKey }) => ({
    privateKey: openMaterial('sm2', material),
    publicKey: openPublicKey('sm2', publicKey!),
  }));
  for (const text of ['', 'a', 'x'.repeat(4096)]) {
    const message = Buffer.from(text);
    const signature = await sign(mine!.privateKey, scheme, 'raw', message);
    assert.equal(await verify(mine!.publicKey, scheme, 'raw', message, signature), true);
    assert.equal(await verify(other!.publicKey, scheme, 'raw', message, signature), false);
  }
  await assert.rejects(sign(mine!.privateKey, scheme, 'digest', Buffer.alloc(31)), { code: 'invalid-parameter' });
  const ecdsa = { family: 'ecdsa', hash: 'sha256' } as const;
  await assert.rejects(sign(mine!.privateKey, ecdsa, 'raw', Buffer.alloc(3)), { code: 'wrong-algorithm' });
});

test('an SM2 key is no other elliptic curve key, and no other is an SM2 key', async () => {
  const [sm2, p256] = [await generateMaterial('sm2'), await generateMaterial('ec-p256')];
  assert.throws(() => openPublicKey('ec-p256', sm2.publicKey!), { code: 'invalid-parameter' });
  assert.throws(() => openPublicKey('sm2', p256.publicKey!), { code: 'invalid-parameter' });
  assert.throws(() => openMaterial('sm2', p256.material), { code: 'internal' });
  const off = Buffer.from(sm2.publicKey!);
  off[off.length - 1]! ^= 1;
  assert.throws(() => openPublicKey('sm2', off), { code: 'invalid-parameter' });
});
