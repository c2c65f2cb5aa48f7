import { type CharacterKind, type Command, KmsError, type Outcome, Plaintext, type Result } from '#domain/domain.ts';
import { toUtf8 } from '#encoding/encoding.ts';
import type { Keyring } from '#keyring/keyring.ts';

const alphabets: Readonly<Record<CharacterKind, string>> = {
  lower: 'abcdefghijklmnopqrstuvwxyz',
  upper: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
  digit: '0123456789',
  punctuation: '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~',
  space: ' ',
};
const maxLength = 4096;

/** Every password that fits what was asked is equally likely. */
export function generatePassword(
  keyring: Keyring,
  { length, kinds, without, requireEach }: Command<'generate-password'>,
): Outcome<Result<'generate-password'>> {
  if (!Number.isInteger(length) || length < 1 || length > maxLength) {
    throw new KmsError('invalid-parameter', `A password has 1 to ${maxLength} characters.`);
  }
  const excluded = toUtf8(without);
  const pools = kinds.map((kind) => toUtf8(alphabets[kind]).filter((character) => !excluded.includes(character)));
  const all = pools.flatMap((pool) => [...pool]);
  if (all.length === 0) throw new KmsError('invalid-parameter', 'No character is left that the password could have.');
  if (requireEach && pools.some((pool) => pool.length === 0)) {
    throw new KmsError('invalid-parameter', 'All characters of a kind that the password must have are excluded.');
  }
  if (requireEach && length < pools.length) {
    throw new KmsError('invalid-parameter', 'The password is too short to have a character of each kind.');
  }
  const draw = uniform(keyring, all.length, length);
  for (;;) {
    // Drawn anew as a whole until it fits: to put missing kinds in by hand would make some passwords likelier than others.
    const password = Uint8Array.from({ length }, () => all[draw()]!);
    if (!requireEach || pools.every((pool) => password.some((character) => pool.includes(character)))) {
      return { result: { password: new Plaintext(password) } };
    }
  }
}

/** Numbers below `n` (at most 256), all equally likely: bytes above the last whole multiple of `n` are thrown away. */
function uniform(keyring: Keyring, n: number, chunk: number): () => number {
  const limit = 256 - (256 % n);
  let bytes: Uint8Array = new Uint8Array(0);
  let at = 0;
  return () => {
    for (;;) {
      if (at === bytes.length) {
        const { result } = keyring.generateRandom({ kind: 'generate-random', bytes: Math.max(64, chunk) });
        bytes = result.bytes.release();
        at = 0;
      }
      const byte = bytes[at++]!;
      if (byte < limit) return byte % n;
    }
  };
}
