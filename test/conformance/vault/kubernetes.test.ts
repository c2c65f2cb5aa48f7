import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { serverOfThisFile } from '../../harness.ts';
import { bao } from '../../openbao.ts';
import { run } from '../../programs.ts';
import { clientFrom, refused } from './client.ts';
import { holds, noHvac } from './hvac.ts';
import { KubernetesApi } from './kubernetes-api.ts';

const { server, env } = await serverOfThisFile();
const api = await KubernetesApi.start();
after(() => api.stop());
const vault = clientFrom(env);
const pod = clientFrom(env, '');

const cluster = { kubernetes_host: api.host(), kubernetes_ca_cert: api.ca, token_reviewer_jwt: api.reviewer };
const app = { bound_service_account_names: 'app', bound_service_account_namespaces: 'vault', token_ttl: '10m' };
const login = (jwt: string, role = 'app', path = 'kubernetes') => pod.write(`auth/${path}/login`, { role, jwt });

await vault.write('sys/auth/kubernetes', { type: 'kubernetes' });
await vault.write('auth/kubernetes/config', cluster);
await vault.write('auth/kubernetes/role/app', app);

/** A mount of its own whose cluster answers in its own way. */
async function at(path: string, config: object, role: object = {}): Promise<string> {
  await vault.write(`sys/auth/${path}`, { type: 'kubernetes' });
  await vault.write(`auth/${path}/config`, { ...cluster, ...config });
  await vault.write(`auth/${path}/role/app`, { ...app, ...role });
  return path;
}

test('a pod logs in with its own token, and the cluster is asked about it', async () => {
  const { auth } = await login(api.token());
  assert.equal(auth.lease_duration, 600);
  assert.deepEqual(auth.metadata, {
    role: 'app',
    service_account_name: 'app',
    service_account_namespace: 'vault',
    service_account_secret_name: '',
    service_account_uid: 'd77f89bc-9055-11e7-a068-0800276d99bf',
  });
  assert.equal(api.asked.at(-1), 'POST /apis/authentication.k8s.io/v1/tokenreviews');
  const { data } = await clientFrom(env, auth.client_token).tokenLookupSelf();
  assert.equal(data.display_name, 'kubernetes-vault-app');
  assert.equal((await login(api.legacyToken())).auth.metadata.service_account_secret_name, 'app-token-x7v2k');
});

test('bao login -method=kubernetes', { skip: bao.missing }, async () => {
  const args = ['login', '-method=kubernetes', '-no-store', '-format=json', 'role=app', `jwt=${api.token()}`];
  const printed = await run(bao.path, args, { ...env, VAULT_TOKEN: '' });
  assert.equal(JSON.parse(printed).auth.metadata.service_account_name, 'app');
});

test('hvac logs in by kubernetes', { skip: noHvac, timeout: 60_000 }, () =>
  holds(
    'hvac_kubernetes.py',
    { ...env, KUBE_HOST: api.host(), KUBE_CA: api.ca, KUBE_REVIEWER: api.reviewer, KUBE_JWT: api.token() },
    8,
  ),
);

test('the reviewer’s token is on no answer and in no line of the ledger', async () => {
  const { data } = await vault.read('auth/kubernetes/config');
  assert.equal(data.token_reviewer_jwt_set, true);
  assert.ok(!JSON.stringify(data).includes(api.reviewer));
  const { stdout } = await server.claviger('audit', 'tail');
  assert.match(stdout, /configure-auth-mount/);
  assert.ok(!stdout.includes(api.reviewer));
});

test('what a token says of itself is held against the role', async () => {
  const asked = api.asked.length;
  await refused(login(api.token({ name: 'intruder' })), 403, /service account name not authorized/);
  await refused(login(api.token({ namespace: 'prod' })), 403, /namespace not authorized/);
  await refused(login(api.token({ expires: -3600 })), 403, /token is expired/);
  await refused(login(api.token({ more: { nbf: Date.now() / 1000 + 3600 } })), 403, /not yet valid/);
  await refused(
    login(api.token({ more: { 'kubernetes.io': { namespace: '../../x' } } })),
    403,
    /not of a service account/,
  );
  await refused(login(api.signed({ alg: 'none' }, {})), 403, /permission denied/);
  await refused(login(api.signed({ alg: 'HS256' }, {})), 403, /permission denied/);
  await refused(login(api.signed({ alg: 'RS256', crit: ['exp'] }, {})), 403, /malformed/);
  await refused(login(api.token().replace(/\.[^.]*$/, '.')), 403, /malformed/);
  await refused(login(`${api.token()}\r\nx: y`), 403, /malformed/);
  await refused(login('a'.repeat(30_000)), 403, /malformed/);
  await refused(login(api.token(), 'nobody'), 400, /invalid role name "nobody"/);
  await refused(pod.write('auth/kubernetes/login', { role: 'app' }), 400, /missing jwt/);
  assert.equal(api.asked.length, asked, 'the cluster is not troubled with any of them');
});

test('a token that the cluster did not sign, or that is for others, is refused', async () => {
  const token = api.token();
  await refused(
    login(`${token.slice(0, -30)}${token.at(-31) === 'A' ? 'B' : 'A'}${token.slice(-29)}`),
    403,
    /token review/,
  );
  await vault.write('auth/kubernetes/role/narrow', { ...app, audience: 'vault' });
  await refused(login(api.token(), 'narrow'), 403, /invalid audience/);
  assert.ok((await login(api.token({ audience: ['vault', 'other'] }), 'narrow')).auth.client_token);
});

