import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SecretsManager } from '@aws-sdk/client-secrets-manager';
import { type Env, type RunningServer, startServer } from '../../harness.ts';
import { secretsClient } from './clients.ts';

interface Call {
  readonly Step: string;
  readonly SecretId: string;
  readonly ClientRequestToken: string;
}

const key = 'a key of the webhook, long enough';
let server: RunningServer;
let env: Env;
let secrets: SecretsManager;
let hook: Server;
const calls: Call[] = [];
/** What the webhook answers, or does before it answers. */
let behave: (call: Call) => Promise<number> = async () => 200;

async function received(incoming: IncomingMessage): Promise<Call> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString();
  const [, time, sent] = /^t=([0-9]+),v1=([0-9a-f]{64})$/.exec(String(incoming.headers['claviger-signature'])) ?? [];
  assert.equal(createHmac('sha256', key).update(`${time}.${body}`).digest('hex'), sent);
  assert.ok(Math.abs(Number(time) - Date.now() / 1000) < 60);
  return JSON.parse(body) as Call;
}

before(async () => {
  hook = createServer(async (incoming, outgoing) => {
    try {
      const call = await received(incoming);
      calls.push(call);
      outgoing.statusCode = await behave(call);
    } catch {
      outgoing.statusCode = 500;
    }
    outgoing.end();
  });
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
  server = await startServer();
  const keyFile = join(server.data, 'hook.key');
  writeFileSync(keyFile, key);
  const { port } = hook.address() as AddressInfo;
  const settings = {
    turner: { webhook: `http://127.0.0.1:${port}/rotate`, keyFile },
    program: {
      command: [process.execPath, '-e', `process.exit(require('fs').readFileSync(0).includes('createSecret') ? 7 : 0)`],
    },
  };
  writeFileSync(join(server.data, 'rotators.json'), JSON.stringify(settings));
  await restart();
});

async function restart(signal?: NodeJS.Signals) {
  await server.restart(signal);
  env = await server.env();
  secrets?.destroy();
  secrets = secretsClient(env);
}

after(async () => {
  secrets?.destroy();
  hook?.close();
  await server?.stop();
});

/** What a rotation function does, as AWS' own templates have it. */
async function rotate({ Step, SecretId, ClientRequestToken }: Call): Promise<void> {
  const described = await secrets.describeSecret({ SecretId });
  assert.ok(described.RotationEnabled);
  assert.ok(described.VersionIdsToStages![ClientRequestToken]!.includes('AWSPENDING'));
  const pending = { SecretId, VersionId: ClientRequestToken, VersionStage: 'AWSPENDING' };
  if (Step === 'createSecret') {
    await secrets.getSecretValue({ SecretId, VersionStage: 'AWSCURRENT' });
    const there = await secrets.getSecretValue(pending).then(
      () => true,
      ({ name }) => {
        assert.equal(name, 'ResourceNotFoundException');
        return false;
      },
    );
    if (!there) {
      const { RandomPassword } = await secrets.getRandomPassword({ ExcludePunctuation: true });
      await secrets.putSecretValue({
        SecretId,
        ClientRequestToken,
        SecretString: RandomPassword!,
        VersionStages: ['AWSPENDING'],
      });
    }
  } else if (Step === 'testSecret') {
    assert.match((await secrets.getSecretValue(pending)).SecretString!, /^[A-Za-z0-9]{32}$/);
  } else if (Step === 'finishSecret') {
    const current = Object.entries(described.VersionIdsToStages!).find(([, stages]) =>
      stages.includes('AWSCURRENT'),
    )![0];
    await secrets.updateSecretVersionStage({
      ...{ SecretId, VersionStage: 'AWSCURRENT' },
      ...{ MoveToVersionId: ClientRequestToken, RemoveFromVersionId: current },
    });
  }
}

const lambda = (name: string) => `arn:aws:lambda:${env.AWS_REGION}:123456789012:function:${name}`;

async function until<T>(look: () => Promise<T | undefined | false>): Promise<T> {
  for (let i = 0; i < 200; i++) {
    const found = await look();
    if (found) return found;
    await sleep(50);
  }
  throw new Error('it did not come about in time');
}

