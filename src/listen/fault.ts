import type { CarrierFault, Response } from '#wire/wire.ts';

interface FaultAnswer {
  readonly status: number;
  readonly message: string;
  /** What a door is told, where the head was understood and the door found. */
  readonly door: CarrierFault;
}

const malformed = (message: string): FaultAnswer => ({ status: 400, message, door: 'malformed' });
const unsupported = (status: number, message: string): FaultAnswer => ({ status, message, door: 'malformed' });

/** Every way in which a message can be unfit before a door sees it. */
const faults = {
  'request-line': malformed('the request line is not "METHOD /path HTTP/1.1"'),
  target: malformed('the request target is not an absolute path of the characters that RFC 3986 allows'),
  field: malformed('a header field is malformed'),
  host: malformed('exactly one valid host is required'),
  'connection-field': malformed('the connection field is not a list of tokens'),
  length: malformed('the length of the body is ambiguous or not a number'),
  chunk: malformed('the chunked body is malformed'),
  'cut-short': malformed('the request was cut short'),
  coding: unsupported(501, 'the only transfer coding is "chunked"'),
  method: unsupported(501, 'no such method'),
  version: unsupported(505, 'the version is HTTP/1.1'),
  expectation: unsupported(417, 'the only expectation is "100-continue"'),
  'target-too-long': { status: 414, message: 'the request target is too long', door: 'too-large' },
  'head-too-large': { status: 431, message: 'the header fields are too large or too many', door: 'too-large' },
  'body-too-large': { status: 413, message: 'the body is too large', door: 'too-large' },
  'head-timeout': { status: 408, message: 'the header fields took too long', door: 'timeout' },
  'body-timeout': { status: 408, message: 'the body took too long', door: 'timeout' },
} as const satisfies Record<string, FaultAnswer>;

export type Fault = keyof typeof faults;

/** The answer in no protocol's form: for a message of which not even the head was understood. */
export function faultAnswer(fault: Fault): Response {
  return neutralAnswer(faults[fault].status, faults[fault].message);
}

export function doorFault(fault: Fault): CarrierFault {
  return faults[fault].door;
}

export function neutralAnswer(status: number, message: string): Response {
  return {
    status,
    headers: ['cache-control', 'no-store'],
    contentType: 'application/json',
    body: `{"errors":[${JSON.stringify(message)}]}`,
  };
}

export const internalError = neutralAnswer(500, 'internal error');
