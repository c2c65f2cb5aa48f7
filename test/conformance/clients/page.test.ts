import assert from 'node:assert/strict';
import { test } from 'node:test';
import { standing, tried } from '../../../tools/aws-clients.ts';
import { clientKinds, type Service } from './clients.ts';
import { doors } from './doors.ts';

const services = Object.keys(doors) as Service[];

for (const service of services) {
  const { operations, requests } = doors[service];

  test(`${service}: every operation has its request`, () => {
    assert.deepEqual(
      operations.filter((operation) => requests[operation] === undefined),
      [],
    );
  });

  test(`${service}: every error that AWS documents is provoked, or it is said why not`, () => {
    const forgotten = operations.flatMap((operation) =>
      standing(service, operation).forgotten.map((error) => `${operation} ${error}`),
    );
    assert.deepEqual(forgotten, []);
  });
}

test('the page names every client that the tests drive', () => {
  assert.deepEqual(
    Object.keys(tried().versions),
    clientKinds.map(({ name }) => name),
  );
});
