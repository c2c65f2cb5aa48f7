/** A server that is unsealed by a key of another one, through the doors that AWS' and Vault's clients take. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import {
  CancelKeyDeletionCommand,
  CreateAliasCommand,
  CreateKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  KMSClient,
  RotateKeyOnDemandCommand,
  ScheduleKeyDeletionCommand,
} from '@aws-sdk/client-kms';
import { KmsError, SecretBytes } from '../../src/domain/domain.ts';
import type { SealKind } from '../../src/seal/contract.ts';
import { sealKinds } from '../../src/seal/seal.ts';
import { sealContract } from '../../src/seal/testing/contract-suite.ts';
import { serverOfThisFile } from '../harness.ts';
import { relayTo } from '../relay.ts';
import { caller } from './place.ts';

const { server, env } = await serverOfThisFile();
const relay = await relayTo(Number(new URL(server.url).port));
after(() => relay.close());
const address = `https://127.0.0.1:${relay.port}`;

for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_REGION']) process.env[name] = env[name];
const caFile = `${server.data}/tls/ca.pem`;
const client = new KMSClient({
  endpoint: server.url,
  region: env.AWS_REGION!,
  requestHandler: { httpsAgent: { ca: readFileSync(caFile) } },
});
after(() => client.destroy());
const vault = caller(server.url, server.data);
after(() => vault.close());
let token = env.VAULT_TOKEN!;
const ask = (method: string, path: string) => vault.send(method, `/v1/${path}`, undefined, { 'x-vault-token': token });

const bytes = Buffer.alloc(96, 7);
const refusal = (code: string, words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof KmsError && error.code === code, String(error));
  assert.match(error.message, words);
  return true;
};

const kinds = sealKinds({ vaultToken: () => token });
const kindOf = (name: string): SealKind => kinds.find(({ kind }) => kind === name)!;
const unreachable = async (during: () => Promise<void>) => {
  relay.cut();
  try {
    await during();
  } finally {
    relay.mend();
  }
};

/** Its ARN. */
async function awsKey(alias: string): Promise<string> {
  const { KeyMetadata } = await client.send(new CreateKeyCommand({}));
  await client.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: KeyMetadata!.KeyId! }));
  return KeyMetadata!.Arn!;
}
const transitKey = (name: string) => ask('POST', `transit/keys/${name}`);

await awsKey('alias/contract');
const otherArn = await awsKey('alias/other');
await transitKey('contract-transit');
await transitKey('other-transit');
const gone = (arn: string) => arn.replace(/[^/]*$/, '00000000-0000-4000-8000-000000000000');
const awsSettings = (key: string) => ({ key, region: env.AWS_REGION!, endpoint: address, caFile });
const transitSettings = (key: string) => ({ address, key, caFile });

sealContract('aws-kms by another Claviger', () => ({
  kind: kindOf('aws-kms'),
  settings: () => awsSettings('alias/contract'),
  unreachable,
  flipEvery: 5,
  tampered: (pinned) => [
    { what: 'another key', settings: { ...pinned, keyArn: otherArn } },
    { what: 'a key that is not there', settings: { ...pinned, keyArn: gone(otherArn) } },
    { what: 'another binding', settings: { ...pinned, binding: '0'.repeat(32) } },
  ],
}));

sealContract('vault-transit by another Claviger', () => ({
  kind: kindOf('vault-transit'),
  settings: () => transitSettings('contract-transit'),
  unreachable,
  tampered: (pinned) => [
    { what: 'another key', settings: { ...pinned, key: 'other-transit' } },
    { what: 'a key that is not there', settings: { ...pinned, key: 'nobody' } },
    { what: 'another binding', settings: { ...pinned, binding: '0'.repeat(32) } },
  ],
}));

test('both say so where a certificate is of nobody that they believe', async () => {
  for (const [name, given] of [
    ['aws-kms', awsSettings('alias/contract')],
    ['vault-transit', transitSettings('contract-transit')],
  ] as const) {
    const { caFile: _, ...unbelieving } = given;
    const kind = kindOf(name);
    await assert.rejects(
      async () => await kind.create(kind.settings(unbelieving), undefined),
      refusal('unavailable', /certificate that is not believed .*"caFile"/),
    );
  }
});

