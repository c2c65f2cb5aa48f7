import type { Response } from '#wire/wire.ts';

const reasons: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  204: 'No Content',
  304: 'Not Modified',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  414: 'URI Too Long',
  415: 'Unsupported Media Type',
  417: 'Expectation Failed',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
};

export const continueAnswer = 'HTTP/1.1 100 Continue\r\n\r\n';

/** One line of visible ASCII: what can't become a second field or a second answer. */
const fieldText = /^[\x20-\x7e]*$/;

// Doors answer with the same few lists of fields again and again; lists made for one answer are forgotten with it.
const known = new WeakMap<readonly string[], string>();

function linesOf(headers: readonly string[]): string {
  let lines = known.get(headers);
  if (lines === undefined) {
    lines = fieldLines(headers);
    if (Object.isFrozen(headers)) known.set(headers, lines);
  }
  return lines;
}

/** Fields of a door's answer. Throws where one is not fit to be sent: a fault of the door, not of the peer. */
function fieldLines(headers: readonly string[]): string {
  let lines = '';
  for (let i = 0; i < headers.length; i += 2) {
    const line = `${headers[i]}: ${headers[i + 1]}`;
    if (!fieldText.test(line)) throw new Error(`an answer's header field is not plain text: ${headers[i]}`);
    lines += `${line}\r\n`;
  }
  return lines;
}

const typeLines = new Map<string, string>();

/** Content types are a few constants of the doors. */
function contentTypeLine(contentType: string): string {
  let line = typeLines.get(contentType);
  if (line === undefined) {
    line = fieldLines(['Content-Type', contentType]);
    if (typeLines.size < 64) typeLines.set(contentType, line);
  }
  return line;
}

/** True for answers that have no body by definition (RFC 9112 section 6.3). */
const bodiless = (status: number): boolean => status === 204 || status === 304;

/**
 * A whole answer as one piece to write: a string stands for its latin1 bytes, which saves a buffer where the body is ASCII, as nearly
 * all are.
 */
export function encodeAnswer(response: Response, date: string, close: boolean, headOnly: boolean): string | Buffer {
  const { status, body, contentType } = response;
  if (!Number.isInteger(status) || status < 200 || status > 599) throw new Error(`no status of an answer: ${status}`);
  const size = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
  let head = `HTTP/1.1 ${status} ${reasons[status] ?? 'Other'}\r\nDate: ${date}\r\n`;
  if (close) head += 'Connection: close\r\n';
  if (contentType !== '') head += contentTypeLine(contentType);
  if (!bodiless(status)) head += `Content-Length: ${size}\r\n`;
  if (response.headers.length > 0) head += linesOf(response.headers);
  head += '\r\n';
  if (headOnly || size === 0 || bodiless(status)) return head;
  if (typeof body === 'string' && size === body.length) return head + body;
  const bytes = Buffer.allocUnsafe(head.length + size);
  bytes.write(head, 0, 'latin1');
  if (typeof body === 'string') bytes.write(body, head.length, 'utf8');
  else bytes.set(body, head.length);
  return bytes;
}
