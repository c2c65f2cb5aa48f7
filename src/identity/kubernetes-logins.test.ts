import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type KubernetesConfig, Plaintext, type Proof, SecretBytes } from '#domain/domain.ts';
import { fromUtf8, toBase64Url, toUtf8 } from '#encoding/encoding.ts';
import { clientCertificate } from '../crypto/testing/recorded-certificates.ts';
import { identityRoom, type OutboundRequest } from './identity.ts';
import { Rig, rejectsWith, start } from './rig.test.ts';

const part = (value: object) => toBase64Url(toUtf8(JSON.stringify(value)));
const account = { namespace: 'vault', serviceaccount: { name: 'app', uid: 'the-uid' } };
/** Of nobody's signature: whether it holds the cluster says. */
const token = (more: object = {}) =>
  [part({ alg: 'RS256' }), part({ 'kubernetes.io': account, ...more }), 'c2lnbmF0dXJl'].join('.');
const status = { authenticated: true, user: { username: 'system:serviceaccount:vault:app', uid: 'the-uid' } };
const review = { kind: 'TokenReview', apiVersion: 'authentication.k8s.io/v1', status };

const cluster: KubernetesConfig = {
  kind: 'kubernetes',
  host: 'https://cluster.test',
  ca: clientCertificate,
  keys: [],
  issuer: '',
  checkIssuer: false,
  local: true,
};
const local = {
  token: 'the-pod-s-own-token',
  ca: '-----BEGIN CERTIFICATE-----\nthe cluster’s\n-----END CERTIFICATE-----\n',
};

/** A room of a pod, whose cluster answers `review`; what it was asked is kept. */
class Pod {
  readonly rig: Rig;
  readonly asked: OutboundRequest[] = [];
  answer: object = review;

  private constructor(rig: Rig, inPod: boolean) {
    this.rig = rig;
    rig.room = identityRoom({
      records: rig.records,
      key: new SecretBytes(new Uint8Array(32).fill(7)),
      region: 'eu-central-1',
      clock: () => rig.now,
      mode: rig.mode,
      outbound: async (request) => {
        this.asked.push(request);
        return { status: 201, text: JSON.stringify(this.answer) };
      },
      ...(inPod && { localServiceAccount: () => local }),
    });
  }

  static async with(config: Partial<KubernetesConfig> = {}, inPod = true) {
    const { rig, officer } = await Rig.withOfficer();
    const pod = new Pod(rig, inPod);
    const { verbs } = rig.room;
    const asking = await officer.byToken();
    const path = 'kubernetes';
    await rig.commit(verbs['enable-auth-mount'](asking, { kind: 'enable-auth-mount', path, type: 'kubernetes' }));
    await rig.commit(
      verbs['configure-auth-mount'](asking, { kind: 'configure-auth-mount', path, config: { ...cluster, ...config } }),
    );
    await rig.commit(
      verbs['write-login'](asking, {
        kind: 'write-login',
        method: 'kubernetes',
        name: 'app',
        kubernetes: { names: ['app'], namespaces: ['vault'] },
      }),
    );
    return { pod, officer };
  }

  login(jwt = token()): Promise<unknown> {
    const proof: Proof = { kind: 'kubernetes', role: 'app', token: jwt, peer: '127.0.0.1:7' };
    return Promise.resolve(this.rig.room.identify(proof, true));
  }
}

const { ca: _, ...withoutCa } = cluster;

test('a pod’s own token asks where its own authority vouches for the cluster', async () => {
  const { pod, officer } = await Pod.with();
  const { verbs } = pod.rig.room;
  const command = { kind: 'configure-auth-mount', path: 'kubernetes', config: withoutCa } as const;
  await pod.rig.commit(verbs['configure-auth-mount'](await officer.byToken(), command));
  await pod.login();
  assert.equal(pod.asked[0]?.authorization, `Bearer ${local.token}`);
  assert.equal(pod.asked[0]?.ca, local.ca);
});

test('a pod’s own token goes nowhere else', async () => {
  const { pod } = await Pod.with();
  await pod.login();
  assert.equal(pod.asked[0]?.authorization, `Bearer ${token()}`);
  assert.equal(pod.asked[0]?.ca, clientCertificate);
  const closed = await Pod.with({ local: false });
  await closed.pod.login();
  assert.equal(closed.pod.asked[0]?.authorization, `Bearer ${token()}`);
});

test('outside of a pod the authority must be given', async () => {
  const { pod, officer } = await Pod.with({}, false);
  const command = { kind: 'configure-auth-mount', path: 'kubernetes', config: withoutCa } as const;
  const asking = await officer.byToken();
  await rejectsWith('invalid-parameter', () => pod.rig.room.verbs['configure-auth-mount'](asking, command));
});

test('a reviewer’s token is stored sealed, opens for its own mount only, and asks', async () => {
  const words = 'a-reviewer-that-nobody-may-see';
  const { pod } = await Pod.with({ reviewer: new Plaintext(toUtf8(words)) });
  await pod.login();
  assert.equal(pod.asked[0]?.authorization, `Bearer ${words}`);
  const [row] = await pod.rig.store.list('auth-mount', '', '', 10);
  const stored = fromUtf8(row!.body)!;
  assert.ok(!stored.includes(words) && !stored.includes(Buffer.from(words).toString('base64')));
  const { id } = JSON.parse(stored) as { id: string };
  const body = toUtf8(
    stored.replaceAll(
      id,
      id.replace(/^./, (first) => (first === 'a' ? 'b' : 'a')),
    ),
  );
  const login = (await pod.rig.store.list('login', '', '', 10))[0]!;
  await pod.rig.store.commit({
    changes: [
      [
        { kind: row!.kind, id: row!.id, expect: row!.revision, next: { ...row!, body, revision: row!.revision + 1 } },
        {
          kind: 'login',
          id: login.id.replace(id, (JSON.parse(fromUtf8(body)!) as { id: string }).id),
          expect: 0,
          next: { ...login, id: login.id.replace(id, (JSON.parse(fromUtf8(body)!) as { id: string }).id), revision: 1 },
        },
      ],
    ],
    block: undefined,
    head: new Uint8Array(32),
    anchor: undefined,
  });
  await rejectsWith('tampered', () => pod.login());
});

