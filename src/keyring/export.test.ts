import assert from 'node:assert/strict';
import { createHmac, createPrivateKey, createPublicKey } from 'node:crypto';
import { beforeEach, describe, test } from 'node:test';
import { openMaterial, unwrapTransferred } from '#crypto/crypto.ts';
import { type Command, type Key, type KeySpec, type OaepHash, oaepHashes, SecretBytes } from '#domain/domain.ts';
import { byId, plain, Ring, realm, refused } from './testing/ring.ts';

let ring: Ring;
beforeEach(async () => {
  ring = await Ring.open();
});

type Asked = Partial<Omit<Command<'export-key'>, 'kind' | 'key'>>;

const exported = async (key: Key, more: Asked = {}) => {
  const command = { kind: 'export-key', key: byId(key), part: 'encrypt', form: 'traditional', ...more } as const;
  const { exported: all } = await ring.do(ring.keyring.exportKey(key, command));
  return all.map(({ version, material }) => [version, material.release()] as const);
};

const exportable = (more: Parameters<Ring['key']>[0] = {}) => ring.key({ exportable: true, ...more });
const one = async (key: Key, more: Asked) => Buffer.from((await exported(key, more))[0]![1]);
const mac = async (key: Key) => {
  const command = { kind: 'generate-mac', key: byId(key), message: plain('m'), hash: 'sha256' } as const;
  return Buffer.from((await ring.do(ring.keyring.generateMac(key, command))).mac);
};

describe('a key that leaves', () => {
  test('was made exportable, and is of use', async () => {
    await refused('unsupported', exported(await ring.key()));
    const { key: own } = await ring.do(ring.keyring.createSecretsKey(realm, ring.now));
    await refused('unsupported', exported(await ring.update(own, { exportable: true })));
    const key = await exportable();
    assert.equal((await one(key, {})).length, 32);
    const off = (await ring.do(Promise.try(() => ring.keyring.disableKey(key)))).key;
    await refused('disabled', exported(off));
    const ending = await exportable();
    const command = { kind: 'schedule-destruction', key: byId(ending), days: 7 } as const;
    const { key: gone } = await ring.do(Promise.try(() => ring.keyring.scheduleDestruction(ending, command, ring.now)));
    await refused('pending-destruction', exported(gone));
  });

  test('shows the versions that may still be used, or the one that is asked for', async () => {
    let key = await exportable();
    for (let i = 0; i < 3; i++) key = await ring.rotate(key);
    key = await ring.update(key, { minDecryptionVersion: 2 });
    const all = await exported(key);
    assert.deepEqual(
      all.map(([version]) => version),
      [2, 3, 4],
    );
    assert.equal(new Set(all.map(([, bytes]) => Buffer.from(bytes).toString('hex'))).size, 3);
    assert.deepEqual(await exported(key, { version: 3 }), [all[1]]);
    assert.deepEqual(await exported(key, { version: 'newest' }), [all[2]]);
    await refused('version-too-old', exported(key, { version: 1 }));
    await refused('version-not-found', exported(key, { version: 5 }));
    const command = { kind: 'disable-key-version', key: byId(key), version: 3 } as const;
    const { key: doubted } = await ring.do(ring.keyring.disableVersion(key, command));
    assert.deepEqual(
      (await exported(doubted)).map(([version]) => version),
      [2, 4],
    );
    await refused('disabled', exported(doubted, { version: 3 }));
  });

  test('leaves for what it is for only', async () => {
    const aes = await exportable({ usages: ['encrypt'] });
    await refused('wrong-usage', exported(aes, { part: 'sign' }));
    await refused('wrong-usage', exported(aes, { part: 'mac' }));
    const ec = await exportable({ spec: 'ec-p256', usages: ['sign'] });
    await refused('wrong-usage', exported(ec, { part: 'encrypt' }));
  });

  test('computes elsewhere the MACs that it computes here', async () => {
    for (const facts of [
      { spec: 'hmac-sha256', usages: ['mac'] },
      { spec: 'aes-256', usages: ['encrypt', 'mac'] },
      { spec: 'ec-p256', usages: ['sign'] },
    ] as const) {
      const key = await exportable(facts);
      const secret = await one(key, { part: 'mac' });
      assert.deepEqual(createHmac('sha256', secret).update('m').digest(), await mac(key), facts.spec);
    }
  });

  test('is written in the form that is asked for, and in none that it has not', async () => {
    const forms = { rsa: 'pkcs1', ec: 'sec1' } as const;
    for (const [spec, usages, kind] of [
      ['rsa-2048', ['encrypt', 'sign'], 'rsa'],
      ['ec-p384', ['sign'], 'ec'],
    ] as const) {
      const key = await exportable({ spec, usages });
      const publicKey = Buffer.from(key.current.publicKey!);
      for (const [form, type] of [
        ['pkcs8', 'pkcs8'],
        ['traditional', forms[kind]],
      ] as const) {
        const der = await one(key, { part: 'sign', form });
        const pair = createPublicKey(createPrivateKey({ key: der, format: 'der', type }));
        assert.deepEqual(pair.export({ format: 'der', type: 'spki' }), publicKey, `${spec} ${form}`);
      }
      await refused('invalid-parameter', exported(key, { part: 'sign', form: 'raw' }));
    }
    const ed = await exportable({ spec: 'ed25519', usages: ['sign'] });
    const bare = await one(ed, { part: 'sign', form: 'raw' });
    assert.deepEqual(await one(ed, { part: 'sign' }), bare);
    assert.deepEqual(bare.subarray(32), Buffer.from(ed.current.publicKey!).subarray(-32));
    const pkcs8 = createPrivateKey({
      key: await one(ed, { part: 'sign', form: 'pkcs8' }),
      format: 'der',
      type: 'pkcs8',
    });
    assert.equal(Buffer.from(pkcs8.export({ format: 'jwk' }).d!, 'base64url').equals(bare.subarray(0, 32)), true);
    await refused('invalid-parameter', exported(await exportable(), { form: 'pkcs8' }));
    await refused('invalid-parameter', exported(ed, { part: 'mac', form: 'pkcs8' }));
  });
});

