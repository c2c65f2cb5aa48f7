import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { KmsError, type Proof } from '#domain/domain.ts';
import { byToken, House, plain, refused } from './testing/house.ts';

let house: House;
before(async () => {
  house = await House.open();
});

const random = (proof: Proof) => house.perform({ kind: 'generate-random', bytes: 8 }, proof);

test('a use that was overtaken before it was counted is counted when the request is tried again', async () => {
  const made = await house.perform({ kind: 'create-token', uses: 100 });
  const { core } = house.gate;
  let counted = 0;
  // At whatever point of the request another use is written, it counts beside its own.
  for (let turns = 0; turns < 40; turns++) {
    const other = await core.rooms.identity.spend(await core.rooms.identity.identify(byToken(made), false));
    const asked = random(byToken(made));
    for (let i = 0; i < turns; i++) await Promise.resolve();
    const written = await core.commits.change(other).then(
      () => true,
      () => false,
    );
    await asked;
    counted += written ? 2 : 1;
  }
  const { usesLeft } = await house.perform({ kind: 'lookup-token', accessor: made.credential.id });
  assert.equal(usesLeft, 100 - counted);
});

test('many requests at once with a token use it as often as it may be, and no more', async () => {
  const made = await house.perform({ kind: 'create-token', uses: 5 });
  const answers = await Promise.allSettled(Array.from({ length: 20 }, () => random(byToken(made))));
  assert.equal(answers.filter(({ status }) => status === 'fulfilled').length, 5);
});

test('a password that is changed or a login that is deleted while it is being checked logs nobody in', async () => {
  const user = { kind: 'write-login', method: 'userpass' } as const;
  const login = (name: string) =>
    house.perform({ kind: 'login' }, { kind: 'password', name, password: plain('right'), peer: '127.0.0.1:1' });
  for (const name of ['gone', 'narrowed']) await house.perform({ ...user, name, password: plain('right') });
  await Promise.all([
    refused('invalid-proof', login('gone')),
    house.perform({ kind: 'delete-login', method: 'userpass', name: 'gone' }),
  ]);
  const [{ policies }] = await Promise.all([
    login('narrowed'),
    house.perform({ ...user, name: 'narrowed', token: { policies: ['few'] } }),
  ]);
  assert.deepEqual(policies, ['default', 'few']);
});

test('a token that may not be used from there is told so, whatever else is wrong', async () => {
  const away = byToken(await house.perform({ kind: 'create-token', cidrs: ['10.0.0.0/8'] }));
  const malformed = new KmsError('malformed', 'x');
  await refused('denied', house.gate.refuse(away, 'encrypt', malformed, house.origin()));
  await refused('denied', house.perform({ kind: 'generate-random', bytes: 1 }, away));
  await refused('malformed', house.gate.refuse(house.proof, 'encrypt', malformed, house.origin()));
});
