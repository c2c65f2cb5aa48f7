import { createHmac } from 'node:crypto';
import { SecretBytes } from '#domain/domain.ts';
import { type AeadName, aeadOpen, aeadSealInto, keyInput, nonceLength } from './aead.ts';
import { equalSecrets } from './hash.ts';
import { KeyHandle } from './key-handle.ts';
import { openMessageGcm } from './message-gcm.ts';
import { openMessageHmac } from './message-hmac.ts';

const [gcm, hmac] = await Promise.all([openMessageGcm(), openMessageHmac('sha512')]);

/** What encrypts messages here: OpenSSL directly, or by way of `node:crypto`. The same bytes either way. */
export const messageEngine: 'openssl' | 'node' = gcm === undefined || hmac === undefined ? 'node' : 'openssl';

/** Of the last message that was encrypted and of the last that was decrypted; and what the last key of one message was derived from. */
export function forgetMessageKeys(): void {
  gcm?.forget();
  hmac?.forget();
}

export const commitmentLength = 32;

// HKDF-Expand's first block of SHA-512: half of it is the key, half the commitment.
const keyEnd = 32;
const firstBlock = 1;
const derivedKey = hmac?.output.subarray(0, keyEnd);
const derivedCommitment = hmac?.output.subarray(keyEnd);

/**
 * The key and commitment of one message, derived from a key version and a random salt, so that no key ever encrypts twice and a
 * ciphertext opens under one key only (trust in the commitment rests on SHA-512's collision resistance).
 *
 * HKDF-Expand of 64 bytes (RFC 5869 section 2.3) with SHA-512. The extract step is left out, as section 3.3 allows: a key version
 * is uniformly random already. The salt is part of `info`, and its first 12 bytes are the nonce.
 */
export class MessageCipher {
  readonly #aead: AeadName;
  readonly #salt: Uint8Array;
  readonly #derived: Uint8Array;

  /** `info` names suite, realm, key and version; `salt` is 32 random bytes. */
  constructor(aead: AeadName, key: KeyHandle | SecretBytes, salt: Uint8Array, info: Uint8Array) {
    this.#aead = aead;
    this.#salt = salt;
    const input = Buffer.allocUnsafe(info.length + salt.length + 1);
    input.set(info);
    input.set(salt, info.length);
    input[input.length - 1] = firstBlock;
    const derived = key instanceof KeyHandle ? hmac?.compute(key, input) : hmac?.computeOnce(key.expose(), input);
    this.#derived = derived ?? createHmac('sha512', keyInput(key)).update(input).digest();
  }

  /** 32 bytes to put in the ciphertext's header. */
  get commitment(): Uint8Array {
    return this.#derived.subarray(keyEnd);
  }

  /** Once per message. Writes ciphertext and tag at `target[offset ..]`. */
  sealInto(aad: Uint8Array, plaintext: Uint8Array, target: Uint8Array, offset: number): void {
    if (this.#direct(aad, plaintext)) gcm!.sealInto(this.#key(), this.#nonce(), aad, plaintext, target, offset);
    else aeadSealInto(this.#aead, this.#key(), this.#nonce(), aad, plaintext, target, offset);
    this.#derived.fill(0, 0, keyEnd);
  }

  /** Once per message. The plaintext, or undefined when anything is wrong: the commitment that stands in its header first of all. */
  open(commitment: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    const plaintext = equalSecrets(this.commitment, commitment) ? this.#open(aad, sealed) : undefined;
    this.#derived.fill(0, 0, keyEnd);
    return plaintext;
  }

  #open(aad: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    return this.#direct(aad, sealed)
      ? gcm!.open(this.#key(), this.#nonce(), aad, sealed)
      : aeadOpen(this.#aead, this.#key(), this.#nonce(), aad, sealed);
  }

  /** As `sealInto`, for material that is stored wrapped. The caller still owns and disposes `secret`. */
  sealSecretInto(aad: Uint8Array, secret: SecretBytes, target: Uint8Array, offset: number): void {
    this.sealInto(aad, secret.expose(), target, offset);
  }

  /** As `open`, for material that was stored wrapped. The caller owns the result. */
  openSecret(commitment: Uint8Array, aad: Uint8Array, sealed: Uint8Array): SecretBytes | undefined {
    const bytes = this.open(commitment, aad, sealed);
    return bytes === undefined ? undefined : new SecretBytes(bytes);
  }

  #direct(aad: Uint8Array, data: Uint8Array): boolean {
    return this.#aead === 'aes-256-gcm' && gcm?.takes(aad.length, data.length) === true;
  }

  #key(): Uint8Array {
    return this.#derived.subarray(0, this.#aead === 'aes-128-gcm' ? 16 : keyEnd);
  }

  #nonce(): Uint8Array {
    return this.#salt.subarray(0, nonceLength);
  }
}