describe('a key that leaves under another', () => {
  async function wrapped(spec: KeySpec, usages: Key['usages'], hash: OaepHash = 'sha256') {
    const [key, to] = [await exportable({ spec, usages }), await exportable({ spec: 'rsa-2048', usages: ['encrypt'] })];
    const command = { kind: 'export-wrapped-key', key: byId(key), destination: byId(to), hash } as const;
    const { exported: all } = await ring.do(ring.keyring.exportWrapped(key, to, command));
    using pkcs8 = new SecretBytes(await one(to, { form: 'pkcs8' }));
    return { key, material: unwrapTransferred(openMaterial('rsa-2048', pkcs8), hash, all[0]!.wrapped)! };
  }

  test('opens with the private half of that one to what it is', async () => {
    for (const hash of oaepHashes) {
      const { key, material } = await wrapped('aes-256', ['encrypt'], hash);
      assert.deepEqual(Buffer.from(material.expose()), await one(key, {}));
    }
    const { key, material } = await wrapped('ec-p256', ['sign']);
    assert.deepEqual(Buffer.from(material.expose()), await one(key, { part: 'sign', form: 'pkcs8' }));
  });

  test('is exportable itself, and wrapped under RSA keys that are of use', async () => {
    const [key, fixed] = [await exportable(), await ring.key()];
    const rsa = await ring.key({ spec: 'rsa-2048', usages: ['encrypt'] });
    const ask = (from: Key, to: Key) =>
      ring.keyring.exportWrapped(from, to, {
        ...{ kind: 'export-wrapped-key', key: byId(from), destination: byId(to), hash: 'sha256' },
      });
    await refused('unsupported', ask(fixed, rsa));
    await refused('wrong-algorithm', ask(key, fixed));
    await refused('wrong-usage', ask(key, await ring.key({ spec: 'rsa-2048', usages: ['sign'] })));
    const { key: off } = await ring.do(Promise.try(() => ring.keyring.disableKey(rsa)));
    await refused('disabled', ask(key, off));
  });
});
