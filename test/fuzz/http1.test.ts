import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { disagreement, fuzz } from './http1.ts';
import { readWithNode, readWithOurs } from './http1-parsers.ts';

const text = (bytes: string): Buffer => Buffer.from(bytes, 'latin1');

describe('the HTTP/1.1 reader against Node', () => {
  it('is never more permissive, on 200,000 inputs or 15 seconds of them', { timeout: 120_000 }, () => {
    const { inputs, accepted, lists, refused, disagreements } = fuzz({
      inputs: 200_000,
      seed: 20_261_124,
      seconds: 15,
    });
    assert.deepEqual(disagreements, []);
    assert.ok(inputs > 10_000 && accepted > inputs / 4 && lists > inputs / 40 && refused > inputs / 4);
  });

  it('is compared with a parser that knows all our methods, a LIST by another name', () => {
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'LIST']) {
      const bytes = text(`${method} /LIST? HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nLIST`);
      const ours = readWithOurs(bytes);
      assert.equal(ours.requests.length, 1);
      assert.equal(disagreement(bytes, ours), undefined);
    }
    assert.equal(readWithNode(text('LIST / HTTP/1.1\r\nHost: a\r\n\r\n')).end, 'HPE_INVALID_METHOD');
  });

  it('would be found out if it accepted more, or read it otherwise', () => {
    const request = { method: 'GET', target: '/', headers: 'host\na', body: '' };
    const plain = text('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.equal(disagreement(plain, { requests: [request], end: 'clean' }), undefined);
    const wrong: ReadonlyArray<readonly [string, Parameters<typeof disagreement>[1]]> = [
      ['GET / HTTP/1.1\nHost: a\n\n', { requests: [request], end: 'clean' }],
      ['GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n', { requests: [request], end: 'clean' }],
      ['GET / HTTP/1.1\r\nHost: a\r\n\r\nx', { requests: [request], end: 'clean' }],
      ['GET / HTTP/1.1\r\nHost: a\r\n\r\n', { requests: [{ ...request, target: '/a' }], end: 'clean' }],
      ['GET / HTTP/1.1\r\nHost: a\r\n\r\n', { requests: [{ ...request, body: 'a' }], end: 'clean' }],
      ['GET / HTTP/1.1\r\nHost: a\r\n\r\n', { requests: [{ ...request, method: 'PUT' }], end: 'clean' }],
      ['GET / HTTP/1.1\r\nHost: a\r\n\r\n', { requests: [], end: 'partial' }],
      ['GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n', { requests: [request], end: 'clean' }],
    ];
    for (const [bytes, ours] of wrong) assert.notEqual(disagreement(text(bytes), ours), undefined, bytes);
  });
});
