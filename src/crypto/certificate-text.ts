import { type DerElement, fromUtf8 } from '#encoding/encoding.ts';

const utf16 = new TextDecoder('utf-16be', { fatal: true, ignoreBOM: true });

/** The strings of X.520 that certificates are written with; undefined for any other type, and for bytes that aren't of the type. */
export function directoryString({ tag, body }: DerElement): string | undefined {
  return textOf(tag, body);
}

export function textOf(tag: number, body: Uint8Array): string | undefined {
  switch (tag) {
    case 0x0c: // UTF8String
      return fromUtf8(body);
    case 0x12: // NumericString
    case 0x13: // PrintableString
    case 0x14: // TeletexString: beyond ASCII nobody agrees on what it says
    case 0x16: // IA5String
      return body.every((byte) => byte < 0x80) ? Buffer.from(body).toString('latin1') : undefined;
    case 0x1e: // BMPString
      return ofUtf16(body);
    default:
      return undefined;
  }
}

function ofUtf16(body: Uint8Array): string | undefined {
  try {
    return utf16.decode(body);
  } catch {
    return undefined;
  }
}
