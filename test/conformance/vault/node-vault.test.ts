import assert from 'node:assert/strict';
import { constants, createHash, createPublicKey, publicEncrypt, verify } from 'node:crypto';
import { suite, test } from 'node:test';
import type nodeVault from 'node-vault';
import { serverOfThisFile } from '../../harness.ts';
import { b64, clientFrom, failedBatch, refused } from './client.ts';

const { server, env } = await serverOfThisFile();
const vault = clientFrom(env);

const message = b64('a message');
const encrypt = async (name: string, more: object = {}): Promise<string> =>
  (await vault.write(`transit/encrypt/${name}`, { plaintext: message, ...more })).data.ciphertext;
const decrypt = async (name: string, ciphertext: string, more: object = {}): Promise<string> =>
  (await vault.write(`transit/decrypt/${name}`, { ciphertext, ...more })).data.plaintext;

suite('the life of a key', () => {
  test('is created, listed and read', async () => {
    const created = await vault.write('transit/keys/life', {});
    assert.equal(created.data.type, 'aes256-gcm96');
    const { data } = await vault.read('transit/keys/life');
    assert.deepEqual(Object.keys(data.keys), ['1']);
    assert.ok(Math.abs(data.keys[1] - Date.now() / 1000) < 60);
    assert.equal(data.latest_version, 1);
    assert.equal(data.deletion_allowed, false);
    assert.ok((await vault.list('transit/keys')).data.keys.includes('life'));
    const noVerbs = clientFrom(env) as nodeVault.client & { noCustomHTTPVerbs: boolean };
    noVerbs.noCustomHTTPVerbs = true;
    assert.ok((await noVerbs.list('transit/keys')).data.keys.includes('life'));
  });

  test('encrypts, rotates, and still decrypts and rewraps', async () => {
    const first = await encrypt('life');
    assert.match(first, /^vault:v1:/);
    assert.notEqual(await encrypt('life'), first);
    await vault.write('transit/keys/life/rotate', {});
    const second = await encrypt('life');
    assert.match(second, /^vault:v2:/);
    assert.equal(await decrypt('life', first), message);
    const rewrapped = (await vault.write('transit/rewrap/life', { ciphertext: first })).data.ciphertext;
    assert.match(rewrapped, /^vault:v2:/);
    assert.equal(await decrypt('life', rewrapped), message);
    await refused(decrypt('life', second.replace('vault:v2:', 'vault:v1:')), 400, /unable to decrypt/);
    await refused(decrypt('life', second.replace('vault:v2:', 'vault:v9:')), 400, /./);
  });

  test('refuses versions below its minima, and trims them', async () => {
    const second = await encrypt('life');
    await vault.write('transit/keys/life/rotate', {});
    const third = await encrypt('life');
    await vault.write('transit/keys/life/config', { min_decryption_version: 3 });
    await refused(decrypt('life', second), 400, /disallowed by policy \(too old\)/);
    assert.equal(await decrypt('life', third), message);
    await refused(vault.write('transit/keys/life/trim', { min_available_version: 3 }), 400, /./);
    await vault.write('transit/keys/life/config', { min_encryption_version: '3' });
    await vault.write('transit/keys/life/trim', { min_available_version: 3 });
    const { data } = await vault.read('transit/keys/life');
    assert.deepEqual([data.min_available_version, Object.keys(data.keys)], [3, ['3']]);
    await refused(vault.write('transit/keys/life/config', { min_decryption_version: 1 }), 400, /./);
  });

  test('is soft-deleted and restored, answering what it is each time', async () => {
    await vault.write('transit/keys/soft', {});
    const rotated = await vault.write('transit/keys/soft/rotate', {});
    assert.deepEqual(Object.keys(rotated.data.keys), ['1', '2']);
    const ciphertext = await encrypt('soft');
    const gone = await vault.delete('transit/keys/soft/soft-delete');
    assert.deepEqual([gone.data.soft_deleted, Object.keys(gone.data.keys), gone.warnings], [true, ['1', '2'], null]);
    const again = await vault.delete('transit/keys/soft/soft-delete');
    assert.deepEqual(again.warnings, ['key was already marked as soft deleted']);
    await refused(encrypt('soft'), 400, /disabled/);
    await refused(decrypt('soft', ciphertext), 400, /disabled/);
    assert.equal((await vault.read('transit/keys/soft')).data.soft_deleted, true);
    const back = await vault.write('transit/keys/soft/soft-delete-restore', {});
    assert.equal(back.data.soft_deleted, false);
    assert.equal(await decrypt('soft', ciphertext), message);
    const twice = await vault.write('transit/keys/soft/soft-delete-restore', {});
    assert.deepEqual(twice.warnings, ['key was already restored']);
  });

  test('loses one version in the middle, and gets it back', async () => {
    await vault.write('transit/keys/doubted', {});
    const made = [await encrypt('doubted')];
    for (let version = 2; version <= 3; version++) {
      await vault.write('transit/keys/doubted/rotate', {});
      made.push(await encrypt('doubted'));
    }
    await server.claviger('key', 'version', 'disable', 'doubted', '2');
    await refused(decrypt('doubted', made[1]!), 400, /Version 2 of the key is disabled/);
    assert.deepEqual(Object.keys((await vault.read('transit/keys/doubted')).data.keys), ['1', '3']);
    assert.equal(await decrypt('doubted', made[0]!), message);
    assert.equal(await decrypt('doubted', made[2]!), message);
    await server.claviger('key', 'version', 'enable', 'doubted', '2');
    assert.equal(await decrypt('doubted', made[1]!), message);
  });

  test('rotates by itself, by any period from an hour, key pairs too', async () => {
    const { data } = await vault.write('transit/keys/turning', { type: 'ed25519', auto_rotate_period: '90m' });
    assert.equal(data.auto_rotate_period, 5400);
    const changed = await vault.write('transit/keys/turning/config', { auto_rotate_period: '1000000s' });
    assert.equal(changed.data.auto_rotate_period, 1_000_000);
    await refused(vault.write('transit/keys/turning/config', { auto_rotate_period: '59m' }), 400, /at least an hour/);
    assert.equal(
      (await vault.write('transit/keys/turning/config', { auto_rotate_period: 0 })).data.auto_rotate_period,
      0,
    );
  });

  test('is deleted only where that is allowed', async () => {
    await refused(vault.delete('transit/keys/life'), 400, /deletion is not allowed/);
    await vault.write('transit/keys/life/config', { deletion_allowed: 'true' });
    await vault.delete('transit/keys/life');
    await refused(vault.read('transit/keys/life'), 404, /^$/);
    await refused(vault.write('transit/decrypt/life', { ciphertext: 'vault:v1:AAAA' }), 400, /not found/);
  });

  for (const type of ['aes128-gcm96', 'aes256-gcm96', 'chacha20-poly1305']) {
    test(`is the same with ${type}`, async () => {
      await vault.write(`transit/keys/sym-${type}`, { type });
      const bound = { associated_data: b64('aad') };
      const ciphertext = await encrypt(`sym-${type}`, bound);
      assert.equal(await decrypt(`sym-${type}`, ciphertext, bound), message);
      await refused(decrypt(`sym-${type}`, ciphertext), 400, /unable to decrypt/);
    });
  }

  test('begins with the first encryption where nobody created it', async () => {
    const ciphertext = await encrypt('on-the-way', { type: 'aes128-gcm96' });
    assert.equal(await decrypt('on-the-way', ciphertext), message);
    assert.equal((await vault.read('transit/keys/on-the-way')).data.type, 'aes128-gcm96');
  });

  test('is reached by its id too', async () => {
    await vault.write('transit/keys/by-name', {});
    const ciphertext = await encrypt('by-name');
    const listed = JSON.parse((await server.claviger('key', 'list', '--json')).stdout);
    const id = JSON.stringify(listed).match(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/)?.[0];
    assert.ok(id);
    assert.equal((await vault.read(`transit/keys/${id}`)).data.name, id);
    await refused(vault.write(`transit/keys/${id}`, {}), 400, /UUID/);
    assert.equal(await decrypt('by-name', ciphertext), message);
  });
});

