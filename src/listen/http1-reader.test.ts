import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Fault } from './fault.ts';
import type { Head } from './http1-head.ts';
import { Http1Reader } from './http1-reader.ts';
import { defaultLimits, type Limits } from './limits.ts';

interface Read {
  readonly requests: ReadonlyArray<readonly [string, string, string, readonly string[], string]>;
  readonly fault: Fault | undefined;
  readonly partial: boolean;
}

function read(pieces: readonly string[], limits: Partial<Limits> = {}, maxBody = 1000): Read {
  const requests: Array<readonly [string, string, string, readonly string[], string]> = [];
  let head: Head | undefined;
  let fault: Fault | undefined;
  const reader = new Http1Reader(
    {
      head(next) {
        head = next;
        return maxBody;
      },
      awaitsContinue() {},
      request(body) {
        const { method, path, query, headers } = head!.request;
        requests.push([method, path, query, headers, Buffer.from(body).toString('latin1')]);
        return true;
      },
      fault(found) {
        fault = found;
      },
    },
    { ...defaultLimits, ...limits },
    '',
  );
  for (const piece of pieces) reader.push(Buffer.from(piece, 'latin1'));
  return { requests, fault, partial: reader.partial };
}

const wellFormed = {
  'a read': 'GET /v1/sys/health?standbyok=true HTTP/1.1\r\nHost: 127.0.0.1:8200\r\n\r\n',
  'a LIST': 'LIST /v1/transit/keys HTTP/1.1\r\nHost: a\r\nX-Vault-Token: clv.x\r\n\r\n',
  'a body that begins like a LIST': 'POST /v1/a HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\nLIST /v1/b H',
  'a chunked body':
    'PUT /a HTTP/1.1\r\nhost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nLIST \r\n0C\r\n/ HTTP/1.1\r\n\r\n0\r\n\r\n',
  'white space around values': 'GET / HTTP/1.1\r\nHOST: \t a \t\r\nX:\r\nY: \t\r\nz:a  b\r\n\r\n',
  'three pipelined requests':
    'POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcLIST /2 HTTP/1.1\r\nHost: a\r\n\r\nPOST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n',
};

