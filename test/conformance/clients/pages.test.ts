import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as kms from '@aws-sdk/client-kms';
import * as secretsManager from '@aws-sdk/client-secrets-manager';
import { kmsClient } from '../aws-kms/clients.ts';
import { secretsClient } from '../aws-secrets-manager/clients.ts';
import type { Fields } from './clients.ts';
import { type Place, startPlace } from './place.ts';

/** Every list in pages of every size: the same entries in the same order, none twice, and markers exactly where more comes. */

let place: Place;
let client: kms.KMS;
let secrets: secretsManager.SecretsManager;
let key: string;
let secret: string;
const count = 7;

before(async () => {
  place = await startPlace();
  const env = await place.server.env();
  client = kmsClient(env);
  secrets = secretsClient(env);
  const made = await client.createKey({});
  key = made.KeyMetadata!.Arn!;
  const GranteePrincipal = `arn:aws:iam::${made.KeyMetadata!.AWSAccountId}:user/developer`;
  secret = (await secrets.createSecret({ Name: 'pages', SecretString: '0' })).ARN!;
  for (let i = 0; i < count; i++) {
    await client.createKey({});
    await client.createAlias({ AliasName: `alias/page-${i}`, TargetKeyId: key });
    await client.tagResource({ KeyId: key, Tags: [{ TagKey: `tag-${i}`, TagValue: '' }] });
    await client.rotateKeyOnDemand({ KeyId: key });
    await client.createGrant({
      KeyId: key,
      GranteePrincipal,
      RetiringPrincipal: GranteePrincipal,
      Operations: ['Encrypt'],
    });
    await secrets.createSecret({ Name: `pages-${i}`, SecretString: `${i}` });
    await secrets.putSecretValue({ SecretId: secret, SecretString: `${i}`, VersionStages: [`stage-${i}`] });
  }
});

after(async () => {
  client?.destroy();
  secrets?.destroy();
  await place?.server.stop();
});

interface Paged {
  readonly ask: (page: Fields) => Promise<Fields>;
  readonly entries: string;
  readonly atLeast: number;
  /** The largest page. */
  readonly most: number;
  readonly paginate: (pageSize: number) => AsyncIterable<Fields>;
  readonly more?: 'NextToken';
}

const grantee = async () => (await client.listGrants({ KeyId: key })).Grants![0]!.GranteePrincipal!;

const lists: Readonly<Record<string, Paged>> = {
  ListKeys: {
    ...{ ask: (page) => client.listKeys(page), entries: 'Keys', atLeast: count, most: 1000 },
    paginate: (pageSize) => kms.paginateListKeys({ client, pageSize }, {}),
  },
  ListAliases: {
    ...{ ask: (page) => client.listAliases(page), entries: 'Aliases', atLeast: count, most: 100 },
    paginate: (pageSize) => kms.paginateListAliases({ client, pageSize }, {}),
  },
  'ListAliases of a key': {
    ...{ ask: (page) => client.listAliases({ KeyId: key, ...page }), entries: 'Aliases', atLeast: count, most: 100 },
    paginate: (pageSize) => kms.paginateListAliases({ client, pageSize }, { KeyId: key }),
  },
  ListResourceTags: {
    ...{ ask: (page) => client.listResourceTags({ KeyId: key, ...page }), entries: 'Tags', atLeast: count, most: 50 },
    paginate: (pageSize) => kms.paginateListResourceTags({ client, pageSize }, { KeyId: key }),
  },
  ListKeyRotations: {
    ask: (page) => client.listKeyRotations({ KeyId: key, ...page }),
    ...{ entries: 'Rotations', atLeast: count, most: 1000 },
    paginate: (pageSize) => kms.paginateListKeyRotations({ client, pageSize }, { KeyId: key }),
  },
  ListGrants: {
    ...{ ask: (page) => client.listGrants({ KeyId: key, ...page }), entries: 'Grants', atLeast: count, most: 100 },
    paginate: (pageSize) => kms.paginateListGrants({ client, pageSize }, { KeyId: key }),
  },
  ListRetirableGrants: {
    ask: async (page) => client.listRetirableGrants({ RetiringPrincipal: await grantee(), ...page }),
    ...{ entries: 'Grants', atLeast: count, most: 100 },
    async *paginate(pageSize) {
      yield* kms.paginateListRetirableGrants({ client, pageSize }, { RetiringPrincipal: await grantee() });
    },
  },
  ListKeyPolicies: {
    ask: (page) => client.listKeyPolicies({ KeyId: key, ...page }),
    ...{ entries: 'PolicyNames', atLeast: 1, most: 1000 },
    paginate: (pageSize) => kms.paginateListKeyPolicies({ client, pageSize }, { KeyId: key }),
  },
  ListSecrets: {
    ask: ({ Limit, Marker }) => secrets.listSecrets({ MaxResults: Limit, NextToken: Marker }),
    ...{ entries: 'SecretList', atLeast: count, most: 100, more: 'NextToken' },
    paginate: (pageSize) => secretsManager.paginateListSecrets({ client: secrets, pageSize }, {}),
  },
  ListSecretVersionIds: {
    ask: ({ Limit, Marker }) =>
      secrets.listSecretVersionIds({ SecretId: secret, MaxResults: Limit, NextToken: Marker }),
    ...{ entries: 'Versions', atLeast: count, most: 100, more: 'NextToken' },
    paginate: (pageSize) =>
      secretsManager.paginateListSecretVersionIds({ client: secrets, pageSize }, { SecretId: secret }),
  },
};

for (const [name, { ask, entries, atLeast, most, more, paginate }] of Object.entries(lists)) {
  test(`${name} is the same in pages of every size`, async () => {
    const whole: unknown[] = (await ask({ Limit: most }))[entries];
    assert.ok(whole.length >= atLeast, `${whole.length}`);
    for (const Limit of [...Array(whole.length + 1).keys()].map((i) => i + 1)) {
      const all: unknown[] = [];
      for (let Marker: string | undefined; ; ) {
        const page = await ask({ Limit, ...(Marker !== undefined && { Marker }) });
        assert.ok(page[entries].length <= Limit);
        all.push(...page[entries]);
        const next = more === undefined ? page.NextMarker : page[more];
        if (more === undefined) assert.equal(page.Truncated ?? false, next !== undefined);
        if (next === undefined) break;
        // A marker means that something comes: no page after it is empty.
        assert.equal(page[entries].length, Limit);
        assert.ok(all.length < whole.length, 'a marker leads to nothing');
        Marker = next;
      }
      assert.deepEqual(all, whole, `pages of ${Limit}`);
    }
  });

  test(`${name} is paged by the paginator of the SDK`, async () => {
    const whole = (await ask({ Limit: most }))[entries];
    const all: unknown[] = [];
    for await (const page of paginate(2)) all.push(...page[entries]);
    assert.deepEqual(all, whole);
  });

  test(`${name} refuses pages of no size and of too large a one, and markers that nobody gave`, async () => {
    const invalid = (error: Error) => /^(?:Validation|InvalidParameter)Exception$/.test(error.name);
    await assert.rejects(ask({ Limit: 0 }), invalid);
    await assert.rejects(ask({ Limit: more === undefined ? 1001 : most + 1 }), invalid);
    for (const Marker of ['!', '%00', 'a'.repeat(200)])
      await assert.rejects(
        ask({ Marker }),
        { name: more === undefined ? 'InvalidMarkerException' : 'InvalidNextTokenException' },
        Marker,
      );
  });
}
