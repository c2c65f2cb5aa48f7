import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command, CredentialSet, Key } from '#domain/domain.ts';
import { toBase64, toUtf8 } from '#encoding/encoding.ts';
import { awsCases } from './testing/aws-cases.ts';
import type { Cases } from './testing/cases.ts';
import { type Answer, Doors } from './testing/doors.ts';
import { byId, byToken, House, refused, textOf } from './testing/house.ts';
import { nativeCases } from './testing/native-cases.ts';
import { transferCases } from './testing/transfer-cases.ts';
import { vaultCases } from './testing/vault-cases.ts';

const b64 = (text: string) => toBase64(toUtf8(text));
const allow = (who: string | readonly string[], Action: string | readonly string[], more: object = {}) => ({
  ...{ Effect: 'Allow', Principal: who === '*' ? '*' : { AWS: who }, Action, Resource: '*' },
  ...more,
});
const deny = (who: string | readonly string[], Action: string | readonly string[], more: object = {}) => ({
  ...allow(who, Action, more),
  Effect: 'Deny',
});
const text = (...Statement: object[]) => JSON.stringify({ Version: '2012-10-17', Statement });
const userArn = (house: House, name: string) => `arn:aws:iam::${house.realm}:user/${name}`;

function put(
  house: House,
  key: Key,
  policy: string,
  more: Partial<Command<'put-key-policy'>> = {},
  who?: CredentialSet,
) {
  const proof = who === undefined ? house.proof : byToken(who);
  return house.perform({ kind: 'put-key-policy', key: byId(key), policy, ...more }, proof);
}

function give(house: House, key: Key, more: Partial<Command<'create-key-grant'>>, who?: CredentialSet) {
  const asked = { kind: 'create-key-grant', key: byId(key), operations: ['Decrypt'], grantee: '', ...more } as const;
  return house.perform(asked, who === undefined ? house.proof : byToken(who));
}

/** What is no operation on a key that is there: no policy of a key has a say in it. */
const keyless: Readonly<Record<string, RegExp>> = {
  'AWS KMS': /^(CreateKey|ListKeys|ListAliases|GenerateRandom|ListRetirableGrants|\w+CustomKeyStores?)$/,
  Vault:
    /^(LIST|GET) transit\/keys$|wrapping_key|\/import$|cache-config|config\/keys|^POST transit\/keys\/:name$|random|hash|token|sys\/|auth\/|\b(secret|kv)\b/,
  native:
    /^(GET|POST) \/(keys|aliases|metrics|realms|regions|identities|grants|roles|providers|tokens|seal|unseal|audit.*)$|^\w+ \/(imports|identities|credentials|grants|roles|providers|tokens|audit|sessions|secrets|seals|shares|root|backups|restored)\b/,
};

const doors: ReadonlyArray<readonly [door: string, cases: Cases]> = [
  ['AWS KMS', awsCases],
  ['Vault', { ...vaultCases, ...transferCases }],
  ['native', nativeCases],
];

const isRefused = ({ status, text: body }: Answer) =>
  status >= 400 && /AccessDenied|permission denied|explicit deny/.test(body);

for (const [door, cases] of doors) {
  test(`${door}: every operation on a key that its policy denies is refused`, async () => {
    const house = await House.open();
    const all = new Doors(house);
    const founder = userArn(house, 'founder');
    let tried = 0;
    for (const [name, ready] of Object.entries(cases)) {
      if (keyless[door]!.test(name)) continue;
      const send = await ready(all);
      // What may be put may be taken back, so that the next case finds keys that it can use.
      const kept = name === 'PutKeyPolicy' ? 'kms:GetKeyPolicy' : 'kms:PutKeyPolicy';
      const denying = text(allow(house.realm, 'kms:*'), deny(founder, [], { Action: undefined, NotAction: kept }));
      for (const { id } of await house.list('key')) {
        const [realm, key] = id.split('/') as [string, string];
        if (realm !== house.realm) continue;
        await put(house, { id: key } as Key, denying, { bypassLockoutCheck: true }).catch(() => {});
      }
      const answer = await send();
      assert.ok(isRefused(answer), `${name} answered ${answer.status}: ${answer.text}`);
      tried++;
    }
    assert.ok(tried > 10, String(tried));
  });
}

