/** Requests that are nearly right: a grammar whose every choice has wrong neighbours, and then a few bytes changed. */

/** xorshift32: the same inputs for the same seed, everywhere. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed ^ 0x9e3779b9) | 0 || 1;
    for (let i = 0; i < 8; i++) this.below(2);
  }

  below(limit: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return (x >>> 0) % limit;
  }

  /** True once in `n`. */
  once(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }
}

const methods = ['GET', 'POST', 'PUT', 'LIST', 'DELETE', 'HEAD', 'PATCH', 'OPTIONS'];
const oddMethods = [
  'get',
  'LOCK',
  'LISTS',
  'LIS',
  'CONNECT',
  'TRACE',
  'PRI',
  'G\tET',
  '',
  'GET\0',
  'M-SEARCH',
  'POST POST',
  '\r\nGET',
  '\nGET',
];
const targets = [
  '/',
  '/v1/transit/encrypt/a',
  '/v1/transit/keys?list=true',
  '/a//b/../c',
  '/%2e%2E/%zz',
  '/?',
  '/??x=/?',
  "/;:@&=+$,!~*'()",
  '/LIST',
];
const oddTargets = [
  '*',
  'a',
  '//h/p',
  'http://h/p',
  '/a#b',
  '/a b',
  '/\xe9',
  '/\x7f',
  '/a\tb',
  '/<>',
  '/"',
  '/[x]',
  '/{x}',
  '/|',
  '',
  '?x',
  'h:80',
  `/${'a'.repeat(300)}`,
];
const oddVersions = [
  'HTTP/1.0',
  'HTTP/2.0',
  'HTTP/1.2',
  'HTTP/0.9',
  'HTTP/1.1 ',
  ' HTTP/1.1',
  'http/1.1',
  'HTTP/1.10',
  'HTTP/11',
  'HTTPS/1.1',
  'ICE/1.0',
  'RTSP/1.0',
  'HTTP/1,1',
  '',
];
const oddEnds = ['\n', '\r', '\r\r\n', '\n\r', ' \r\n', '\t\r\n', '\r\n ', '\0\r\n', '\r\n\r\n', ''];
const hosts = ['Host: a', 'host:a', 'HOST:  a.example:8200\t', 'Host: [::1]:8200'];
const oddHosts = [
  'Host: a\r\nHost: a',
  'Host:',
  'Host: a b',
  'Host: a,b',
  'Host: a/b',
  'Host : a',
  'X: y',
  ' Host: a',
  'Host: a@b',
  'Host\0: a',
  'Host: a\r\n b',
  'Host: [::1',
  'Host: a:b',
];
const fields = [
  'Accept: */*',
  'X-Vault-Token: clv.abc',
  'content-type:application/json',
  'X-Empty:',
  'X-Tab:\t\ta\tb\t ',
  'X-High: \xff\x80',
  'Connection: keep-alive',
  'Upgrade: h2c',
  'X-LIST: LIST / HTTP/1.1',
  'Keep-Alive: timeout=5',
  'TE: trailers',
  'a:b',
  "!#$%&'*+-.^_`|~: 1",
  'Via: 1.1 x',
  'Connection: Upgrade',
  'Expect: 100-continue',
];
const oddFields = [
  'Connection: close',
  'Connection: close, keep-alive',
  'Connection: keep-alive,close',
  'Connection: ,close',
  'Connection: clo se',
  'Connection:',
  'Connection: CLOSE',
  'connection: close;x',
  'Connection: keep-alive\r\nConnection: close',
  'X : y',
  ':x',
  'X\ty: z',
  '\tX: y',
  ' X: y',
  'X: a\x01b',
  'X: a\0b',
  'X: a\x7fb',
  'X: a\rb',
  'X: a\nb',
  'X: a\n b',
  'X: a\r\n b',
  'X: a\r\n\tb',
  'X',
  'X(y): z',
  'X\xe9: y',
  '"X": y',
  'Expect: 200-ok',
  'Expect: 100-Continue',
  'Proxy-Connection: close',
  'Trailer: x',
  'HTTP2-Settings: AAA',
];
const oddCodings = [
  'Chunked',
  'chunked, chunked',
  'gzip, chunked',
  'chunked, gzip',
  'identity',
  'xchunked',
  'chunked;q=1',
  ' chunked',
  '\tchunked\t',
  'chunked ',
  'chunked,',
  ',chunked',
  '"chunked"',
  'chun\tked',
  'chunked\x0b',
  '\x0bchunked',
  'chunked\r\n ',
  'chunked\r\nTransfer-Encoding: chunked',
  'chunked\r\nTransfer-Encoding: identity',
  'identity\r\nTransfer-Encoding: chunked',
  '',
];
const oddSizes = (size: string): readonly string[] => [
  `+${size}`,
  `-${size}`,
  `0x${size}`,
  `0${size}`,
  ` ${size}`,
  `${size} `,
  `${size};a=b`,
  `${size} ;a`,
  `${size},${size}`,
  `${size}.0`,
  `${size}e0`,
  `${size}_0`,
  `${size}\t`,
  '',
  'f'.repeat(9),
  '1'.padEnd(16, '0'),
  '18446744073709551616',
  '9007199254740993',
  `${size}\r\n `,
  `\v${size}`,
  `${size}\0`,
  `00000000${size}`,
];
const bodies = [
  '',
  '{}',
  '{"plaintext":"YQ=="}',
  'LIST /v1/x HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  '0\r\n\r\n',
  '\r\n',
  '\0\xff\x80',
  'x'.repeat(70),
  'y'.repeat(700),
];
const interesting = '\r\n\t \0:;,/?#%+-.0159aAfFxX"\x0b\x0c\x1f\x7f\x80\xa0\xffHLT{}[]';

