import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toBase64 } from '#encoding/encoding.ts';
import { operations } from '#wire/aws-kms/operations.ts';
import type { Row } from '#wire/aws-kms/row.ts';
import { awsCases } from './testing/aws-cases.ts';
import { type Answer, Doors } from './testing/doors.ts';
import { byId, House, refused } from './testing/house.ts';

/** Asks for everything as a dry run. */
class DryDoors extends Doors {
  override aws(operation: string, body: object): Promise<Answer> {
    return super.aws(operation, { ...body, DryRun: true }, this.house.first);
  }
}

const rows: ReadonlyArray<[string, Row]> = Object.entries(operations) as never;
const typeOf = ({ json }: Answer) => (json as { readonly __type?: string }).__type;

test('what would succeed answers DryRunOperationException, does nothing, and leaves its line', async () => {
  const house = await House.open();
  const doors = new DryDoors(house);
  const nobody = await house.hire('nobody');
  let tried = 0;
  for (const [name, row] of rows) {
    if (row.dryRun !== true) continue;
    tried++;
    const send = await awsCases[name]!(doors);
    const [before, size] = [await house.rows(), house.ledgerSize];
    const answer = await send();
    assert.equal(typeOf(answer), 'DryRunOperationException', `${name}: ${answer.text}`);
    assert.equal(answer.status, 412, name);
    const lines = await house.entries(size);
    assert.deepEqual(
      lines.map(({ outcome, action, principal }) => [outcome, action, principal]),
      [['dry-run', row.action, 'founder']],
    );
    assert.notEqual(lines[0]!.key ?? '', '', name);
    assert.deepEqual(await house.rows(), before, name);

    const refusing = await awsCases[name]!(doors);
    const first = house.first;
    house.first = nobody;
    const refusal = await refusing();
    house.first = first;
    assert.equal(typeOf(refusal), 'AccessDeniedException', `${name}: ${refusal.text}`);
  }
  assert.ok(tried >= 13);
});

test('an operation that has no dry run is refused where one is asked for, rather than done', async () => {
  const house = await House.open();
  const doors = new DryDoors(house);
  for (const [name, row] of rows) {
    if (row.dryRun === true || awsCases[name] === undefined) continue;
    const send = await awsCases[name]!(doors);
    const before = await house.rows();
    const answer = await send();
    assert.equal(typeOf(answer), 'UnsupportedOperationException', `${name}: ${answer.text}`);
    assert.deepEqual(await house.rows(), before, name);
  }
});

test('a dry run is refused for everything that the real call would be refused for', async () => {
  const house = await House.open();
  const doors = new DryDoors(house);
  const key = await house.key();
  const signing = await house.key({ spec: 'ec-p256', usages: ['sign'] });
  const hmac = await house.key({ spec: 'hmac-sha256', usages: ['mac'] });
  const disabled = await house.key();
  await house.perform({ kind: 'disable-key', key: byId(disabled) });
  const doomed = await house.key();
  await house.perform({ kind: 'schedule-destruction', key: byId(doomed), days: 7 });
  const { ciphertext } = await house.encrypt(key, 'text');
  const blob = toBase64(ciphertext);
  const damaged = toBase64(Uint8Array.from(ciphertext, (byte, i) => (i === ciphertext.length - 1 ? byte ^ 1 : byte)));
  const Plaintext = toBase64(new Uint8Array(8));
  const cases: ReadonlyArray<readonly [operation: string, body: object, type: string]> = [
    ['Encrypt', { KeyId: disabled.id, Plaintext }, 'DisabledException'],
    ['Encrypt', { KeyId: doomed.id, Plaintext }, 'KMSInvalidStateException'],
    ['Encrypt', { KeyId: signing.id, Plaintext }, 'InvalidKeyUsageException'],
    ['Encrypt', { KeyId: '00000000-0000-4000-8000-000000000000', Plaintext }, 'NotFoundException'],
    ['Encrypt', { KeyId: key.id, Plaintext: '' }, 'ValidationException'],
    ['Decrypt', { CiphertextBlob: damaged }, 'InvalidCiphertextException'],
    ['Decrypt', { CiphertextBlob: blob, EncryptionContext: { a: 'b' } }, 'InvalidCiphertextException'],
    ['Decrypt', { CiphertextBlob: blob, KeyId: disabled.id }, 'IncorrectKeyException'],
    ['GenerateDataKey', { KeyId: hmac.id, KeySpec: 'AES_256' }, 'InvalidKeyUsageException'],
    [
      'Verify',
      { KeyId: signing.id, SigningAlgorithm: 'ECDSA_SHA_256', Message: Plaintext, Signature: blob },
      'KMSInvalidSignatureException',
    ],
    [
      'VerifyMac',
      { KeyId: hmac.id, MacAlgorithm: 'HMAC_SHA_256', Message: Plaintext, Mac: blob },
      'KMSInvalidMacException',
    ],
  ];
  for (const [operation, body, type] of cases) {
    const answer = await doors.aws(operation, body);
    assert.equal(typeOf(answer), type, `${operation}: ${answer.text}`);
  }
});

test('a dry run of decryption may leave the ciphertext aside, and nothing else may', async () => {
  const house = await House.open();
  const doors = new Doors(house);
  const [key, other] = [await house.key(), await house.key()];
  const aside = { DryRun: true, DryRunModifiers: ['IGNORE_CIPHERTEXT'] };
  const ask = async (operation: string, body: object) => typeOf(await doors.aws(operation, body));
  assert.equal(await ask('Decrypt', { ...aside, KeyId: key.id }), 'DryRunOperationException');
  assert.equal(await ask('Decrypt', { ...aside, KeyId: key.id, CiphertextBlob: 'AAAA' }), 'DryRunOperationException');
  assert.equal(
    await ask('ReEncrypt', { ...aside, SourceKeyId: key.id, DestinationKeyId: other.id }),
    'DryRunOperationException',
  );
  assert.equal(await ask('Decrypt', aside), 'ValidationException');
  assert.equal(await ask('ReEncrypt', { ...aside, DestinationKeyId: other.id }), 'ValidationException');
  assert.equal(await ask('Decrypt', { ...aside, DryRun: false, KeyId: key.id }), 'ValidationException');
  assert.equal(await ask('Decrypt', { ...aside, DryRunModifiers: ['OTHER'], KeyId: key.id }), 'ValidationException');
  await house.perform({ kind: 'disable-key', key: byId(key) });
  assert.equal(await ask('Decrypt', { ...aside, KeyId: key.id }), 'DisabledException');
  await refused(
    'invalid-parameter',
    house.perform({
      ...{ kind: 'decrypt', key: byId(other), ciphertext: new Uint8Array(0), context: {}, scheme: 'natural' },
      rightsOnly: true,
    }),
  );
});
