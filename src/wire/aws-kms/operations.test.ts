import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as sdk from '@aws-sdk/client-kms';
import { operations, unoffered } from './operations.ts';

test('every operation of the SDK is offered or refused by name, and none is both', () => {
  const known = Object.keys(sdk)
    .map((name) => /^([A-Z][A-Za-z]+)Command$/.exec(name)?.[1])
    .filter((name) => name !== undefined && name !== '$');
  assert.deepEqual([...Object.keys(operations), ...unoffered].sort(), known.sort());
});
