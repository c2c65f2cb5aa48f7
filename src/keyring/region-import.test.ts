import assert from 'node:assert/strict';
import { constants, createPublicKey, publicEncrypt } from 'node:crypto';
import { beforeEach, describe, test } from 'node:test';
import { randomBytes } from '#crypto/crypto.ts';
import type { Command, Key } from '#domain/domain.ts';
import { byId, Ring, realm, refused } from './testing/ring.ts';

const abroad = `${realm}.eu-west-1`;
let ring: Ring;
let primary: Key;
let replica: Key;
let first: Buffer;

type Import = Pick<Command<'import-key-material'>, 'material' | 'expiresAt'>;

async function bring(key: Key, material: Uint8Array, more: Import = {}): Promise<Key> {
  const current = await ring.fresh(key);
  const asked = { wrapping: 'rsa-oaep-sha256', wrappingSpec: 'rsa-2048' } as const;
  const { token, wrappingKey } = await ring.do(
    Promise.try(() =>
      ring.keyring.importParameters(current, { kind: 'get-import-parameters', key: byId(key), ...asked }, ring.now),
    ),
  );
  const spki = createPublicKey({ key: Buffer.from(wrappingKey), format: 'der', type: 'spki' });
  const wrapped = publicEncrypt({ key: spki, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }, material);
  const command = { kind: 'import-key-material', key: byId(key), token, wrapped, ...more } as const;
  return (await ring.do(ring.keyring.importMaterial(current, command, ring.now))).key;
}

const rotate = async (key: Key) => ring.rotate(await ring.fresh(key));

async function waitsForReplicas(key: Key): Promise<boolean> {
  const command = { kind: 'describe-key', key: byId(key), withVersions: true } as const;
  const { nextAwaitsReplicas } = await ring.do(ring.keyring.describeKey(await ring.fresh(key), command));
  return nextAwaitsReplicas === true;
}

beforeEach(async () => {
  ring = await Ring.open();
  first = randomBytes(32);
  primary = await bring(await ring.key({ multiRegion: true, origin: 'external' }), first);
  const command = { kind: 'replicate-key', key: byId(primary), region: 'eu-west-1' } as const;
  replica = (await ring.do(ring.keyring.replicateKey(primary, abroad, command, ring.now))).key;
});

describe('a replica of a key with imported material', () => {
  test('waits for the same material, and takes no other', async () => {
    assert.deepEqual([replica.current.state, replica.current.wrapped], ['pending-import', undefined]);
    await refused('invalid-state', () => ring.encrypt(replica, 'x'));
    await refused('wrong-material', bring(replica, randomBytes(32)));
    await refused('unsupported', bring(replica, randomBytes(32), { material: 'new' }));
    const { ciphertext } = await ring.encrypt(await ring.fresh(primary), 'from home');
    await bring(replica, first);
    assert.equal(await ring.decrypt(await ring.fresh(replica), ciphertext), 'from home');
  });

  test('is not made of a key that waits for its own', async () => {
    const waiting = await ring.key({ multiRegion: true, origin: 'external' });
    const command = { kind: 'replicate-key', key: byId(waiting), region: 'eu-west-1' } as const;
    await refused('invalid-state', ring.keyring.replicateKey(waiting, abroad, command, ring.now));
  });

  test('does not become the primary before its material is there', async () => {
    const promote = async () =>
      ring.keyring.updatePrimaryRegion(await ring.fresh(primary), await ring.fresh(replica), {
        ...{ kind: 'update-primary-region', key: byId(primary), region: 'eu-west-1' },
      });
    await refused('invalid-state', promote);
    await bring(replica, first);
    await ring.do(promote());
    assert.equal((await ring.fresh(primary)).multiRegion?.primary, abroad);
  });

  test('needs every older material too', async () => {
    const second = randomBytes(32);
    const { ciphertext } = await ring.encrypt(await ring.fresh(primary), 'first');
    await bring(replica, first);
    await bring(primary, second, { material: 'new' });
    await bring(replica, second);
    await rotate(primary);
    const command = { kind: 'replicate-key', key: byId(primary), region: 'ap-south-1' } as const;
    const far = `${realm}.ap-south-1`;
    const third = (await ring.do(ring.keyring.replicateKey(await ring.fresh(primary), far, command, ring.now))).key;
    await bring(third, second);
    await refused('invalid-state', async () => ring.encrypt(await ring.fresh(third), 'x'));
    await bring(third, first);
    await ring.restart();
    assert.equal(await ring.decrypt(await ring.fresh(third), ciphertext), 'first');
  });
});

describe('the rotation of a key with imported material', () => {
  test('waits until all replicas have what is to become current', async () => {
    const second = randomBytes(32);
    await bring(replica, first);
    await bring(primary, second, { material: 'new' });
    assert.equal(await waitsForReplicas(primary), true);
    await refused('invalid-state', rotate(primary));
    await bring(replica, second);
    assert.equal(await waitsForReplicas(primary), false);
    await rotate(primary);
    const { ciphertext } = await ring.encrypt(await ring.fresh(replica), 'second');
    await ring.restart();
    assert.equal(await ring.decrypt(await ring.fresh(primary), ciphertext), 'second');
    assert.equal((await ring.fresh(replica)).current.version, 2);
  });

  test('forgets in all regions what the primary forgets before', async () => {
    const second = randomBytes(32);
    await bring(replica, first);
    const { next } = await bring(primary, second, { material: 'new' });
    await bring(replica, second);
    const command = { kind: 'delete-imported-material', key: byId(primary), materialId: next!.materialId! } as const;
    await ring.do(ring.keyring.deleteImported(await ring.fresh(primary), command));
    assert.equal((await ring.fresh(replica)).next, undefined);
    await ring.encrypt(await ring.fresh(replica), 'still of use');
  });
});
