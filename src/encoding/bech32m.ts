/** Bech32m (BIP 350) over bytes, in and out, so that what holds a secret can be wiped. */

const letters = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const values: ReadonlyMap<number, number> = new Map(
  [...letters].flatMap((letter, value) => [
    [letter.charCodeAt(0), value] as const,
    [letter.toUpperCase().charCodeAt(0), value] as const,
  ]),
);
const separator = 0x31; // '1'
const checksumLength = 6;
const target = 0x2bc830a3;
const generator = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];

/**
 * `prefix`, '1', a letter for `version` (below 32), those of `bytes`, and six of a checksum that finds any four wrong letters among 90. In
 * capitals, which a QR code holds in five and a half bits each. `prefix` is of small letters.
 */
export function toBech32m(prefix: string, version: number, bytes: Uint8Array): Uint8Array {
  const data = regrouped(bytes, 8, 5)!;
  const words = new Uint8Array(1 + data.length + checksumLength);
  words[0] = version;
  words.set(data, 1);
  data.fill(0);
  const rest = checksum(prefix, words) ^ target;
  const end = words.length - 1;
  for (let i = 0; i < checksumLength; i++) words[end - i] = (rest >> (5 * i)) & 31;
  const text = new Uint8Array(prefix.length + 1 + words.length);
  for (let i = 0; i < prefix.length; i++) text[i] = prefix.toUpperCase().charCodeAt(i);
  text[prefix.length] = separator;
  for (const [i, word] of words.entries()) text[prefix.length + 1 + i] = letters.toUpperCase().charCodeAt(word);
  words.fill(0);
  return text;
}

/** Letters of either case; undefined where it isn't `toBech32m` of anything. The caller owns the bytes, and still owns `text`. */
export function fromBech32m(
  prefix: string,
  text: Uint8Array,
): { readonly version: number; readonly bytes: Uint8Array } | undefined {
  if (text.length < prefix.length + 2 + checksumLength) return undefined;
  for (let i = 0; i < prefix.length; i++) if ((text[i]! | 0x20) !== prefix.charCodeAt(i)) return undefined;
  if (text[prefix.length] !== separator) return undefined;
  const codes = text.subarray(prefix.length + 1);
  if (!codes.every((code) => values.has(code))) return undefined;
  const words = codes.map((code) => values.get(code)!);
  const sound = checksum(prefix, words) === target;
  const bytes = sound ? regrouped(words.subarray(1, -checksumLength), 5, 8) : undefined;
  const version = words[0]!;
  words.fill(0);
  return bytes === undefined ? undefined : { version, bytes };
}

function expanded(prefix: string): number[] {
  const codes = [...prefix].map((letter) => letter.charCodeAt(0));
  return [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)];
}

function checksum(prefix: string, words: Uint8Array): number {
  let sum = 1;
  for (const part of [expanded(prefix), words]) {
    for (const word of part) {
      const top = sum >> 25;
      sum = ((sum & 0x1ffffff) << 5) ^ word;
      for (const [i, term] of generator.entries()) if (((top >> i) & 1) === 1) sum ^= term;
    }
  }
  return sum;
}

/** Of bits in groups of `from` to such of `to`; the last one is filled up with zeros, and read back it may hold nothing else. */
function regrouped(groups: Uint8Array, from: number, to: number): Uint8Array | undefined {
  const whole = (groups.length * from) / to;
  const out = new Uint8Array(from > to ? Math.ceil(whole) : Math.floor(whole));
  let at = 0;
  let held = 0;
  let bits = 0;
  for (const group of groups) {
    held = ((held << from) | group) & 0xfff;
    bits += from;
    while (bits >= to) {
      bits -= to;
      out[at++] = (held >> bits) & ((1 << to) - 1);
    }
  }
  const last = (held << (to - bits)) & ((1 << to) - 1);
  if (from < to && (bits >= from || last !== 0)) {
    out.fill(0);
    return undefined;
  }
  if (from > to && bits > 0) out[at] = last;
  return out;
}