suite('derived keys', () => {
  test('want the same context again', async () => {
    await vault.write('transit/keys/derived', { derived: true });
    const ciphertext = await encrypt('derived', { context: b64('one') });
    assert.equal(await decrypt('derived', ciphertext, { context: b64('one') }), message);
    await refused(decrypt('derived', ciphertext, { context: b64('two') }), 400, /unable to decrypt/);
    await refused(decrypt('derived', ciphertext), 400, /context/);
    await refused(encrypt('derived'), 400, /context/);
  });

  test('are what is made on the way where there is a context', async () => {
    await encrypt('derived-on-the-way', { context: b64('one') });
    assert.equal((await vault.read('transit/keys/derived-on-the-way')).data.derived, true);
  });
});

suite('batches', () => {
  test('are encrypted, decrypted and rewrapped in their order', async () => {
    await vault.write('transit/keys/batch', {});
    const items = Array.from({ length: 300 }, (_, i) => ({ plaintext: b64(`message ${i}`), reference: `r${i}` }));
    const encrypted = (await vault.write('transit/encrypt/batch', { batch_input: items })).data.batch_results;
    assert.deepEqual(
      encrypted.map((one: { reference: string }) => one.reference),
      items.map((one) => one.reference),
    );
    await vault.write('transit/keys/batch/rotate', {});
    const old = encrypted.map(({ ciphertext }: { ciphertext: string }) => ({ ciphertext }));
    const rewrapped = (await vault.write('transit/rewrap/batch', { batch_input: old })).data.batch_results;
    assert.ok(rewrapped.every((one: { key_version: number }) => one.key_version === 2));
    const decrypted = (await vault.write('transit/decrypt/batch', { batch_input: rewrapped })).data.batch_results;
    assert.deepEqual(
      decrypted.map((one: { plaintext: string }) => one.plaintext),
      items.map((one) => one.plaintext),
    );
  });

  test('fail in part with the status that is asked for', async () => {
    const ciphertext = await encrypt('batch');
    const batch_input = [{ ciphertext }, { ciphertext: 'vault:v1:AAAA' }];
    const [good, bad] = await failedBatch(vault.write('transit/decrypt/batch', { batch_input }));
    assert.equal(good?.plaintext, message);
    assert.match(bad?.error ?? '', /unable to decrypt/);
    const answer = await vault.write('transit/decrypt/batch', { batch_input, partial_failure_response_code: 200 });
    assert.equal(answer.data.batch_results[0].plaintext, message);
  });
});