test('who is named by the policy alone uses the key through every protocol, until a deny', async () => {
  const house = await House.open();
  const all = new Doors(house);
  const bob = await house.hire('bob');
  const key = await house.key({ name: 'pay' });
  await put(
    house,
    key,
    text(allow(house.realm, 'kms:*'), allow(userArn(house, 'bob'), ['kms:Encrypt', 'kms:Decrypt'])),
  );
  const token = textOf(bob.token);
  const viaAws = await all.aws('Encrypt', { KeyId: key.id, Plaintext: b64('aws') }, bob);
  const viaVault = await all.vault('POST', 'transit/encrypt/pay', { plaintext: b64('vault') }, token);
  const viaNative = await all.native('POST', `/keys/${key.id}/encrypt`, { plaintext: b64('native') }, token);
  for (const answer of [viaAws, viaVault, viaNative]) assert.equal(answer.status, 200, answer.text);
  assert.ok(isRefused(await all.aws('GenerateDataKey', { KeyId: key.id, KeySpec: 'AES_256' }, bob)));

  await put(
    house,
    key,
    text(allow(house.realm, 'kms:*'), allow('*', 'kms:Decrypt'), deny(userArn(house, 'bob'), 'kms:Dec*')),
  );
  await house.perform({
    ...{
      kind: 'create-grant',
      grantee: { kind: 'principal', name: 'bob' },
      role: 'key-user',
      scope: { kind: 'realm' },
    },
  });
  await give(house, key, { grantee: userArn(house, 'bob') });
  const blob = String(viaAws.json.CiphertextBlob);
  const ciphertext = (viaVault.json.data as unknown as { ciphertext: string }).ciphertext;
  assert.ok(isRefused(await all.aws('Decrypt', { CiphertextBlob: blob }, bob)));
  assert.ok(isRefused(await all.vault('POST', 'transit/decrypt/pay', { ciphertext }, token)));
  assert.ok(isRefused(await all.native('POST', '/decrypt', { ciphertext: blob }, token)));
  assert.equal((await all.aws('Decrypt', { CiphertextBlob: blob })).status, 200);
});

test('a policy that would lock out who puts it is refused, unless that is what he asks for', async () => {
  const house = await House.open();
  const key = await house.key();
  const founder = userArn(house, 'founder');
  await house.hire('bob');
  const locking = [
    text(allow(userArn(house, 'bob'), 'kms:*')),
    text(allow(house.realm, ['kms:Encrypt', 'kms:GetKeyPolicy'])),
    text(allow(house.realm, 'kms:*'), deny(founder, 'kms:PutKeyPolicy')),
    text(allow(house.realm, 'kms:*'), deny('*', 'kms:*', { Condition: { Bool: { 'aws:SecureTransport': true } } })),
    text(allow(founder, 'kms:*', { Condition: { IpAddress: { 'aws:SourceIp': '192.0.2.0/24' } } })),
  ];
  for (const policy of locking) await refused('malformed-policy', put(house, key, policy));
  await put(house, key, text(allow(founder, 'kms:PutKeyPolicy')));
  await refused('denied', house.encrypt(key, 'x'));
  await put(house, key, text(allow(founder, 'kms:*'), allow(house.realm, 'kms:*')));
  await house.encrypt(key, 'x');
  await put(house, key, locking[0]!, { bypassLockoutCheck: true });
  await refused('denied', put(house, key, text(allow(house.realm, 'kms:*'))));
});

