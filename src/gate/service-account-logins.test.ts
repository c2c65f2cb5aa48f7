import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Command, type KubernetesConfig, Plaintext } from '#domain/domain.ts';
import { toBase64Url, toUtf8 } from '#encoding/encoding.ts';
import { clientCertificate } from '../crypto/testing/recorded-certificates.ts';
import { Doors } from './testing/doors.ts';
import { House } from './testing/house.ts';

/** A cluster takes its time to review a token. What the login stands on may change meanwhile. */

const part = (value: object) => toBase64Url(toUtf8(JSON.stringify(value)));
const account = { namespace: 'vault', serviceaccount: { name: 'app', uid: 'the-uid' } };
const jwt = [part({ alg: 'RS256' }), part({ 'kubernetes.io': account }), 'c2lnbmF0dXJl'].join('.');
const status = { authenticated: true, user: { username: 'system:serviceaccount:vault:app', uid: 'the-uid' } };
const review = JSON.stringify({ kind: 'TokenReview', apiVersion: 'authentication.k8s.io/v1', status });

const path = 'kubernetes';
const cluster: KubernetesConfig = {
  kind: 'kubernetes',
  host: 'https://cluster.test',
  ca: clientCertificate,
  keys: [],
  issuer: '',
  checkIssuer: false,
  local: false,
  reviewer: new Plaintext(toUtf8('a-reviewer')),
};

/** What is asked of the cluster, and an answer of the door; `meanwhile` is done while the first review is under way. */
async function loginDuring(meanwhile: readonly Command[]) {
  const house = await House.open();
  const doors = new Doors(house);
  await house.perform({ kind: 'enable-auth-mount', path, type: 'kubernetes' });
  await house.perform({ kind: 'configure-auth-mount', path, config: cluster });
  const kubernetes = { names: ['app'], namespaces: ['vault'] };
  await house.perform({ kind: 'write-login', method: 'kubernetes', name: 'app', kubernetes });
  const asked: string[] = [];
  house.outbound = async ({ url }) => {
    asked.push(url);
    if (asked.length === 1) for (const command of meanwhile) await house.perform(command);
    return { status: 201, text: review };
  };
  const { status, text } = await doors.vault('POST', `auth/${path}/login`, { role: 'app', jwt }, '');
  return { status, text, asked };
}

test('nothing changes, and one review is enough', async () => {
  const { status, asked } = await loginDuring([]);
  assert.equal(status, 200);
  assert.equal(asked.length, 1);
});

for (const [what, command, refusal] of [
  ['the role goes', { kind: 'delete-login', method: 'kubernetes', name: 'app' }, /invalid role name/],
  [
    'the role lets others in',
    { kind: 'write-login', method: 'kubernetes', name: 'app', kubernetes: { names: ['other'] } },
    /service account name not authorized/,
  ],
  ['its identity is disabled', { kind: 'disable-identity', name: 'app' }, /unknown, wrong or no longer valid/],
  ['the mount goes', { kind: 'disable-auth-mount', path }, /unknown, wrong or no longer valid|no handler/],
] as const satisfies readonly (readonly [string, Command, RegExp])[]) {
  test(`nobody gets in where ${what} while the cluster is asked`, async () => {
    const { status, text } = await loginDuring([command]);
    assert.ok(status >= 400 && status < 500, `${status} ${text}`);
    assert.match(text, refusal);
  });
}

test('another cluster is asked where the mount names another one meanwhile', async () => {
  const config = { ...cluster, host: 'https://another.test' };
  const { status, asked } = await loginDuring([{ kind: 'configure-auth-mount', path, config }]);
  assert.equal(status, 200);
  assert.deepEqual(
    asked.map((url) => new URL(url).host),
    ['cluster.test', 'another.test'],
  );
});
