import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as sdk from '@aws-sdk/client-kms';
import { operations } from './operations.ts';

test('every operation of the SDK has its row, and no row is of none', () => {
  const known = Object.keys(sdk)
    .map((name) => /^([A-Z][A-Za-z]+)Command$/.exec(name)?.[1])
    .filter((name) => name !== undefined && name !== '$');
  assert.deepEqual(Object.keys(operations).sort(), known.sort());
});
