import { KmsError, SecretBytes } from '#domain/domain.ts';
import { fromBech32m, toBech32m, toHex, toUtf8 } from '#encoding/encoding.ts';

/**
 * One share. As text: 'CLAV1', then Bech32m (BIP 350) of a version and of set 8 | number 1 | threshold 1 | total 1 | point 33, so 83
 * letters in all: few enough that any four wrong ones are found. A point is 32 values and the place that they are taken at.
 */
export interface Share {
  /** 16 hexadecimal digits, random: of which splitting it comes. */
  readonly set: string;
  /** From 1. */
  readonly number: number;
  readonly threshold: number;
  readonly total: number;
  readonly point: SecretBytes;
}

export const setLength = 8;
export const pointLength = 33;
export const mostShares = 255;

const prefix = 'clav';
const version = 0;
const headerLength = setLength + 3;
const textLength = 83;
const longest = 1024;

/** The caller owns it. */
export function shareText({ set, number, threshold, total, point }: Share): SecretBytes {
  const bytes = new Uint8Array(headerLength + pointLength);
  bytes.set(Buffer.from(set, 'hex'));
  bytes.set([number, threshold, total], setLength);
  bytes.set(point.expose(), headerLength);
  const text = toBech32m(prefix, version, bytes);
  bytes.fill(0);
  return new SecretBytes(text);
}

/**
 * As it was typed or scanned: in letters of either case, with blanks, hyphens and ends of lines between. The caller owns the point. Throws
 * 'invalid-unseal', which tells what is wrong without any letter of it.
 */
export function readShare(typed: SecretBytes): Share {
  using text = new SecretBytes(withoutGaps(typed.expose()));
  const letters = text.expose();
  const begin = Buffer.from(letters.subarray(0, prefix.length + 1))
    .toString('latin1')
    .toLowerCase();
  if (begin !== `${prefix}1`) throw wrong(`This is no share of a seal: one begins with "${prefix.toUpperCase()}1".`);
  const decoded = fromBech32m(prefix, letters);
  if (decoded === undefined) {
    const { length } = letters;
    if (length !== textLength)
      throw wrong(`The share has ${length} letters instead of ${textLength}: compare it with its sheet.`);
    throw wrong('The share is mistyped, its checksum does not fit: compare it with its sheet.');
  }
  using bytes = new SecretBytes(decoded.bytes);
  if (decoded.version !== version) throw wrong('The share is of a form that this version of Claviger does not know.');
  if (bytes.length !== headerLength + pointLength) throw wrong('This is no whole share of a seal.');
  const [number = 0, threshold = 0, total = 0] = bytes.expose().subarray(setLength, headerLength);
  if (threshold < 2 || threshold > total || number < 1 || number > total) throw wrong('This is no share of a seal.');
  return {
    set: toHex(bytes.expose().subarray(0, setLength)),
    ...{ number, threshold, total },
    point: SecretBytes.copyOf(bytes.expose().subarray(headerLength)),
  };
}

/** Whether somebody meant it as a share. */
export function looksLikeShare(typed: SecretBytes): boolean {
  let matched = 0;
  for (const code of typed.expose()) {
    if (gaps.has(code)) continue;
    if ((code | 0x20) !== (opening[matched]! | 0x20)) return false;
    if (++matched === opening.length) return true;
  }
  return false;
}

const opening = toUtf8(`${prefix}1`);
const gaps: ReadonlySet<number> = new Set(toUtf8(' \t\r\n-'));

function withoutGaps(typed: Uint8Array): Uint8Array {
  if (typed.length > longest) throw wrong('This is no share of a seal: it is far too long.');
  return typed.filter((code) => !gaps.has(code));
}

const wrong = (words: string) => new KmsError('invalid-unseal', words);
