import {
  digest,
  equalSecrets,
  nonceLength,
  openPublicKey,
  randomBytes,
  rsaEncrypt,
  tagLength,
} from '#crypto/crypto.ts';
import { type KeySpec, KmsError, SecretBytes } from '#domain/domain.ts';
import { fromBase64, toUtf8 } from '#encoding/encoding.ts';
import type { Hsm, KeyName } from '#hsm/hsm.ts';
import { maxWrapped } from '../contract.ts';
import type { Mechanism } from './settings.ts';

const context = toUtf8('claviger/v1/seal/pkcs11');
/** format 1 | AES-GCM: nonce, secret and tag; RSA-OAEP: as long as the modulus */
const formatByte = 1;

/** How secrets go under one key of a token. */
export class Wrapping {
  readonly #hsm: Hsm;
  readonly #key: KeyName;
  readonly #mechanism: Mechanism;
  readonly #publicKey: Uint8Array | undefined;

  constructor(hsm: Hsm, key: KeyName, mechanism: Mechanism, publicKey: Uint8Array | undefined) {
    this.#hsm = hsm;
    this.#key = key;
    this.#mechanism = mechanism;
    this.#publicKey = publicKey;
  }

  /** What the token can't open again is not answered: nobody finds that out on the day of a restart. */
  async wrap(secret: SecretBytes): Promise<Uint8Array> {
    if (secret.length > maxWrapped) throw new KmsError('too-large', `A seal wraps at most ${maxWrapped} bytes.`);
    const wrapped = Buffer.concat([Uint8Array.of(formatByte), await this.#encrypt(secret)]);
    using again = await this.unwrap(wrapped);
    if (!equalSecrets(digest('sha256', again.expose()), digest('sha256', secret.expose()))) throw notOpened();
    return wrapped;
  }

  /** Rejects with 'invalid-unseal' whatever is wrong with `wrapped`, and with what the token says where it can't be asked. */
  async unwrap(wrapped: Uint8Array): Promise<SecretBytes> {
    if (wrapped[0] !== formatByte) throw notOpened();
    let opened: Uint8Array;
    try {
      opened = await this.#decrypt(wrapped.subarray(1));
    } catch (error) {
      throw error instanceof KmsError && error.code === 'invalid-ciphertext' ? notOpened() : error;
    }
    return new SecretBytes(opened);
  }

  async #encrypt(secret: SecretBytes): Promise<Uint8Array> {
    if (this.#mechanism === 'AES-GCM') {
      const iv = randomBytes(nonceLength);
      const data = secret.expose();
      return Buffer.concat([iv, await this.#hsm.use(this.#key, { use: 'encrypt-gcm', iv, aad: context, data })]);
    }
    const spki = this.#publicKey;
    if (spki === undefined) throw new KmsError('tampered', 'The settings of the pkcs11 seal name no public key.');
    const scheme = this.#mechanism === 'RSA-OAEP-SHA-1' ? 'rsa-oaep-sha1' : 'rsa-oaep-sha256';
    return rsaEncrypt(openPublicKey(specOf(spki), spki), scheme, secret.expose());
  }

  async #decrypt(body: Uint8Array): Promise<Uint8Array> {
    if (this.#mechanism !== 'AES-GCM') {
      const hash = this.#mechanism === 'RSA-OAEP-SHA-1' ? 'SHA-1' : 'SHA-256';
      return await this.#hsm.use(this.#key, { use: 'decrypt-oaep', hash, data: body });
    }
    const length = body.length - nonceLength - tagLength;
    if (length < 1 || length > maxWrapped) throw notOpened();
    const [iv, data] = [body.subarray(0, nonceLength), body.subarray(nonceLength)];
    return await this.#hsm.use(this.#key, { use: 'decrypt-gcm', iv, aad: context, data });
  }
}

const notOpened = () => new KmsError('invalid-unseal', 'The key in the token does not open the seal.');

/** RSA keys that seals have, by the length of their SubjectPublicKeyInfo. Throws 'invalid-parameter'. */
function specOf(spki: Uint8Array): KeySpec {
  const spec = specs.get(spki.length);
  if (spec === undefined)
    throw new KmsError('invalid-parameter', 'A pkcs11 seal has RSA keys of 2048, 3072 or 4096 bits.');
  return spec;
}

const specs: ReadonlyMap<number, KeySpec> = new Map([
  [294, 'rsa-2048'],
  [422, 'rsa-3072'],
  [550, 'rsa-4096'],
]);

/** As the settings hold it. Throws 'tampered'. */
export function publicKeyOf(text: string | undefined): Uint8Array | undefined {
  if (text === undefined) return undefined;
  const bytes = fromBase64(text);
  if (bytes === undefined) throw new KmsError('tampered', 'The public key of the pkcs11 seal is not base64.');
  return bytes;
}
