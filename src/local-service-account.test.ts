import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { localServiceAccount } from './local-service-account.ts';

const folder = mkdtempSync(join(tmpdir(), 'claviger-pod-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const put = (name: string, text: string) => writeFileSync(join(folder, name), text);

test('a pod’s token and authority are read together, and again after a minute', () => {
  let now = 0;
  const read = localServiceAccount(() => now, folder);
  assert.equal(read(), undefined);
  put('token', 'first\n');
  now += 60_000;
  assert.equal(read(), undefined, 'a token without its authority is none');
  put('ca.crt', 'the authority');
  now += 60_000;
  assert.deepEqual(read(), { token: 'first', ca: 'the authority' });
  put('token', 'second');
  now += 59_999;
  assert.equal(read()?.token, 'first');
  now += 1;
  assert.equal(read()?.token, 'second');
});

test('what is no bearer token is none', () => {
  for (const text of ['', 'a b', 'a\r\nx: y', 'é', 'a'.repeat(70_000)]) {
    put('token', text);
    assert.equal(localServiceAccount(() => 0, folder)(), undefined, JSON.stringify(text.slice(0, 20)));
  }
});
