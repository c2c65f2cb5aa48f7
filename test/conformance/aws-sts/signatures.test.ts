import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { SignatureV4a } from '@aws-sdk/signature-v4a';
import { SignatureV4 } from '@smithy/signature-v4';
import { serverOfThisFile } from '../../harness.ts';
import { type Answer, kmsClient } from '../aws-kms/clients.ts';
import { type Message, messageTo, Sha256, send, stsClient } from './clients.ts';

const { env } = await serverOfThisFile();
const credentials = { accessKeyId: env.AWS_ACCESS_KEY_ID!, secretAccessKey: env.AWS_SECRET_ACCESS_KEY! };
const common = { service: 'kms', region: env.AWS_REGION!, sha256: Sha256, credentials };
const signer = new SignatureV4(common);
const asymmetric = new SignatureV4a({ ...common, region: '*' });

const encrypting = (): Message =>
  messageTo(env.AWS_ENDPOINT_URL_KMS!, {
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'TrentService.Encrypt' },
    body: JSON.stringify({ KeyId: 'alias/first', Plaintext: 'bQ==' }),
  });
const targetInHeader = { unhoistableHeaders: new Set(['x-amz-target']) };
const presign = async (message: Message, more: object = {}) =>
  (await signer.presign(message, { ...targetInHeader, expiresIn: 60, ...more })) as Message;

const accepted = ({ status, body }: Answer) => {
  assert.equal(status, 200, body);
  assert.match(body, /"CiphertextBlob":/);
};
const refused = (type: string, { status, body }: Answer) => {
  assert.equal(status, 400, body);
  assert.equal(JSON.parse(body).__type, type, body);
};

test('a presigned request is done, as often as it is sent in its time', async () => {
  const message = await presign(encrypting());
  accepted(await send(env, message));
  accepted(await send(env, message));
  accepted(await send(env, await presign(encrypting(), { expiresIn: 604_800 })));
});

test('a presigned request that is altered in any part is refused', async () => {
  const message = await presign(encrypting());
  const altered: Record<string, Message> = {
    'another body': { ...message, body: message.body!.replace('bQ==', 'bg==') },
    'another host': { ...message, headers: { ...message.headers, host: 'localhost:1' } },
    'another operation': {
      ...message,
      headers: { ...message.headers, 'x-amz-target': 'TrentService.GenerateDataKey' },
    },
    'a longer life': { ...message, query: { ...message.query, 'X-Amz-Expires': '600' } },
    'a member more': { ...message, query: { ...message.query, more: '1' } },
  };
  for (const [what, request] of Object.entries(altered)) {
    const { status, body } = await send(env, request);
    assert.deepEqual([status, JSON.parse(body).__type], [400, 'InvalidSignatureException'], what);
  }
});

test('a presigned request holds for a second to a week, and is said to be over after that', async () => {
  for (const expiresIn of ['0', '604801', '-1', '1.5', '']) {
    const message = await presign(encrypting());
    refused(
      'InvalidSignatureException',
      await send(env, { ...message, query: { ...message.query, 'X-Amz-Expires': expiresIn } }),
    );
  }
  const signingDate = new Date(Date.now() - 90_000);
  const over = await send(env, await presign(encrypting(), { signingDate }));
  refused('InvalidSignatureException', over);
  assert.match(
    over.body,
    /Signature expired: \d{8}T\d{6}Z is now earlier than \d{8}T\d{6}Z \(\d{8}T\d{6}Z - 1 min\.\)/,
  );
});

test('a request that is signed in a header and in the query is refused', async () => {
  const { query, ...message } = await presign(encrypting());
  const inHeader = (await signer.sign({ ...message, query: {} })) as Message;
  refused('InvalidSignatureException', await send(env, { ...inHeader, query }));
});

