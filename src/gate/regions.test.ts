import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CredentialSet, Key } from '#domain/domain.ts';
import { Doors, signed } from './testing/doors.ts';
import { byId, byName, byToken, House, plain, refused, textOf } from './testing/house.ts';

const europe = 'eu-west-1';

async function withEurope(mode: 'development' | 'production' = 'development') {
  const house = await House.open({ mode });
  await house.perform({ kind: 'create-region', name: 'europe', region: europe });
  return { house, doors: new Doors(house) };
}

/** One call of AWS KMS, signed for a region. */
async function aws(doors: Doors, region: string, operation: string, body: object, who?: CredentialSet) {
  const { house } = doors;
  const answer = await doors.send(signed(who ?? house.first, operation, JSON.stringify(body), house.now, [], region));
  return { ...answer, json: answer.json as Record<string, unknown> };
}

const there = (who: CredentialSet) => ({ kind: 'token', token: textOf(who.token), region: europe }) as const;

const replicate = async (house: House, key: Key, proof = house.proof) =>
  (await house.perform({ kind: 'replicate-key', key: byId(key), region: europe }, proof)).key;

describe('the realm of a request', () => {
  test('is the region that its signature names, where the account has it', async () => {
    const { house, doors } = await withEurope();
    const made = (await aws(doors, europe, 'CreateKey', {})).json.KeyMetadata as { KeyId: string; Arn: string };
    assert.equal(made.Arn, `arn:aws:kms:${europe}:${house.realm}:key/${made.KeyId}`);
    assert.equal((await house.entries()).at(-1)!.realm, `${house.realm}.${europe}`);
    assert.equal((await aws(doors, europe, 'DescribeKey', { KeyId: made.Arn })).status, 200);
    for (const region of ['eu-central-1', 'sa-east-1']) {
      assert.equal((await aws(doors, region, 'DescribeKey', { KeyId: made.KeyId })).json.__type, 'NotFoundException');
    }
  });

  test('is the new region from the first request after it was made', async () => {
    const house = await House.open();
    const doors = new Doors(house);
    const arn = async () => ((await aws(doors, europe, 'CreateKey', {})).json.KeyMetadata as { Arn: string }).Arn;
    assert.match(await arn(), /:eu-central-1:/);
    await house.perform({ kind: 'create-region', name: 'europe', region: europe });
    assert.match(await arn(), /:eu-west-1:/);
  });

  test('is the one that a token names beside it, which has to be there', async () => {
    const { house } = await withEurope();
    const command = { kind: 'create-key', spec: 'aes-256', usages: ['encrypt'], class: 'enveloped' } as const;
    assert.equal((await house.perform(command, there(house.first))).key.realm, `${house.realm}.${europe}`);
    await refused('not-found', house.perform(command, { ...there(house.first), region: 'sa-east-1' }));
    await refused('not-found', house.perform(command, { ...there(house.first), region: 'constructor' }));
    const home = { ...there(house.first), region: 'eu-central-1' };
    assert.equal((await house.perform(command, home)).key.realm, house.realm);
  });

  test("is never a region of somebody else's account", async () => {
    const { house, doors } = await withEurope();
    await house.perform({ kind: 'create-realm', name: 'other' });
    const stranger = await house.hire('stranger', 'developer', { realm: 'other' });
    const made = (await aws(doors, europe, 'CreateKey', {}, stranger)).json.KeyMetadata as { Arn: string };
    assert.equal(made.Arn.split(':').slice(3, 5).join(), `eu-central-1,${stranger.account}`);
  });
});

describe('a region', () => {
  test('is made by an officer of the account, once, with a name that the account has not used', async () => {
    const { house } = await withEurope();
    const make = (name: string, region: string, proof = house.proof) =>
      house.perform({ kind: 'create-region', name, region }, proof);
    await refused('already-exists', make('again', europe));
    await refused('already-exists', make('home', 'eu-central-1'));
    await refused('already-exists', make('EUROPE', 'ap-south-1'));
    await refused('already-exists', make('main', 'ap-south-1'));
    for (const region of ['europe', 'eu-west-1/x', '../x-1', 'EU-WEST-1', '']) {
      await refused('invalid-parameter', make('odd', region));
    }
    await refused('denied', make('mine', 'ap-south-1', byToken(await house.hire('user', 'key-user'))));
    await house.perform({ kind: 'create-realm', name: 'other' });
    const officer = byToken(await house.hire('officer', 'security-officer', { realm: 'other' }));
    await make('europe', europe, officer);
    const { realms } = await house.perform({ kind: 'list-realms', after: '', limit: 10 }, officer);
    assert.deepEqual(
      realms.map(({ name, region }) => `${name} ${region}`),
      ['other eu-central-1', 'europe eu-west-1'],
    );
  });

  test('is listed page by page like any realm', async () => {
    const { house } = await withEurope();
    await house.perform({ kind: 'create-region', name: 'asia', region: 'ap-south-1' });
    const seen: string[] = [];
    for (let after: string | undefined = ''; after !== undefined; ) {
      const page: { realms: ReadonlyArray<{ region: string }>; next?: string } = await house.perform({
        ...{ kind: 'list-realms', after, limit: 1 },
      });
      seen.push(...page.realms.map(({ region }) => region));
      after = page.next;
    }
    assert.deepEqual(seen, ['eu-central-1', 'ap-south-1', europe]);
  });

  test('knows the people, groups and grants of the account', async () => {
    const { house } = await withEurope('production');
    const keeper = await house.hire('keeper', 'key-administrator');
    const user = await house.hire('user', 'key-user');
    const { key } = await house.perform(
      { kind: 'create-key', spec: 'aes-256', usages: ['encrypt'], class: 'enveloped', name: 'there' },
      there(keeper),
    );
    const use = {
      kind: 'encrypt',
      key: byName('there'),
      plaintext: plain('x'),
      context: {},
      scheme: 'natural',
    } as const;
    assert.equal((await house.perform(use, there(user))).realm, key.realm);
    await refused('denied', house.perform(use, there(keeper)));
    await refused('alias-not-found', house.perform(use, byToken(user)));
    await house.perform({ kind: 'disable-identity', name: 'user' }, there(house.first));
    await refused('invalid-proof', house.perform(use, there(user)));
  });

  test('gives grants to the account, whichever region they were asked in', async () => {
    const { house } = await withEurope('production');
    await house.hire('temp');
    const command = {
      grantee: { kind: 'principal', name: 'temp' },
      role: 'auditor',
      scope: { kind: 'realm' },
    } as const;
    const { grant } = await house.perform({ kind: 'create-grant', ...command }, there(house.first));
    assert.equal(grant.realm, house.realm);
    await refused(
      'grant-to-self',
      house.perform(
        { kind: 'create-grant', ...command, grantee: { kind: 'principal', name: 'founder' } },
        there(house.first),
      ),
    );
  });
});

