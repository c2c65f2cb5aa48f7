import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createAuthority, issueServerCertificate } from '#crypto/crypto.ts';
import { KmsError, SecretBytes } from '#domain/domain.ts';
import { awsKmsKind } from '../aws-kms/aws-kms.ts';
import { azureKeyVaultKind } from '../azure-key-vault/azure-key-vault.ts';
import { installed, networkFault, type ServiceKey, ServiceSeal, timely } from './service-seal.ts';
import { serviceUrl } from './settings.ts';

const refusal = (code: string, words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof KmsError && error.code === code, String(error));
  assert.match(error.message, words);
  return true;
};

test('a package that is not there is named with what installs it', async () => {
  const name = '@nobody/has-this-one';
  await assert.rejects(
    installed('a-kind', name, () => import(name)),
    refusal('unsupported', /a-kind: .* npm install @nobody\/has-this-one/),
  );
});

test('no SDK is loaded before a seal is made or opened', () => {
  const script = `
    import { registerHooks } from 'node:module';
    const asked = [];
    registerHooks({ resolve: (specifier, context, next) => (asked.push(specifier), next(specifier, context)) });
    const { sealKinds } = await import(${JSON.stringify(fileURLToPath(new URL('../seal.ts', import.meta.url)))});
    for (const kind of sealKinds()) asked.push('kind ' + kind.kind);
    console.log(asked.join('\\n'));`;
  const asked = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }).split('\n');
  for (const kind of ['aws-kms', 'azure-key-vault', 'vault-transit']) assert.ok(asked.includes(`kind ${kind}`));
  assert.deepEqual(
    asked.filter((name) => /^@(?:aws|azure|smithy)/.test(name)),
    [],
  );
});

test('what never answers is given up, and told to stop', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let told = false;
  const asked = timely('a service', (signal) => {
    signal.addEventListener('abort', () => {
      told = true;
    });
    return new Promise(() => {});
  });
  t.mock.timers.tick(10_000);
  await assert.rejects(asked, refusal('unavailable', /^a service: no answer within 10 s/));
  assert.ok(told);
});

test('a network fault is told by its name, however deep it lies, and nothing else of it is', () => {
  const refused = Object.assign(new Error('connect 10.1.2.3 with secret'), { code: 'ECONNREFUSED' });
  assert.equal(networkFault(new Error('outer', { cause: new Error('inner', { cause: refused }) })), 'ECONNREFUSED');
  assert.equal(
    networkFault(Object.assign(new Error(''), { code: 'SELF_SIGNED_CERT_IN_CHAIN' })),
    'SELF_SIGNED_CERT_IN_CHAIN',
  );
  assert.equal(networkFault(Object.assign(new Error(''), { code: 'whatever the service says' })), undefined);
  assert.equal(networkFault('ECONNREFUSED'), undefined);
});

test('a URL is https, or http on this machine, and nothing but a place', () => {
  for (const url of [
    'https://kms.eu-central-1.amazonaws.com',
    'https://a.example:8200/',
    'http://127.0.0.1:1',
    'http://[::1]:8200',
    'https://localhost',
  ])
    assert.match(url, serviceUrl.form);
  for (const url of [
    'http://a.example',
    'http://127.0.0.1.a.example',
    'http://localhost.a.example',
    'http://127.0.0.1@a.example',
    'https://user:word@a.example',
    'https://a.example/path',
    'https://a.example?query',
    'https://a.example#part',
    'https://',
    'ftp://localhost',
    ' https://a.example',
    'https://a.example\n',
  ])
    assert.doesNotMatch(url, serviceUrl.form);
});

test('what is opened is wiped where the service left it', async () => {
  const left = Uint8Array.of(1, 2, 3);
  const key: ServiceKey = {
    at: 'here',
    encrypt: async (secret) => Uint8Array.from(secret),
    decrypt: async () => left,
    close: () => {},
  };
  const seal = new ServiceSeal('aws-kms', key);
  using secret = await seal.unwrap(Uint8Array.of(9));
  assert.deepEqual([...secret.expose()], [1, 2, 3]);
  assert.deepEqual([...left], [0, 0, 0]);
  using long = new SecretBytes(new Uint8Array(129));
  await assert.rejects(seal.wrap(long), refusal('too-large', /128 bytes/));
});

test('a certificate that is not believed is not, whatever the environment says', async (t) => {
  const authority = createAuthority('nobody knows', Date.now());
  const { certificate, key } = issueServerCertificate(authority, { hosts: ['127.0.0.1'], now: Date.now(), days: 2 });
  let asked = 0;
  const server = createServer({ cert: certificate, key }, (_, answer) => {
    asked++;
    answer.writeHead(500).end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => server.close());
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const before = { ...process.env };
  const env = { NODE_TLS_REJECT_UNAUTHORIZED: '0', AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' };
  Object.assign(process.env, env);
  t.after(() => {
    for (const name of Object.keys(env)) delete process.env[name];
    Object.assign(process.env, before);
  });
  const refused = refusal('unavailable', /certificate that is not believed/);
  const aws = { key: 'alias/a', region: 'eu-central-1', endpoint: url };
  await assert.rejects(awsKmsKind.create(awsKmsKind.settings(aws), undefined), refused);
  await assert.rejects(
    azureKeyVaultKind.create(azureKeyVaultKind.settings({ vault: url, key: 'a' }), undefined),
    refused,
  );
  assert.equal(asked, 0);
});
