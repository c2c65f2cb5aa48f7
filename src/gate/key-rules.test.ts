import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { b64, fresh } from './testing/cases.ts';
import { Doors } from './testing/doors.ts';
import { House } from './testing/house.ts';

let doors: Doors;
before(async () => {
  doors = new Doors(await House.open());
});

/** The status of an encryption under a name that nothing has. */
async function encrypting(mount: string): Promise<number> {
  const { status } = await doors.vault('POST', `${mount}/encrypt/${fresh('unknown')}`, { plaintext: b64('m') });
  return status;
}

const disabling = (mount: string, disable_upsert: boolean) =>
  doors.vault('POST', `${mount}/config/keys`, { disable_upsert });
const isDisabled = async (mount: string) => {
  const { data } = (await doors.vault('GET', `${mount}/config/keys`)).json as unknown as {
    data: { disable_upsert: boolean };
  };
  return data.disable_upsert;
};

test('encrypting makes the key that is not there, unless that is switched off', async () => {
  assert.deepEqual([await isDisabled('transit'), await encrypting('transit')], [false, 200]);
  assert.equal((await disabling('transit', true)).status, 200);
  assert.deepEqual([await isDisabled('transit'), await encrypting('transit')], [true, 400]);
  const name = fresh('made');
  assert.equal((await doors.vault('POST', `transit/keys/${name}`, {})).status, 200);
  assert.equal((await doors.vault('POST', `transit/encrypt/${name}`, { plaintext: b64('m') })).status, 200);
  await disabling('transit', false);
  assert.equal(await encrypting('transit'), 200);
});

test('what is switched off at a mount is so there alone, and gone with it', async () => {
  await doors.vault('POST', 'sys/mounts/own', { type: 'transit' });
  await disabling('own', true);
  assert.deepEqual([await encrypting('own'), await encrypting('transit')], [400, 200]);
  assert.equal((await doors.vault('DELETE', 'sys/mounts/own')).status, 204);
  await doors.vault('POST', 'sys/mounts/own', { type: 'transit' });
  assert.deepEqual([await isDisabled('own'), await encrypting('own')], [false, 200]);
});
