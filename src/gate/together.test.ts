import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { Command, Entry, Key, Proof, Result } from '#domain/domain.ts';
import { byId, byToken, House, plain, textOf } from './testing/house.ts';

let house: House;
let key: Key;
let other: Key;
before(async () => {
  house = await House.open();
  key = await house.key();
  other = await house.key();
  // Opened, so that nothing has to be waited for.
  for (const one of [key, other]) await house.encrypt(one, 'warm');
});

const encrypting = (text: string, under = key): Command<'encrypt'> => ({
  ...{ kind: 'encrypt', key: byId(under), plaintext: plain(text), context: {}, scheme: 'natural' },
});

async function all(commands: readonly Command[], proof: Proof = house.proof) {
  const { ledgerSize } = house;
  const outcomes = await house.gate.performAll(proof, commands.length, () => commands, house.origin('together'));
  return { outcomes, lines: await house.entries(ledgerSize) };
}

const told = ({ action, outcome, key, version, operation, principal }: Entry) => ({
  ...{ action, outcome, key, version, operation, principal },
});

const resultOf = (outcome: PromiseSettledResult<Result> | undefined) => {
  assert.equal(outcome?.status, 'fulfilled');
  return outcome.value;
};

const codes = (outcomes: readonly PromiseSettledResult<Result>[]) =>
  outcomes.map((outcome) => (outcome.status === 'fulfilled' ? 'ok' : outcome.reason.code));

test('each command has a result in its place and a line of its own, in one transaction', async () => {
  const texts = Array.from({ length: 100 }, (_, i) => `text ${i}`);
  const before = house.store.commits;
  const { outcomes, lines } = await all(texts.map((text, i) => encrypting(text, i % 3 === 0 ? other : key)));
  assert.equal(house.store.commits, before + 1);
  for (const [i, outcome] of outcomes.entries()) {
    const { ciphertext } = resultOf(outcome) as Result<'encrypt'>;
    assert.equal(await house.decrypt(undefined, ciphertext), texts[i]);
  }
  assert.deepEqual(
    lines.map(told),
    texts.map((_, i) => ({
      ...{ action: 'encrypt', outcome: 'ok', key: (i % 3 === 0 ? other : key).id, version: 1 },
      ...{ operation: 'together', principal: 'founder' },
    })),
  );
  await house.assertLedgerVerifies();
});

test('what fails is refused and recorded alone, and the others are done', async () => {
  const { ciphertext } = await house.encrypt(key, 'text');
  const broken = Uint8Array.from(ciphertext).fill(7, -4);
  const opening = (bytes: Uint8Array): Command<'decrypt'> => ({
    ...{ kind: 'decrypt', key: byId(key), ciphertext: bytes, context: {}, scheme: 'natural' },
  });
  const { outcomes, lines } = await all([opening(ciphertext), opening(broken), opening(ciphertext)]);
  assert.deepEqual(codes(outcomes), ['ok', 'invalid-ciphertext', 'ok']);
  assert.equal(textOf((resultOf(outcomes[2]) as Result<'decrypt'>).plaintext), 'text');
  assert.deepEqual(lines.map(({ outcome }) => outcome).sort(), ['invalid-ciphertext', 'ok', 'ok']);
});

test('a wrong token, and one that may not, do nothing and are recorded', async () => {
  const stranger = byToken(await house.hire('stranger'));
  for (const [proof, code] of [
    [{ kind: 'token', token: 'clv.nobody' }, 'invalid-proof'],
    [stranger, 'denied'],
  ] as const) {
    const { outcomes, lines } = await all([encrypting('a'), encrypting('b')], proof);
    assert.deepEqual(codes(outcomes), [code, code]);
    assert.deepEqual(
      lines.map(({ outcome }) => outcome),
      [code, code],
    );
  }
});

test('commands that change something are done, in among others that do not', async () => {
  const { outcomes, lines } = await all([
    encrypting('a'),
    { kind: 'tag-key', key: byId(other), tags: { a: 'b' } },
    encrypting('b'),
  ]);
  assert.deepEqual(codes(outcomes), ['ok', 'ok', 'ok']);
  assert.deepEqual(lines.map(({ action }) => action).sort(), ['encrypt', 'encrypt', 'tag-key']);
  assert.deepEqual((await house.describe(other)).tags, { a: 'b' });
});

