/** Which bytes may stand where: 256 entries each, 1 for allowed. Everything else is refused, so there is nothing to interpret. */
function allow(characters: string, ...ranges: ReadonlyArray<readonly [number, number]>): Uint8Array {
  const table = new Uint8Array(256);
  for (const character of characters) table[character.charCodeAt(0)] = 1;
  for (const [first, last] of ranges) table.fill(1, first, last + 1);
  return table;
}

const digits = [0x30, 0x39] as const;
const upper = [0x41, 0x5a] as const;
const lower = [0x61, 0x7a] as const;

/** RFC 9110 section 5.6.2. */
export const tokenBytes = allow("!#$%&'*+-.^_`|~", digits, upper, lower);
/** RFC 9110 section 5.5: visible characters, space, tab, obs-text. */
export const valueBytes = allow('\t', [0x20, 0x7e], [0x80, 0xff]);
/** RFC 3986 section 3.3: `pchar` and '/'. Whether '%' begins an escape is left to the door that decodes the path. */
export const pathBytes = allow("-._~%!$&'()*+,;=:@/", digits, upper, lower);
/** RFC 3986 section 3.4. */
export const queryBytes = allow("-._~%!$&'()*+,;=:@/?", digits, upper, lower);

/** The value of a hexadecimal digit; 255 for any other byte. */
export const hexValues = new Uint8Array(256).fill(255);
for (let value = 0; value < 16; value++) {
  const digit = value.toString(16);
  hexValues[digit.charCodeAt(0)] = value;
  hexValues[digit.toUpperCase().charCodeAt(0)] = value;
}

export const CR = 0x0d;
export const LF = 0x0a;
export const SP = 0x20;
export const HTAB = 0x09;
export const COLON = 0x3a;
export const SLASH = 0x2f;
export const QUESTION = 0x3f;
