import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { KmsError, SecretBytes } from '#domain/domain.ts';
import { moduleDigest, openHsm } from '#hsm/hsm.ts';
import { SoftHsm, softHsmAbsent, softHsmModule, userPin } from '../../hsm/testing/softhsm.ts';
import { sealContract } from '../testing/contract-suite.ts';
import { pkcs11Kind } from './pkcs11.ts';

const hsm = softHsmAbsent === undefined ? new SoftHsm() : undefined;
after(() => hsm?.[Symbol.dispose]());
hsm?.addToken('contract');

const pin = (text = userPin) => new SecretBytes(Buffer.from(text));
let made = 0;

for (const mechanism of ['AES-GCM', 'RSA-OAEP-SHA-1'] as const)
  sealContract(`pkcs11 by ${mechanism}`, () => ({
    absent: softHsmAbsent,
    kind: pkcs11Kind,
    settings: () => ({ module: softHsmModule, tokenLabel: 'contract', newKey: `seal ${++made}`, mechanism }),
    createSecret: () => pin(),
    wrongSecret: () => pin('11111'),
    async unreachable(during) {
      hsm!.leave();
      try {
        await during();
      } finally {
        hsm!.comeBack();
      }
    },
    flipEvery: mechanism === 'AES-GCM' ? 1 : 37,
    tampered(settings) {
      const other = join(hsm!.directory, 'other.so');
      const bytes = readFileSync(softHsmModule);
      bytes[bytes.length - 1]! ^= 1;
      return [
        {
          what: 'another module at that path',
          settings: { ...settings, module: other },
          prepare: async () => writeFileSync(other, bytes),
        },
        { what: 'the pin of another module', settings: { ...settings, moduleSha256: '0'.repeat(64) } },
        { what: 'a token of another serial', settings: { ...settings, tokenSerial: '0123456789abcdef' } },
        { what: 'a key that is not there', settings: { ...settings, keyId: '00ff' } },
        {
          what: 'another key',
          settings: { ...settings, keyId: anotherKey(mechanism) },
        },
        { what: 'words under another key', settings: { ...settings, check: 'AQ==' } },
        { what: 'no words', settings: without(settings, 'check') },
      ];
    },
  }));

function without(settings: Record<string, unknown>, name: string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(settings).filter(([member]) => member !== name));
}

let anothers = 0;
/** Of the same kind and as confined. */
function anotherKey(mechanism: string): string {
  const id = (0xa000 + anothers++).toString(16);
  const type = mechanism === 'AES-GCM' ? 'AES:32' : 'rsa:2048';
  const make = mechanism === 'AES-GCM' ? '--keygen' : '--keypairgen';
  hsm!.pkcs11Tool([make, '--key-type', type, '--id', id, '--label', `another ${id}`, '--sensitive', '--usage-decrypt']);
  return id;
}

const it = (title: string, run: () => Promise<void>) => test(title, { skip: softHsmAbsent ?? false }, run);
const fails = (code: string, words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof KmsError, String(error));
  assert.equal(error.code, code, error.message);
  assert.match(error.message, words);
  return true;
};
const create = async (given: Record<string, unknown>) => {
  using secret = pin();
  return await pkcs11Kind.create(
    pkcs11Kind.settings({ module: softHsmModule, tokenLabel: 'contract', ...given }),
    secret,
  );
};

it('tells a key by what it opens, not by its id', async () => {
  const { settings, seal } = await create({ newKey: 'told apart' });
  await seal.close();
  const other = await create({ newKey: 'the other' });
  await other.seal.close();
  using secret = pin();
  const exchanged = pkcs11Kind.settings({ ...settings, keyId: other.settings.keyId });
  await assert.rejects(pkcs11Kind.open(exchanged, secret), fails('tampered', /another than it was made with/));
});

it('says what the token does not do, and leaves no key of the attempt behind', async () => {
  const attempt = { newKey: 'by sha-256', mechanism: 'RSA-OAEP-SHA-256' };
  await assert.rejects(create(attempt), fails('unsupported', /RSA-OAEP-SHA-256/));
  await assert.rejects(create({ keyLabel: 'by sha-256', mechanism: 'RSA-OAEP-SHA-1' }), fails('not-found', /newKey/));
});

it('takes one key, of the kind that it needs, that may not leave and wraps nothing', async () => {
  const { settings, seal } = await create({ newKey: 'twice' });
  await seal.close();
  await assert.rejects(create({ newKey: 'twice' }), fails('already-exists', /keyLabel/));
  const again = await create({ keyLabel: 'twice' });
  await again.seal.close();
  assert.equal(again.settings.keyId, settings.keyId);
  const keygen = (label: string, id: string, ...more: string[]) =>
    hsm!.pkcs11Tool(['--keygen', '--label', label, '--id', id, ...more]);
  keygen('readable', 'b001', '--key-type', 'AES:32', '--extractable', '--usage-decrypt');
  keygen('wrapping', 'b002', '--key-type', 'AES:32', '--sensitive', '--usage-decrypt', '--usage-wrap');
  const driver = await openHsm(
    { modulePath: softHsmModule, moduleSha256: moduleDigest(softHsmModule), tokenLabel: 'contract' },
    pin(),
    { sessions: 1 },
  );
  const make = (id: string, label: string, bits: 128 | 256) =>
    driver.generate({ id, label, key: { type: 'aes', bits }, usage: 'encrypt-decrypt' });
  await Promise.all([make('b003', 'short', 128), make('b004', 'plain', 256), make('b005', 'plain', 256)]);
  await driver.close();
  await assert.rejects(create({ keyLabel: 'readable' }), fails('invalid-parameter', /sensitive and not extractable/));
  await assert.rejects(create({ keyLabel: 'wrapping' }), fails('invalid-parameter', /wrap/));
  await assert.rejects(create({ keyLabel: 'short' }), fails('invalid-parameter', /256 bits/));
  await assert.rejects(create({ keyLabel: 'plain' }), fails('conflict', /several/));
  await (await create({ keyId: 'B004' })).seal.close();
});

it('says that its key is gone where it was deleted while in use', async () => {
  const { seal } = await create({ newKey: 'deleted' });
  using secret = new SecretBytes(Buffer.from('a secret'));
  const wrapped = await seal.wrap(secret);
  hsm!.pkcs11Tool(['--delete-object', '--type', 'secrkey', '--label', 'deleted']);
  await assert.rejects(seal.unwrap(wrapped), fails('tampered', /not in the token/));
  await seal.close();
});

test('settings are read in full or refused', () => {
  const wrong: ReadonlyArray<readonly [string, Record<string, unknown>]> = [
    ['module', { module: undefined }],
    ['module', { module: 'libsofthsm2.so' }],
    ['tokenSerial', { tokenLabel: undefined }],
    ['keyId', { newKey: undefined }],
    ['keyId', { keyId: 'xyz' }],
    ['keyId', { keyId: '' }],
    ['moduleSha256', { moduleSha256: 'abc' }],
    ['mechanism', { mechanism: 'AES-CBC' }],
    ['newKey', { newKey: 'line\nbreak' }],
    ['check', { check: 7 }],
    ['pin', { pin: '1234' }],
  ];
  const right = { module: '/lib/hsm.so', tokenLabel: 'a', newKey: 'root' };
  assert.deepEqual(pkcs11Kind.settings(right), right);
  for (const [member, change] of wrong)
    assert.throws(
      () =>
        pkcs11Kind.settings(
          Object.fromEntries(Object.entries({ ...right, ...change }).filter(([, v]) => v !== undefined)),
        ),
      fails('invalid-parameter', new RegExp(member)),
      member,
    );
});