test('a key that is disabled meanwhile is used no more: what was done is not answered', async () => {
  const doomed = await house.key();
  await house.encrypt(doomed, 'warm');
  const { ledgerSize } = house;
  const disabling = house.perform({ kind: 'disable-key', key: byId(doomed) });
  await Promise.resolve();
  const { outcomes } = await all([encrypting('a', doomed), encrypting('b', doomed)]);
  await disabling;
  const entries = await house.entries(ledgerSize);
  const at = entries.findIndex(({ action }) => action === 'disable-key');
  const used = entries.flatMap(({ action, outcome }, i) => (action === 'encrypt' && outcome === 'ok' ? i : []));
  assert.equal(used.length, codes(outcomes).filter((code) => code === 'ok').length);
  for (const i of used) assert.ok(i < at, 'a use stands behind the line that took the key away');
});

test('what was decided on a state that is gone is decided again', async () => {
  const { commits } = house.gate.core;
  const submit = commits.submitAll.bind(commits);
  let told = 0;
  commits.submitAll = async (lines, holds) => {
    told++;
    await house.perform({ kind: 'tag-key', key: byId(key), tags: { turn: `${told}` } });
    assert.equal(holds(), false);
    return submit(lines, holds);
  };
  const { outcomes, lines } = await all([encrypting('a'), encrypting('b')]);
  commits.submitAll = submit;
  assert.equal(told, 1);
  assert.deepEqual(codes(outcomes), ['ok', 'ok']);
  assert.equal(lines.filter(({ action }) => action === 'encrypt').length, 2);
});

test('nothing is answered where the lines can not be written', async () => {
  const fresh = await House.open();
  const mine = await fresh.key();
  await fresh.encrypt(mine, 'warm');
  fresh.store.broken = 'unavailable';
  const outcomes = await fresh.gate.performAll(
    fresh.proof,
    [encrypting('a', mine)].length,
    () => [encrypting('a', mine)],
    fresh.origin(),
  );
  assert.deepEqual(codes(outcomes), ['audit-unavailable']);
});

test('a token with a number of uses uses up one', async () => {
  const made = await house.perform({ kind: 'create-token', uses: 5 });
  const { outcomes } = await all([encrypting('a'), encrypting('b'), encrypting('c')], byToken(made));
  assert.deepEqual(codes(outcomes), ['ok', 'ok', 'ok']);
  assert.equal((await house.perform({ kind: 'lookup-token', accessor: made.credential.id })).usesLeft, 4);
});

test('each command is one of the requests that a principal may make in a second', async () => {
  const slow = await House.open({ rates: { principal: 10 } });
  const mine = await slow.key();
  await slow.encrypt(mine, 'warm');
  const commands = Array.from({ length: 20 }, (_, i) => encrypting(`${i}`, mine));
  const outcomes = await slow.gate.performAll(slow.proof, commands.length, () => commands, slow.origin());
  const done = codes(outcomes).filter((code) => code === 'ok').length;
  assert.ok(done >= 7 && done <= 10, `${done} were done`);
  assert.ok(codes(outcomes).includes('throttled'));
});

test('a command that is refused is counted once', async () => {
  const slow = await House.open({ rates: { principal: 10 } });
  const mine = await slow.key();
  await slow.encrypt(mine, 'warm');
  const { ledgerSize } = slow;
  slow.now += 2000;
  const commands = Array.from({ length: 10 }, (_, i) => encrypting(`${i}`, i % 2 === 0 ? other : mine));
  const outcomes = await slow.gate.performAll(slow.proof, commands.length, () => commands, slow.origin());
  assert.deepEqual(new Set(codes(outcomes)), new Set(['not-found', 'ok']));
  assert.equal((await slow.entries(ledgerSize)).length, 10);
});

test('a dry run in among others is one', async () => {
  const { outcomes } = await all([encrypting('a'), { ...encrypting('b'), dryRun: true }, encrypting('c')]);
  assert.deepEqual(codes(outcomes), ['ok', 'dry-run', 'ok']);
});
