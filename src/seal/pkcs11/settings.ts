import { KmsError } from '#domain/domain.ts';

export const mechanisms = ['AES-GCM', 'RSA-OAEP-SHA-256', 'RSA-OAEP-SHA-1'] as const;
export type Mechanism = (typeof mechanisms)[number];

export interface Pkcs11Settings {
  /** Absolute path of the maker's module. */
  readonly module: string;
  /** 64 hexadecimal digits. Absent: what lies there when the seal is made is pinned. */
  readonly moduleSha256?: string;
  readonly tokenSerial?: string;
  readonly tokenLabel?: string;
  /** CKA_ID of the key, in hexadecimal digits. */
  readonly keyId?: string;
  /** Of the key that is to be found, once. */
  readonly keyLabel?: string;
  /** Label of the key that is to be made, once: never because another was not found. */
  readonly newKey?: string;
  readonly mechanism?: Mechanism;
  /** RSA: SubjectPublicKeyInfo in base64, which secrets are encrypted to. */
  readonly publicKey?: string;
  /** Known words, under the key, in base64: that it is still the same key is seen by opening them. */
  readonly check?: string;
}

/** Where the key is, of a seal that was made. */
export interface PinnedSettings extends Pkcs11Settings {
  readonly moduleSha256: string;
  readonly tokenSerial: string;
  readonly tokenLabel: string;
  readonly keyId: string;
  readonly mechanism: Mechanism;
  readonly check: string;
}

/** Throws 'invalid-parameter', which names the member. */
export function readSettings(given: Readonly<Record<string, unknown>>): Pkcs11Settings {
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(forms, name));
  if (unknown !== undefined) throw new KmsError('invalid-parameter', `A pkcs11 seal has no setting "${unknown}".`);
  for (const [name, { form, words }] of Object.entries(forms)) {
    const value = given[name];
    if (value !== undefined && !(typeof value === 'string' && form.test(value)))
      throw new KmsError('invalid-parameter', `"${name}" is ${words}.`);
  }
  const settings = { ...given } as unknown as Pkcs11Settings;
  if (settings.module === undefined)
    throw new KmsError('invalid-parameter', 'A pkcs11 seal needs "module", the path of the PKCS#11 module.');
  if (settings.tokenSerial === undefined && settings.tokenLabel === undefined)
    throw new KmsError('invalid-parameter', 'A pkcs11 seal needs "tokenSerial" or "tokenLabel".');
  if (settings.keyId === undefined && settings.keyLabel === undefined && settings.newKey === undefined)
    throw new KmsError('invalid-parameter', 'A pkcs11 seal needs "keyId", "keyLabel", or "newKey" to make one.');
  return settings;
}

/** Throws 'tampered' where the settings are of no seal that was made. */
export function pinned(settings: Pkcs11Settings): PinnedSettings {
  const missing = ['moduleSha256', 'tokenSerial', 'tokenLabel', 'keyId', 'mechanism', 'check'].find(
    (name) => !Object.hasOwn(settings, name),
  );
  if (missing !== undefined) throw new KmsError('tampered', `The settings of the pkcs11 seal name no "${missing}".`);
  return settings as PinnedSettings;
}

const label = { form: /^[^\p{C}\p{Zl}\p{Zp}]{1,255}$/u, words: 'a name of at most 255 characters' };
const forms: Readonly<Record<keyof Pkcs11Settings, { readonly form: RegExp; readonly words: string }>> = {
  module: { form: /^\/[^\0]{1,4094}$/, words: 'the absolute path of a PKCS#11 module' },
  moduleSha256: { form: /^[0-9a-fA-F]{64}$/, words: 'a SHA-256 of 64 hexadecimal digits' },
  tokenSerial: { form: /^[\x20-\x7e]{1,16}$/, words: 'the serial number of a token, of at most 16 characters' },
  tokenLabel: { form: /^[^\p{C}\p{Zl}\p{Zp}]{1,32}$/u, words: 'the label of a token, of at most 32 characters' },
  keyId: { form: /^(?:[0-9a-fA-F]{2}){1,64}$/, words: 'an id of at most 64 bytes in hexadecimal digits' },
  keyLabel: label,
  newKey: label,
  mechanism: { form: new RegExp(`^(?:${mechanisms.join('|')})$`), words: `one of ${mechanisms.join(', ')}` },
  publicKey: { form: /^[A-Za-z0-9+/]{1,4096}={0,2}$/, words: 'a public key in base64' },
  check: { form: /^[A-Za-z0-9+/]{1,4096}={0,2}$/, words: 'base64' },
};
