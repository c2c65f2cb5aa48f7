import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { STSServiceException } from '@aws-sdk/client-sts';
import { type Env, type RunningServer, startServer } from '../../harness.ts';
import { run } from '../../programs.ts';
import { kmsClient } from '../aws-kms/clients.ts';
import { messageTo, send, stsClient } from './clients.ts';
import { LocalIssuer } from './issuer.ts';

let server: RunningServer;
let env: Env;
let issuer: LocalIssuer;
let folder: string;
let account: string;
const arnOf = (role: string) => `arn:aws:iam::${account}:role/${role}`;
const plaintext = { KeyId: 'alias/first', Plaintext: Buffer.from('m') };

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'claviger-sts-'));
  issuer = await LocalIssuer.start();
  writeFileSync(join(folder, 'issuer.pem'), issuer.ca);
  // The server reads the provider's keys as any Node program would.
  process.env.NODE_EXTRA_CA_CERTS = join(folder, 'issuer.pem');
  server = await startServer();
  delete process.env.NODE_EXTRA_CA_CERTS;
  env = await server.env();
  account = (await stsClient(env).getCallerIdentity({})).Account!;
  writeFileSync(join(folder, 'keys.json'), JSON.stringify(issuer.jwks));
  await server.claviger('provider', 'create', issuer.issuer, '--jwks', issuer.url, '--audience', issuer.audience);
  const trust = ['--trust', `provider:${issuer.issuer}`, '--claim', 'sub=workload-*'];
  await server.claviger('role', 'create', 'workload', ...trust, '--role', 'key-user');
});

