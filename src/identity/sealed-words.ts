import { aeadOpen, aeadSeal, hkdf, nonceLength, randomBytes } from '#crypto/crypto.ts';
import { KmsError, Plaintext, type SecretBytes } from '#domain/domain.ts';
import { fromBase64, toBase64, toUtf8 } from '#encoding/encoding.ts';

const info = toUtf8('claviger words of auth mounts');

/** Secrets that auth mounts need for asking others, such as an OAuth client's: encrypted under a key of this room, each for its own place. */
export class SealedWords {
  readonly #root: SecretBytes;

  constructor(root: SecretBytes) {
    this.#root = root;
  }

  /** Base64. `place` says whose it is: elsewhere it doesn't open. */
  seal(place: string, words: Plaintext): string {
    using key = this.#key();
    const nonce = randomBytes(nonceLength);
    const sealed = aeadSeal('aes-256-gcm', key, nonce, toUtf8(place), words.release());
    return toBase64(new Uint8Array([...nonce, ...sealed]));
  }

  /** Throws 'tampered'. */
  open(place: string, sealed: string): Plaintext {
    using key = this.#key();
    const bytes = fromBase64(sealed) ?? new Uint8Array();
    const [nonce, rest] = [bytes.subarray(0, nonceLength), bytes.subarray(nonceLength)];
    const opened = aeadOpen('aes-256-gcm', key, nonce, toUtf8(place), rest);
    if (opened === undefined) throw new KmsError('tampered', 'A secret of an auth mount does not open.');
    return new Plaintext(opened);
  }

  #key(): SecretBytes {
    return hkdf('sha256', this.#root, new Uint8Array(), info, 32);
  }
}
