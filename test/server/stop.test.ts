import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { run, start } from '../process.ts';
import { caller, identityOf } from './place.ts';

const data = mkdtempSync(join(tmpdir(), 'claviger-stop-'));
after(() => rmSync(data, { recursive: true }));

const serving = ['dev', '--data', data, '--listen', '127.0.0.1:0'];

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} under load ends the server in order, and nothing that was answered is lost`, async () => {
    const server = await start(serving);
    const calls = caller(server.url, data);
    const headers = { 'x-vault-token': identityOf(data).token };
    const answered: string[] = [];
    const refusals: number[] = [];
    let ended = false;
    const loads = Array.from({ length: 16 }, async (_, worker) => {
      for (let i = 0; !ended; i++) {
        const name = `${signal}-${worker}-${i}`;
        try {
          const { status } = await calls.send('POST', `/v1/transit/keys/${name}`, '{}', headers);
          if (status === 200) answered.push(name);
          else refusals.push(status);
        } catch {
          // The listener is closed: this one was never taken.
          return;
        }
      }
    });
    await new Promise((resolve) => setTimeout(resolve, 400));
    const { code, output } = await server.stop(signal);
    ended = true;
    await Promise.all(loads);
    calls.close();
    assert.equal(code, 0, output);
    assert.match(output, /stopped/);
    assert.ok(answered.length > 50, `${answered.length} were answered`);
    assert.deepEqual(refusals, []);

    const verified = await run(['audit', 'verify', '--data', data, '--json']);
    assert.equal(verified.code, 0, verified.output);
    const again = await start(serving);
    const after = caller(again.url, data);
    const { body } = await after
      .send('LIST', '/v1/transit/keys', undefined, headers)
      .catch(async () => after.send('GET', '/v1/transit/keys?list=true', undefined, headers));
    const kept = new Set(JSON.parse(body).data.keys as string[]);
    assert.deepEqual(
      answered.filter((name) => !kept.has(name)),
      [],
    );
    after.close();
    await again.stop();
  });
}

test('a signal at the very moment that the server is ready is heard', async () => {
  for (let i = 0; i < 3; i++) {
    const server = await start(serving);
    const { code, output } = await server.stop();
    assert.equal(code, 0, output);
    assert.match(output, /stopped/);
  }
});

test('a senseless size of the cache is told in a sentence', async () => {
  for (const size of ['0', '1', '-5', 'many', '1e9', '2000.5']) {
    const { code, output } = await run([...serving, `--cached-keys=${size}`], { limit: 10_000 });
    assert.equal(code, 2, size);
    assert.match(output, /^claviger: --cached-keys takes a whole number/);
  }
});