test('a webhook rotates a secret in four steps, with its own credential', async () => {
  behave = async (call) => {
    await rotate(call);
    return 200;
  };
  const SecretId = 'rotated/one';
  const { VersionId: first } = await secrets.createSecret({ Name: SecretId, SecretString: 'old' });
  calls.length = 0;
  const { VersionId, ARN } = await secrets.rotateSecret({
    SecretId,
    RotationLambdaARN: lambda('turner'),
    RotationRules: { AutomaticallyAfterDays: 30 },
  });
  const told = await until(async () => {
    const described = await secrets.describeSecret({ SecretId });
    return described.LastRotatedDate && described;
  });
  assert.deepEqual(
    calls.map(({ Step }) => Step),
    ['createSecret', 'setSecret', 'testSecret', 'finishSecret'],
  );
  for (const call of calls) assert.deepEqual([call.SecretId, call.ClientRequestToken], [ARN, VersionId]);
  assert.ok(told.VersionIdsToStages![VersionId!]!.includes('AWSCURRENT'));
  assert.deepEqual(told.VersionIdsToStages![first!], ['AWSPREVIOUS']);
  assert.equal(told.RotationEnabled, true);
  assert.equal(told.RotationLambdaARN, lambda('turner'));
  assert.deepEqual(told.RotationRules, { AutomaticallyAfterDays: 30 });
  const days = (told.NextRotationDate!.getTime() - Date.now()) / 86_400_000;
  assert.ok(days > 29 && days < 31.1, String(days));
  await secrets.cancelRotateSecret({ SecretId });
  const ended = await secrets.describeSecret({ SecretId });
  assert.deepEqual([ended.RotationEnabled, ended.NextRotationDate], [false, undefined]);
});

test('a step that a crash cut off is done again after the restart, and those before it are not', async () => {
  const SecretId = 'rotated/crash';
  await secrets.createSecret({ Name: SecretId, SecretString: 'old' });
  let release = () => {};
  const reached = new Promise<void>((resolve) => {
    behave = async (call) => {
      if (call.Step === 'testSecret') {
        resolve();
        await new Promise<void>((go) => {
          release = go;
        });
        return 500;
      }
      await rotate(call);
      return 200;
    };
  });
  calls.length = 0;
  await secrets.rotateSecret({ SecretId, RotationLambdaARN: lambda('turner') });
  await reached;
  // The server goes on as soon as it is there, which may be before our client knows where it is.
  let started = () => {};
  const ready = new Promise<void>((resolve) => {
    started = resolve;
  });
  behave = async (call) => {
    await ready;
    await rotate(call);
    return 200;
  };
  await restart('SIGKILL');
  release();
  started();
  await until(async () => (await secrets.describeSecret({ SecretId })).LastRotatedDate);
  assert.deepEqual(
    calls.map(({ Step }) => Step),
    ['createSecret', 'setSecret', 'testSecret', 'testSecret', 'finishSecret'],
  );
});

test('a rotation that fails changes nothing that is read, and another one waits for it', async () => {
  const SecretId = 'rotated/failing';
  await secrets.createSecret({ Name: SecretId, SecretString: 'old' });
  await secrets.rotateSecret({ SecretId, RotationLambdaARN: lambda('program') });
  await assert.rejects(secrets.rotateSecret({ SecretId }), { name: 'InvalidRequestException' });
  assert.equal((await secrets.getSecretValue({ SecretId })).SecretString, 'old');
});

test('without rotating at once, the function is only tried out', async () => {
  const SecretId = 'rotated/later';
  const { VersionId } = await secrets.createSecret({ Name: SecretId, SecretString: 'old' });
  await secrets.rotateSecret({
    SecretId,
    RotationLambdaARN: lambda('program'),
    RotationRules: { ScheduleExpression: 'cron(0 8 ? * SUN#1 *)', Duration: '2h' },
    RotateImmediately: false,
  });
  const told = await until(async () => {
    const described = await secrets.describeSecret({ SecretId });
    return Object.keys(described.VersionIdsToStages!).length === 1 && described;
  });
  assert.deepEqual(told.VersionIdsToStages, { [VersionId!]: ['AWSCURRENT'] });
  assert.equal(told.RotationRules!.ScheduleExpression, 'cron(0 8 ? * SUN#1 *)');
  const next = told.NextRotationDate!;
  assert.deepEqual([next.getUTCDay(), next.getUTCHours(), next.getUTCDate() <= 7], [0, 10, true]);
});

test('what is not registered, or not a schedule, is refused', async () => {
  const SecretId = 'rotated/never';
  await secrets.createSecret({ Name: SecretId, SecretString: 'old' });
  const ask = (more: object, name: string) => assert.rejects(secrets.rotateSecret({ SecretId, ...more }), { name });
  await ask({}, 'InvalidRequestException');
  await ask({ RotationLambdaARN: lambda('unknown') }, 'ResourceNotFoundException');
  const RotationLambdaARN = lambda('turner');
  for (const RotationRules of [
    { AutomaticallyAfterDays: 1001 },
    { AutomaticallyAfterDays: 3, ScheduleExpression: 'rate(3 days)' },
    { ScheduleExpression: 'rate(3 hours)' },
    { ScheduleExpression: 'rate(4 hours)', Duration: '5h' },
    { ScheduleExpression: 'cron(5 8 * * ? *)' },
    { ScheduleExpression: 'cron(0 8 * * * *)' },
    { ScheduleExpression: 'cron(0 23 * * ? *)', Duration: '3h' },
    { ScheduleExpression: 'daily' },
  ]) {
    await ask({ RotationLambdaARN, RotationRules }, 'InvalidParameterException');
  }
  assert.equal((await secrets.describeSecret({ SecretId })).RotationEnabled, undefined);
});