suite('signatures', () => {
  const types: ReadonlyArray<readonly [string, object]> = [
    ['ed25519', {}],
    ['ecdsa-p256', {}],
    ['ecdsa-p384', {}],
    ['ecdsa-p521', {}],
    ['rsa-2048', {}],
    ['rsa-3072', {}],
    ['rsa-4096', {}],
    ['ml-dsa', { parameter_set: '44' }],
    ['ml-dsa', { parameter_set: '65' }],
    ['ml-dsa', { parameter_set: '87' }],
    ['slh-dsa', { parameter_set: 'slh-dsa-sha2-128f' }],
  ];
  for (const [type, more] of types) {
    const name = ['sign', type, ...Object.values(more)].join('-');
    test(`of ${name} verify, through a rotation, and nothing else does`, async () => {
      await vault.write(`transit/keys/${name}`, { type, ...more });
      const { signature } = (await vault.write(`transit/sign/${name}`, { input: message })).data;
      await vault.write(`transit/keys/${name}/rotate`, {});
      const verdict = async (body: object): Promise<boolean> =>
        (await vault.write(`transit/verify/${name}`, { input: message, signature, ...body })).data.valid;
      assert.equal(await verdict({}), true);
      assert.equal(await verdict({ input: b64('another') }), false);
      assert.equal(await verdict({ signature: signature.replace('vault:v1:', 'vault:v2:') }), false);
      assert.equal(await verdict({ signature: 'vault:v1:AAAA' }), false);
      await refused(vault.write(`transit/verify/${name}`, { input: message, signature: 'AAAA' }), 400, /signature/);
      const { data } = await vault.read(`transit/keys/${name}`);
      assert.equal(data.type, type);
      assert.equal(data.supports_signing, true);
      assert.deepEqual(Object.keys(data.keys), ['1', '2']);
    });
  }

  const bytesOf = (signature: string, encoding: BufferEncoding = 'base64') =>
    Buffer.from(signature.replace(/^vault:v\d+:/, ''), encoding);
  const sign = async (name: string, body: object): Promise<string> =>
    (await vault.write(`transit/sign/${name}`, { key_version: 0, ...body })).data.signature;
  const publicKey = async (name: string): Promise<string> => {
    const { keys, latest_version } = (await vault.read(`transit/keys/${name}`)).data;
    return keys[latest_version].public_key;
  };

  test('are what others verify with the public key', async () => {
    const text = Buffer.from('a message');
    const p256 = await publicKey('sign-ecdsa-p256');
    assert.ok(verify('sha256', text, p256, bytesOf(await sign('sign-ecdsa-p256', { input: message }))));
    const jws = { input: message, hash_algorithm: 'sha2-512', marshaling_algorithm: 'jws' };
    const signature = bytesOf(await sign('sign-ecdsa-p256', jws), 'base64url');
    assert.equal(signature.length, 64);
    assert.ok(verify('sha512', text, { key: p256, dsaEncoding: 'ieee-p1363' }, signature));

    const rsa = await publicKey('sign-rsa-2048');
    const pss = { key: rsa, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO };
    assert.ok(verify('sha256', text, pss, bytesOf(await sign('sign-rsa-2048', { input: message }))));
    const short = bytesOf(await sign('sign-rsa-2048', { input: message, salt_length: 'hash' }));
    assert.ok(verify('sha256', text, { ...pss, saltLength: 32 }, short));
    const pkcs1 = { input: message, signature_algorithm: 'pkcs1v15', hash_algorithm: 'sha2-384' };
    assert.ok(verify('sha384', text, rsa, bytesOf(await sign('sign-rsa-2048', pkcs1))));

    const raw = Buffer.from(await publicKey('sign-ed25519'), 'base64');
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') }, format: 'jwk' });
    assert.ok(verify(null, text, key, bytesOf(await sign('sign-ed25519', { input: message }))));
    assert.ok(
      verify(null, text, await publicKey('sign-ml-dsa-65'), bytesOf(await sign('sign-ml-dsa-65', { input: message }))),
    );
  });

  test('of a digest are those of its message', async () => {
    const text = Buffer.from('a message');
    const input = createHash('sha384').update(text).digest('base64');
    const prehashed = { input, prehashed: true, hash_algorithm: 'sha2-384' };
    for (const name of ['sign-ecdsa-p256', 'sign-ecdsa-p384', 'sign-ecdsa-p521']) {
      assert.ok(verify('sha384', text, await publicKey(name), bytesOf(await sign(name, prehashed))), name);
    }
    const rsa = await publicKey('sign-rsa-3072');
    const pss = { key: rsa, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO };
    assert.ok(verify('sha384', text, pss, bytesOf(await sign('sign-rsa-3072', prehashed))));
    const pkcs1 = { ...prehashed, signature_algorithm: 'pkcs1v15' };
    assert.ok(verify('sha384', text, rsa, bytesOf(await sign('sign-rsa-3072', pkcs1))));
    await refused(sign('sign-rsa-3072', { ...prehashed, input: b64('short') }), 400, /48 bytes/);
    const sha512 = createHash('sha512').update(text).digest('base64');
    const ph = { input: sha512, prehashed: true, hash_algorithm: 'sha2-512' };
    const signature = await sign('sign-ed25519', ph);
    assert.equal((await vault.write('transit/verify/sign-ed25519', { ...ph, signature })).data.valid, true);
  });

  test('come in batches', async () => {
    const batch_input = [{ input: message, reference: 'a' }, { input: '!' }, { input: b64('other') }];
    const { batch_results } = (await vault.write('transit/sign/sign-ed25519', { batch_input })).data;
    assert.match(batch_results[1].error, /base64/);
    const answers = [0, 2].map((i) => ({ ...batch_input[i], signature: batch_results[i].signature }));
    const verified = (await vault.write('transit/verify/sign-ed25519', { batch_input: answers })).data.batch_results;
    assert.deepEqual(verified, [
      { valid: true, reference: 'a' },
      { valid: true, reference: '' },
    ]);
  });

  test('are not asked of keys that encrypt', async () => {
    await vault.write('transit/keys/no-signer', {});
    await refused(sign('no-signer', { input: message }), 400, /not for sign/);
    await refused(encrypt('sign-ed25519'), 400, /not for encrypt/);
  });

  test('and encryption share an RSA key, whose public half encrypts anywhere', async () => {
    assert.equal(await decrypt('sign-rsa-2048', await encrypt('sign-rsa-2048')), message);
    const key = {
      key: await publicKey('sign-rsa-2048'),
      oaepHash: 'sha256',
      padding: constants.RSA_PKCS1_OAEP_PADDING,
    };
    const elsewhere = `vault:v2:${b64(publicEncrypt(key, Buffer.from('a message')))}`;
    assert.equal(await decrypt('sign-rsa-2048', elsewhere), message);
    await refused(encrypt('sign-rsa-2048', { associated_data: b64('aad') }), 400, /context/);
  });
});

