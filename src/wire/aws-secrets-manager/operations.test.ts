import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as sdk from '@aws-sdk/client-secrets-manager';
import { batch } from './batch.ts';
import { operations } from './operations.ts';

test('every operation of the SDK is offered', () => {
  const known = Object.keys(sdk)
    .map((name) => /^([A-Z][A-Za-z]+)Command$/.exec(name)?.[1])
    .filter((name) => name !== undefined && name !== '$');
  assert.deepEqual([...Object.keys(operations), batch.name].sort(), known.sort());
  assert.equal(known.length, 23);
});
