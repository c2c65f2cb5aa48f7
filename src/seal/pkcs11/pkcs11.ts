import { randomBytes } from '#crypto/crypto.ts';
import { KmsError, SecretBytes } from '#domain/domain.ts';
import { fromBase64, toBase64, toHex, toUtf8 } from '#encoding/encoding.ts';
import { type Hsm, type HsmKey, type KeyClass, type KeyName, moduleDigest, openHsm } from '#hsm/hsm.ts';
import type { Seal, SealKind } from '../contract.ts';
import { type Mechanism, mechanisms, type Pkcs11Settings, pinned, readSettings } from './settings.ts';
import { publicKeyOf, Wrapping } from './wrapping.ts';

/** A seal is used seldom, and one call after the other. */
const sealSessions = 1;
/** Keys are used by everybody at once. */
const keySessions = 4;
const checkWords = toUtf8('claviger/v1/seal/pkcs11/check');

/**
 * Holds secrets under a key that a token made and never gives away: AES-256 by AES-GCM, or RSA by RSA-OAEP where the token has no
 * AES-GCM. The module is pinned by its SHA-256, the token by its serial, the key by its id and by what it alone opens.
 */
export const pkcs11Kind: SealKind<Pkcs11Settings> = {
  kind: 'pkcs11',
  asks: 'pin',
  settings: readSettings,
  create: (settings, secret) => named(() => create(settings, secret)),
  open: (settings, secret) => named(() => open(settings, secret)),
  token: (settings, secret) => named(() => reach(pinned(settings), secret, keySessions)),
};

async function create(settings: Pkcs11Settings, secret: SecretBytes | undefined) {
  const { module, moduleSha256 = moduleDigest(module) } = settings;
  const hsm = await reach({ ...settings, moduleSha256 }, secret);
  try {
    const [key, made] = await keyFor(hsm, settings);
    try {
      const kind = await wrappingOf(hsm, key, settings.mechanism);
      using words = new SecretBytes(Uint8Array.from(checkWords));
      const { serial: tokenSerial, label: tokenLabel } = hsm.token;
      const pins: Pkcs11Settings = {
        ...{ module, moduleSha256: moduleSha256.toLowerCase(), tokenSerial, tokenLabel },
        ...{ keyId: key.id, mechanism: kind.mechanism },
        ...(kind.publicKey !== undefined && { publicKey: toBase64(kind.publicKey) }),
        check: toBase64(await kind.wrapping.wrap(words).catch((error) => notOffered(error, kind.mechanism))),
      };
      return { settings: pins, seal: new Pkcs11Seal(hsm, kind.wrapping) };
    } catch (error) {
      if (made) await hsm.destroy(key).catch(() => {});
      throw error;
    }
  } catch (error) {
    await hsm.close();
    throw error;
  }
}

/** A new key that doesn't open what was just put under it: the token says little of mechanisms that it has in part. */
function notOffered(error: unknown, mechanism: Mechanism): never {
  const opened = !(error instanceof KmsError) || error.code !== 'invalid-unseal';
  throw opened ? error : new KmsError('unsupported', `the token does not do ${mechanism} as it is asked to.`);
}

async function open(settings: Pkcs11Settings, secret: SecretBytes | undefined): Promise<Seal> {
  const pins = pinned(settings);
  const hsm = await reach(pins, secret);
  try {
    const kind: KeyClass = pins.mechanism === 'AES-GCM' ? 'secret' : 'private';
    const key = await hsm.find({ class: kind, id: pins.keyId }).catch(keyGone);
    const fault = faultOf(key, kind);
    if (fault !== undefined) throw new KmsError('tampered', fault);
    const wrapping = new Wrapping(hsm, key, pins.mechanism, publicKeyOf(pins.publicKey));
    await assertSame(wrapping, pins.check);
    return new Pkcs11Seal(hsm, wrapping);
  } catch (error) {
    await hsm.close();
    throw error;
  }
}

class Pkcs11Seal implements Seal {
  readonly kind = 'pkcs11';
  readonly #hsm: Hsm;
  readonly #wrapping: Wrapping;

  constructor(hsm: Hsm, wrapping: Wrapping) {
    this.#hsm = hsm;
    this.#wrapping = wrapping;
  }

