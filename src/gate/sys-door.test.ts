import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toBase64, toUtf8 } from '#encoding/encoding.ts';
import { Doors } from './testing/doors.ts';
import { House, passphrase, textOf } from './testing/house.ts';

const data = (answer: { readonly json: unknown }) => (answer.json as { data: Record<string, unknown> }).data;

test('what the machine is, and where audit goes, is for auditors and officers of the first realm', async () => {
  const house = await House.open({ mode: 'production' });
  const doors = new Doors(house);
  const auditor = await house.hire('auditor', 'auditor');
  const others = [
    await house.hire('user', 'key-user'),
    await house.hire('admin', 'key-administrator'),
    await house.hire('abroad', 'auditor', { realm: 'elsewhere' }),
  ];
  for (const path of ['sys/host-info', 'sys/audit', 'sys/config/state/sanitized']) {
    for (const set of [house.first, auditor]) {
      assert.equal((await doors.vault('GET', path, undefined, textOf(set.token))).status, 200, path);
    }
    for (const set of others) {
      assert.equal((await doors.vault('GET', path, undefined, textOf(set.token))).status, 403, path);
    }
  }
  assert.deepEqual(Object.keys(data(await doors.vault('GET', 'sys/audit'))), ['ledger/']);
  assert.equal((data(await doors.vault('GET', 'sys/host-info')).host as { hostname: string }).hostname, 'house');
});

test('what is not offered says so, and is a line of the ledger', async () => {
  const house = await House.open();
  const doors = new Doors(house);
  for (const [method, path, words] of [
    ['POST', 'sys/audit/file', /can not be changed through this API/],
    ['DELETE', 'sys/audit/ledger', /can not be changed through this API/],
    ['POST', 'sys/rotate', /no barrier key/],
    ['POST', 'sys/step-down', /one server/],
    ['GET', 'sys/rekey/backup', /no backed-up keys found/],
    ['POST', 'sys/init', /already initialized/],
    ['POST', 'auth/token/roles/batch', /Batch tokens are not offered/],
  ] as const) {
    const size = house.ledgerSize;
    const answer = await doors.vault(method, path, method === 'POST' ? { token_type: 'batch' } : undefined);
    assert.equal(answer.status, 400, path);
    assert.match(answer.text, words);
    assert.equal(house.ledgerSize, size + 1, path);
  }
});

test('anybody may try to open a sealed server, and nobody fills its ledger by what can not be read', async () => {
  const house = await House.open();
  const doors = new Doors(house);
  assert.match((await doors.vault('POST', 'sys/unseal', { reset: true }, '')).text, /vault is unsealed/);
  // Unsealed, it answers its status whatever is brought.
  assert.equal((await doors.vault('POST', 'sys/unseal', { key: 'wrong' }, '')).status, 200);
  assert.equal((await doors.vault('POST', 'sys/seal')).status, 204);
  const open = (body: object) => doors.vault('POST', 'sys/unseal', body, '');
  assert.match((await open({})).text, /'key' must be specified/);
  const line = (await house.entries()).at(-1)!;
  assert.deepEqual([line.outcome, line.principal, line.action], ['invalid-proof', '', 'unseal']);
  assert.equal((await open({ key: 'x', migrate: true })).status, 400);
  assert.equal((await open({ reset: true })).status, 200);
  assert.match((await open({ key: 'wrong' })).text, /does not open the seal/);
  const opened = await open({ key: passphrase });
  const status = opened.json as unknown as { sealed: boolean; t: number; progress: number };
  assert.deepEqual([status.sealed, status.t, status.progress], [false, 1, 0]);
});

test('what is under way while the server is sealed is answered, or refused as sealed', async () => {
  const house = await House.open();
  const doors = new Doors(house);
  await house.key({ name: 'busy' });
  const plaintext = toBase64(toUtf8('a message'));
  const asked = Array.from({ length: 60 }, (_, i) =>
    i === 30 ? doors.vault('POST', 'sys/seal') : doors.vault('POST', 'transit/encrypt/busy', { plaintext }),
  );
  const statuses = new Set((await Promise.all(asked)).map(({ status }) => status));
  for (const status of statuses) assert.ok([200, 204, 503].includes(status), String(status));
  assert.equal(house.gate.status().sealed, true);
  assert.deepEqual(house.log, []);
  await house.unseal();
  await house.assertLedgerVerifies();
});