test('names may be patterns, and namespaces chosen by their labels', async () => {
  await vault.write('auth/kubernetes/role/patterns', {
    ...app,
    bound_service_account_names: 'a*,b*',
    bound_service_account_namespaces: '*',
  });
  assert.ok((await login(api.token({ namespace: 'any', name: 'bee' }), 'patterns')).auth);
  await refused(login(api.token({ name: 'cee' }), 'patterns'), 403, /name not authorized/);
  const selector = '{"matchLabels":{"team":"blue"}}';
  await vault.write('auth/kubernetes/role/labels', {
    bound_service_account_names: 'app',
    bound_service_account_namespace_selector: selector,
  });
  assert.ok((await login(api.token(), 'labels')).auth);
  assert.equal(api.asked.at(-1), 'GET /api/v1/namespaces/vault');
  await refused(login(api.token({ namespace: 'prod' }), 'labels'), 403, /namespace not authorized/);
  const odd = { ...app, bound_service_account_namespace_selector: '{"matchExpressions":[]}' };
  await refused(
    vault.write('auth/kubernetes/role/odd', odd),
    400,
    /invalid "bound_service_account_namespace_selector"/,
  );
});

for (const [mode, status, words] of [
  ['unauthorized', 403, /token review: service account unauthorized/],
  ['forbidden', 403, /may not create token reviews/],
  ['another', 403, /the name is not the one in the jwt/],
  ['other-uid', 403, /the uid is not the one in the jwt/],
  ['unaware', 403, /not valid for the audience/],
  ['broken', 503, /could not be asked: it answered 500/],
  ['moved', 503, /could not be asked: it answered 307/],
  ['huge', 503, /could not be asked: there was no answer/],
  ['garbage', 503, /could not be asked: it answered no JSON/],
  ['hangs', 503, /could not be asked: there was no answer/],
] as const) {
  test(`nobody gets in where the cluster is ${mode}`, { timeout: 30_000 }, async () => {
    const path = await at(`kube-${mode}`, { kubernetes_host: api.host(mode) });
    await refused(login(api.token(), 'app', path), status, words);
  });
}

test('a server that the authority does not vouch for is told no token', async () => {
  const other = await KubernetesApi.start();
  try {
    const path = await at('kube-other', { kubernetes_ca_cert: other.ca });
    const asked = api.asked.length;
    await refused(login(api.token(), 'app', path), 503, /could not be asked/);
    assert.equal(api.asked.length, asked);
  } finally {
    await other.stop();
  }
});

test('keys and an issuer that are given are asked first', async () => {
  const issuer = 'https://kubernetes.default.svc.cluster.local';
  const path = await at('kube-keys', { pem_keys: [api.publicKey], issuer, disable_iss_validation: false });
  assert.ok((await login(api.token(), 'app', path)).auth);
  await refused(login(api.legacyToken(), 'app', path), 403, /invalid issuer/);
  const strange = await at('kube-strange', { pem_keys: [api.otherPublicKey] });
  const asked = api.asked.length;
  await refused(login(api.token(), 'app', strange), 403, /signature of the jwt/);
  assert.equal(api.asked.length, asked);
  for (const pem_keys of [['junk'], ['-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----']]) {
    await refused(vault.write(`auth/${path}/config`, { ...cluster, pem_keys }), 400, /valid public keys/);
  }
});

test('without a reviewer the token reviews itself, and labels are not looked up', async () => {
  const path = await at(
    'kube-self',
    { token_reviewer_jwt: '', disable_local_ca_jwt: true },
    { bound_service_account_namespaces: 'vault' },
  );
  assert.equal((await vault.read(`auth/${path}/config`)).data.token_reviewer_jwt_set, false);
  assert.ok((await login(api.token(), 'app', path)).auth);
  await vault.write(`auth/${path}/role/labels`, {
    bound_service_account_names: 'app',
    bound_service_account_namespace_selector: '{"matchLabels":{"team":"blue"}}',
  });
  await refused(login(api.token(), 'labels', path), 403, /TokenReviewer JWT needs to be configured/);
});

test('only what can be asked safely is configured, by the first realm', async () => {
  const refusal = (config: object, words: RegExp) =>
    refused(vault.write('auth/kubernetes/config', { ...cluster, ...config }), 400, words);
  await refusal({ kubernetes_host: '' }, /no host provided/);
  await refusal({ kubernetes_host: 'http://10.0.0.1' }, /asked over https/);
  await refusal({ kubernetes_host: 'https://a:b@10.0.0.1' }, /asked over https/);
  await refusal({ kubernetes_host: 'https://10.0.0.1/?x=' }, /asked over https/);
  await refusal({ kubernetes_ca_cert: 'junk' }, /no certificate/);
  await refusal({ kubernetes_ca_cert: '' }, /kubernetes_ca_cert must be given/);
  await refusal({ kubernetes_ca_cert: '', disable_local_ca_jwt: true }, /kubernetes_ca_cert must be given/);
  await refusal({ token_reviewer_jwt: 'a\r\nb' }, /no bearer token/);
  await refusal({ use_annotations_as_alias_metadata: true }, /not offered/);
  assert.equal((await vault.read('auth/kubernetes/config')).data.kubernetes_host, api.host());
});

test('a role that changes or goes lets nobody in who was to get in by what it was', async () => {
  await vault.write('auth/kubernetes/role/brief', app);
  assert.ok((await login(api.token(), 'brief')).auth);
  await vault.write('auth/kubernetes/role/brief', { bound_service_account_names: 'other' });
  await refused(login(api.token(), 'brief'), 403, /name not authorized/);
  await vault.delete('auth/kubernetes/role/brief');
  await refused(login(api.token(), 'brief'), 400, /invalid role name/);
});