  wrap(secret: SecretBytes): Promise<Uint8Array> {
    return named(() => this.#wrapping.wrap(secret).catch(keyGone));
  }

  unwrap(wrapped: Uint8Array): Promise<SecretBytes> {
    return named(() => this.#wrapping.unwrap(wrapped).catch(keyGone));
  }

  close(): Promise<void> {
    return this.#hsm.close();
  }
}

function reach(
  settings: Pkcs11Settings & { readonly moduleSha256: string },
  pin: SecretBytes | undefined,
  sessions = sealSessions,
): Promise<Hsm> {
  if (pin === undefined || pin.length === 0) throw new KmsError('invalid-unseal', 'it needs the PIN of its token.');
  const { module: modulePath, moduleSha256, tokenSerial, tokenLabel } = settings;
  const token = { ...(tokenSerial !== undefined && { tokenSerial }), ...(tokenLabel !== undefined && { tokenLabel }) };
  return openHsm({ modulePath, moduleSha256, ...token }, pin, { sessions });
}

/** The key that the settings name, or the one that they ask to be made; and whether it was made. */
async function keyFor(hsm: Hsm, settings: Pkcs11Settings): Promise<readonly [HsmKey, boolean]> {
  const { newKey, mechanism = 'AES-GCM' } = settings;
  const kind: KeyClass = mechanism === 'AES-GCM' ? 'secret' : 'private';
  if (newKey !== undefined) {
    const taken = (await hsm.list()).some(({ label }) => label === newKey);
    if (taken) throw new KmsError('already-exists', `the token has a key "${newKey}" already: take it by "keyLabel".`);
    const id = toHex(randomBytes(16));
    const key = await hsm.generate(
      kind === 'secret'
        ? { id, label: newKey, key: { type: 'aes', bits: 256 }, usage: 'encrypt-decrypt' }
        : { id, label: newKey, key: { type: 'rsa', bits: 4096 }, usage: 'decrypt' },
    );
    return [key, true];
  }
  // A label that was given beside the id of the key before asks for another.
  const wanted =
    settings.keyLabel === undefined
      ? { class: kind, id: (settings.keyId ?? '').toLowerCase() }
      : { class: kind, label: settings.keyLabel };
  const key = await hsm.find(wanted).catch((error: unknown) => {
    if (!absent(error)) throw error;
    const { code, message } = error as KmsError;
    throw new KmsError(code, `${message} None is made in its place: "newKey" asks for one.`);
  });
  const fault = faultOf(key, kind);
  if (fault !== undefined) throw new KmsError('invalid-parameter', fault);
  return [key, false];
}

/** What is wrong with a key, as one that secrets of the server go under. */
function faultOf({ confined, type, usages }: HsmKey, kind: KeyClass): string | undefined {
  if (!confined) return 'its key can be read out of the token: it has to be sensitive and not extractable.';
  if (usages.has('wrap') || usages.has('unwrap') || usages.has('derive'))
    return 'its key may also wrap, unwrap or derive keys, and so bring itself or others out: it has to be for data alone.';
  if (kind === 'secret' && !(type?.type === 'aes' && type.bits === 256)) return 'its key is no AES key of 256 bits.';
  if (kind === 'private' && !(type?.type === 'rsa' && [2048, 3072, 4096].includes(type.bits)))
    return 'its key is no RSA key of 2048, 3072 or 4096 bits.';
  if (!usages.has('decrypt') || (kind === 'secret' && !usages.has('encrypt')))
    return kind === 'secret' ? 'its key may not encrypt and decrypt.' : 'its key may not decrypt.';
  return undefined;
}

async function wrappingOf(hsm: Hsm, key: KeyName, wanted: Mechanism | undefined) {
  const publicKey = key.class === 'private' ? await hsm.publicKey(key) : undefined;
  const mechanism = wanted ?? mechanisms[0];
  return { mechanism, publicKey, wrapping: new Wrapping(hsm, key, mechanism, publicKey) };
}

async function assertSame(wrapping: Wrapping, check: string): Promise<void> {
  const other = () => new KmsError('tampered', 'its key in the token is another than it was made with.');
  const wrapped = fromBase64(check);
  if (wrapped === undefined) throw other();
  const opened = await wrapping.unwrap(wrapped).catch((error: unknown) => {
    throw error instanceof KmsError && error.code === 'invalid-unseal' ? other() : error;
  });
  using words = opened;
  if (Buffer.compare(words.expose(), checkWords) !== 0) throw other();
}

function keyGone(error: unknown): never {
  throw absent(error) ? new KmsError('tampered', 'its key is not in the token, or not alone.') : error;
}

function absent(error: unknown): boolean {
  return error instanceof KmsError && (error.code === 'not-found' || error.code === 'conflict');
}

/** Failures name the seal that they are of. */
async function named<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof KmsError) throw new KmsError(error.code, `The pkcs11 seal: ${error.message}`);
    throw error;
  }
}