describe('keys of several regions', () => {
  test('need the right to make keys to be replicated', async () => {
    const { house } = await withEurope('production');
    const keeper = await house.hire('keeper', 'key-administrator');
    const narrow = await house.hire('narrow');
    const { key } = await house.perform(
      {
        ...{ kind: 'create-key', spec: 'aes-256', usages: ['encrypt'], class: 'enveloped', name: 'orders' },
        multiRegion: true,
      },
      byToken(keeper),
    );
    await house.perform({
      kind: 'create-grant',
      grantee: { kind: 'principal', name: 'narrow' },
      role: 'key-administrator',
      scope: { kind: 'names', pattern: 'orders' },
    });
    await refused('denied', replicate(house, key, byToken(narrow)));
    await replicate(house, key, byToken(keeper));
    // The replica has no name, so the narrow grant doesn't reach it, and the primary's part stays where it is.
    const promote = { kind: 'update-primary-region', key: byId(key), region: europe } as const;
    await refused('denied', house.perform(promote, byToken(narrow)));
    await house.perform(promote, byToken(keeper));
  });

  test('go to regions of the account only', async () => {
    const { house } = await withEurope();
    const key = await house.key({ multiRegion: true });
    const to = (region: string) => house.perform({ kind: 'replicate-key', key: byId(key), region });
    await refused('unsupported', to('ap-south-1'));
    await refused('unsupported', to('__proto__'));
    await refused('already-exists', to('eu-central-1'));
  });

  test('stay in step when everything happens at once', async () => {
    const { house } = await withEurope();
    await house.perform({ kind: 'create-region', name: 'asia', region: 'ap-south-1' });
    const key = await house.key({ multiRegion: true });
    const rotate = () => house.perform({ kind: 'rotate-key', key: byId(key) });
    const replicateTo = (region: string) => house.perform({ kind: 'replicate-key', key: byId(key), region });
    await Promise.all([rotate(), replicateTo(europe), rotate(), replicateTo('ap-south-1'), rotate()]);
    const found = await Promise.all(
      ['', `.${europe}`, '.ap-south-1'].map((suffix) =>
        house.gate.core.rooms.keyring.find(house.realm + suffix, byId(key)),
      ),
    );
    assert.deepEqual(
      found.map((one) => one?.current.version),
      [4, 4, 4],
    );
    for (const one of found) assert.deepEqual(one?.multiRegion, found[0]?.multiRegion);
  });

  test('end by the clock, replica first, each by a line of its own', async () => {
    const { house } = await withEurope();
    const key = await house.key({ multiRegion: true });
    await replicate(house, key);
    await house.perform({ kind: 'schedule-destruction', key: byId(key), days: 7 });
    await house.perform({ kind: 'schedule-destruction', key: byId(key), days: 7 }, there(house.first));
    const run = () => house.perform({ kind: 'run-schedule' }, { kind: 'system', name: 'schedule' });
    house.now += 8 * 86_400_000;
    assert.equal((await run()).destroyed, 1);
    assert.equal((await run()).destroyed, 0);
    house.now += 7 * 86_400_000;
    assert.equal((await run()).destroyed, 1);
    const lines = (await house.entries()).filter(({ action }) => action === 'destroy-key');
    assert.deepEqual(
      lines.map(({ realm, outcome }) => [realm, outcome]),
      [
        [`${house.realm}.${europe}`, 'ok'],
        [house.realm, 'ok'],
      ],
    );
  });

  test('come back without the grants and the policy that an earlier replica carried', async () => {
    const { house } = await withEurope();
    await house.hire('partner');
    const arn = `arn:aws:iam::${house.realm}:user/partner`;
    const key = await house.key({ multiRegion: true, deletionAllowed: true });
    const give = () =>
      house.perform(
        { kind: 'create-key-grant', key: byId(key), grantee: arn, retiring: arn, operations: ['Decrypt'] },
        there(house.first),
      );
    const grants = async () =>
      (await house.perform({ kind: 'list-key-grants', key: byId(key), after: '', limit: 10 }, there(house.first)))
        .grants;
    await replicate(house, key);
    const former = (await give()).grant.id;
    await house.perform({ kind: 'destroy-key', key: byId(key) }, there(house.first));
    await replicate(house, key);
    assert.deepEqual(await grants(), []);
    const { grant } = await give();
    assert.notEqual(grant.id, former);
    assert.deepEqual(
      (await grants()).map(({ id }) => id),
      [grant.id],
    );
    const left = await house.list('key-grant');
    assert.equal(left.filter(({ id }) => id.includes(former)).length, 0);
  });
});