test('a policy names those only who are there, and says so at its making too', async () => {
  const house = await House.open();
  const key = await house.key();
  const strangers = [
    userArn(house, 'nobody'),
    `arn:aws:iam::${house.realm}:role/founder`,
    'arn:aws:iam::000000000000:root',
  ];
  for (const arn of strangers) {
    const policy = text(allow(house.realm, 'kms:*'), allow(arn, 'kms:Decrypt'));
    await refused('malformed-policy', put(house, key, policy));
    await refused('malformed-policy', house.key({ policy }));
  }
  const made = await house.key({ policy: text(allow(house.realm, 'kms:*'), deny('*', 'kms:Encrypt')) });
  await refused('denied', house.encrypt(made, 'x'));
  const rows = (await house.list('key')).length;
  await refused('malformed-policy', house.key({ policy: text(allow(userArn(house, 'founder'), 'kms:Encrypt')) }));
  assert.equal((await house.list('key')).length, rows);
});

test('a policy outlives a restart, and what the store holds of it can not be changed', async () => {
  const house = await House.open();
  const key = await house.key();
  await put(house, key, text(allow(house.realm, 'kms:*'), deny('*', 'kms:Encrypt')));
  const next = await house.reopen();
  await next.unseal();
  await refused('denied', next.encrypt(key, 'x'));
});

/** A production server with somebody for each duty. */
async function staffed() {
  const house = await House.open({ mode: 'production' });
  const [admin, user, officer] = [
    await house.hire('adam', 'key-administrator'),
    await house.hire('uma', 'key-user'),
    await house.hire('otto', 'security-officer'),
  ];
  const create = { kind: 'create-key', spec: 'aes-256', usages: ['encrypt'], class: 'enveloped' } as const;
  const { key } = await house.perform(create, byToken(admin));
  return { house, admin, user, officer, key, create };
}

test('in production nobody comes to both administer and use a key by its policy', async () => {
  const { house, key, admin, user } = await staffed();
  await house.hire('ned');
  const both = ['kms:Encrypt', 'kms:EnableKey'];
  const [adam, uma, ned] = ['adam', 'uma', 'ned'].map((name) => userArn(house, name)) as [string, string, string];
  const handed = allow(house.realm, 'kms:*');
  for (const statements of [
    [handed, allow(adam, 'kms:Decrypt')],
    [handed, allow(uma, 'kms:ScheduleKeyDeletion')],
    [handed, allow(ned, both)],
    [handed, allow(ned, 'kms:*')],
    [
      handed,
      allow(ned, 'kms:Encrypt'),
      allow([ned], 'kms:TagResource', { Condition: { Bool: { 'kms:MultiRegion': true } } }),
    ],
    [handed, allow(ned, both), deny(ned, 'kms:Encrypt', { Condition: { Bool: { 'kms:MultiRegion': true } } })],
  ]) {
    await refused('separation-of-duties', put(house, key, text(...statements)));
  }
  await refused('grant-to-self', put(house, key, text(handed, allow('*', 'kms:Encrypt'))));
  // Each duty to one, and what is always denied is not held.
  await put(house, key, text(handed, allow(ned, both), deny(ned, 'kms:Encrypt'), allow(uma, 'kms:Decrypt')));
  await house.encrypt(key, 'x', {}, byToken(user));
  await house.perform({ kind: 'disable-key', key: byId(key) }, byToken(admin));
  await house.perform({ kind: 'enable-key', key: byId(key) }, byToken(admin));

  // What a later grant of the realm adds is refused when it is used.
  await put(house, key, text(handed, allow(ned, 'kms:Encrypt')));
  await house.perform({
    ...{ kind: 'create-grant', grantee: { kind: 'principal', name: 'ned' }, role: 'key-administrator' },
    scope: { kind: 'key', id: key.id },
  });
  const nedSet = await house.perform({ kind: 'create-credentials', name: 'ned' });
  await refused('separation-of-duties', house.encrypt(key, 'x', {}, byToken(nedSet)));
  await refused('separation-of-duties', house.perform({ kind: 'disable-key', key: byId(key) }, byToken(nedSet)));
});