test('only the first realm has a cluster asked', async () => {
  const { pod, officer } = await Pod.with();
  const other = await officer.hire('otto', { role: 'security-officer', realm: 'other' });
  const asking = await other.byToken();
  const { verbs } = pod.rig.room;
  const path = 'kubernetes';
  await pod.rig.commit(verbs['enable-auth-mount'](asking, { kind: 'enable-auth-mount', path, type: 'kubernetes' }));
  const command = { kind: 'configure-auth-mount', path, config: cluster } as const;
  await rejectsWith('denied', () => verbs['configure-auth-mount'](asking, command));
});

test('a configuration of another kind of login is refused', async () => {
  const { pod, officer } = await Pod.with();
  const asking = await officer.byToken();
  const command = { kind: 'configure-auth-mount', path: 'kubernetes', config: { kind: 'cert' } } as const;
  await rejectsWith('not-found', () => pod.rig.room.verbs['configure-auth-mount'](asking, command));
});

test('times of a token are held to the minute', async () => {
  const { pod } = await Pod.with();
  const now = start / 1000;
  for (const [more, isRight] of [
    [{ exp: now - 59 }, true],
    [{ exp: now - 60 }, false],
    [{ nbf: now + 60 }, true],
    [{ nbf: now + 61 }, false],
    [{ iat: now + 61 }, false],
    [{ exp: '9999999999' }, false],
    [{ exp: null }, false],
  ] as const) {
    if (isRight) await pod.login(token(more));
    else await rejectsWith('invalid-proof', () => pod.login(token(more)), JSON.stringify(more));
  }
});

for (const [what, answer] of [
  ['says nothing', {}],
  ['says yes in words', { ...review, status: { ...status, authenticated: 'true' } }],
  ['says yes and no', { ...review, status: { ...status, error: 'no' } }],
  ['speaks of nobody', { ...review, status: { authenticated: true } }],
  ['speaks of a user', { ...review, status: { ...status, user: { username: 'app', uid: 'the-uid' } } }],
  [
    'speaks of a node',
    { ...review, status: { ...status, user: { username: 'system:node:vault:app', uid: 'the-uid' } } },
  ],
  [
    'speaks of a longer name',
    { ...review, status: { ...status, user: { ...status.user, username: `${status.user.username}:x` } } },
  ],
  ['knows no uid', { ...review, status: { ...status, user: { username: status.user.username } } }],
  ['answers a review of access', { ...review, kind: 'SubjectAccessReview' }],
  ['answers another version', { ...review, apiVersion: 'authentication.k8s.io/v2' }],
  ['answers a list', [review]],
] as const) {
  test(`nobody gets in where the cluster ${what}`, async () => {
    const { pod } = await Pod.with();
    pod.answer = answer;
    await assert.rejects(pod.login(), { name: 'KmsError' });
    pod.answer = review;
    await pod.login();
  });
}

test('audiences of the token are asked about, and one of them must be taken', async () => {
  const { pod } = await Pod.with();
  const jwt = token({ aud: ['one', 'two'] });
  for (const [audiences, isRight] of [
    [['two'], true],
    [['three'], false],
    [[], false],
    [undefined, false],
    ['two', false],
  ] as const) {
    pod.answer = { ...review, status: { ...status, audiences } };
    if (isRight) await pod.login(jwt);
    else await rejectsWith('invalid-proof', () => pod.login(jwt), String(audiences));
  }
  const { spec } = JSON.parse(pod.asked[0]!.post!.body) as { spec: { audiences: string[]; token: string } };
  assert.deepEqual(spec, { token: jwt, audiences: ['one', 'two'] });
});

test('a namespace is looked up for nobody but who is there', async () => {
  const { pod, officer } = await Pod.with({ reviewer: new Plaintext(toUtf8('a-reviewer')) });
  const kubernetes = { names: ['app'], namespaces: [], namespaceSelector: '{"matchLabels":{"team":"a"}}' };
  const command = { kind: 'write-login', method: 'kubernetes', name: 'app', kubernetes } as const;
  await pod.rig.commit(pod.rig.room.verbs['write-login'](await officer.byToken(), command));
  pod.answer = { ...review, status: { authenticated: false } };
  await rejectsWith('invalid-proof', () => pod.login());
  assert.deepEqual(
    pod.asked.map(({ url }) => new URL(url).pathname),
    ['/apis/authentication.k8s.io/v1/tokenreviews'],
  );
});

test('an authority is a certificate whose text can be read', async () => {
  const { pod, officer } = await Pod.with();
  const asking = await officer.byToken();
  for (const ca of ['', 'x', clientCertificate.replace('MII', 'M*I'), clientCertificate.slice(0, 80)]) {
    const command = { kind: 'configure-auth-mount', path: 'kubernetes', config: { ...cluster, ca } } as const;
    await rejectsWith('invalid-parameter', () => pod.rig.room.verbs['configure-auth-mount'](asking, command));
  }
});