describe('the HTTP/1.1 reader', () => {
  for (const [name, text] of Object.entries(wellFormed)) {
    it(`reads ${name} however it is split in two, and byte by byte`, () => {
      const whole = read([text]);
      assert.equal(whole.fault, undefined);
      assert.equal(whole.partial, false);
      assert.ok(whole.requests.length > 0);
      for (let cut = 1; cut < text.length; cut++) assert.deepEqual(read([text.slice(0, cut), text.slice(cut)]), whole);
      assert.deepEqual(read([...text]), whole);
    });
  }

  it('hands over names in lower case, values without outer white space, in the order sent', () => {
    assert.deepEqual(read([wellFormed['white space around values']]).requests[0], [
      'GET',
      '/',
      '',
      ['host', 'a', 'x', '', 'y', '', 'z', 'a  b'],
      '',
    ]);
    assert.deepEqual(
      read([wellFormed['three pipelined requests']]).requests.map(([method, path, , , body]) => [method, path, body]),
      [
        ['POST', '/1', 'abc'],
        ['LIST', '/2', ''],
        ['POST', '/3', 'x'],
      ],
    );
  });

  it('leaves path and query as they were sent', () => {
    const { requests } = read(["GET /a%2F..//b;c=1/%zz?x=%00&y=/?:@!$'()*+,;=-._~ HTTP/1.1\r\nHost: a\r\n\r\n"]);
    assert.equal(requests[0]?.[1], '/a%2F..//b;c=1/%zz');
    assert.equal(requests[0]?.[2], "x=%00&y=/?:@!$'()*+,;=-._~");
  });

  const get = 'GET / HTTP/1.1\r\nHost: a\r\n';
  const post = 'POST / HTTP/1.1\r\nHost: a\r\n';
  const refused: ReadonlyArray<readonly [string, string, Fault]> = [
    ['an empty line before the request', `\r\n${get}\r\n`, 'request-line'],
    ['no method', ' / HTTP/1.1\r\nHost: a\r\n\r\n', 'request-line'],
    ['a method that is no token', 'G(T / HTTP/1.1\r\nHost: a\r\n\r\n', 'request-line'],
    ['a method in lower case', 'get / HTTP/1.1\r\nHost: a\r\n\r\n', 'method'],
    ['CONNECT', 'CONNECT /a HTTP/1.1\r\nHost: a\r\n\r\n', 'method'],
    ['TRACE', 'TRACE / HTTP/1.1\r\nHost: a\r\n\r\n', 'method'],
    ['an endless method', 'A'.repeat(33), 'request-line'],
    ['a TLS hello', '\x16\x03\x01\x02\x00\x01\x00\x01', 'request-line'],
    ['two spaces before the target', 'GET  / HTTP/1.1\r\nHost: a\r\n\r\n', 'target'],
    ['a tab before the target', 'GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n', 'request-line'],
    ['two spaces before the version', 'GET /  HTTP/1.1\r\nHost: a\r\n\r\n', 'request-line'],
    ['an absolute target', 'GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n', 'target'],
    ['an asterisk target', 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n', 'target'],
    ['a fragment', 'GET /#a HTTP/1.1\r\nHost: a\r\n\r\n', 'target'],
    ['a target with raw high bytes', 'GET /\xe9 HTTP/1.1\r\nHost: a\r\n\r\n', 'target'],
    ['a target with NUL', 'GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n', 'target'],
    ['HTTP/0.9', 'GET /\r\nHost: a\r\n\r\n', 'target'],
    ['HTTP/1.0', 'GET / HTTP/1.0\r\nHost: a\r\n\r\n', 'version'],
    ['HTTP/2 in the clear', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'target'],
    ['HTTP/1.10', 'GET / HTTP/1.10\r\nHost: a\r\n\r\n', 'request-line'],
    ['a version in lower case', 'GET / http/1.1\r\nHost: a\r\n\r\n', 'request-line'],
    ['a bare LF after the request line', 'GET / HTTP/1.1\nHost: a\r\n\r\n', 'request-line'],
    ['a bare LF after a field', 'GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n', 'field'],
    ['a bare CR in a field', 'GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n', 'field'],
    ['an empty line of LF alone', `${get}\n`, 'field'],
    ['a folded field', `${get}X: a\r\n b\r\n\r\n`, 'field'],
    ['a folded first field', 'GET / HTTP/1.1\r\n Host: a\r\n\r\n', 'field'],
    ['white space before a colon', `${get}X : y\r\n\r\n`, 'field'],
    ['a field without a name', `${get}: y\r\n\r\n`, 'field'],
    ['a field without a colon', `${get}X\r\n\r\n`, 'field'],
    ['NUL in a value', `${get}X: a\0b\r\n\r\n`, 'field'],
    ['DEL in a value', `${get}X: a\x7fb\r\n\r\n`, 'field'],
    ['a high byte in a name', `${get}X\xe9: a\r\n\r\n`, 'field'],
    ['no host', 'GET / HTTP/1.1\r\nX: y\r\n\r\n', 'host'],
    ['two hosts', `${get}Host: a\r\n\r\n`, 'host'],
    ['an empty host', 'GET / HTTP/1.1\r\nHost: \r\n\r\n', 'host'],
    ['a host with a path', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', 'host'],
    ['a host with user information', 'GET / HTTP/1.1\r\nHost: a@b\r\n\r\n', 'host'],
    ['two lengths that are equal', `${post}Content-Length: 1\r\nContent-Length: 1\r\n\r\na`, 'length'],
    ['two lengths that differ', `${post}Content-Length: 1\r\nContent-Length: 2\r\n\r\na`, 'length'],
    ['a length and a coding', `${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 'length'],
    ['a coding and a length', `${post}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`, 'length'],
    ['two codings', `${post}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n`, 'length'],
    ...['+1', '-1', '0x1', '1,1', '1 1', '1.0', '1e0', '', '01', '\v1', '1'.padEnd(16, '0')].map(
      (length): readonly [string, string, Fault] => [
        `the length "${length}"`,
        `${post}Content-Length: ${length}\r\n\r\na`,
        length === '\v1' ? 'field' : 'length',
      ],
    ),
    ...[
      'Chunked',
      'gzip, chunked',
      'chunked, chunked',
      'identity',
      'chunked;a',
      'xchunked',
      '',
      'chunked ',
      'chunked\t',
    ].map((coding): readonly [string, string, Fault] => [
      `the coding "${coding}"`,
      `${post}Transfer-Encoding: ${coding}\r\n\r\n0\r\n\r\n`,
      'coding',
    ]),
    ['a coding behind a vertical tab', `${post}Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n`, 'field'],
    ['a coding whose name ends in a space', `${post}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`, 'field'],
    ...['+1', '-1', '0x1', ' 1', '1 ', '1;a=b', '', 'g', '100000000', '1\n'].map(
      (size): readonly [string, string, Fault] => [
        `the chunk size ${JSON.stringify(size)}`,
        `${post}Transfer-Encoding: chunked\r\n\r\n${size}\r\na\r\n0\r\n\r\n`,
        size === '100000000' ? 'body-too-large' : 'chunk',
      ],
    ),
    ['a chunk that is longer than it says', `${post}Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n`, 'chunk'],
    ['a chunk that ends with LF', `${post}Transfer-Encoding: chunked\r\n\r\n1\r\na\n0\r\n\r\n`, 'chunk'],
    ['a trailer', `${post}Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n`, 'chunk'],
    ['a connection field that is no list', `${get}Connection: clo se\r\n\r\n`, 'connection-field'],
    ['another expectation', `${post}Expect: 200-ok\r\n\r\n`, 'expectation'],
    ['a body over its limit', `${post}Content-Length: 1001\r\n\r\n`, 'body-too-large'],
    ['a chunk over the limit of the body', `${post}Transfer-Encoding: chunked\r\n\r\n3e9\r\n`, 'body-too-large'],
    [
      'chunks that add up over the limit',
      `${post}Transfer-Encoding: chunked\r\n\r\n1f4\r\n${'a'.repeat(500)}\r\n1f5\r\n`,
      'body-too-large',
    ],
    ['a target over 8 KiB', `GET /${'a'.repeat(8192)} HTTP/1.1\r\nHost: a\r\n\r\n`, 'target-too-long'],
    ['a target without an end', `GET /${'a'.repeat(9000)}`, 'target-too-long'],
    ['a head over 32 KiB', `${get}X: ${'a'.repeat(32 * 1024)}\r\n\r\n`, 'head-too-large'],
    ['a head without an end', `${get}X: ${'a'.repeat(40 * 1024)}`, 'head-too-large'],
    ['more than a hundred fields', `${get}${'X: y\r\n'.repeat(100)}\r\n`, 'head-too-large'],
  ];
  for (const [name, text, fault] of refused) {
    it(`refuses ${name}, wherever the packets end`, () => {
      assert.deepEqual(read([text]), { requests: [], fault, partial: false });
      if (text.length < 200) {
        for (let cut = 1; cut < text.length; cut++)
          assert.equal(read([text.slice(0, cut), text.slice(cut)]).fault, fault, `cut at ${cut}`);
        assert.equal(read([...text]).fault, fault);
      }
    });
  }

  it('takes a head of exactly its limits', () => {
    const target = `GET /${'a'.repeat(8191)} HTTP/1.1\r\nHost: a\r\n`;
    const rest = 32 * 1024 - target.length - 'X: \r\n\r\n'.length;
    assert.equal(read([`${target}X: ${'b'.repeat(rest)}\r\n\r\n`]).requests.length, 1);
    assert.equal(read([`${target}X: ${'b'.repeat(rest + 1)}\r\n\r\n`]).fault, 'head-too-large');
    assert.equal(read([`${get}${'X: y\r\n'.repeat(99)}\r\n`]).requests[0]?.[3].length, 200);
  });

  it('keeps what came before a fault', () => {
    const { requests, fault } = read([`${get}\r\n${post}Content-Length: 1\r\n\r\naX`.concat('\n')]);
    assert.equal(requests.length, 2);
    assert.equal(fault, 'request-line');
  });

  it('stops where it is told to and goes on from there', () => {
    const seen: string[] = [];
    const reader: Http1Reader = new Http1Reader(
      {
        head(head) {
          seen.push(head.request.path);
          return 0;
        },
        awaitsContinue() {},
        request: () => false,
        fault: (fault) => assert.fail(fault),
      },
      defaultLimits,
      '',
    );
    const text = ['/1', '/2', '/3'].map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).join('');
    reader.push(Buffer.from(text.slice(0, 50)));
    reader.push(Buffer.from(text.slice(50)));
    assert.deepEqual(seen, ['/1']);
    reader.resume();
    assert.deepEqual(seen, ['/1', '/2']);
    reader.resume();
    assert.deepEqual(seen, ['/1', '/2', '/3']);
    assert.equal(reader.partial, false);
  });

  it('hands over a body that came whole without copying it', () => {
    let body: Uint8Array | undefined;
    const sink = {
      head: () => 10,
      awaitsContinue() {},
      request(read: Uint8Array) {
        body = read;
        return true;
      },
      fault() {},
    };
    const bytes = Buffer.from(`${post}Content-Length: 3\r\n\r\nabc`);
    new Http1Reader(sink, defaultLimits, '').push(bytes);
    assert.equal(body?.buffer, bytes.buffer);
  });
});
