import type { DerElement } from '#encoding/encoding.ts';

/** The strings of X.520 that certificates are written with; undefined for any other type, and for bytes that aren't of the type. */
export function directoryString({ tag, body }: DerElement): string | undefined {
  return textOf(tag, body);
}

export function textOf(tag: number, body: Uint8Array): string | undefined {
  switch (tag) {
    case 0x0c: // UTF8String
      return decoded('utf-8', body);
    case 0x12: // NumericString
    case 0x13: // PrintableString
    case 0x14: // TeletexString: beyond ASCII nobody agrees on what it says
    case 0x16: // IA5String
      return body.every((byte) => byte < 0x80) ? Buffer.from(body).toString('latin1') : undefined;
    case 0x1e: // BMPString
      return body.length % 2 === 0 ? decoded('utf-16be', body) : undefined;
    default:
      return undefined;
  }
}

function decoded(encoding: 'utf-8' | 'utf-16be', body: Uint8Array): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return undefined;
  }
}