after(async () => {
  await server?.stop();
  await issuer?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const refusedAs = (name: string, status: number, act: Promise<unknown>) =>
  assert.rejects(act, (error) => {
    assert.ok(error instanceof STSServiceException, `${error}`);
    assert.deepEqual([error.name, error.$metadata.httpStatusCode], [name, status], error.message);
    assert.match(error.$metadata.requestId ?? '', /^[0-9a-f-]{36}$/);
    return true;
  });

type Taken = {
  AccessKeyId?: string | undefined;
  SecretAccessKey?: string | undefined;
  SessionToken?: string | undefined;
};
const credentialsOf = ({ AccessKeyId, SecretAccessKey, SessionToken }: Taken = {}) => ({
  credentials: { accessKeyId: AccessKeyId!, secretAccessKey: SecretAccessKey!, sessionToken: SessionToken! },
});

async function assume(role: string, session = 'it', as: Env = env) {
  const { Credentials } = await stsClient(as).assumeRole({ RoleArn: arnOf(role), RoleSessionName: session });
  return credentialsOf(Credentials);
}

const tokenCall = async (token: string, more: object = {}) =>
  stsClient(env).assumeRoleWithWebIdentity({
    ...{ RoleArn: arnOf('workload'), RoleSessionName: 'it', WebIdentityToken: token },
    ...more,
  });

test('says who is calling', async () => {
  const { Arn, UserId, Account } = await stsClient(env).getCallerIdentity({});
  assert.deepEqual([Arn, UserId], [`arn:aws:iam::${Account}:user/developer`, 'developer']);
});

test('the AWS CLI asks who is calling and takes on a role', async () => {
  const aws = async (...args: string[]) => JSON.parse(await run('aws', ['sts', ...args, '--output', 'json'], env));
  assert.equal((await aws('get-caller-identity')).Arn, `arn:aws:iam::${account}:user/developer`);
  await server.claviger('role', 'create', 'by-cli', '--trust', 'identity:developer', '--role', 'key-user');
  const taken = await aws('assume-role', '--role-arn', arnOf('by-cli'), '--role-session-name', 'cli');
  const listing = await run('aws', ['kms', 'list-keys', '--output', 'json'], {
    ...{ ...env, AWS_ACCESS_KEY_ID: taken.Credentials.AccessKeyId, AWS_SESSION_TOKEN: taken.Credentials.SessionToken },
    AWS_SECRET_ACCESS_KEY: taken.Credentials.SecretAccessKey,
  });
  assert.ok(JSON.parse(listing).Keys.length > 0);
});

test('a role is taken on by whom it trusts, and its session does what was granted to the role and no more', async () => {
  await server.claviger('role', 'create', 'user', '--trust', 'identity:developer', '--role', 'key-user');
  const taken = await stsClient(env).assumeRole({
    ...{ RoleArn: arnOf('user'), RoleSessionName: 'a.session@host', DurationSeconds: 900 },
  });
  assert.equal(taken.AssumedRoleUser?.Arn, `arn:aws:sts::${account}:assumed-role/user/a.session@host`);
  const left = taken.Credentials!.Expiration!.getTime() - Date.now();
  assert.ok(left > 890_000 && left <= 900_000);
  const session = credentialsOf(taken.Credentials);
  const identity = await stsClient(env, session).getCallerIdentity({});
  assert.equal(identity.Arn, taken.AssumedRoleUser?.Arn);
  assert.equal(identity.UserId, taken.AssumedRoleUser?.AssumedRoleId);
  const kms = kmsClient(env, session);
  const { CiphertextBlob } = await kms.encrypt(plaintext);
  assert.equal(Buffer.from((await kms.decrypt({ CiphertextBlob })).Plaintext!).toString(), 'm');
  const { KeyMetadata } = await kms.describeKey({ KeyId: 'alias/first' });
  await assert.rejects(kms.disableKey({ KeyId: KeyMetadata!.KeyId }), { name: 'AccessDeniedException' });
  const { stdout } = await server.claviger('audit', 'tail', '--json');
  assert.match(stdout, /"summary":\s*"session CLAS\w{16} \\"a.session@host\\" of role user, taken on by developer"/);
  assert.match(stdout, /"principal":\s*"user"/);
});

test('an access key of a session is nothing without its token, and other keys bring none', async () => {
  const { credentials } = await assume('user');
  const { sessionToken, ...bare } = credentials;
  const other = (await assume('user')).credentials.sessionToken;
  for (const wrong of [bare, { ...bare, sessionToken: other }, { ...bare, sessionToken: `${sessionToken}x` }]) {
    await refusedAs('InvalidClientTokenId', 403, stsClient(env, { credentials: wrong }).getCallerIdentity({}));
    await assert.rejects(kmsClient(env, { credentials: wrong }).encrypt(plaintext), {
      name: 'UnrecognizedClientException',
    });
  }
  const own = { accessKeyId: env.AWS_ACCESS_KEY_ID!, secretAccessKey: env.AWS_SECRET_ACCESS_KEY! };
  await refusedAs(
    'InvalidClientTokenId',
    403,
    stsClient(env, { credentials: { ...own, sessionToken } }).getCallerIdentity({}),
  );
});

test('a session ends with its key, with who took it on and with the role, from the next request on', async () => {
  await server.claviger('identity', 'create', 'mover', '--role', 'auditor');
  const mover = await server.env('mover');
  await server.claviger('role', 'create', 'shortlived', '--trust', 'identity:mover', '--role', 'key-user');
  const by = async (end: (keyId: string) => Promise<unknown>) => {
    const session = await assume('shortlived', 'it', mover);
    const kms = kmsClient(env, session);
    await kms.encrypt(plaintext);
    await end(session.credentials.accessKeyId);
    await assert.rejects(kms.encrypt(plaintext), { name: 'UnrecognizedClientException' });
    await refusedAs('InvalidClientTokenId', 403, stsClient(env, session).getCallerIdentity({}));
  };
  await by((id) => server.claviger('credential', 'revoke', id));
  await by(async () => {
    await server.claviger('role', 'delete', 'shortlived');
    // A role of the same name is another one.
    await server.claviger('role', 'create', 'shortlived', '--again', '--trust', 'identity:mover', '--role', 'key-user');
  });
  await by(() => server.claviger('identity', 'disable', 'mover'));
});

test('a role is refused to whom it does not trust, as one that is not there, and to who does not know its external id', async () => {
  await server.claviger('identity', 'create', 'stranger', '--role', 'key-user');
  const stranger = stsClient(await server.env('stranger'));
  const asking = (RoleArn: string, more: object = {}) => ({ RoleArn, RoleSessionName: 'it', ...more });
  await refusedAs('AccessDenied', 403, stranger.assumeRole(asking(arnOf('user'))));
  await refusedAs('AccessDenied', 403, stranger.assumeRole(asking(arnOf('no-such-role'))));
  await refusedAs('AccessDenied', 403, stranger.assumeRole(asking('arn:aws:iam::111122223333:role/user')));
  await server.claviger('role', 'create', 'guarded', '--trust', 'identity:developer', '--external-id', 'customer-7');
  const sts = stsClient(env);
  await refusedAs('AccessDenied', 403, sts.assumeRole(asking(arnOf('guarded'))));
  await refusedAs('AccessDenied', 403, sts.assumeRole(asking(arnOf('guarded'), { ExternalId: 'customer-8' })));
  assert.ok((await sts.assumeRole(asking(arnOf('guarded'), { ExternalId: 'customer-7' }))).Credentials);
});

test('what would narrow or mark a session is refused, and so is what is out of its range', async () => {
  const sts = stsClient(env);
  const asking = { RoleArn: arnOf('user'), RoleSessionName: 'it' };
  for (const more of [
    { Policy: '{}' },
    { PolicyArns: [{ arn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }] },
    { Tags: [{ Key: 'a', Value: 'b' }] },
    { TransitiveTagKeys: ['a'] },
    { SourceIdentity: 'alice' },
    { SerialNumber: 'arn:aws:iam::1:mfa/x', TokenCode: '123456' },
    { DurationSeconds: 899 },
    { DurationSeconds: 43_201 },
    { DurationSeconds: 3601 },
    { RoleSessionName: 'a' },
    { RoleSessionName: 'a b' },
    { RoleArn: 'arn:aws:iam::1:role/x-twenty-characters' },
  ]) {
    await refusedAs('ValidationError', 400, sts.assumeRole({ ...asking, ...more }));
  }
  for (const list of [{ PolicyArns: [] }, { Tags: [] }]) assert.ok(await sts.assumeRole({ ...asking, ...list }));
});

test('every other operation is no action here', async () => {
  const sts = stsClient(env);
  await refusedAs('InvalidAction', 400, sts.getAccessKeyInfo({ AccessKeyId: 'AKIAAAAAAAAAAAAAAAAA' }));
  await refusedAs('InvalidAction', 400, sts.getFederationToken({ Name: 'alice' }));
  await refusedAs('InvalidAction', 400, sts.decodeAuthorizationMessage({ EncodedMessage: 'x' }));
  await refusedAs(
    'InvalidAction',
    400,
    sts.assumeRoleWithSAML({
      ...{ RoleArn: arnOf('user'), PrincipalArn: 'arn:aws:iam::123456789012:saml-provider/x', SAMLAssertion: 'abcd' },
    }),
  );
});

test('nobody, a stranger and a wrong secret are told what they know from AWS', async () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const body = 'Action=GetCallerIdentity&Version=2011-06-15';
  const unsigned = await send(env, messageTo(env.AWS_ENDPOINT_URL_STS!, { headers: form, body }));
  assert.equal(unsigned.status, 403);
  assert.match(unsigned.body, /<Code>MissingAuthenticationToken<\/Code>/);
  const headers = { ...form, authorization: 'AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host' };
  const partly = await send(env, messageTo(env.AWS_ENDPOINT_URL_STS!, { headers, body }));
  assert.equal(partly.status, 400);
  assert.match(partly.body, /<Code>IncompleteSignature<\/Code>/);
  const own = { accessKeyId: env.AWS_ACCESS_KEY_ID!, secretAccessKey: env.AWS_SECRET_ACCESS_KEY! };
  const wrong = { ...own, secretAccessKey: 'x'.repeat(40) };
  await refusedAs('SignatureDoesNotMatch', 403, stsClient(env, { credentials: wrong }).getCallerIdentity({}));
  const nobody = { ...own, accessKeyId: 'CLAVAAAAAAAAAAAAAAAA' };
  await refusedAs('InvalidClientTokenId', 403, stsClient(env, { credentials: nobody }).getCallerIdentity({}));
});

test('a session of one’s own is oneself, for a while', async () => {
  const { Credentials } = await stsClient(env).getSessionToken({ DurationSeconds: 900 });
  const session = credentialsOf(Credentials);
  assert.match((await stsClient(env, session).getCallerIdentity({})).Arn!, /:user\/developer$/);
  await kmsClient(env, session).encrypt(plaintext);
  await refusedAs('AccessDenied', 403, stsClient(env, session).getSessionToken({}));
});

test('a role of a session is taken on for an hour at most, and ends with the first', async () => {
  const chain = ['--trust', 'identity:user', '--role', 'auditor', '--max-session', '12h'];
  await server.claviger('role', 'create', 'second', ...chain);
  const first = await assume('user');
  const asking = { RoleArn: arnOf('second'), RoleSessionName: 'chained' };
  await refusedAs('ValidationError', 400, stsClient(env, first).assumeRole({ ...asking, DurationSeconds: 3601 }));
  const second = credentialsOf((await stsClient(env, first).assumeRole(asking)).Credentials);
  assert.match((await stsClient(env, second).getCallerIdentity({})).Arn!, /assumed-role\/second\/chained$/);
  await server.claviger('credential', 'revoke', first.credentials.accessKeyId);
  await refusedAs('InvalidClientTokenId', 403, stsClient(env, second).getCallerIdentity({}));
});

// --- Identity providers ---------------------------------------------------------------------------------------------------------

test('an identity provider’s token takes on the role whose claims it fits', async () => {
  const taken = await tokenCall(await issuer.token());
  assert.deepEqual(
    [taken.SubjectFromWebIdentityToken, taken.Provider, taken.Audience],
    ['workload-1', issuer.issuer, issuer.audience],
  );
  await kmsClient(env, credentialsOf(taken.Credentials)).encrypt(plaintext);
  await refusedAs('AccessDenied', 403, tokenCall(await issuer.token({ sub: 'someone-else' })));
  await refusedAs('AccessDenied', 403, tokenCall(await issuer.token(), { RoleArn: arnOf('user') }));
});

test('the JavaScript SDK’s providers do it by themselves, from the environment', async () => {
  const file = join(folder, 'token');
  writeFileSync(file, await issuer.token());
  const program = fileURLToPath(new URL('web-identity-client.mjs', import.meta.url));
  const { AWS_ACCESS_KEY_ID: _, AWS_SECRET_ACCESS_KEY: __, ...rest } = env;
  const printed = await run(process.execPath, [program], {
    ...{
      ...rest,
      AWS_ROLE_ARN: arnOf('workload'),
      AWS_ROLE_SESSION_NAME: 'by-file',
      AWS_WEB_IDENTITY_TOKEN_FILE: file,
    },
  });
  const arn = (session: string) => `arn:aws:sts::${account}:assumed-role/workload/${session}`;
  assert.deepEqual(JSON.parse(printed), {
    fromTokenFile: [arn('by-file'), 'fromTokenFile'],
    fromWebToken: [arn('by-token'), 'fromWebToken'],
    defaultChain: [arn('by-file'), 'defaultChain'],
  });
});

test('boto3 does it by itself, from the environment', async () => {
  const file = join(folder, 'token');
  writeFileSync(file, await issuer.token());
  const program = fileURLToPath(new URL('web_identity.py', import.meta.url));
  const { AWS_ACCESS_KEY_ID: _, AWS_SECRET_ACCESS_KEY: __, ...rest } = env;
  const printed = await run('python3', [program], {
    ...{ ...rest, AWS_ROLE_ARN: arnOf('workload'), AWS_ROLE_SESSION_NAME: 'by-boto3' },
    ...{ AWS_WEB_IDENTITY_TOKEN_FILE: file, SSL_CERT_FILE: env.AWS_CA_BUNDLE! },
  });
  assert.deepEqual(JSON.parse(printed), {
    ...{ arn: `arn:aws:sts::${account}:assumed-role/workload/by-boto3`, opened: 'by boto3', presigned: true },
    denied: 'AccessDeniedException',
  });
});

test('a token that is expired, altered, for others or of nobody known is refused as STS does', async () => {
  const now = Math.floor(Date.now() / 1000);
  const good = await issuer.token();
  const [head, , signature] = good.split('.');
  const forged = Buffer.from(
    JSON.stringify({ iss: issuer.issuer, sub: 'workload-1', aud: issuer.audience, iat: now, exp: now + 600 }),
  ).toString('base64url');
  const none = Buffer.from('{"alg":"none"}').toString('base64url');
  await refusedAs('ExpiredTokenException', 400, tokenCall(await issuer.token({ iat: now - 900, exp: now - 300 })));
  await refusedAs('InvalidIdentityTokenException', 400, tokenCall(await issuer.token({ aud: 'another' })));
  await refusedAs(
    'InvalidIdentityTokenException',
    400,
    tokenCall(await issuer.token({ iss: 'https://other.example' })),
  );
  await refusedAs('InvalidIdentityTokenException', 400, tokenCall(`${head}.${forged}.${signature?.slice(4)}AAAA`));
  await refusedAs('InvalidIdentityTokenException', 400, tokenCall(`${none}.${forged}.`));
  await refusedAs('InvalidIdentityTokenException', 400, tokenCall('no token'));
  await refusedAs('IDPRejectedClaimException', 403, tokenCall(await issuer.token({ nbf: now + 3600 })));
  await refusedAs(
    'IDPRejectedClaimException',
    403,
    tokenCall(await issuer.token({ iat: now + 3600, exp: now + 7200 })),
  );
});

test('a provider that can’t be reached is said so, whatever it does instead of answering', async () => {
  for (const broken of ['refuses', 'redirects', 'floods', 'hangs'] as const) {
    issuer.broken = broken;
    // Another registration has no keys in memory.
    await server.claviger('provider', 'delete', issuer.issuer);
    await server.claviger('provider', 'create', issuer.issuer, '--jwks', issuer.url, '--audience', issuer.audience);
    const asked = issuer.asked;
    const before = performance.now();
    await refusedAs('IDPCommunicationErrorException', 400, tokenCall(await issuer.token()));
    assert.ok(performance.now() - before < 30_000);
    // The SDK asks again by itself; the provider is not asked each time.
    assert.equal(issuer.asked - asked, 1, broken);
  }
  issuer.broken = undefined;
  await server.claviger('provider', 'delete', issuer.issuer);
  await server.claviger('provider', 'create', issuer.issuer, '--jwks', issuer.url, '--audience', issuer.audience);
  const { Credentials } = await tokenCall(await issuer.token());
  const session = credentialsOf(Credentials);
  await kmsClient(env, session).encrypt(plaintext);
  await server.claviger('provider', 'delete', issuer.issuer);
  await assert.rejects(kmsClient(env, session).encrypt(plaintext), { name: 'UnrecognizedClientException' });
});