suite('MACs, data keys, randomness and hashes', () => {
  test('a MAC verifies with its key, version, hash and message only', async () => {
    await vault.write('transit/keys/mac', { type: 'hmac' });
    for (const name of ['mac', 'no-signer', 'sign-rsa-2048', 'sign-ed25519']) {
      const { hmac } = (await vault.write(`transit/hmac/${name}`, { input: message })).data;
      const verdict = async (body: object): Promise<boolean> =>
        (await vault.write(`transit/verify/${name}`, { input: message, hmac, ...body })).data.valid;
      assert.equal(await verdict({}), true, name);
      assert.equal(await verdict({ input: b64('x') }), false, name);
      assert.equal(await verdict({ hmac: hmac.replace(/.{4}$/, 'AAA=') }), false, name);
    }
    const sha512 = (await vault.write('transit/hmac/no-signer/sha2-512', { input: message })).data.hmac;
    assert.equal(Buffer.from(sha512.slice(9), 'base64').length, 64);
    await refused(vault.write('transit/hmac/mac/sha2-512', { input: message }), 400, /sha256 only/);
  });

  test('a data key opens with its key', async () => {
    for (const [bits, length] of [
      [undefined, 32],
      [128, 16],
      [256, 32],
      [512, 64],
    ] as const) {
      const { data } = await vault.write('transit/datakey/plaintext/no-signer', bits === undefined ? {} : { bits });
      assert.equal(Buffer.from(data.plaintext, 'base64').length, length);
      assert.equal(await decrypt('no-signer', data.ciphertext), data.plaintext);
    }
    const { data } = await vault.write('transit/datakey/wrapped/no-signer', {});
    assert.deepEqual(Object.keys(data).sort(), ['ciphertext', 'key_version']);
  });

  test('random bytes and hashes come in both formats', async () => {
    const random = (await vault.write('transit/random/48', { format: 'hex' })).data.random_bytes;
    assert.match(random, /^[0-9a-f]{96}$/);
    assert.equal(Buffer.from((await vault.write('transit/random', {})).data.random_bytes, 'base64').length, 32);
    const { sum } = (await vault.write('transit/hash/sha3-256', { input: message })).data;
    assert.equal(sum, createHash('sha3-256').update('a message').digest('hex'));
  });
});

