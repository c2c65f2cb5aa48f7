import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { Agent, request } from 'node:https';
import { after, describe, test } from 'node:test';
import { type Made, noOpenSsl, OpenSslCertificates } from '../../../src/crypto/testing/openssl-certificates.ts';
import { serverOfThisFile } from '../../harness.ts';
import { bao } from '../../openbao.ts';
import { program, run } from '../../programs.ts';
import { clientFrom, refused } from './client.ts';
import { holds, noHvac } from './hvac.ts';

const curl = program('curl', ['--version'], /^curl (\S+)/);

describe('logins by client certificate', { skip: noOpenSsl }, async () => {
  const made = new OpenSslCertificates();
  after(() => made.remove());
  const { server, env } = await serverOfThisFile();
  const vault = clientFrom(env);
  const ca = readFileSync(env.VAULT_CACERT!);
  const root = made.authority('/CN=root');
  const app = made.client(root, '/O=Acme/OU=Ops/CN=app', [
    'subjectAltName=DNS:app.example.com,email:app@example.com,URI:spiffe://example/app',
    '1.2.3.4=ASN1:UTF8String:hello',
  ]);
  await vault.write('sys/auth/cert', { type: 'cert' });
  await vault.write('auth/cert/certs/web', { certificate: root.certificate, token_ttl: '10m' });

  interface Answer {
    readonly status: number;
    readonly json: { readonly auth?: Auth; readonly errors?: readonly string[] };
  }
  interface Auth {
    readonly client_token: string;
    readonly lease_duration: number;
    readonly metadata: Readonly<Record<string, string>>;
  }

  /** `chain`: the client's certificate and what it sends beside it. */
  const post = (
    path: string,
    chain: readonly Made[],
    body: object = {},
    token = '',
    headers: Readonly<Record<string, string>> = {},
    agent: Agent | false = false,
  ): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const identity = { cert: chain.map(({ certificate }) => certificate).join(''), key: chain[0]?.key };
      const asking = request(`${env.VAULT_ADDR}/v1/${path}`, {
        ...{ method: 'POST', ca, headers: { 'x-vault-token': token, ...headers }, agent },
        ...(chain.length > 0 && identity),
      });
      asking.on('error', reject).on('response', async (answer) => {
        let text = '';
        for await (const part of answer.setEncoding('utf8')) text += part;
        resolve({ status: answer.statusCode ?? 0, json: text === '' ? {} : JSON.parse(text) });
      });
      asking.end(JSON.stringify(body));
    });
  const login = (chain: readonly Made[], body: object = {}, path = 'cert') => post(`auth/${path}/login`, chain, body);
  const lets = async (chain: readonly Made[], body: object = {}, path = 'cert') => {
    const { status, json } = await login(chain, body, path);
    assert.equal(status, 200, JSON.stringify(json));
    return json.auth!;
  };
  const refuses = async (chain: readonly Made[], words: RegExp, body: object = {}, path = 'cert') => {
    const { status, json } = await login(chain, body, path);
    assert.equal(status, 400, JSON.stringify(json));
    assert.match(json.errors!.join(), words);
  };

  test('a client of a trusted authority gets the role’s token', async () => {
    const auth = await lets([app]);
    assert.equal(auth.lease_duration, 600);
    assert.equal(auth.metadata.cert_name, 'web');
    assert.equal(auth.metadata.common_name, 'app');
    const { data } = await clientFrom(env, auth.client_token).tokenLookupSelf();
    assert.equal(data.display_name, 'cert-web');
    assert.equal(data.meta.identity, 'web');
    assert.match((await server.claviger('audit', 'tail')).stdout, /\bweb +vault +login\b/);
  });

  test('nobody else does', async () => {
    await refuses([], /no client certificate found/);
    const stranger = made.client(made.authority('/CN=root'));
    await refuses([stranger], /invalid certificate or no client certificate supplied/);
    await refuses([stranger, root], /invalid certificate/);
    await refuses([made.make({ subject: '/CN=app' })], /invalid certificate/);
    await refuses([made.client(app), app], /invalid certificate/);
    await refuses([root], /it is an authority/);
    await refuses([made.make({ by: root, days: -1 })], /has expired/);
    await refuses([made.make({ by: root, extensions: ['extendedKeyUsage=serverAuth'] })], /not for TLS clients/);
    await refuses([app], /invalid certificate/, { name: 'nobody' });
    await refuses([made.client(root, '/CN=odd', ['1.2.3.9=critical,ASN1:UTF8String:x'])], /not understood/);
  });

  test('a header or a body that tells of a certificate is no certificate', async () => {
    const pem = encodeURIComponent(app.certificate);
    for (const header of ['x-forwarded-client-cert', 'x-ssl-cert', 'ssl-client-cert', 'x-client-cert']) {
      const { status, json } = await post('auth/cert/login', [], {}, '', { [header]: pem });
      assert.equal(status, 400);
      assert.match(json.errors!.join(), /no client certificate found/);
    }
    await refuses([], /not offered/, { certificate: app.certificate });
  });

  test('what a role asks for is asked of the certificate', async () => {
    const ask = async (more: object) => {
      await vault.write('auth/cert/certs/asking', { certificate: root.certificate, ...more });
      return (await login([app], { name: 'asking' })).status;
    };
    const no = {
      ...{ allowed_names: '', allowed_common_names: '', allowed_dns_sans: '', allowed_email_sans: '' },
      ...{ allowed_uri_sans: '', allowed_organizational_units: '', required_extensions: '' },
    };
    for (const [member, right, wrong] of [
      ['allowed_names', 'x,*@example.com', 'x*'],
      ['allowed_common_names', 'a*', 'b*'],
      ['allowed_dns_sans', '*.example.com', 'example.com'],
      ['allowed_email_sans', '*@example.com', '*@example.org'],
      ['allowed_uri_sans', 'spiffe://example/*', 'spiffe://other/*'],
      ['allowed_organizational_units', 'Ops', 'Op'],
      ['required_extensions', '1.2.3.4:h*o', '1.2.3.4:hell'],
    ] as const) {
      assert.equal(await ask({ ...no, [member]: right }), 200, member);
      assert.equal(await ask({ ...no, [member]: wrong }), 400, member);
    }
    assert.equal(await ask({ ...no, required_extensions: '1.2.3.4:*,1.2.3.5:*' }), 400);
    await vault.delete('auth/cert/certs/asking');
  });

  test('a certificate that is trusted by itself lets in that one only', async () => {
    await vault.write('sys/auth/own', { type: 'cert' });
    await vault.write('auth/own/certs/one', {
      certificate: app.certificate,
      display_name: 'The App',
      allowed_metadata_extensions: '1.2.3.4',
    });
    const auth = await lets([app], {}, 'own');
    assert.equal(auth.metadata['1-2-3-4'], 'hello');
    await refuses([made.client(root, '/O=Acme/OU=Ops/CN=app')], /invalid certificate/, {}, 'own');
    const servers = made.make({ by: root, extensions: ['extendedKeyUsage=serverAuth'] });
    await refused(
      vault.write('auth/own/certs/two', { certificate: servers.certificate }),
      400,
      /TLS client authentication/,
    );
    for (const certificate of ['', 'junk', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n']) {
      await refused(vault.write('auth/own/certs/two', { certificate }), 400, /failed to parse certificate/);
    }
    await refused(
      vault.write('auth/own/certs/two', { certificate: app.certificate, ocsp_enabled: true }),
      400,
      /not offered/,
    );
  });

  test('certificates in between come with the client’s, in a resumed session too', async () => {
    const middle = made.authority('/CN=middle', { by: root });
    const below = made.client(middle, '/CN=below');
    await refuses([below], /invalid certificate/);
    assert.equal((await lets([below, middle])).metadata.common_name, 'below');
    // Each request is a connection of its own; the second one resumes the first one's session.
    const agent = new Agent({ keepAlive: false, maxCachedSessions: 10 });
    for (let round = 0; round < 3; round++) {
      const { status } = await post('auth/cert/login', [below, middle], {}, '', {}, agent);
      assert.equal(status, 200, `connection ${round}`);
    }
    agent.destroy();
  });

  test('HTTP/2 carries them as HTTP/1.1 does', async () => {
    const session = connectHttp2(env.VAULT_ADDR!, { ca, cert: app.certificate, key: app.key });
    const stream = session.request({ ':method': 'POST', ':path': '/v1/auth/cert/login' });
    let text = '';
    stream.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    stream.end('{}');
    await once(stream, 'close');
    session.destroy();
    assert.equal(JSON.parse(text).auth.metadata.common_name, 'app');
  });

  test('a token is renewed by the client that it was given to', async () => {
    const { client_token: token } = await lets([app]);
    const renew = async (chain: readonly Made[]) => (await post('auth/token/renew-self', chain, {}, token)).status;
    assert.equal(await renew([app]), 200);
    assert.equal(await renew([]), 400);
    assert.equal(await renew([made.client(root, '/O=Acme/OU=Ops/CN=app')]), 400);
    await refused(vault.write('auth/token/renew', { token }), 400, /client identity during renewal/);
    await vault.write('auth/cert/certs/web', { allowed_common_names: 'other' });
    assert.equal(await renew([app]), 400, 'what lets in no more renews no more');
    await vault.write('auth/cert/certs/web', { allowed_common_names: '' });
    await vault.write('auth/cert/config', { disable_binding: true });
    assert.equal((await vault.read('auth/cert/config')).data.disable_binding, true);
    assert.equal(await renew([]), 200);
    await vault.write('auth/cert/config', { disable_binding: false });
    assert.equal(await renew([]), 400);
  });

  test('a role that goes takes its way in with it', async () => {
    const other = made.authority('/CN=other');
    const client = made.client(other);
    await vault.write('auth/cert/certs/brief', { certificate: other.certificate });
    assert.equal((await lets([client])).metadata.cert_name, 'brief');
    await server.claviger('identity', 'disable', 'brief');
    assert.equal((await login([client])).status, 400);
    await vault.delete('auth/cert/certs/brief');
    await refuses([client], /invalid certificate/);
  });

  test('a namespace has mounts and roles of its own', async () => {
    await server.claviger('identity', 'create', 'tess', '--role', 'developer', '--realm', 'tenant');
    const tenant = clientFrom(await server.env('tess'));
    await tenant.write('sys/auth/cert', { type: 'cert' });
    const theirs = made.authority('/CN=theirs');
    const client = made.client(theirs);
    await tenant.write('auth/cert/certs/web', { certificate: theirs.certificate });
    const inTenant = (chain: readonly Made[]) =>
      post('auth/cert/login', chain, {}, '', { 'x-vault-namespace': 'tenant' });
    const { status, json } = await inTenant([client]);
    assert.equal(status, 200, JSON.stringify(json));
    assert.equal((await clientFrom(env, json.auth!.client_token).tokenLookupSelf()).data.meta.identity, 'web');
    assert.equal((await inTenant([app])).status, 400);
    await refuses([client], /invalid certificate/);
  });

  test('what an authority took back lets nobody in, and renews nothing', async () => {
    const middle = made.authority('/CN=taken back', { by: root });
    const [good, bad, below] = [made.client(root), made.client(root, '/CN=bad'), made.client(middle)];
    const { client_token: token } = await lets([bad]);
    await vault.write('auth/cert/certs/bad', { certificate: bad.certificate });
    assert.equal((await lets([below, middle])).metadata.cert_name, 'web');
    await vault.write('auth/cert/crls/first', { crl: made.revoked(root, [bad, middle]) });
    await refuses([bad], /was revoked/);
    await refuses([bad], /was revoked/, { name: 'bad' });
    await refuses([below, middle], /was revoked/);
    assert.equal((await post('auth/token/renew-self', [bad], {}, token)).status, 400);
    assert.ok(await lets([good]));
    const { serials } = (await vault.read('auth/cert/crls/first')).data;
    assert.equal(Object.keys(serials).length, 2);
    assert.deepEqual((await vault.list('auth/cert/crls')).data.keys, ['first']);

    // Another authority's list says nothing of this one's certificates, whatever their serial numbers.
    const other = made.authority('/CN=another');
    await vault.write('auth/cert/crls/second', { crl: made.revoked(other, [good]) });
    assert.ok(await lets([good]));
    await vault.write('auth/cert/crls/first', { crl: made.revoked(root, []) });
    assert.ok(await lets([bad], { name: 'bad' }));
    await vault.delete('auth/cert/crls/first');
    await refused(vault.delete('auth/cert/crls/first'), 400, /no such CRL first/);
    await refused(vault.read('auth/cert/crls/first'), 400, /no such CRL first/);
    await refused(vault.write('auth/cert/crls/x', { crl: 'junk' }), 400, /failed to parse CRL/);
    await refused(vault.write('auth/cert/crls/x', { url: 'https://10.0.0.1/crl' }), 400, /not offered/);
    await refused(vault.write('auth/cert/crls/x', {}), 400, /must be provided/);
    await vault.delete('auth/cert/certs/bad');
  });

  test('curl logs in', { skip: curl.missing }, async () => {
    const { certificate, key } = app.files;
    const args = ['-sS', '--cacert', env.VAULT_CACERT!, '--cert', certificate, '--key', key, '-d', '{"name":"web"}'];
    for (const version of ['--http1.1', '--http2', '--tls-max 1.2']) {
      const printed = await run(
        curl.path,
        [...args, ...version.split(' '), `${env.VAULT_ADDR}/v1/auth/cert/login`],
        {},
      );
      assert.equal(JSON.parse(printed).auth.metadata.common_name, 'app', version);
    }
  });

  test('bao login -method=cert', { skip: bao.missing }, async () => {
    const { certificate, key } = app.files;
    const args = [
      'login',
      '-method=cert',
      '-format=json',
      '-no-store',
      `-client-cert=${certificate}`,
      `-client-key=${key}`,
    ];
    const printed = await run(bao.path, [...args, 'name=web'], { ...env, VAULT_TOKEN: '' });
    assert.equal(JSON.parse(printed).auth.metadata.common_name, 'app');
    await assert.rejects(
      run(bao.path, [...args.slice(0, 4), 'name=web'], { ...env, VAULT_TOKEN: '' }),
      /no client certificate found/,
    );
  });

  test('hvac logs in by cert', { skip: noHvac, timeout: 60_000 }, () =>
    holds('hvac_cert.py', { ...env, CERT: app.files.certificate, KEY: app.files.key, TRUSTED: root.certificate }, 6),
  );
});