/** Where the parts of a message lie: everything before the ciphertext is authenticated, and then the context. */
export interface MessageLayout {
  readonly saltAt: number;
  readonly saltLength: number;
  readonly commitmentAt: number;
  readonly bodyAt: number;
}

/** Fills in commitment, ciphertext and tag of `message`, in which all that stands before them is there. */
export function sealMessage(
  aead: AeadName,
  key: KeyHandle,
  info: Uint8Array,
  layout: MessageLayout,
  context: Uint8Array,
  plaintext: Uint8Array,
  message: Buffer,
): void {
  const { saltAt, saltLength, commitmentAt, bodyAt } = layout;
  if (derives(aead, key, info, layout, context.length, plaintext.length, message)) {
    try {
      hmac!.output.copy(message, commitmentAt, keyEnd);
      gcm!.sealBehind(derivedKey!, saltAt, context, plaintext, message, bodyAt);
    } finally {
      hmac!.output.fill(0);
    }
    return;
  }
  const cipher = new MessageCipher(aead, key, message.subarray(saltAt, saltAt + saltLength), info);
  message.set(cipher.commitment, commitmentAt);
  cipher.sealInto(authenticated(message, bodyAt, context), plaintext, message, bodyAt);
}

/** The plaintext, or undefined when anything is wrong. `message` is long enough for commitment and tag. */
export function openMessage(
  aead: AeadName,
  key: KeyHandle,
  info: Uint8Array,
  layout: MessageLayout,
  context: Uint8Array,
  message: Buffer,
): Uint8Array | undefined {
  const { saltAt, saltLength, commitmentAt, bodyAt } = layout;
  const commitment = message.subarray(commitmentAt, commitmentAt + commitmentLength);
  if (derives(aead, key, info, layout, context.length, message.length - bodyAt, message)) {
    try {
      const committed = equalSecrets(derivedCommitment!, commitment);
      return committed ? gcm!.openBehind(derivedKey!, saltAt, context, message, bodyAt) : undefined;
    } finally {
      hmac!.output.fill(0);
    }
  }
  const cipher = new MessageCipher(aead, key, message.subarray(saltAt, saltAt + saltLength), info);
  return cipher.open(commitment, authenticated(message, bodyAt, context), message.subarray(bodyAt));
}

/** Whether the message's key and commitment stand in `hmac.output` now. */
function derives(
  aead: AeadName,
  key: KeyHandle,
  info: Uint8Array,
  { saltAt, saltLength, bodyAt }: MessageLayout,
  contextLength: number,
  dataLength: number,
  message: Buffer,
): boolean {
  return (
    aead === 'aes-256-gcm' &&
    hmac !== undefined &&
    gcm?.takes(bodyAt + contextLength, dataLength) === true &&
    hmac.derive(key, info, message, saltAt, saltLength, firstBlock)
  );
}

function authenticated(message: Buffer, bodyAt: number, context: Uint8Array): Uint8Array {
  const header = message.subarray(0, bodyAt);
  return context.length === 0 ? header : Buffer.concat([header, context]);
}
