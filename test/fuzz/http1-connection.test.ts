import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { it } from 'node:test';
import { startListener } from '#listen/listen.ts';
import type { Response } from '#wire/wire.ts';
import { Dice, makeInput } from './http1-inputs.ts';
import { maxBody, readerLimits, readWithOurs } from './http1-parsers.ts';

const empty = async (): Promise<Response> => ({ status: 200, headers: [], contentType: '', body: '' });
const door = { name: 'all', match: () => ({ maxBody, handle: empty, refuse: empty }) };

/** Sends `bytes` in two packets and closes; answers what came back once the server has closed too. */
function converse(port: number, bytes: Buffer, cut: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    // A server that refuses may reset what it doesn't read.
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
    socket.setTimeout(5000, () => {
      socket.destroy();
      reject(new Error(`no end after ${JSON.stringify(bytes.toString('latin1'))}`));
    });
    socket.write(bytes.subarray(0, cut));
    setImmediate(() => socket.end(bytes.subarray(cut)));
  });
}

it('a connection answers once for each request and once for what is wrong, and always ends', async () => {
  const dice = new Dice(2);
  const errors: unknown[] = [];
  const listener = await startListener({
    host: '127.0.0.1',
    port: 0,
    doors: [door],
    ready: () => true,
    clock: () => 0,
    limits: { ...readerLimits, maxUnderWay: 3 },
    onError: (error) => errors.push(error),
  });
  const one = async (): Promise<void> => {
    const bytes = makeInput(dice);
    const { requests, end } = readWithOurs(bytes);
    const answer = await converse(listener.port, bytes, dice.below(bytes.length + 1));
    const expected = requests.length + (end === 'clean' || end === 'closed' ? 0 : 1);
    assert.equal(answer.split('\r\nDate: ').length - 1, expected, JSON.stringify(bytes.toString('latin1')));
  };
  for (let round = 0; round < 60; round++) await Promise.all(Array.from({ length: 20 }, one));
  await listener.close();
  assert.deepEqual(errors, []);
  assert.equal(listener.stats().connections, 0);
});
