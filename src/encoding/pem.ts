import { fromBase64, toBase64 } from './base64.ts';

/** Textual encoding (RFC 7468 section 2): 64 characters a line, a line feed after the last one too. */
export function toPem(label: string, bytes: Uint8Array): string {
  const lines = toBase64(bytes).match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.map((line) => `${line}\n`).join('')}-----END ${label}-----\n`;
}

/** The bytes of the first block of that label; undefined where there is none, or what is in it isn't base64. */
export function fromPem(label: string, text: string): Uint8Array | undefined {
  const begin = `-----BEGIN ${label}-----`;
  const start = text.indexOf(begin);
  const end = text.indexOf(`-----END ${label}-----`, start);
  if (start < 0 || end < 0) return undefined;
  return fromBase64(text.slice(start + begin.length, end).replace(/[\r\n\t ]/g, ''));
}

/** The bytes of each block of that label, in their order; undefined where there is none, or what is in one isn't base64. */
export function everyFromPem(label: string, text: string): readonly Uint8Array[] | undefined {
  const blocks = text.split(`-----BEGIN ${label}-----`).slice(1);
  const read = blocks.map((block) => fromPem(label, `-----BEGIN ${label}-----${block}`));
  return read.length > 0 && read.every((bytes) => bytes !== undefined) ? read : undefined;
}
