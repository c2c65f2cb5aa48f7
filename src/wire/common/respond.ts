import type { Response } from '#wire/wire.ts';

export function json(
  status: number,
  body: string,
  headers: readonly string[] = [],
  contentType = 'application/json',
): Response {
  return { status, headers, contentType, body };
}

export function empty(status: number, headers: readonly string[] = []): Response {
  return { status, headers, contentType: '', body: '' };
}

/** The value of the first header of that name, given in lower case. */
export function header(headers: readonly string[], name: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2) if (headers[i] === name) return headers[i + 1];
  return undefined;
}
