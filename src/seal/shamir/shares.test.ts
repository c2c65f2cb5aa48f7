import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { newRecipientSecret, recipientOf } from '#crypto/crypto.ts';
import { KmsError, SecretBytes } from '#domain/domain.ts';
import { toUtf8 } from '#encoding/encoding.ts';
import { documentKey, writeDocument } from '../document.ts';
import { duties, type Statement, verifyAcknowledgement } from './acknowledgement.ts';
import type { ShamirSettings } from './settings.ts';
import { shamirKind } from './shamir.ts';
import { acknowledgeShare, checkShare, plainShare, sealsOfShares, shareFacts } from './shares.ts';

const date = '2026-11-25T09:00:00Z';
const now = Date.parse(date);
const pem = {
  publicKeyEncoding: { format: 'pem', type: 'spki' },
  privateKeyEncoding: { format: 'pem', type: 'pkcs8' },
} as const;
const keyPair = () => generateKeyPairSync('ed25519', pem);

async function made(given: Record<string, unknown>) {
  const { settings, handouts = [] } = await shamirKind.create(shamirKind.settings(given), undefined);
  return { settings, shares: handouts.map(({ text }) => Uint8Array.from(text.release())) };
}

/** A seal file, whole but for what this test needs nothing of. */
function sealFile(settings: ShamirSettings, former?: ShamirSettings): string {
  using own = newRecipientSecret();
  const recipient = recipientOf(own);
  using key = documentKey(new SecretBytes(new Uint8Array(32)));
  const lock = (of: ShamirSettings) => ({
    settings: of as unknown as Record<string, unknown>,
    ...{ recipient, guarded: new Uint8Array(64), root: new Uint8Array(recipient.length + 48) },
  });
  const seals = [{ name: 'offline', kind: 'shamir', ...lock(settings), ...(former && { former: lock(former) }) }];
  return writeDocument({ revision: 1, seals }, key);
}

const failing = (code: string, words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof KmsError, String(error));
  assert.equal(error.code, code, error.message);
  assert.match(error.message, words);
  return true;
};

test('one share alone is checked against a copy of the seal file', async () => {
  const { settings, shares } = await made({ shares: 5, threshold: 3, custodians: [{ name: 'Anna' }] });
  const seals = sealsOfShares(sealFile(settings));
  const anna = checkShare(seals, shares[0]!);
  assert.deepEqual(
    { ...anna, fingerprint: undefined },
    {
      ...{ seal: 'offline', set: settings.issued!.set, number: 1, threshold: 3, total: 5, custodian: 'Anna' },
      ...{ state: 'in force', fingerprint: undefined },
    },
  );
  assert.match(anna.fingerprint, /^[0-9a-f]{8}$/);
  assert.equal(checkShare(seals, shares[4]!).custodian, 'custodian 5');
  const typed = toUtf8(
    Buffer.from(shares[3]!)
      .toString()
      .toLowerCase()
      .match(/.{1,4}/g)!
      .join(' '),
  );
  assert.equal(checkShare(seals, typed).number, 4);
  assert.deepEqual(plainShare(typed), shares[3]);
});

test('a share that was replaced is told as that, and whether it opens anything still', async () => {
  const first = await made({ shares: 5, threshold: 3 });
  const next = await made({ ...first.settings, shares: 7, threshold: 4 });
  const [arriving, arrived] = [sealFile(next.settings, first.settings), sealFile(next.settings)];
  assert.equal(checkShare(sealsOfShares(arriving), first.shares[0]!).state, 'former');
  assert.equal(checkShare(sealsOfShares(arrived), first.shares[0]!).state, 'superseded');
  assert.equal(checkShare(sealsOfShares(arrived), next.shares[6]!).state, 'in force');
});

test('what is mistyped or of another server is told as that', async () => {
  const [own, other] = [await made({ shares: 2, threshold: 2 }), await made({ shares: 2, threshold: 2 })];
  const seals = sealsOfShares(sealFile(own.settings));
  const mistyped = Uint8Array.from(own.shares[0]!);
  mistyped[40] = mistyped[40] === 0x51 ? 0x50 : 0x51;
  assert.throws(() => checkShare(seals, mistyped), failing('invalid-unseal', /mistyped/));
  assert.throws(() => checkShare(seals, other.shares[0]!), failing('invalid-unseal', /another server/));
  assert.throws(() => checkShare([], other.shares[0]!), failing('not-found', /no seal/));
});

test('fingerprints tell shares apart and stay the same', async () => {
  const { shares } = await made({ shares: 9, threshold: 2 });
  const fingerprints = shares.map((share) => shareFacts(share).fingerprint);
  assert.equal(new Set(fingerprints).size, 9);
  assert.deepEqual(
    shares.map((share) => shareFacts(share).fingerprint),
    fingerprints,
  );
});

/** A seal with two custodians who sign and one who doesn't. */
async function withSigners() {
  const [anna, bo] = [keyPair(), generateKeyPairSync('ec', { namedCurve: 'P-256', ...pem })];
  const custodians = [{ name: 'Anna', key: anna.publicKey }, { name: 'Bo', key: bo.publicKey }, { name: 'Cem' }];
  const { settings, shares } = await made({ shares: 3, threshold: 2, custodians });
  const seals = [{ name: 'offline', settings }];
  const signing = (key: string) => ({ key: toUtf8(key), passphrase: undefined });
  return { seals, shares, anna: signing(anna.privateKey), bo: signing(bo.privateKey) };
}