/** `oddness`: a choice goes wrong once in so many. */
function oneOf(dice: Dice, oddness: number, right: readonly string[], wrong: readonly string[]): string {
  return dice.once(oddness) ? dice.pick(wrong) : dice.pick(right);
}

const right = ['\r\n'];

function chunked(dice: Dice, body: string, oddness: number): string {
  let out = '';
  for (let at = 0; at < body.length; ) {
    const length = 1 + dice.below(Math.min(body.length - at, 40));
    const size = length.toString(16);
    out += oneOf(dice, oddness * 2, [size, size.toUpperCase(), `0${size}`], oddSizes(size));
    out +=
      oneOf(dice, oddness * 3, right, oddEnds) + body.slice(at, at + length) + oneOf(dice, oddness * 3, right, oddEnds);
    at += length;
  }
  out +=
    oneOf(dice, oddness, ['0', '0', '000'], ['', '-0', '0x0', '0 ', '0;a', '00000000000', '1']) +
    oneOf(dice, oddness, right, oddEnds);
  if (dice.once(oddness))
    out += dice.pick(['X: y\r\n', 'Content-Length: 3\r\n', 'X: y\n', ' \r\n', 'Transfer-Encoding: chunked\r\n']);
  return out + oneOf(dice, oddness, right, oddEnds);
}

function framedBody(dice: Dice, oddness: number, end: () => string): { head: string; body: string } {
  const body = dice.pick(bodies);
  const length = `Content-Length: ${oneOf(dice, oddness, [`${body.length}`], [...oddSizes(`${body.length}`), `${body.length + 1}`, `${Math.max(0, body.length - 1)}`])}`;
  const coding = `${oneOf(dice, oddness * 2, ['Transfer-Encoding', 'transfer-encoding'], ['Transfer-Encoding ', 'Transfer_Encoding', 'X-Transfer-Encoding', '\x0bTransfer-Encoding', 'TRANSFER-ENCODING'])}: ${oneOf(dice, oddness, ['chunked'], oddCodings)}`;
  if (dice.once(oddness * 2)) {
    const both = dice.pick([
      [length, coding],
      [coding, length],
      [length, length],
      [coding, coding],
    ]);
    return {
      head: both.map((line) => line + end()).join(''),
      body: dice.once(2) ? body : chunked(dice, body, oddness),
    };
  }
  if (dice.once(3)) return { head: coding + end(), body: chunked(dice, body, oddness) };
  if (dice.once(6)) return { head: '', body: dice.once(oddness) ? body : '' };
  return { head: length + end(), body };
}

function request(dice: Dice, oddness: number): string {
  const end = (): string => oneOf(dice, oddness * 4, right, oddEnds);
  const gap = (): string => oneOf(dice, oddness * 3, [' '], ['  ', '\t', '', ' \t', '\x0b', '\0', '\r', '\xa0']);
  const version = oneOf(dice, oddness * 2, ['HTTP/1.1'], oddVersions);
  let out = `${oneOf(dice, oddness, methods, oddMethods)}${gap()}${oneOf(dice, oddness, targets, oddTargets)}${gap()}${version}${end()}`;
  const framing = framedBody(dice, oddness, end);
  const parts = [framing.head, oneOf(dice, oddness * 2, hosts, oddHosts) + end()];
  for (let count = dice.below(5); count > 0; count--) parts.push(oneOf(dice, oddness * 2, fields, oddFields) + end());
  if (dice.once(60)) for (let count = 0; count < 34; count++) parts.push(`X-${count}: ${count}\r\n`);
  if (dice.once(2)) parts.reverse();
  out += parts.join('');
  return out + end() + framing.body;
}

function mutate(dice: Dice, bytes: Buffer): Buffer {
  let out = bytes;
  for (let count = 1 + dice.below(3); count > 0 && out.length > 0; count--) {
    const at = dice.below(out.length);
    const byte = dice.once(3) ? dice.below(256) : interesting.charCodeAt(dice.below(interesting.length));
    const kind = dice.below(5);
    if (kind === 0) out[at] = byte;
    else if (kind === 1) out[at]! ^= 1 << dice.below(8);
    else {
      const to = kind === 2 ? at : Math.min(out.length, at + 1 + dice.below(kind === 3 ? 2 : 30));
      const between =
        kind === 2
          ? Buffer.of(byte)
          : kind === 3
            ? Buffer.alloc(0)
            : Buffer.concat([out.subarray(at, to), out.subarray(at, to)]);
      out = Buffer.concat([out.subarray(0, at), between, out.subarray(to)]);
    }
  }
  return out;
}

/** One to four requests of one connection. */
export function makeInput(dice: Dice): Buffer {
  const oddness = dice.pick([4, 12, 40, 200]);
  let text = '';
  for (let count = dice.pick([1, 1, 1, 2, 2, 3, 4]); count > 0; count--) text += request(dice, oddness);
  const bytes = Buffer.from(text, 'latin1');
  return dice.once(2) ? mutate(dice, bytes) : bytes;
}
