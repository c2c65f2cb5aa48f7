/*
 * Hardware security modules, in terms of tokens and keys: nothing outside of this room knows PKCS#11 (v3.0, OASIS 2020).
 *
 * Every promise rejects with a `KmsError`: 'unavailable' where the token is out of reach, doesn't answer in time or is closed (worth
 * another try), 'tampered' where module or token isn't the one that was asked for, 'not-found' where there is no such key,
 * 'wrong-usage' and 'wrong-algorithm' where the key may not do this, 'unsupported' where the token can't.
 */

/** Where a token is. Holds no secret, and may be kept beside the data. */
export interface TokenPlace {
  /** Absolute path of the maker's PKCS#11 module. */
  readonly modulePath: string;
  /** 64 hexadecimal digits: what is loaded has this SHA-256, or nothing is. */
  readonly moduleSha256: string;
  /** As the token tells it, without the blanks behind. Undefined: the only token of the label is taken, for its serial to be pinned. */
  readonly tokenSerial?: string;
  /** Where a token of this label has another serial, it was made anew or exchanged: 'tampered' instead of 'unavailable'. */
  readonly tokenLabel?: string;
}

export interface HsmOptions {
  /** Sessions, each on a thread of its own, and so how many calls are under way at once. Default: 4. */
  readonly sessions?: number;
  /** Milliseconds from the question to its answer, reconnecting included; a call that takes longer is given up. Default: 5000. */
  readonly deadline?: number;
}

export interface TokenFacts {
  readonly serial: string;
  readonly label: string;
  readonly manufacturer: string;
  readonly model: string;
  readonly firmware: string;
}

export type KeyClass = 'secret' | 'private';
export type HsmCurve = 'P-256' | 'P-384' | 'P-521' | 'secp256k1';
export type HsmHash = 'SHA-1' | 'SHA-224' | 'SHA-256' | 'SHA-384' | 'SHA-512';

/** Names one object of a token. The public half of a private key has the same id. */
export interface KeyName {
  readonly class: KeyClass;
  /** CKA_ID in hexadecimal digits. */
  readonly id: string;
}

export type HsmKeyType =
  | { readonly type: 'aes'; readonly bits: 128 | 192 | 256 }
  | { readonly type: 'rsa'; readonly bits: number }
  | { readonly type: 'ec'; readonly curve: HsmCurve }
  | { readonly type: 'hmac'; readonly bytes: number };

/** What a key may do. None does what belongs to two of these, so that no key wraps another out that a second use then opens. */
export type HsmUsage = 'encrypt-decrypt' | 'sign' | 'decrypt';

/** As the token tells it. */
export interface HsmKey extends KeyName {
  readonly label: string;
  /** Undefined: a kind of key that isn't used here. */
  readonly type: HsmKeyType | undefined;
  readonly usages: ReadonlySet<'encrypt' | 'decrypt' | 'sign' | 'verify' | 'wrap' | 'unwrap' | 'derive'>;
  /** CKA_SENSITIVE, and not CKA_EXTRACTABLE. */
  readonly confined: boolean;
  /** It always was (CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE), and was made in the token (CKA_LOCAL). */
  readonly bornConfined: boolean;
  readonly modifiable: boolean;
}

export interface NewKey {
  /** CKA_ID in hexadecimal digits. 'already-exists' where an object of the class has it. */
  readonly id: string;
  readonly label: string;
  readonly key: HsmKeyType;
  readonly usage: HsmUsage;
}

/** One operation by a key in the token. `data`, `iv` and `aad` stay the caller's. */
export type HsmUse =
  /** Answers ciphertext and the tag of 16 bytes. `iv`: 12 bytes, never twice under one key. */
  | { readonly use: 'encrypt-gcm'; readonly iv: Uint8Array; readonly aad: Uint8Array; readonly data: Uint8Array }
  /** `data`: as 'encrypt-gcm' answers. 'invalid-ciphertext' where it isn't. */
  | { readonly use: 'decrypt-gcm'; readonly iv: Uint8Array; readonly aad: Uint8Array; readonly data: Uint8Array }
  /** Of a digest, cut by the token to the curve's length. Answers r and s, each as long as the curve's order. */
  | { readonly use: 'sign-ecdsa'; readonly data: Uint8Array }
  /** Of a digest by `hash` (RFC 8017 section 8.2). */
  | { readonly use: 'sign-pkcs1'; readonly hash: HsmHash; readonly data: Uint8Array }
  /** Of a digest by `hash`, with MGF1 of the same and a salt as long (RFC 8017 section 8.1). */
  | { readonly use: 'sign-pss'; readonly hash: HsmHash; readonly data: Uint8Array }
  /** HMAC of the data itself. */
  | { readonly use: 'mac'; readonly hash: HsmHash; readonly data: Uint8Array }
  /** RSAES-OAEP with MGF1 of the same hash and an empty label. 'invalid-ciphertext' where it doesn't open. */
  | { readonly use: 'decrypt-oaep'; readonly hash: HsmHash; readonly data: Uint8Array };

/** A token that was opened: module checked, serial checked, logged in, known answers given. */
export interface Hsm {
  readonly token: TokenFacts;
  /** Exactly one, or 'not-found', or 'conflict' where several carry that id or label. Never makes one. */
  find(wanted: { readonly class: KeyClass; readonly id?: string; readonly label?: string }): Promise<HsmKey>;
  /** Every secret and private key of the token. */
  list(): Promise<readonly HsmKey[]>;
  /**
   * Made in the token, confined to it, and fixed where the token can fix attributes. It is not tried again where the token was lost on
   * the way: 'unavailable', and the key may be there or not; its id tells.
   */
  generate(wanted: NewKey): Promise<HsmKey>;
  /** SubjectPublicKeyInfo in DER, of the private key's public half. */
  publicKey(key: KeyName): Promise<Uint8Array>;
  /** The result has a buffer of its own, which the caller may wipe. Repeated on another session where the first was lost. */
  use(key: KeyName, use: HsmUse): Promise<Uint8Array>;
  /** With its public half. Resolves too where there was none. */
  destroy(key: KeyName): Promise<void>;
  /** Ends sessions and threads. Whoever waits is told 'unavailable'. May be called again. */
  close(): Promise<void>;
}
