import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Plaintext, type SealFacts } from '#domain/domain.ts';
import { toUtf8 } from '#encoding/encoding.ts';
import { Doors } from './testing/doors.ts';
import { House, passphrase, plain, refused } from './testing/house.ts';
import { sealOfShares, statementOf } from './testing/share-cases.ts';

const acknowledge = (house: House, seal: SealFacts, share: Uint8Array) =>
  house.perform({ kind: 'acknowledge-share', statement: toUtf8(statementOf(seal, share)) });

const opener = { secret: plain(passphrase) };
const sealNamed = async (house: House, name: string) =>
  (await house.perform({ kind: 'list-seals' })).seals.find((seal) => seal.name === name)!;

async function replaced(house: House, seal: SealFacts) {
  const made = await house.perform({
    ...{ kind: 'rotate-seal', name: seal.name, settings: { shares: 2, threshold: 2 }, opener },
  });
  assert.ok('seal' in made);
  return { seal: made.seal, shares: made.handouts.map(({ text }) => Uint8Array.from(text.release())) };
}

test('what custodians say is kept as they said it, and counts once each', async () => {
  const house = await House.open();
  const { seal, shares } = await sealOfShares(house);
  for (const i of [4, 0, 0]) {
    const { share, settled } = await acknowledge(house, seal, shares[i]!);
    assert.deepEqual(
      [share.number, share.custodian, share.signed, settled],
      [i + 1, `custodian ${i + 1}`, false, false],
    );
  }
  const { shares: said } = await house.perform({ kind: 'list-acknowledgements' });
  assert.deepEqual(
    said.map(({ number }) => number),
    [1, 5],
  );
  assert.equal(said[0]!.statement, statementOf(seal, shares[0]!));
  await refused('invalid-parameter', house.perform({ kind: 'acknowledge-share', statement: toUtf8('{}') }));
});

test('former shares end with the last of the new ones that is acknowledged, and not before', async () => {
  const house = await House.open();
  const first = await sealOfShares(house);
  assert.equal((await sealNamed(house, first.seal.name)).unproven, true);
  const { seal, shares } = await replaced(house, first.seal);
  assert.equal((await acknowledge(house, seal, shares[0]!)).settled, false);
  assert.equal((await sealNamed(house, seal.name)).former, true);
  assert.equal((await acknowledge(house, seal, shares[1]!)).settled, true);
  const now = await sealNamed(house, seal.name);
  assert.deepEqual([now.former, now.unproven], [undefined, undefined]);
  await refused('invalid-parameter', acknowledge(house, first.seal, first.shares[0]!));
  const of = (share: Uint8Array) =>
    house.perform({ kind: 'prove-seal', name: seal.name, secret: new Plaintext(Uint8Array.from(share)) });
  await refused('invalid-unseal', of(first.shares[0]!));
  assert.equal((await of(shares[0]!)).proven, false);
  assert.equal((await of(shares[1]!)).proven, true);
});

test('where the seal file could not be written the statement stands, and said again it ends the former shares', async () => {
  const house = await House.open();
  const first = await sealOfShares(house);
  const { seal, shares } = await replaced(house, first.seal);
  await acknowledge(house, seal, shares[0]!);
  const { custody } = house.gate.core.options;
  const settle = custody.settle.bind(custody);
  custody.settle = () => {
    throw new Error('the disk is full');
  };
  assert.equal((await acknowledge(house, seal, shares[1]!)).settled, false);
  assert.equal((await house.perform({ kind: 'list-acknowledgements' })).shares.length, 2);
  custody.settle = settle;
  assert.equal((await sealNamed(house, seal.name)).former, true);
  assert.equal((await acknowledge(house, seal, shares[0]!)).settled, true);
  assert.equal((await sealNamed(house, seal.name)).former, undefined);
});

test('clients of Vault unseal by shares, one a request', async () => {
  const house = await House.open();
  const doors = new Doors(house);
  const { shares } = await sealOfShares(house, { shares: 3, threshold: 2 });
  await house.perform({ kind: 'seal' });
  const unseal = async (share: Uint8Array) =>
    await doors.vault('PUT', 'sys/unseal', { key: Buffer.from(share).toString() });
  const first = await unseal(shares[2]!);
  assert.equal(first.status, 200, first.text);
  const { sealed, progress } = JSON.parse(first.text);
  assert.deepEqual([sealed, progress], [true, 1]);
  const second = await unseal(shares[0]!);
  assert.equal(JSON.parse(second.text).sealed, false, second.text);
});
