import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as sdk from '@aws-sdk/client-kms';
import { serverOfThisFile } from '../../harness.ts';
import { kmsClient, raw } from './clients.ts';

/** Official clients in ways that are legal and rare. */

const { server, env } = await serverOfThisFile();
const kms = kmsClient(env);

const data = Buffer.from('message');
const create = async (ask: sdk.CreateKeyCommandInput = {}) => (await kms.createKey(ask)).KeyMetadata!.Arn!;

test('paginators of the SDK walk every list to its end, whatever the size of a page', async () => {
  const KeyId = await create({ Tags: Array.from({ length: 7 }, (_, i) => ({ TagKey: `t${i}`, TagValue: `${i}` })) });
  for (let i = 0; i < 5; i++) await kms.createAlias({ AliasName: `alias/page/${i}`, TargetKeyId: KeyId });
  for (let i = 0; i < 4; i++) await kms.rotateKeyOnDemand({ KeyId });
  const all = (await kms.listKeys({ Limit: 1000 })).Keys!.map(({ KeyArn }) => KeyArn);
  for (const pageSize of [1, 2, 3, 1000]) {
    const walk = { client: kms, pageSize };
    const keys: unknown[] = [];
    for await (const page of sdk.paginateListKeys(walk, {})) keys.push(...page.Keys!.map(({ KeyArn }) => KeyArn));
    assert.deepEqual(keys, all);
    const aliases: unknown[] = [];
    for await (const page of sdk.paginateListAliases({ client: kms, pageSize: Math.min(pageSize, 100) }, { KeyId })) {
      aliases.push(...page.Aliases!.map(({ AliasName }) => AliasName));
    }
    assert.deepEqual(
      aliases,
      [0, 1, 2, 3, 4].map((i) => `alias/page/${i}`),
    );
    const tags: unknown[] = [];
    for await (const page of sdk.paginateListResourceTags(
      { client: kms, pageSize: Math.min(pageSize, 50) },
      { KeyId },
    )) {
      tags.push(...page.Tags!.map(({ TagValue }) => TagValue));
    }
    assert.deepEqual(tags, ['0', '1', '2', '3', '4', '5', '6']);
    const rotations: unknown[] = [];
    for await (const page of sdk.paginateListKeyRotations(walk, { KeyId })) rotations.push(...page.Rotations!);
    assert.equal(rotations.length, 4);
  }
});

test('the SDK speaks HTTP/2 where it is told to, and signs :authority', async () => {
  // The HTTP/2 handler takes no authority of its own, so the whole program must trust the server's.
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [fileURLToPath(new URL('./http2-client.mjs', import.meta.url))],
    { env: { ...process.env, ...env } },
  );
  assert.match(stdout, /^hello over h2$/m);
});

test('a page that was made of a list which changed goes on where it ended', async () => {
  const KeyId = await create();
  for (const name of ['a', 'c', 'd']) await kms.createAlias({ AliasName: `alias/turn/${name}`, TargetKeyId: KeyId });
  const first = await kms.listAliases({ KeyId, Limit: 2 });
  await kms.deleteAlias({ AliasName: 'alias/turn/c' });
  await kms.createAlias({ AliasName: 'alias/turn/b', TargetKeyId: KeyId });
  const rest = await kms.listAliases({ KeyId, Limit: 2, Marker: first.NextMarker! });
  assert.deepEqual(
    rest.Aliases!.map(({ AliasName }) => AliasName),
    ['alias/turn/d'],
  );
  assert.equal(rest.Truncated, false);
});

test('a key goes by its id, its ARN, its alias and its alias ARN, in every place that takes one', async () => {
  const arn = await create();
  await kms.createAlias({ AliasName: 'alias/four/ways', TargetKeyId: arn });
  const ways = [arn, arn.split('/')[1]!, 'alias/four/ways', arn.replace(/key\/.*/, 'alias/four/ways')];
  for (const KeyId of ways) {
    const { CiphertextBlob, KeyId: used } = await kms.encrypt({ KeyId, Plaintext: data });
    assert.equal(used, arn);
    for (const source of ways) {
      const opened = await kms.decrypt({ KeyId: source, CiphertextBlob: CiphertextBlob! });
      assert.deepEqual(Buffer.from(opened.Plaintext!), data);
      const moved = await kms.reEncrypt({
        SourceKeyId: source,
        DestinationKeyId: KeyId,
        CiphertextBlob: CiphertextBlob!,
        DestinationEncryptionContext: { way: source },
      });
      assert.deepEqual([moved.SourceKeyId, moved.KeyId], [arn, arn]);
    }
    assert.equal((await kms.describeKey({ KeyId })).KeyMetadata!.Arn, arn);
  }
});

