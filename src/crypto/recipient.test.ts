import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SecretBytes } from '#domain/domain.ts';
import {
  newRecipientSecret,
  openAsRecipient,
  recipientLength,
  recipientOf,
  recipientSecretLength,
  sealToRecipient,
} from './crypto.ts';

const context = Buffer.from('what it is for');
const root = () => new SecretBytes(Buffer.from('0123456789abcdef0123456789abcdef'));
const hex = (secret: SecretBytes | undefined) => secret && Buffer.from(secret.expose()).toString('hex');

test('opens what was sealed to its public half, which is the same each time it is asked for', () => {
  const secret = newRecipientSecret();
  assert.equal(secret.length, recipientSecretLength);
  const recipient = recipientOf(secret);
  assert.equal(recipient.length, recipientLength);
  assert.deepEqual(recipientOf(secret), recipient);
  assert.equal(hex(openAsRecipient(secret, context, sealToRecipient(recipient, context, root()))), hex(root()));
});

test('seals the same secret differently each time, in both halves', () => {
  const recipient = recipientOf(newRecipientSecret());
  const [a, b] = [sealToRecipient(recipient, context, root()), sealToRecipient(recipient, context, root())];
  for (const [from, to] of [
    [0, 1568],
    [1568, 1600],
    [1600, a.length],
  ]) {
    assert.notDeepEqual(a.subarray(from, to), b.subarray(from, to));
  }
});

test('refuses every flipped byte, what is cut short, another context and another recipient', () => {
  const secret = newRecipientSecret();
  const sealed = sealToRecipient(recipientOf(secret), context, root());
  for (let i = 0; i < sealed.length; i++) {
    const damaged = Uint8Array.from(sealed);
    damaged[i]! ^= 1;
    assert.equal(openAsRecipient(secret, context, damaged), undefined, `byte ${i}`);
  }
  for (const length of [0, 1599, 1600, 1615, sealed.length - 1]) {
    assert.equal(openAsRecipient(secret, context, sealed.subarray(0, length)), undefined, `${length} bytes`);
  }
  assert.equal(openAsRecipient(secret, Buffer.from('something else'), sealed), undefined);
  assert.equal(openAsRecipient(newRecipientSecret(), context, sealed), undefined);
});

test('takes both halves: with only one of them right nothing opens', () => {
  const [mine, other] = [newRecipientSecret(), newRecipientSecret()];
  const sealed = sealToRecipient(recipientOf(mine), context, root());
  const halves = (kem: SecretBytes, curve: SecretBytes) =>
    new SecretBytes(Buffer.concat([kem.expose().subarray(0, 64), curve.expose().subarray(64)]));
  assert.equal(openAsRecipient(halves(mine, other), context, sealed), undefined);
  assert.equal(openAsRecipient(halves(other, mine), context, sealed), undefined);
  assert.equal(hex(openAsRecipient(halves(mine, mine), context, sealed)), hex(root()));
});

test('a point of small order gives nothing', () => {
  const secret = newRecipientSecret();
  const sealed = Buffer.from(sealToRecipient(recipientOf(secret), context, root()));
  sealed.fill(0, 1568, 1600);
  assert.equal(openAsRecipient(secret, context, sealed), undefined);
});
