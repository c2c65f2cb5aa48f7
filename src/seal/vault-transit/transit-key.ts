import { KmsError } from '#domain/domain.ts';
import { fromBase64, toBase64, toUtf8 } from '#encoding/encoding.ts';
import type { ServiceKey } from '../service/service-seal.ts';
import type { VaultAnswer, VaultCaller } from './vault-caller.ts';

/** Where a missing key would be made by whoever encrypts with it, this is what it would be: Vault knows no such type, and makes none. */
const noKeyIsMade = 'no key is to be made';

/** Bytes of the key's version, before the ciphertext. */
const versionLength = 4;

/**
 * One key of a transit engine. Wrapped: its version (4 bytes, big-endian) and what Vault's text holds, as bytes, so that no other text means
 * the same.
 */
export class TransitKey implements ServiceKey {
  readonly at: string;
  readonly #caller: VaultCaller;
  readonly #key: string;
  readonly #mount: string;
  readonly #associatedData: string;

  constructor(caller: VaultCaller, { key, mount = 'transit' }: { key: string; mount?: string }, binding: string) {
    this.#caller = caller;
    this.#key = key;
    this.#mount = mount;
    this.#associatedData = toBase64(toUtf8(`claviger seal ${binding}`));
    this.at = `${mount}/keys/${key} at ${caller.address}`;
  }

  async encrypt(secret: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const answer = await this.#ask('encrypt', { plaintext: toBase64(secret), type: noKeyIsMade }, signal);
    if (answer.status !== 200) throw cantEncrypt(answer);
    const [, version, text] = /^vault:v([1-9]\d{0,8}):([A-Za-z0-9+/=]+)$/.exec(answer.body.data?.ciphertext) ?? [];
    const bytes = text === undefined ? undefined : fromBase64(text);
    if (bytes === undefined) throw new KmsError('unavailable', 'Vault encrypt: the answer is no ciphertext.');
    const wrapped = new Uint8Array(versionLength + bytes.length);
    new DataView(wrapped.buffer).setUint32(0, Number(version));
    wrapped.set(bytes, versionLength);
    return wrapped;
  }

  async decrypt(wrapped: Uint8Array, signal: AbortSignal): Promise<Uint8Array | undefined> {
    if (wrapped.length <= versionLength) return undefined;
    const version = new DataView(wrapped.buffer, wrapped.byteOffset).getUint32(0);
    // Vault takes version 0 for 1.
    if (version === 0) return undefined;
    const ciphertext = `vault:v${version}:${toBase64(wrapped.subarray(versionLength))}`;
    const answer = await this.#ask('decrypt', { ciphertext }, signal);
    if (answer.status === 400) return refused(answer);
    if (answer.status !== 200) throw faultOf('decrypt', answer);
    const opened = answer.body.data?.plaintext;
    return typeof opened === 'string' ? fromBase64(opened) : undefined;
  }

  close(): void {}

  #ask(call: 'encrypt' | 'decrypt', body: object, signal: AbortSignal): Promise<VaultAnswer> {
    return this.#caller.post(
      `${this.#mount}/${call}/${this.#key}`,
      { ...body, associated_data: this.#associatedData },
      signal,
    );
  }
}

function refused(answer: VaultAnswer): undefined {
  const said = saidIn(answer);
  if (/encryption key not found/i.test(said)) throw gone('decrypt');
  if (/disallowed by policy|too old/i.test(said)) {
    throw new KmsError('unavailable', "Vault decrypt: the key's min_decryption_version is too high: lower it.");
  }
  if (/soft.?deleted/i.test(said)) throw new KmsError('unavailable', 'Vault decrypt: the key is deleted: restore it.');
  return undefined;
}

function cantEncrypt(answer: VaultAnswer): KmsError {
  const said = saidIn(answer);
  if (answer.status === 404 && said === '') return gone('encrypt');
  if (answer.status !== 400) return faultOf('encrypt', answer);
  if (/unknown key type|keys of type .* are not offered|encryption key not found/i.test(said)) return gone('encrypt');
  if (/soft.?deleted/i.test(said)) return new KmsError('unavailable', 'Vault encrypt: the key is deleted: restore it.');
  return new KmsError(
    'invalid-parameter',
    'Vault encrypt: the key takes no associated data: it has to be of the type aes256-gcm96, chacha20-poly1305 or alike, and not derived.',
  );
}

const gone = (call: string) =>
  new KmsError('tampered', `Vault ${call}: the key is not there. None is made in its place.`);

function faultOf(call: string, { status }: VaultAnswer): KmsError {
  const unavailable = (words: string) => new KmsError('unavailable', `Vault ${call}: ${words}`);
  switch (status) {
    case 401:
    case 403:
      return unavailable(
        'the token is refused (403): it is wrong or has expired, or its policies do not allow "update" of the encrypt and decrypt paths of this key.',
      );
    case 404:
      return unavailable('there is no transit engine at that path (404).');
    default:
      return unavailable(`it failed (${status}).`);
  }
}

/** For what is decided by it; it is never shown. */
function saidIn({ body }: VaultAnswer): string {
  const { errors } = body as { errors?: unknown };
  return Array.isArray(errors) ? errors.join('; ') : '';
}