test('many calls of one client at once, more than it has sockets for, are each answered with their own', async () => {
  const KeyId = await create();
  const texts = Array.from({ length: 200 }, (_, i) => Buffer.from(`message ${i}`));
  const opened = await Promise.all(
    texts.map(async (Plaintext) => {
      const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext });
      return Buffer.from((await kms.decrypt({ CiphertextBlob: CiphertextBlob! })).Plaintext!);
    }),
  );
  assert.deepEqual(opened, texts);
});

test('two equal calls of one client at once both succeed', async () => {
  const made = await Promise.all(Array.from({ length: 6 }, () => create({ Description: 'equal' })));
  assert.equal(new Set(made).size, 6);
});

test('a context holds any text, in any order', async () => {
  const KeyId = await create();
  const pairs = [
    ['ключ', 'значение'],
    ['🔑', ''],
    ['a', 'b=c&d'],
    ['__proto__', 'x'],
    ['A', '\u0000'],
  ] as const;
  const context = (entries: Iterable<readonly [string, string]>) => {
    const map: Record<string, string> = Object.create(null);
    for (const [name, value] of entries) map[name] = value;
    return map;
  };
  const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext: data, EncryptionContext: context(pairs) });
  const opened = await kms.decrypt({
    CiphertextBlob: CiphertextBlob!,
    EncryptionContext: context([...pairs].reverse()),
  });
  assert.deepEqual(Buffer.from(opened.Plaintext!), data);
  await assert.rejects(
    kms.decrypt({ CiphertextBlob: CiphertextBlob!, EncryptionContext: context(pairs.slice(1)) }),
    sdk.InvalidCiphertextException,
  );
});

test('data keys are protected by symmetric keys only', async () => {
  const rsa = await create({ KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' });
  const ask = { KeyId: rsa, KeySpec: 'AES_256' } as const;
  await assert.rejects(kms.generateDataKey(ask), sdk.InvalidKeyUsageException);
  await assert.rejects(kms.generateDataKeyWithoutPlaintext(ask), sdk.InvalidKeyUsageException);
  await assert.rejects(
    kms.generateDataKeyPair({ KeyId: rsa, KeyPairSpec: 'ECC_NIST_P256' }),
    sdk.InvalidKeyUsageException,
  );
});

test('an access key past its end is ExpiredTokenException', async () => {
  await server.claviger('identity', 'create', 'guest', '--role', 'key-user', '--ttl', '2s');
  const guest = kmsClient(await server.env('guest'), { maxAttempts: 1 });
  await guest.encrypt({ KeyId: 'alias/first', Plaintext: data });
  await new Promise((resolve) => setTimeout(resolve, 2100));
  await assert.rejects(guest.encrypt({ KeyId: 'alias/first', Plaintext: data }), (error: Error) => {
    assert.equal(error.name, 'ExpiredTokenException');
    assert.match(error.message, /security token included in the request is expired/);
    return true;
  });
  guest.destroy();
});

test('a body that is too large is recorded as that, with nobody as its sender', async () => {
  const headers = {
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': 'TrentService.Encrypt',
    'x-amz-user-agent': randomUUID(),
    authorization: `AWS4-HMAC-SHA256 Credential=${env.AWS_ACCESS_KEY_ID}/20260101/eu/kms/aws4_request, SignedHeaders=host, Signature=${'0'.repeat(64)}`,
  };
  const answer = await raw(env, headers, JSON.stringify({ KeyId: 'x', Plaintext: 'A'.repeat(300_000) }));
  assert.equal(answer.status, 413);
  assert.equal(JSON.parse(answer.body).__type, 'RequestEntityTooLargeException');
  const id = answer.headers['x-amzn-requestid'];
  const { stdout } = await server.claviger('audit', 'tail', '--lines', '50', '--json');
  const found = JSON.stringify(JSON.parse(stdout)).match(new RegExp(`\\{[^{}]*"requestId":"${id}"[^{}]*\\}`))?.[0];
  const { outcome, principal, action } = JSON.parse(found ?? assert.fail('the refusal is recorded'));
  assert.deepEqual([outcome, principal, action], ['too-large', '', 'encrypt']);
});
