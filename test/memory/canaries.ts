/** Key material that is planted in a server and looked for in its memory, in every form that it may have taken. */
import {
  constants,
  createCipheriv,
  generateKeyPairSync,
  type KeyObject,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';

export interface Canary {
  readonly name: string;
  /** As Vault's import takes it: raw bytes, or PKCS#8. */
  readonly material: Buffer;
  /** What Vault calls its kind. */
  readonly type: string;
  /** The numbers or bytes that are secret in it. */
  readonly secrets: ReadonlyMap<string, Buffer>;
}

const number = (jwk: Readonly<Record<string, string>>, field: string) => Buffer.from(jwk[field]!, 'base64url');

function pair(name: string, type: string, key: KeyObject): Canary {
  const jwk = key.export({ format: 'jwk' }) as Record<string, string>;
  const fields = (['d', 'p', 'q', 'dp', 'dq', 'qi'] as const).filter((field) => jwk[field] !== undefined);
  return {
    name,
    type,
    material: key.export({ format: 'der', type: 'pkcs8' }),
    secrets: new Map(fields.map((field) => [`${name} ${field}`, number(jwk, field)])),
  };
}

function symmetric(name: string, type: string): Canary {
  const material = randomBytes(32);
  return { name, type, material, secrets: new Map([[name, material]]) };
}

/** One of each kind that can be brought. */
export function plant(): readonly Canary[] {
  return [
    symmetric('AES-256', 'aes256-gcm96'),
    symmetric('ChaCha20', 'chacha20-poly1305'),
    symmetric('HMAC', 'hmac'),
    pair('RSA-2048', 'rsa-2048', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey),
    pair('P-256', 'ecdsa-p256', generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey),
    pair('Ed25519', 'ed25519', generateKeyPairSync('ed25519').privateKey),
  ];
}

/** As `transit/keys/NAME/import` takes it: an AES key under RSA-OAEP, the material under that key (RFC 5649). */
export function wrapped(material: Uint8Array, publicKey: string): string {
  const kek = randomBytes(32);
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  const cipher = createCipheriv('id-aes256-wrap-pad', kek, Buffer.from('a65959a6', 'hex'));
  const first = publicEncrypt({ key: publicKey, padding, oaepHash: 'sha256' }, kek);
  return Buffer.concat([first, cipher.update(material), cipher.final()]).toString('base64');
}

/**
 * A secret as it may lie in memory: its bytes; the number that they are, as OpenSSL has it on machines that are little-endian; HMAC's two
 * blocks of it (RFC 2104); and texts, of one byte a letter or two. Of texts in base64, what doesn't depend on where it begins.
 */
export function forms(name: string, bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const all = new Map<string, Uint8Array>([
    [`${name}, raw`, bytes],
    [`${name}, as a number`, Uint8Array.from(bytes).reverse()],
    [`${name}, HMAC's inner block`, bytes.map((byte) => byte ^ 0x36)],
    [`${name}, HMAC's outer block`, bytes.map((byte) => byte ^ 0x5c)],
  ]);
  const buffer = Buffer.from(bytes);
  for (const [form, text] of [
    ['hex', buffer.toString('hex')],
    ['base64', buffer.toString('base64').replace(/..=*$/, '')],
    ['base64url', buffer.toString('base64url').replace(/..$/, '')],
    ['base64 from its second byte', buffer.subarray(1).toString('base64').replace(/..=*$/, '')],
    ['base64 from its third byte', buffer.subarray(2).toString('base64').replace(/..=*$/, '')],
  ] as const) {
    all.set(`${name}, ${form}`, Buffer.from(text, 'latin1'));
    all.set(`${name}, ${form} of two bytes a letter`, Buffer.from(text, 'utf16le'));
  }
  return all;
}

/** A secret that is a text itself. */
export function textForms(name: string, text: string): ReadonlyMap<string, Uint8Array> {
  return new Map<string, Uint8Array>([
    [`${name}, as text`, Buffer.from(text, 'latin1')],
    [`${name}, of two bytes a letter`, Buffer.from(text, 'utf16le')],
  ]);
}