test('what is missing from a signature is said', async () => {
  const message = await presign(encrypting());
  for (const name of ['X-Amz-Algorithm', 'X-Amz-Credential', 'X-Amz-Date', 'X-Amz-Signature', 'X-Amz-Expires']) {
    const { [name]: _, ...query } = message.query;
    refused('IncompleteSignatureException', await send(env, { ...message, query }));
  }
  const { headers } = encrypting();
  for (const authorization of ['AWS4-HMAC-SHA256', 'AWS4-HMAC-SHA256 Credential=a/20260101/r/kms/aws4_request']) {
    refused(
      'IncompleteSignatureException',
      await send(env, { ...encrypting(), headers: { ...headers, authorization } }),
    );
  }
});

test('a session presigns with its token, and only with it', async () => {
  const { Credentials } = await stsClient(env).getSessionToken({});
  const session = {
    accessKeyId: Credentials!.AccessKeyId!,
    secretAccessKey: Credentials!.SecretAccessKey!,
    sessionToken: Credentials!.SessionToken!,
  };
  const of = (credentials: typeof session | Omit<typeof session, 'sessionToken'>) =>
    new SignatureV4({ service: 'kms', region: env.AWS_REGION!, sha256: Sha256, credentials });
  const options = { ...targetInHeader, expiresIn: 60 };
  accepted(await send(env, (await of(session).presign(encrypting(), options)) as Message));
  const { sessionToken, ...bare } = session;
  const without = (await of(bare).presign(encrypting(), options)) as Message;
  refused('UnrecognizedClientException', await send(env, without));
  const afterwards = { ...without, query: { ...without.query, 'X-Amz-Security-Token': sessionToken } };
  refused('InvalidSignatureException', await send(env, afterwards));
});

test('a presigned GetCallerIdentity works as a plain link', async () => {
  const sts = new SignatureV4({
    ...{ service: 'sts', region: env.AWS_REGION!, sha256: Sha256 },
    credentials: { accessKeyId: env.AWS_ACCESS_KEY_ID!, secretAccessKey: env.AWS_SECRET_ACCESS_KEY! },
  });
  const query = { Action: 'GetCallerIdentity', Version: '2011-06-15' };
  const link = (await sts.presign(messageTo(env.AWS_ENDPOINT_URL_STS!, { method: 'GET', query }), {
    expiresIn: 60,
  })) as Message;
  const answer = await send(env, link);
  assert.equal(answer.status, 200, answer.body);
  assert.match(answer.body, /<Arn>arn:aws:iam::\d{12}:user\/developer<\/Arn>/);
  const other = await send(env, { ...link, query: { ...link.query, Action: 'GetSessionToken' } });
  assert.match(other.body, /<Code>SignatureDoesNotMatch<\/Code>/);
});

test('an asymmetric signature of the SDK is believed for what it is over', async () => {
  const message = (await asymmetric.sign(encrypting(), {})) as Message;
  assert.match(message.headers.authorization!, /^AWS4-ECDSA-P256-SHA256 Credential=/);
  accepted(await send(env, message));
  const { body } = message;
  refused('InvalidSignatureException', await send(env, { ...message, body: body!.replace('bQ==', 'bg==') }));
  const elsewhere = { ...message, headers: { ...message.headers, 'x-amz-region-set': 'eu-west-1' } };
  refused('InvalidSignatureException', await send(env, elsewhere));
});

test('a client whose clock is wrong sets it by our answer and goes on', async () => {
  for (const hours of [-2, 2]) {
    mock.timers.enable({ apis: ['Date'], now: Date.now() + hours * 3_600_000 });
    try {
      const kms = kmsClient(env);
      const { CiphertextBlob, $metadata } = await kms.encrypt({ KeyId: 'alias/first', Plaintext: Buffer.from('m') });
      assert.ok(CiphertextBlob);
      assert.equal($metadata.attempts, 2);
      assert.equal((await stsClient(env).getCallerIdentity({})).$metadata.attempts, 2);
    } finally {
      mock.timers.reset();
    }
  }
});