test('in production nobody gives rights on a key to himself', async () => {
  const { house, key, officer } = await staffed();
  const founder = userArn(house, 'founder');
  const handed = allow(house.realm, 'kms:*');
  await refused('grant-to-self', put(house, key, text(handed, allow(founder, 'kms:Decrypt'))));
  await refused('grant-to-self', put(house, key, text(handed, allow('*', 'kms:GetPublicKey'))));
  await refused('grant-to-self', give(house, key, { grantee: founder }));
  // What he may do anyhow may be written down.
  await put(house, key, text(allow(founder, ['kms:PutKeyPolicy', 'kms:GetKeyPolicy']), handed));
  // Another officer may, and may take it back; who gained by it may not widen it.
  const narrow = { Condition: { StringEquals: { 'kms:EncryptionContext:a': '1' } } };
  await put(house, key, text(handed, allow(founder, 'kms:Decrypt', narrow)), {}, officer);
  await refused('grant-to-self', put(house, key, text(handed, allow(founder, 'kms:Decrypt'))));
  await put(house, key, text(handed, allow(founder, 'kms:Decrypt', narrow), deny('*', 'kms:Sign')));
  await put(house, key, text(handed, allow(founder, 'kms:Decrypt'), deny(founder, 'kms:Decrypt')), {}, officer);
  await refused('grant-to-self', put(house, key, text(handed, allow(founder, 'kms:Decrypt'))));
});

test('in production nobody gives rights on a key to a role that he may take on', async () => {
  const { house, key, officer } = await staffed();
  const trust = { identities: ['founder', 'uma'], groups: [], providers: [] };
  await house.perform({ kind: 'create-role', name: 'ops', trust }, byToken(officer));
  const role = `arn:aws:iam::${house.realm}:role/ops`;
  const session = `arn:aws:sts::${house.realm}:assumed-role/ops/night`;
  const handed = allow(house.realm, 'kms:*');
  for (const arn of [role, session]) {
    await refused('grant-to-self', give(house, key, { grantee: arn }));
    await give(house, key, { grantee: arn }, officer);
  }
  await refused('grant-to-self', put(house, key, text(handed, allow(role, 'kms:Decrypt'))));
  await refused('separation-of-duties', put(house, key, text(handed, allow(role, 'kms:TagResource')), {}, officer));
});

test('in production only who governs gives rights by policies and grants', async () => {
  const { house, key, admin, user, create } = await staffed();
  const uma = userArn(house, 'uma');
  const policy = text(allow(house.realm, 'kms:*'), allow(uma, 'kms:Decrypt'));
  for (const who of [admin, user]) {
    await refused('denied', put(house, key, policy, {}, who));
    await refused('denied', give(house, key, { grantee: uma }, who));
  }
  await refused('denied', house.perform({ ...create, policy }, byToken(admin)));
  // The default one gives nothing, so that tools which always send it go on working.
  await house.perform({ ...create, policy: text(allow(`arn:aws:iam::${house.realm}:root`, 'kms:*')) }, byToken(admin));
  await refused('separation-of-duties', give(house, key, { grantee: userArn(house, 'adam') }));
  await give(house, key, { grantee: uma });
});

