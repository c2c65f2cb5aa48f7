import assert from 'node:assert/strict';
import test from 'node:test';
import { Ed25519Signer } from '#crypto/crypto.ts';
import { SecretBytes } from '#domain/domain.ts';
import { readVectors, vectorsMissing } from '../../test/vectors.ts';
import { type Checkpoint, checkpointText, openCheckpoint, parseCheckpoint } from './checkpoint.ts';
import { emptyRoot, Frontier, type Hash, hashOf, leafHash } from './merkle.ts';
import { parseNote, parseVerifierKey, signNote } from './note.ts';
import { consistencyProof, rootsOfList, verifyConsistency } from './proofs.ts';
import { below, keyOf, sampleSigner, seeded } from './sample-log.ts';

const root = leafHash(Buffer.from('x'));
const signer = sampleSigner(1);
const key = keyOf(signer);
const checkpoint: Checkpoint = { origin: key.name, size: 7, root, extensions: [] };

test('the first checkpoint is three lines, and the next one names it in a fourth', () => {
  assert.match(
    signer.sign(1, root, 0),
    /^claviger\/0123456789ab\n1\n[A-Za-z0-9+/=]{44}\n\n\u2014 claviger\/0123456789ab [^ ]+\n$/,
  );
  assert.match(signer.sign(7, root, 1), /\n7\n[A-Za-z0-9+/=]{44}\nprevious 1\n\n/);
});

test('opens what it signed, under its own name only', () => {
  assert.deepEqual(openCheckpoint(signer.sign(7, root, 0), [key]), checkpoint);
  assert.equal(openCheckpoint(signer.sign(7, root, 0), [keyOf(sampleSigner(2))]), undefined);
  const ed25519 = new Ed25519Signer(new SecretBytes(new Uint8Array(32).fill(1)));
  const ofAnotherLog = checkpointText({ ...checkpoint, origin: 'claviger/ba9876543210' });
  assert.equal(openCheckpoint(signNote(ofAnotherLog, key.name, ed25519), [key]), undefined);
  assert.equal(openCheckpoint(signNote('no checkpoint\n', key.name, ed25519), [key]), undefined);
});

test('reads back what it wrote and nothing else', () => {
  const extended = { ...checkpoint, extensions: ['previous 3', 'more'] };
  for (const one of [checkpoint, extended, { ...checkpoint, size: 0, root: emptyRoot }]) {
    assert.deepEqual(parseCheckpoint(checkpointText(one)), one);
  }
  const text = checkpointText(checkpoint);
  const others = [
    '',
    text.slice(0, -1),
    `${text}\n`,
    `${text}\nmore\n`,
    `\n${text}`,
    text.replace('\n7\n', '\n07\n'),
    text.replace('\n7\n', '\n-7\n'),
    text.replace('\n7\n', '\n7.0\n'),
    text.replace('\n7\n', '\n7e1\n'),
    text.replace('\n7\n', '\n\n'),
    text.replace('\n7\n', '\n9007199254740993\n'),
    text.replace('=\n', '\n'),
    text.replace(/\n[^\n]+=\n/, '\nAAAA\n'),
    `${text.split('\n').slice(0, 2).join('\n')}\n`,
  ];
  for (const other of others) assert.equal(parseCheckpoint(other), undefined, other);
});

test('never throws, and reads altered text only as what it says', () => {
  const random = seeded(4);
  const alphabet = 'aA0 7=+/\n\n';
  let read = 0;
  for (let i = 0; i < 50_000; i++) {
    const characters = [...checkpointText(checkpoint)];
    const letter = alphabet[below(random, alphabet.length)]!;
    characters.splice(below(random, characters.length), below(random, 3), letter);
    const parsed = parseCheckpoint(characters.join(''));
    if (parsed === undefined) continue;
    read++;
    assert.equal(checkpointText(parsed), characters.join(''));
    assert.notDeepEqual(parsed, characters.join('') === checkpointText(checkpoint) ? undefined : checkpoint);
  }
  assert.ok(read > 0 && read < 50_000);
});

// A log that another implementation wrote, with the public half of that project's published test key.
const tessera = 'tlog/tessera-log/testdata/log';
const tesseraKey = 'example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx';
const tesseraSizes = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

test('opens the checkpoints of a log by another implementation and computes their roots', {
  skip: vectorsMissing(`${tessera}/checkpoint`),
}, () => {
  const foreign = parseVerifierKey(tesseraKey)!;
  const roots: Hash[] = [];
  for (const size of tesseraSizes) {
    const opened = openCheckpoint(readVectors(`${tessera}/checkpoint.${size}`)!.toString(), [foreign])!;
    assert.equal(opened.size, size);
    const leaves = size === 0 ? [] : entriesOf(readVectors(`${tessera}/tile/entries/000.p/${size}`)!).map(leafHash);
    const tree = new Frontier();
    for (const leaf of leaves) tree.append(leaf);
    assert.equal(opened.root, tree.root());
    if (size > 0) assert.equal(leaves.join(''), hashOf(readVectors(`${tessera}/tile/0/000.p/${size}`)!));
    roots.push(opened.root);
    for (const [earlier, earlierRoot] of roots.entries()) {
      const proof = consistencyProof(earlier, size, rootsOfList(leaves));
      assert.ok(verifyConsistency(earlier, size, earlierRoot, opened.root, proof));
    }
  }
});

/** Entries of a tlog-tiles bundle: two bytes of length before each. */
function entriesOf(bundle: Buffer): readonly Buffer[] {
  const entries: Buffer[] = [];
  for (let at = 0; at < bundle.length; ) {
    const end = at + 2 + bundle.readUInt16BE(at);
    entries.push(bundle.subarray(at + 2, end));
    at = end;
  }
  return entries;
}

const skylight = 'tlog/sunlight/cmd/skylight/testdata/witness';
const mirror = `${skylight}/mirror/000de184301123b9278c086a7d9f68c9577e83872224c197058fd90784ea9706`;

test('computes the root of a mirrored log of 300 leaves from its tiles', {
  skip: vectorsMissing(`${mirror}/checkpoint`),
}, () => {
  const tiles = Buffer.concat([readVectors(`${mirror}/tile/0/000`)!, readVectors(`${mirror}/tile/0/001.p/44`)!]);
  const tree = new Frontier();
  for (let at = 0; at < tiles.length; at += 32) {
    tree.append(hashOf(tiles.subarray(at, at + 32)));
    if (tree.size === 256) assert.equal(tree.root(), hashOf(readVectors(`${mirror}/tile/1/000.p/1`)!));
  }
  const checkpoint = parseCheckpoint(parseNote(readVectors(`${mirror}/checkpoint`)!.toString())!.text)!;
  assert.deepEqual([checkpoint.size, checkpoint.root], [300, tree.root()]);
});

test('reads checkpoints with signatures of kinds that it does not verify, and believes none', {
  skip: vectorsMissing(`${skylight}/checkpoint`),
}, () => {
  const note = readVectors(
    `${skylight}/000de184301123b9278c086a7d9f68c9577e83872224c197058fd90784ea9706/checkpoint`,
  )!.toString();
  assert.deepEqual(
    parseNote(note)?.signatures.map(({ name }) => name),
    ['rome2026h1.example.org', 'witness.example.org'],
  );
  assert.equal(openCheckpoint(note, [key, parseVerifierKey(tesseraKey)!]), undefined);
  assert.equal(parseNote(readVectors(`${skylight}/checkpoint`)!.toString()), undefined);
});