suite('tokens', () => {
  test('are looked up, made, renewed and revoked', async () => {
    const self = (await vault.tokenLookupSelf()).data;
    assert.equal(self.id, env.VAULT_TOKEN);
    // node-vault takes a token that it makes for its own, so another client makes it.
    const made = (await clientFrom(env).tokenCreate({ ttl: '1h', display_name: 'child' })).auth;
    assert.match(made.client_token, /^clv\./);
    const child = clientFrom(env, made.client_token);
    const { data } = await child.tokenLookupSelf();
    assert.deepEqual([data.accessor, data.display_name, data.renewable], [made.accessor, 'child', true]);
    assert.ok(data.ttl > 3500 && data.ttl <= 3600, String(data.ttl));
    assert.ok((await child.tokenRenewSelf({ increment: '10m' })).auth.lease_duration <= 3600);
    await child.tokenRevokeSelf();
    await refused(child.read('auth/token/lookup-self'), 403, /^permission denied$/);
  });

  test('are asked for, and not guessed', async () => {
    const nobody = clientFrom(env, ' ');
    (nobody as { token: string }).token = '';
    await refused(nobody.write('transit/encrypt/no-signer', { plaintext: message }), 400, /^missing client token$/);
    for (const token of ['clv.forged', 's.Vault', `${env.VAULT_TOKEN}x`, env.VAULT_TOKEN!.slice(0, -1)]) {
      await refused(clientFrom(env, token).read('sys/mounts'), 403, /^permission denied$/);
    }
  });

  test('of a key user use keys and do not make them', async () => {
    await server.claviger('identity', 'create', 'worker', '--role', 'key-user');
    const worker = clientFrom(await server.env('worker'));
    const { ciphertext } = (await worker.write('transit/encrypt/no-signer', { plaintext: message })).data;
    assert.equal((await worker.write('transit/decrypt/no-signer', { ciphertext })).data.plaintext, message);
    assert.equal((await worker.write('transit/sign/sign-ed25519', { input: message })).data.key_version, 2);
    await refused(worker.write('transit/keys/no-signer/rotate', {}), 403, /^permission denied$/);
    await refused(worker.write('transit/keys/new', {}), 403, /^permission denied$/);
    await refused(worker.write('transit/encrypt/new', { plaintext: message }), 400, /^encryption key not found$/);
  });
});

suite('status', () => {
  test('is open, and says that the server is there', async () => {
    const health = await vault.health();
    assert.deepEqual([health.initialized, health.sealed, health.standby], [true, false, false]);
    assert.equal((await vault.status()).sealed, false);
    assert.equal((await vault.initialized()).initialized, true);
    assert.equal((await vault.mounts())['transit/'].type, 'transit');
  });
});