test('a grant is in force at once, is given once, and ends when it is retired or revoked', async () => {
  const house = await House.open();
  const [ann, eve] = [await house.hire('ann'), await house.hire('eve')];
  const key = await house.key();
  const { ciphertext } = await house.encrypt(key, 'secret', { context: { pairs: [['a', '1']] } });
  const open = (who: CredentialSet, pairs: Array<[string, string]> = [['a', '1']]) =>
    house.decrypt(key, ciphertext, { context: { pairs } }, byToken(who));
  await refused('denied', open(ann));
  const rights = {
    ...{ grantee: userArn(house, 'ann'), retiring: userArn(house, 'eve'), name: 'job' },
    constraints: { subset: { a: '1' } },
  };
  const first = await give(house, key, rights);
  assert.equal(await open(ann), 'secret');
  await refused('denied', open(eve));
  const again = await give(house, key, rights);
  assert.equal(again.grant.id, first.grant.id);
  assert.notEqual(again.token, first.token);
  const other = await give(house, key, { ...rights, operations: ['Decrypt', 'Encrypt'] });
  assert.notEqual(other.grant.id, first.grant.id);
  const unnamed = [
    await give(house, key, { grantee: rights.grantee }),
    await give(house, key, { grantee: rights.grantee }),
  ];
  assert.notEqual(unnamed[0]!.grant.id, unnamed[1]!.grant.id);

  const list = (more: object = {}) =>
    house.perform({ kind: 'list-key-grants', key: byId(key), after: '', limit: 100, ...more });
  assert.equal((await list()).grants.length, 4);
  assert.equal((await list({ grantee: userArn(house, 'eve') })).grants.length, 0);
  assert.deepEqual(
    (await list({ grant: other.grant.id })).grants.map(({ id }) => id),
    [other.grant.id],
  );
  await refused('not-found', list({ grant: 'f'.repeat(64) }));
  const pages = [];
  for (let after: string | undefined = ''; after !== undefined; ) {
    const page: Awaited<ReturnType<typeof list>> = await list({ after, limit: 3 });
    pages.push(...page.grants.map(({ id }) => id));
    after = page.next;
  }
  assert.deepEqual(
    pages,
    (await list()).grants.map(({ id }) => id),
  );

  const retirable = {
    kind: 'list-retirable-key-grants',
    retiring: userArn(house, 'eve'),
    after: '',
    limit: 1,
  } as const;
  const one = await house.perform(retirable, byToken(eve));
  assert.ok(one.next !== undefined);
  await refused('denied', house.perform(retirable, byToken(ann)));
  const two = await house.perform({ ...retirable, after: one.next }, byToken(eve));
  assert.deepEqual([...one.grants, ...two.grants].map(({ id }) => id).sort(), [first.grant.id, other.grant.id].sort());

  const retire = (grant: string, who: CredentialSet) =>
    house.perform({ kind: 'retire-key-grant', key: byId(key), grant }, byToken(who));
  await refused('denied', retire(first.grant.id, ann));
  await retire(first.grant.id, eve);
  await refused('denied', retire(first.grant.id, eve));
  for (const { grant } of [other, ...unnamed]) {
    await house.perform({ kind: 'revoke-key-grant', key: byId(key), grant: grant.id });
  }
  await refused('denied', open(ann));
  await refused('not-found', house.perform({ kind: 'revoke-key-grant', key: byId(key), grant: first.grant.id }));
  assert.equal((await house.perform(retirable, byToken(eve))).grants.length, 0);
  assert.equal((await house.list('key-grant')).length, 0);
  const next = await house.reopen();
  await next.unseal();
  await refused('denied', next.decrypt(key, ciphertext, { context: { pairs: [['a', '1']] } }, byToken(ann)));
});

test('grants outlive a restart, and one who may make grants by a grant makes none that is wider', async () => {
  const house = await House.open();
  const ann = await house.hire('ann');
  await house.hire('bob');
  const key = await house.key();
  await give(house, key, { grantee: userArn(house, 'ann'), operations: ['Decrypt', 'CreateGrant'] });
  const next = await house.reopen();
  await next.unseal();
  const bob = userArn(house, 'bob');
  await refused('denied', give(next, key, { grantee: bob, operations: ['Decrypt', 'Encrypt'] }, ann));
  await give(next, key, { grantee: bob, operations: ['Decrypt'] }, ann);
});