test('a custodian acknowledges his share by a key of his own, and the server believes that one alone', async () => {
  const { seals, shares, anna, bo } = await withSigners();
  for (const [i, signing, name] of [
    [0, anna, 'Anna'],
    [1, bo, 'Bo'],
  ] as const) {
    const text = acknowledgeShare(seals, shares[i]!, signing, date);
    const told = verifyAcknowledgement(seals, toUtf8(text), now);
    const { set } = seals[0]!.settings.issued!;
    const facts = { seal: 'offline', set, number: i + 1, threshold: 2, total: 3, custodian: name, date, signed: true };
    assert.deepEqual(told, facts);
    for (const duty of duties) assert.ok(text.includes(duty));
    assert.equal(text.includes(Buffer.from(shares[i]!).toString().slice(30, 60)), false);
  }
  assert.throws(() => acknowledgeShare(seals, shares[0]!, bo, date), failing('invalid-parameter', /named for Anna/));
  assert.throws(() => acknowledgeShare(seals, shares[0]!, undefined, date), failing('invalid-parameter', /Anna signs/));
  const none = { key: toUtf8('no key'), passphrase: undefined };
  assert.throws(
    () => acknowledgeShare(seals, shares[0]!, none, date),
    failing('invalid-parameter', /Ed25519 or ECDSA/),
  );
});

test('without a key that was named it tells only that the share has arrived', async () => {
  const { seals, shares } = await withSigners();
  const text = acknowledgeShare(seals, shares[2]!, undefined, date);
  assert.equal(verifyAcknowledgement(seals, toUtf8(text), now).signed, false);
});

test('whatever in an acknowledgement is changed is refused', async () => {
  const { seals, shares, anna } = await withSigners();
  const text = acknowledgeShare(seals, shares[0]!, anna, date);
  const whole = JSON.parse(text) as { statement: Statement; signature: string };
  const verify = (content: object) => () => verifyAcknowledgement(seals, toUtf8(JSON.stringify(content)), now);
  const changed: ReadonlyArray<[Partial<Record<keyof Statement, unknown>>, RegExp]> = [
    [{ seal: 'other' }, /no seal "other"/],
    [{ set: '0'.repeat(16) }, /in force/],
    [{ number: 2 }, /kept by Bo/],
    [{ number: 9 }, /no share 9/],
    [{ number: 0 }, /no share 0/],
    [{ threshold: 3 }, /no share 1/],
    [{ total: 4 }, /no share/],
    [{ custodian: 'Bo' }, /kept by Anna/],
    [{ date: '2026-11-24T09:00:00Z' }, /not signed/],
    [{ date: '2036-11-24T09:00:00Z' }, /to come/],
    [{ date: 'yesterday' }, /no acknowledgement/],
    [{ duties: duties.slice(1) }, /duties/],
    [{ duties: [...duties, 'And more.'] }, /duties/],
    [{ receipt: '0'.repeat(64) }, /receipt/],
    [{ receipt: '' }, /receipt/],
    [{ receipt: 7 }, /no acknowledgement/],
    [{ seal: 'x'.repeat(65) }, /no acknowledgement/],
    [{ custodian: 'x'.repeat(65) }, /no acknowledgement/],
  ];
  for (const [change, words] of changed) {
    const content = { ...whole, statement: { ...whole.statement, ...change } };
    assert.throws(verify(content), (error) => words.test((error as Error).message), JSON.stringify(change));
  }
  const { signature: _, ...unsigned } = whole;
  assert.throws(verify(unsigned), failing('invalid-signature', /not signed/));
  assert.throws(
    verify({ ...whole, signature: Buffer.alloc(64).toString('base64') }),
    failing('invalid-signature', /Anna/),
  );
  for (const content of [
    { ...whole, more: 1 },
    { ...whole, format: 2 },
    {},
    { ...whole, statement: [] },
    { ...whole, signature: 1 },
  ])
    assert.throws(verify(content), failing('invalid-parameter', /no acknowledgement/));
  const extra = { ...whole, statement: { ...whole.statement, note: 'x' } };
  assert.throws(verify(extra), failing('invalid-parameter', /no acknowledgement/));
  const long = `${text}${' '.repeat(10_000)}`;
  assert.throws(
    () => verifyAcknowledgement(seals, toUtf8(long), now),
    failing('invalid-parameter', /no acknowledgement/),
  );
});

test('shares of a set that was replaced are acknowledged no more', async () => {
  const { seals, shares, anna } = await withSigners();
  const text = acknowledgeShare(seals, shares[0]!, anna, date);
  const { settings } = await made({ ...seals[0]!.settings });
  const now2 = [{ name: 'offline', settings }];
  assert.throws(() => verifyAcknowledgement(now2, toUtf8(text), now), failing('invalid-parameter', /in force/));
  assert.throws(() => acknowledgeShare(now2, shares[0]!, anna, date), failing('invalid-unseal', /superseded/));
});
