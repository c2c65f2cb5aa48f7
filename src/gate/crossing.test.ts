import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { fromBase64, toBase64 } from '#encoding/encoding.ts';
import { Doors } from './testing/doors.ts';
import { byId, byName, House, refused } from './testing/house.ts';

let house: House;
let doors: Doors;
before(async () => {
  house = await House.open();
  doors = new Doors(house);
});

const data = <T>(answer: { json: unknown; status: number; text: string }): T => {
  assert.equal(answer.status, 200, answer.text);
  return answer.json as T;
};

test('what one door encrypts another opens, and the context of one is no context of another', async () => {
  const key = await house.key({ name: 'shared' });
  const plaintext = toBase64(Buffer.from('crossing'));
  const { CiphertextBlob } = data<{ CiphertextBlob: string }>(
    await doors.aws('Encrypt', { KeyId: key.id, Plaintext: plaintext }),
  );
  const byVault = data<{ data: { plaintext: string } }>(
    await doors.vault('POST', 'transit/decrypt/shared', { ciphertext: `vault:v1:${CiphertextBlob}` }),
  );
  assert.equal(byVault.data.plaintext, plaintext);
  const made = data<{ data: { ciphertext: string } }>(
    await doors.vault('POST', 'transit/encrypt/shared', { plaintext, associated_data: toBase64(Buffer.from('x')) }),
  );
  const blob = made.data.ciphertext.slice('vault:v1:'.length);
  for (const EncryptionContext of [undefined, { x: '' }, { '': 'x' }, { associated_data: 'x' }]) {
    const answer = await doors.aws('Decrypt', {
      CiphertextBlob: blob,
      ...(EncryptionContext && { EncryptionContext }),
    });
    assert.equal(answer.status, 400);
    assert.match(answer.text, /InvalidCiphertextException/);
  }
});

test('what Vault lets other keys compute, AWS clients are refused', async () => {
  const message = toBase64(Buffer.from('crossing'));
  for (const [name, type] of [
    ['mac-aes', 'aes256-gcm96'],
    ['mac-rsa', 'rsa-2048'],
    ['mac-ec', 'ecdsa-p256'],
  ] as const) {
    data(await doors.vault('POST', `transit/keys/${name}`, { type }));
    data(await doors.vault('POST', `transit/hmac/${name}`, { input: message }));
    const asked = { KeyId: `alias/${name}`, MacAlgorithm: 'HMAC_SHA_256', Message: message };
    for (const answer of [
      await doors.aws('GenerateMac', asked),
      await doors.aws('VerifyMac', { ...asked, Mac: message }),
    ]) {
      assert.match(`${answer.status} ${answer.text}`, /^400 .*InvalidKeyUsageException/, name);
    }
    const { KeyMetadata } = data<{ KeyMetadata: object }>(await doors.aws('DescribeKey', { KeyId: asked.KeyId }));
    assert.ok(!Object.hasOwn(KeyMetadata, 'MacAlgorithms'));
  }
  const hash = { input: message, hash_algorithm: 'sha2-384' };
  data(await doors.vault('POST', 'transit/sign/mac-ec', hash));
  const sha384 = { KeyId: 'alias/mac-ec', SigningAlgorithm: 'ECDSA_SHA_384', Message: message };
  assert.match((await doors.aws('Sign', sha384)).text, /InvalidKeyUsageException/);
});

test('every flipped bit of a ciphertext is refused in one way by a door that is told no key', async () => {
  const key = await house.key();
  const made = data<{ CiphertextBlob: string }>(
    await doors.aws('Encrypt', { KeyId: key.id, Plaintext: toBase64(Buffer.from('bits')) }),
  );
  const bytes = fromBase64(made.CiphertextBlob)!;
  const answers = new Map<string, number>();
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Uint8Array.from(bytes);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    const { status, json } = await doors.aws('Decrypt', { CiphertextBlob: toBase64(flipped) });
    const { __type } = json as Record<string, string>;
    answers.set(`${status} ${__type}`, (answers.get(`${status} ${__type}`) ?? 0) + 1);
  }
  // The id in the clear then names a key that isn't there, which AWS has a name for too.
  assert.equal(
    answers.get('400 InvalidCiphertextException')! + (answers.get('400 NotFoundException') ?? 0),
    bytes.length * 8,
  );
});

test('an alias points at a key and never at an alias, so no chain of them can loop', async () => {
  const [one] = [await house.key({ name: 'loop-a' }), await house.key({ name: 'loop-b' })];
  const alias = (kind: 'create-alias' | 'update-alias', name: string, to: string) =>
    house.perform({ kind, key: byName(to), name });
  await refused('invalid-parameter', alias('update-alias', 'loop-a', 'loop-b'));
  await refused('invalid-parameter', alias('update-alias', 'loop-a', 'loop-a'));
  await refused('invalid-parameter', alias('create-alias', 'loop-c', 'loop-a'));
  await refused('alias-not-found', alias('create-alias', 'loop-c', 'loop-c'));
  assert.equal((await house.perform({ kind: 'describe-key', key: byName('loop-a') })).key.id, one.id);
});

test('a key that was disabled, planned to end or destroyed through one door is so through all', async () => {
  const key = await house.key({ name: 'state', deletionAllowed: true });
  const encryptions = async () => [
    (await doors.aws('Encrypt', { KeyId: key.id, Plaintext: 'eA==' })).text,
    (await doors.vault('POST', 'transit/encrypt/state', { plaintext: 'eA==' })).text,
    (await doors.native('POST', `/keys/${key.id}/encrypt`, { plaintext: 'eA==' })).text,
  ];
  await doors.aws('DisableKey', { KeyId: key.id });
  assert.deepEqual(
    (await encryptions()).map((text) => /isabled/.test(text)),
    [true, true, true],
  );
  await doors.native('POST', `/keys/${key.id}/enable`);
  await doors.aws('ScheduleKeyDeletion', { KeyId: key.id });
  assert.deepEqual(
    (await encryptions()).map((text) => /pending/.test(text)),
    [true, true, true],
  );
  await doors.native('POST', `/keys/${key.id}/cancel-destruction`);
  assert.equal((await doors.vault('DELETE', 'transit/keys/state')).status, 204);
  await refused('not-found', house.encrypt(key, 'x'));
  assert.equal((await doors.aws('DescribeKey', { KeyId: key.id })).status, 400);
  assert.equal((await doors.native('GET', `/keys/${key.id}`)).status, 404);
  assert.ok(await house.key({ name: 'state' }));
  await refused('not-found', house.perform({ kind: 'enable-key', key: byId(key) }));
});