test('grants are given on keys that are of use, to those who are there', async () => {
  const house = await House.open();
  await house.hire('ann');
  const grantee = userArn(house, 'ann');
  const key = await house.key();
  const strangers = [
    'ann',
    userArn(house, 'nobody'),
    house.realm,
    `arn:aws:iam::${house.realm}:root`,
    'arn:aws:iam::000000000000:user/ann',
  ];
  for (const arn of strangers) {
    await refused('invalid-parameter', give(house, key, { grantee: arn }));
    await refused('invalid-parameter', give(house, key, { grantee, retiring: arn }));
  }
  await house.perform({ kind: 'disable-key', key: byId(key) });
  await refused('disabled', give(house, key, { grantee }));
  await house.perform({ kind: 'schedule-destruction', key: byId(key), days: 7 });
  await refused('pending-destruction', give(house, key, { grantee }));
  await put(house, key, text(allow(house.realm, 'kms:*'), deny('*', 'kms:Sign')));
});

test('many grants on one key may be given at once', async () => {
  const house = await House.open();
  await house.hire('ann');
  const key = await house.key();
  const given = await Promise.all(
    Array.from({ length: 60 }, () => give(house, key, { grantee: userArn(house, 'ann') })),
  );
  const listed = await house.perform({ kind: 'list-key-grants', key: byId(key), after: '', limit: 100 });
  assert.deepEqual(
    listed.grants.map(({ id }) => id),
    given.map(({ grant }) => grant.id).sort(),
  );
});

test('a key that ends takes its grants along, by hand and by clock', async () => {
  const house = await House.open();
  const eve = await house.hire('eve');
  const [at, due] = [await house.key({ deletionAllowed: true }), await house.key()];
  for (const key of [at, due])
    await give(house, key, { grantee: userArn(house, 'eve'), retiring: userArn(house, 'eve') });
  await house.perform({ kind: 'destroy-key', key: byId(at) });
  await house.perform({ kind: 'schedule-destruction', key: byId(due), days: 7 });
  house.now += 8 * 24 * 3600 * 1000;
  await house.perform({ kind: 'run-schedule' }, { kind: 'system', name: 'schedule' });
  assert.equal((await house.list('key-grant')).length, 0);
  const retirable = {
    kind: 'list-retirable-key-grants',
    retiring: userArn(house, 'eve'),
    after: '',
    limit: 9,
  } as const;
  assert.deepEqual((await house.perform(retirable, byToken(eve))).grants, []);
});

test('a grant token is believed only as this server gave it, while its grant is in force', async () => {
  const house = await House.open();
  await house.hire('ann');
  const [key, other] = [await house.key(), await house.key()];
  const { grant, token } = await give(house, key, { grantee: userArn(house, 'ann') });
  const use = (grantTokens: readonly string[], on = key) => house.encrypt(on, 'x', { grantTokens });
  await use([token]);
  await use([token], other);
  const [claims, mac] = [token.slice(0, -64), token.slice(-64)];
  const forged = `${claims}${mac[0] === '0' ? '1' : '0'}${mac.slice(1)}`;
  const elsewhere = token.replace(key.id, other.id);
  for (const wrong of ['x', forged, elsewhere, claims]) await refused('invalid-grant', use([wrong]));
  await refused('invalid-grant', use([token, forged]));
  await house.perform({ kind: 'revoke-key-grant', key: byId(key), grant: grant.id });
  await refused('invalid-grant', use([token]));
});

