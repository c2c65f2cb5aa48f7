import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { KmsError, SecretBytes } from '#domain/domain.ts';
import { toUtf8 } from '#encoding/encoding.ts';
import { encryptionOf, encryptTo, openEnvelope, recipientKind } from './recipient.ts';
import { shamirKind } from './shamir.ts';

const dir = mkdtempSync('/tmp/claviger-recipient-');
after(() => rmSync(dir, { recursive: true, force: true }));

const secret = (text: string) => new SecretBytes(toUtf8(text));
const share = 'CLAV1 SOMETHING THAT ONLY ANNA MAY READ';
const encrypted = async (recipient: string) =>
  Buffer.from(await encryptTo(recipient, secret(share), 'Anna')).toString();
const present = (program: string) => spawnSync(program, ['--version']).error === undefined;

const pem = {
  publicKeyEncoding: { format: 'pem', type: 'spki' },
  privateKeyEncoding: { format: 'pem', type: 'pkcs8' },
} as const;

test('the age program opens what is encrypted to its recipient, and another key does not', async (t) => {
  if (!present('age')) return t.skip('the age program is not installed');
  const make = (name: string) => {
    const path = join(dir, name);
    execFileSync('age-keygen', ['-o', path], { stdio: 'ignore' });
    return { path, recipient: execFileSync('age-keygen', ['-y', path]).toString().trim() };
  };
  const [anna, other] = [make('anna.txt'), make('other.txt')];
  assert.equal(recipientKind(`${anna.recipient}\n`), 'age');
  const text = await encrypted(anna.recipient);
  assert.match(text, /^-----BEGIN AGE ENCRYPTED FILE-----\n/);
  assert.equal(encryptionOf(toUtf8(text)), 'age');
  assert.equal(execFileSync('age', ['-d', '-i', anna.path], { input: text }).toString(), share);
  assert.notEqual(spawnSync('age', ['-d', '-i', other.path], { input: text }).status, 0);
});

test('age recipients with ML-KEM beside X25519 are taken too', async () => {
  const { Decrypter, armor, generateHybridIdentity, identityToRecipient } = await import('age-encryption');
  const identity = await generateHybridIdentity();
  const text = await encrypted(await identityToRecipient(identity));
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  assert.equal(await decrypter.decrypt(armor.decode(text), 'text'), share);
});

test('gpg opens what is encrypted to its public key', async (t) => {
  if (!present('gpg')) return t.skip('gpg is not installed');
  const home = mkdtempSync('/tmp/claviger-gpg-');
  const gpg = (args: readonly string[], input = '') =>
    execFileSync('gpg', ['--batch', '--homedir', home, '--passphrase', '', '--pinentry-mode', 'loopback', ...args], {
      input,
      stdio: ['pipe', 'pipe', 'ignore'],
    }).toString();
  t.after(() => {
    spawnSync('gpgconf', ['--homedir', home, '--kill', 'all']);
    rmSync(home, { recursive: true, force: true });
  });
  for (const [name, algorithm] of [
    ['Anna <anna@example.org>', 'future-default'],
    ['Bo <bo@example.org>', 'rsa3072'],
  ] as const) {
    const usage = algorithm === 'future-default' ? 'default' : 'encrypt,sign';
    gpg(['--quick-generate-key', name, algorithm, usage, 'never']);
    const key = gpg(['--armor', '--export', name]);
    assert.equal(recipientKind(key), 'pgp');
    const text = await encrypted(key);
    assert.match(text, /^-----BEGIN PGP MESSAGE-----/);
    assert.equal(encryptionOf(toUtf8(text)), 'pgp');
    assert.equal(gpg(['--decrypt'], text), share);
  }
  await assert.rejects(encrypted(gpg(['--armor', '--export-secret-keys', 'Bo'])), { code: 'invalid-parameter' });
});

test('a share that is encrypted to nobody is told from one that is', () => {
  for (const text of ['', share, `  ${share}`, '-----BEGIN']) assert.equal(encryptionOf(toUtf8(text)), undefined);
});

test('the holder of an ML-KEM key opens what is encrypted to it', async () => {
  for (const type of ['ml-kem-768', 'ml-kem-1024'] as const) {
    const { publicKey, privateKey } = generateKeyPairSync(type as 'ml-kem-768', pem);
    assert.equal(recipientKind(publicKey), 'ml-kem');
    const text = await encrypted(publicKey);
    assert.equal(encryptionOf(toUtf8(`\r\n${text}`)), 'ml-kem');
    assert.equal(text.includes('ANNA'), false);
    using opened = openEnvelope(text, secret(privateKey))!;
    assert.equal(Buffer.from(opened.expose()).toString(), share);
    const another = generateKeyPairSync(type as 'ml-kem-768', pem).privateKey;
    assert.equal(openEnvelope(text, secret(another)), undefined);
  }
});

test('what nothing can be encrypted to is refused by whose share it was, before anything is made', async () => {
  const x25519 = generateKeyPairSync('x25519', pem).publicKey;
  const damaged = '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nxjMEAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n';
  for (const recipient of ['', 'anna@example.org', 'age1qqqq', x25519, damaged, 'ssh-ed25519 AAAA']) {
    const settings = shamirKind.settings({
      shares: 2,
      threshold: 2,
      custodians: [{ name: 'Bo' }, { name: 'Anna', recipient }],
    });
    await assert.rejects(
      shamirKind.create(settings, undefined),
      (error) => error instanceof KmsError && error.code === 'invalid-parameter' && /share of Anna/.test(error.message),
    );
  }
});

test('each custodian gets the share of his own number, encrypted to him alone', async () => {
  const keys = [0, 1].map(() => generateKeyPairSync('ml-kem-1024' as 'ml-kem-768', pem));
  const names = ['Anna', 'Bo'];
  const custodians = names.map((name, i) => ({ name, recipient: keys[i]!.publicKey }));
  const { settings, handouts = [] } = await shamirKind.create(
    shamirKind.settings({ shares: 3, threshold: 2, custodians }),
    undefined,
  );
  assert.deepEqual(
    handouts.map(({ custodian }) => custodian),
    [...names, 'custodian 3'],
  );
  for (const [i, { text }] of handouts.entries()) {
    const given = Buffer.from(text.release()).toString();
    using opened = i < 2 ? openEnvelope(given, secret(keys[i]!.privateKey))! : secret(given);
    assert.equal(shamirKind.shares!.numberOf(settings, opened), i + 1);
    if (i < 2) assert.equal(openEnvelope(given, secret(keys[1 - i]!.privateKey)), undefined);
  }
});
