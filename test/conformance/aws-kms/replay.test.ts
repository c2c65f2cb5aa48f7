import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { test } from 'node:test';
import type { KMS } from '@aws-sdk/client-kms';
import { serverOfThisFile } from '../../harness.ts';
import { type Answer, kmsClient } from './clients.ts';

const { server, env: first } = await serverOfThisFile();
let env = first;
let kms = kmsClient(env);

async function restart(signal: NodeJS.Signals): Promise<void> {
  await server.restart(signal);
  env = await server.env();
  kms = kmsClient(env);
}

interface Recorded {
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** What the SDK signed for `call`, taken from it before it was sent: the server has not seen it. */
async function recorded(call: (client: KMS) => Promise<unknown>): Promise<Recorded> {
  const client = kmsClient(env, { maxAttempts: 1 });
  let seen: Recorded | undefined;
  const take = () => async (args: { request: unknown }) => {
    const { headers, body } = args.request as { headers: Record<string, string>; body: string | Uint8Array };
    seen = { headers: { ...headers }, body: Buffer.from(body as string).toString() };
    throw new Error('it is taken from the wire');
  };
  client.middlewareStack.add(take as never, { step: 'finalizeRequest', priority: 'low', name: 'take' });
  await call(client).catch(() => undefined);
  client.destroy();
  return seen ?? assert.fail('nothing was signed');
}

/** Byte for byte as it was signed, over a connection of its own. */
function send({ headers, body }: Recorded): Promise<Answer> {
  const { port } = new URL(env.AWS_ENDPOINT_URL_KMS!);
  const ca = readFileSync(env.AWS_CA_BUNDLE!);
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, method: 'POST', path: '/', headers, ca, agent: false });
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      let text = '';
      incoming.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      incoming.on('end', () => resolve({ status: incoming.statusCode!, headers: incoming.headers, body: text }));
    });
    outgoing.end(body);
  });
}

const refusedAsReplay = ({ status, body }: Answer) => {
  assert.equal(status, 400, body);
  assert.equal(JSON.parse(body).__type, 'AccessDeniedException');
  assert.match(JSON.parse(body).message, /already answered/);
};

async function replayLines(): Promise<number> {
  const { stdout } = await server.claviger('audit', 'tail', '--lines', '500', '--json');
  return stdout.split('"replayed"').length - 1;
}

const keysNamed = async (description: string): Promise<number> => {
  let count = 0;
  for (const { KeyId } of (await kms.listKeys({ Limit: 1000 })).Keys!) {
    const { KeyMetadata } = await kms.describeKey({ KeyId: KeyId! });
    if (KeyMetadata!.Description === description) count++;
  }
  return count;
};

test('a change that was answered is refused when its request comes again, and the refusal is recorded', async () => {
  const taken = await recorded((client) => client.createKey({ Description: 'once' }));
  assert.ok(taken.headers.authorization!.includes('amz-sdk-invocation-id'));
  assert.equal((await send(taken)).status, 200);
  const before = await replayLines();
  for (let i = 0; i < 3; i++) refusedAsReplay(await send(taken));
  assert.equal(await replayLines(), before + 3);
  assert.equal(await keysNamed('once'), 1);
});

test('of one request sent ten times at once, one is answered', async () => {
  const taken = await recorded((client) => client.createKey({ Description: 'at once' }));
  const answers = await Promise.all(Array.from({ length: 10 }, () => send(taken)));
  const done = answers.filter(({ status }) => status === 200);
  assert.equal(done.length, 1);
  for (const answer of answers) if (!done.includes(answer)) refusedAsReplay(answer);
  assert.equal(await keysNamed('at once'), 1);
});

test('what is not signed can change, and the replay is still one', async () => {
  const taken = await recorded((client) => client.createKey({ Description: 'dressed' }));
  assert.equal((await send(taken)).status, 200);
  const headers = Object.fromEntries(Object.entries(taken.headers).reverse());
  refusedAsReplay(await send({ ...taken, headers: { ...headers, 'user-agent': 'another', 'x-forwarded-for': '::1' } }));
  const loose = { ...headers, authorization: headers.authorization!.replaceAll(', ', ' ,  ') };
  refusedAsReplay(await send({ ...taken, headers: loose }));
  assert.equal(await keysNamed('dressed'), 1);
});

test('a change that failed did nothing, so its request may come again', async () => {
  const KeyId = (await kms.createKey({})).KeyMetadata!.KeyId!;
  const taken = await recorded((client) => client.cancelKeyDeletion({ KeyId }));
  for (let i = 0; i < 2; i++) {
    const { body } = await send(taken);
    assert.equal(JSON.parse(body).__type, 'KMSInvalidStateException');
  }
});

test('a request that changes nothing may come again within its five minutes', async () => {
  const taken = await recorded((client) => client.encrypt({ KeyId: 'alias/first', Plaintext: Buffer.from('x') }));
  for (let i = 0; i < 2; i++) assert.equal((await send(taken)).status, 200);
});

test('a stopped and started server still knows what it answered', async () => {
  const taken = await recorded((client) => client.createKey({ Description: 'before the stop' }));
  assert.equal((await send(taken)).status, 200);
  await restart('SIGTERM');
  // The host header is signed, so it goes on naming the port of before.
  refusedAsReplay(await send(taken));
  assert.equal(await keysNamed('before the stop'), 1);
});

test('a killed server that starts again still knows what it answered', async () => {
  const taken = await recorded((client) => client.createKey({ Description: 'before the kill' }));
  assert.equal((await send(taken)).status, 200);
  await restart('SIGKILL');
  refusedAsReplay(await send(taken));
  assert.equal(await keysNamed('before the kill'), 1);
});
