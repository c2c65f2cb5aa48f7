import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pointOf } from './objects.ts';

test('a point is read with and without the OCTET STRING around it, whatever its bytes look like', () => {
  for (const length of [65, 97, 133]) {
    const point = Buffer.alloc(length, 4);
    // As the head of an OCTET STRING that takes the rest.
    point[1] = length - 2;
    assert.deepEqual(Buffer.from(pointOf(point)), point);
    const head = length < 128 ? [4, length] : [4, 0x81, length];
    assert.deepEqual(Buffer.from(pointOf(Buffer.concat([Buffer.from(head), point]))), point);
  }
});