test('what is explained of somebody is what he meets', async () => {
  const house = await House.open();
  const ann = await house.hire('ann', 'key-user');
  const key = await house.key();
  const ask = (action: string, more: object = {}) =>
    house.perform({ kind: 'explain-access', key: byId(key), principal: 'ann', action, ...more });
  const by = async (action: string, more: object = {}) => {
    const { allowed, reason } = await ask(action, more);
    return `${allowed} ${reason}`;
  };
  assert.match(await by('encrypt'), /^true Allowed by the grant [0-9a-f-]{36} \(key-user over the whole realm\)\./);
  assert.match(await by('kms:ScheduleKeyDeletion'), /^false No grant/);
  await put(
    house,
    key,
    text(
      allow(house.realm, 'kms:*', { Sid: 'account' }),
      allow(userArn(house, 'ann'), 'kms:DescribeKey', { Sid: 'ann looks' }),
      deny('*', 'kms:Encrypt', { Sid: 'no y', Condition: { StringEquals: { 'kms:EncryptionContext:x': 'y' } } }),
      deny('*', 'kms:Sign', { Condition: { IpAddress: { 'aws:SourceIp': '192.0.2.0/24' } } }),
    ),
  );
  assert.match(await by('DescribeKey'), /^true .*"ann looks"/);
  assert.match(await by('encrypt', { pairs: [['x', 'y']] }), /^false .*explicit deny.*"no y"/);
  assert.match(await by('encrypt', { pairs: [['x', 'z']] }), /^true/);
  assert.match(await by('kms:sign', { source: '192.0.2.9' }), /^false .*number 4/);
  assert.match(await by('kms:sign', { source: '198.51.100.9' }), /^true/);
  await refused('denied', house.encrypt(key, 'x', { context: { pairs: [['x', 'y']] } }, byToken(ann)));
  const { grant } = await give(house, key, { grantee: userArn(house, 'ann'), operations: ['CreateGrant'] });
  assert.match(await by('kms:CreateGrant'), new RegExp(`^true .*${grant.id}`));
  await refused('invalid-parameter', ask('kms:Fly'));
  await refused('invalid-parameter', ask('list-keys'));
  await refused(
    'not-found',
    house.perform({ kind: 'explain-access', key: byId(key), principal: 'who', action: 'encrypt' }),
  );
});

test('a policy that is at fault is told as AWS tells it', async () => {
  const house = await House.open();
  const all = new Doors(house);
  const { id: KeyId } = await house.key();
  const error = async (operation: string, body: object) => {
    const answer = await all.aws(operation, body);
    return (answer.json.__type as string | undefined) ?? answer.text;
  };
  const Policy = text(allow(house.realm, 'kms:*'));
  assert.equal(await error('PutKeyPolicy', { KeyId, Policy: '{' }), 'MalformedPolicyDocumentException');
  assert.equal(await error('PutKeyPolicy', { KeyId, Policy: ' '.repeat(40_000) }), 'LimitExceededException');
  assert.equal(await error('PutKeyPolicy', { KeyId, Policy, PolicyName: 'other' }), 'NotFoundException');
  assert.equal(await error('PutKeyPolicy', { KeyId, Policy, PolicyName: 'default' }), '');
  assert.equal(await error('GetKeyPolicy', { KeyId: 'alias/a' }), 'NotFoundException');
  const grantee = { GranteePrincipal: userArn(house, 'nobody'), Operations: ['Decrypt'] };
  assert.equal(await error('CreateGrant', { KeyId, ...grantee }), 'InvalidArnException');
  assert.equal(await error('CreateGrant', { KeyId, ...grantee, Operations: ['Fly'] }), 'ValidationException');
  assert.equal(await error('RevokeGrant', { KeyId, GrantId: 'x' }), 'InvalidGrantIdException');
  assert.equal(await error('RevokeGrant', { KeyId, GrantId: '0'.repeat(64) }), 'NotFoundException');
  assert.equal(await error('RetireGrant', { GrantToken: 'x' }), 'InvalidGrantTokenException');
  assert.equal(await error('DescribeKey', { KeyId, GrantTokens: ['x'] }), 'InvalidGrantTokenException');
  assert.equal(await error('ListGrants', { KeyId, Marker: '?' }), 'InvalidMarkerException');
  const first = await all.aws('GetKeyPolicy', { KeyId });
  assert.equal(first.json.Policy, Policy);
});