/** A seal that was closed. */
async function kept(kind: SealKind, given: Record<string, string>) {
  const { settings, seal } = await kind.create(kind.settings(given), undefined);
  using own = SecretBytes.copyOf(bytes);
  const wrapped = await seal.wrap(own);
  await seal.close();
  return {
    settings,
    async opens(by = kind): Promise<void> {
      const again = await by.open(settings, undefined);
      try {
        using back = await again.unwrap(wrapped);
        assert.deepEqual(Buffer.from(back.expose()), bytes);
      } finally {
        await again.close();
      }
    },
  };
}

test('aws-kms waits while its key is disabled, or to be deleted, and opens when it is back', async () => {
  const KeyId = await awsKey('alias/disabled');
  const seal = await kept(kindOf('aws-kms'), awsSettings('alias/disabled'));
  await client.send(new DisableKeyCommand({ KeyId }));
  await assert.rejects(seal.opens(), refusal('unavailable', /the key is disabled: enable it/));
  await client.send(new EnableKeyCommand({ KeyId }));
  await seal.opens();
  await client.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 }));
  await assert.rejects(seal.opens(), refusal('unavailable', /cancel its deletion/));
  await client.send(new CancelKeyDeletionCommand({ KeyId }));
  await client.send(new EnableKeyCommand({ KeyId }));
  await seal.opens();
});

test('aws-kms opens what it wrapped before its key was rotated', async () => {
  const KeyId = await awsKey('alias/rotated');
  const seal = await kept(kindOf('aws-kms'), awsSettings('alias/rotated'));
  await client.send(new RotateKeyOnDemandCommand({ KeyId }));
  await seal.opens();
});

test('aws-kms refuses a key that is no symmetric one for encryption', async () => {
  const kind = kindOf('aws-kms');
  for (const spec of [
    { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' },
    { KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' },
  ] as const) {
    const { KeyMetadata } = await client.send(new CreateKeyCommand(spec));
    const settings = kind.settings(awsSettings(KeyMetadata!.KeyId!));
    await assert.rejects(async () => await kind.create(settings, undefined), refusal('invalid-parameter', /symmetric/));
  }
});

test('aws-kms tells a credential that is refused, and never says it', async () => {
  const seal = await kept(kindOf('aws-kms'), awsSettings('alias/contract'));
  const right = process.env.AWS_SECRET_ACCESS_KEY!;
  for (const [name, value] of [
    ['AWS_SECRET_ACCESS_KEY', 'not this one, by no means'],
    ['AWS_ACCESS_KEY_ID', 'AKIAIOSFODNN7EXAMPLE'],
  ] as const) {
    const before = process.env[name];
    process.env[name] = value;
    try {
      await assert.rejects(seal.opens(), (error) => {
        const { message } = error as Error;
        assert.ok(!message.includes(value) && !message.includes(right), message);
        return refusal('unavailable', /the credential is refused/)(error);
      });
    } finally {
      process.env[name] = before;
    }
  }
  await seal.opens();
});

test('both wait while access is denied, and open when it is granted again', async () => {
  const seals = [
    await kept(kindOf('aws-kms'), awsSettings('alias/contract')),
    await kept(kindOf('vault-transit'), transitSettings('contract-transit')),
  ];
  const claviger = async (...args: string[]) => JSON.parse((await server.claviger(...args, '--json')).stdout);
  const made = await claviger('identity', 'create', 'sealed');
  const developer = { id: process.env.AWS_ACCESS_KEY_ID!, secret: process.env.AWS_SECRET_ACCESS_KEY!, token };
  const become = (who: typeof developer) => {
    process.env.AWS_ACCESS_KEY_ID = who.id;
    process.env.AWS_SECRET_ACCESS_KEY = who.secret;
    token = who.token;
  };
  become({ id: made.accessKeyId, secret: made.secretAccessKey, token: made.token });
  try {
    await assert.rejects(seals[0]!.opens(), refusal('unavailable', /access is denied: allow kms:Encrypt/));
    await assert.rejects(seals[1]!.opens(), refusal('unavailable', /the token is refused \(403\)/));
    await claviger('grant', 'create', 'sealed', '--role', 'key-user');
    for (const seal of seals) await seal.opens();
  } finally {
    become(developer);
  }
});

test('vault-transit makes no key there either', async () => {
  const kind = kindOf('vault-transit');
  await assert.rejects(
    async () => await kind.create(kind.settings(transitSettings('nobody')), undefined),
    refusal('not-found', /not there/),
  );
  assert.equal((await ask('GET', 'transit/keys/nobody')).status, 404);
});
