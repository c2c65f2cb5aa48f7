import assert from 'node:assert/strict';
import { test } from 'node:test';
import { awsCases } from '#gate/testing/aws-cases.ts';
import { Doors } from '#gate/testing/doors.ts';
import { House } from '#gate/testing/house.ts';
import { documentedErrors } from '../../../tools/aws-documented.ts';
import { type Fault, ofTheServer } from './errors-kms.ts';

/** What AWS documents of each operation for a server in trouble, with that trouble made before a request that is right. */

const make: Readonly<Record<Fault, (house: House) => Promise<unknown> | unknown>> = {
  sealed: (house) => house.perform({ kind: 'seal' }),
  'storage-full': (house) => {
    house.store.broken = 'storage-full';
  },
};

const mend: Readonly<Record<Fault, (house: House) => Promise<unknown> | unknown>> = {
  sealed: (house) => house.unseal(),
  'storage-full': (house) => {
    house.store.broken = undefined;
  },
};

for (const [error, fault] of Object.entries(ofTheServer)) {
  test(`${error} is what every operation answers that documents it, on a server that is ${fault}`, async () => {
    const house = await House.open();
    const doors = new Doors(house);
    const asked = Object.entries(awsCases).filter(([name]) => documentedErrors('kms', name).includes(error));
    assert.ok(asked.length > 10);
    for (const [name, ready] of asked) {
      const send = await ready(doors);
      await make[fault](house);
      const { status, json } = await send();
      await mend[fault](house);
      assert.deepEqual([status, json.__type], [500, error], name);
    }
  });
}
