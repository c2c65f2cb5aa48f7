import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  allows,
  canMove,
  KmsError,
  lifecycle,
  move,
  moveBack,
  type VersionOperation,
  type VersionState,
  versionStates,
} from './domain.ts';

// Facts of SP 800-57 part 1 rev. 5 section 7 and of the clouds' own documentation, with the number of the move in SP 800-57 figure 3
// where it has one. Written down apart from the table that they judge.
const moves: ReadonlyArray<readonly [from: VersionState, to: VersionState, on: string]> = [
  ['pending-generation', 'pre-active', 'generated'],
  ['pending-generation', 'failed', 'generation failed'],
  ['pending-import', 'pre-active', 'material imported'],
  ['pending-import', 'active', 'material imported (AWS)'],
  ['pending-import', 'deactivated', 'older material imported again (AWS)'],
  ['pending-import', 'failed', 'import failed'],
  ['pending-import', 'destroy-scheduled', 'deletion asked for before any import (AWS)'],
  ['pre-active', 'active', 'activated (4)'],
  ['pre-active', 'destroy-scheduled', 'destruction scheduled (2)'],
  ['pre-active', 'compromised', 'compromise reported (3)'],
  ['active', 'suspended', 'disabled (7)'],
  ['suspended', 'active', 'enabled (11)'],
  ['active', 'deactivated', 'rotated out or expired (8)'],
  ['suspended', 'deactivated', 'expired (12)'],
  ['deactivated', 'suspended', 'an older version disabled by itself'],
  ['active', 'compromised', 'compromise reported (6)'],
  ['suspended', 'compromised', 'compromise reported (10)'],
  ['deactivated', 'compromised', 'compromise reported (14)'],
  ['active', 'destroy-scheduled', 'destruction scheduled (5)'],
  ['suspended', 'destroy-scheduled', 'destruction scheduled (9)'],
  ['deactivated', 'destroy-scheduled', 'destruction scheduled (13)'],
  ['compromised', 'destroy-scheduled', 'destruction scheduled (15)'],
  ['destroy-scheduled', 'suspended', 'cancelled (AWS, Google)'],
  ['destroy-scheduled', 'destroyed', 'waiting period over (5, 9, 13)'],
  ['compromised', 'destroyed-compromised', 'destroyed (15)'],
  ['destroyed', 'destroyed-compromised', 'compromise reported after destruction (KMIP 10)'],
  ['active', 'pending-import', 'imported material deleted or expired (AWS)'],
  ['deactivated', 'pending-import', 'older imported material deleted or expired (AWS)'],
  ['suspended', 'pending-import', 'imported material deleted (AWS)'],
  ['destroyed', 'pending-import', 'the same material imported again (Google)'],
];

const operations: Readonly<Record<VersionState, readonly VersionOperation[]>> = {
  'pending-generation': [],
  'pending-import': ['import', 'describe'],
  failed: ['describe'],
  'pre-active': ['describe', 'activate', 'prove-possession'],
  // Every cloud also describes keys in use.
  active: ['protect', 'process', 'export', 'rotate', 'describe'],
  suspended: ['describe'],
  // A key leaves with all of its versions that may still be used.
  deactivated: ['process', 'export', 'describe'],
  compromised: ['process-compromised', 'describe'],
  'destroy-scheduled': ['describe', 'cancel-destruction'],
  destroyed: ['describe'],
  'destroyed-compromised': ['describe'],
};

const everyOperation: readonly VersionOperation[] = [
  ...['protect', 'process', 'process-compromised', 'prove-possession', 'import'],
  ...['activate', 'rotate', 'export', 'cancel-destruction', 'describe'],
] as VersionOperation[];

const pairs = versionStates.flatMap((from) => versionStates.map((to) => [from, to] as const));

test('there are the eleven states, and each has its row', () => {
  assert.equal(versionStates.length, 11);
  assert.deepEqual(Object.keys(lifecycle).sort(), [...versionStates].sort());
});

test('of all 121 moves those of SP 800-57 and the clouds are allowed, and no other', () => {
  assert.equal(pairs.length, 121);
  for (const [from, to] of pairs) {
    const known = moves.some((one) => one[0] === from && one[1] === to);
    assert.equal(canMove(from, to), known, `${from} to ${to}`);
    if (known) assert.equal(move(from, to), to);
    else {
      assert.throws(
        () => move(from, to),
        (error) => error instanceof KmsError && error.code === 'invalid-state' && error.subject === from,
        `${from} to ${to}`,
      );
    }
  }
  assert.equal(pairs.filter(([from, to]) => canMove(from, to)).length, moves.length);
});

test('every state allows exactly the operations that it is for', () => {
  for (const state of versionStates) {
    for (const operation of everyOperation) {
      assert.equal(allows(state, operation), operations[state].includes(operation), `${operation} while ${state}`);
    }
  }
});

test('only active material protects, and nothing destroyed is ever active again', () => {
  assert.deepEqual(
    versionStates.filter((state) => allows(state, 'protect')),
    ['active'],
  );
  const reached = new Set<VersionState>(['destroyed-compromised']);
  for (const state of reached) for (const [from, to] of moves) if (from === state) reached.add(to);
  assert.deepEqual([...reached], ['destroyed-compromised']);
  for (const [, to] of moves.filter(([from]) => from === 'destroyed')) {
    assert.ok(!allows(to, 'protect') && !allows(to, 'process'), to);
  }
});

test('what waits for its end goes back to what it was, but to no waiting or ended state', () => {
  const restorable = ['pre-active', 'active', 'suspended', 'deactivated', 'compromised'];
  for (const [from, before] of pairs) {
    if (from === 'destroy-scheduled' && restorable.includes(before)) assert.equal(moveBack(from, before), before);
    else assert.throws(() => moveBack(from, before), KmsError, `${from} back to ${before}`);
  }
});
