import assert from 'node:assert/strict';
import test from 'node:test';
import { Ed25519Signer } from '#crypto/crypto.ts';
import { SecretBytes } from '#domain/domain.ts';
import { readVectors, vectorsMissing } from '../../test/vectors.ts';
import {
  formatVerifierKey,
  openNote,
  parseNote,
  parseVerifierKey,
  parseVerifierKeys,
  signNote,
  verifierKey,
} from './note.ts';
import { below, seeded } from './sample-log.ts';

const signerOf = (fill: number) => new Ed25519Signer(new SecretBytes(new Uint8Array(32).fill(fill)));
const [one, two] = [signerOf(1), signerOf(2)];
const name = 'claviger/0123456789ab';
const key = verifierKey(name, one.publicKey);
const text = 'first line\n\nthird line\n';
const note = signNote(text, name, one);
const signatureLine = (signed: string) => signed.slice(signed.lastIndexOf('\n\n') + 2);

test('opens the example of the specification', { skip: vectorsMissing('tlog/signed-note.json') }, () => {
  const vectors = JSON.parse(readVectors('tlog/signed-note.json')!.toString());
  const example = parseVerifierKey(vectors.vkey)!;
  assert.equal(openNote(vectors.note, [example])?.text, 'This is an example message.\n');
  assert.equal(formatVerifierKey(example), vectors.vkey);
  for (const valid of vectors.valid_vkeys) assert.ok(parseVerifierKey(valid) !== undefined, valid);
  for (const invalid of vectors.invalid_vkeys) assert.equal(parseVerifierKey(invalid), undefined, invalid);
});

test('opens what it signed, with blank lines in the text', () => {
  assert.deepEqual(openNote(note, [key]), { text, signedBy: [key] });
});

test('opens a note by an older key among several, and passes over signatures of keys that it does not know', () => {
  const other = verifierKey(name, two.publicKey);
  assert.notEqual(other.id, key.id);
  assert.deepEqual(openNote(note, [other, key])?.signedBy, [key]);
  const both = note + signatureLine(signNote(text, 'witness.example', two));
  assert.deepEqual(openNote(both, [key])?.signedBy, [key]);
  assert.equal(openNote(note, [other]), undefined);
  assert.equal(openNote(note, []), undefined);
});

test('refuses the whole note if one signature of a known key is wrong', () => {
  const other = verifierKey('witness.example', two.publicKey);
  const wrong = note + signatureLine(signNote('another text\n', 'witness.example', two));
  assert.ok(openNote(wrong, [key]) !== undefined);
  assert.equal(openNote(wrong, [key, other]), undefined);
});

test('refuses the name or the id of a known key with another key behind it', () => {
  const imposter = { ...verifierKey(name, two.publicKey), id: key.id };
  assert.equal(openNote(note, [imposter]), undefined);
  assert.equal(openNote(note, [{ ...key, name: 'other' }]), undefined);
});

test('accepts sixteen signatures besides its own', () => {
  const many = Array.from({ length: 16 }, (_, i) => `\u2014 witness${i} ${Buffer.alloc(5000, 7).toString('base64')}\n`);
  assert.ok(openNote(note + many.join(''), [key]) !== undefined);
});

test('refuses notes of any other form', () => {
  const signature = signatureLine(note);
  const forms = [
    '',
    text,
    `${text}\n`,
    note.slice(0, -1),
    `${note}\n`,
    `${note}junk\n`,
    note.replace('\u2014', '-'),
    note.replace('\u2014 ', '\u2014  '),
    note.replaceAll('\n', '\r\n'),
    note.replace('first', 'fir\tst'),
    note.replace('first', 'fir\0st'),
    note.replace('first', 'fir\ud800st'),
    note.replace(name, 'a+b'),
    note.replace(name, 'a\u00a0b'),
    note.replace(name, ''),
    note.replace(/=*\n$/, '\n'),
    note.replace(/[^ ]+\n$/, 'AAAA\n'),
    `${text}${signature}`,
    'x'.repeat(300_000) + note,
  ];
  for (const form of forms) {
    assert.equal(parseNote(form), undefined, form.slice(0, 200));
    assert.equal(openNote(form, [key]), undefined);
  }
});

test('reads back its own verifier keys and refuses every altered one', () => {
  const formatted = formatVerifierKey(key);
  assert.match(formatted, /^claviger\/0123456789ab\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}$/);
  assert.deepEqual(parseVerifierKey(formatted), key);
  for (let i = 0; i < formatted.length; i++) {
    for (let bit = 0; bit < 7; bit++) {
      const altered =
        formatted.slice(0, i) + String.fromCharCode(formatted.charCodeAt(i) ^ (1 << bit)) + formatted.slice(i + 1);
      assert.equal(parseVerifierKey(altered), undefined, altered);
    }
    assert.equal(parseVerifierKey(formatted.slice(0, i)), undefined);
  }
  assert.throws(() => verifierKey('a b', one.publicKey), RangeError);
});

test('reads a file of keys, one a line, and refuses one with a line that is no key', () => {
  const [a, b] = [formatVerifierKey(key), formatVerifierKey(verifierKey(name, two.publicKey))];
  assert.equal(parseVerifierKeys(`${a}\n\n${b}\r\n`)?.length, 2);
  assert.equal(parseVerifierKeys(`${a}\nnot a key\n`), undefined);
  assert.equal(parseVerifierKeys('\n'), undefined);
});

test('opens no note of which a bit was flipped, and never throws', () => {
  const random = seeded(9);
  const bytes = Buffer.from(note);
  for (let i = 0; i < bytes.length * 8; i++) {
    const flipped = Buffer.from(bytes);
    flipped[i >> 3]! ^= 1 << (i & 7);
    assert.equal(openNote(flipped.toString(), [key]), undefined);
  }
  for (let i = 0; i < 20_000; i++) {
    const junk = Buffer.from(Uint8Array.from({ length: below(random, 200) }, () => below(random, 256))).toString();
    assert.equal(openNote(junk + signatureLine(note), [key]), undefined);
    assert.equal(parseVerifierKey(junk), undefined);
  }
});
