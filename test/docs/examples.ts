import { createCipheriv, createHash, createHmac, hkdfSync } from 'node:crypto';

/**
 * The worked examples of docs/envelope-format.md and docs/file-format.md, computed from what those pages say and from nothing of
 * the product, so that page and product are held against a third party.
 */

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const counting = (from: number, length: number) => Uint8Array.from({ length }, (_, i) => from + i);
const u16 = (value: number) => Buffer.from([value >> 8, value & 255]);
const u32 = (value: number) => Buffer.concat([u16(value >>> 16), u16(value & 0xffff)]);

function aes256gcm(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(aad);
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

const realm = '123456789012';
const keyId = '01234567-89ab-cdef-0123-456789abcdef';
const keyIdBytes = Buffer.from(keyId.replaceAll('-', ''), 'hex');
const version = 3;
const plaintext = Buffer.from('hello');
const context = [['purpose', 'demo']] as const;

function contextPairs(): Buffer {
  const parts = context.flatMap((pair) => pair.flatMap((text) => [u16(text.length), Buffer.from(text)]));
  return Buffer.concat([u16(context.length), ...parts]);
}

export interface Example {
  /** The lines of the page's block. */
  readonly lines: readonly string[];
  readonly facts: {
    readonly realm: string;
    readonly keyId: string;
    readonly version: number;
    readonly key: Uint8Array;
    readonly context: typeof context;
    readonly plaintext: Uint8Array;
    readonly canonicalContext: Uint8Array;
    readonly whole: Uint8Array;
  };
}

const row = (name: string, value: string) => `${name.padEnd(12)}${value}`;

const suite = u16(1);
const material = counting(0, 32);
const realmTag = createHash('sha256').update(`claviger/v1/realm/${realm}`).digest().subarray(0, 4);
const info = Buffer.concat([
  Buffer.from('claviger/v1/message'),
  suite,
  keyIdBytes,
  u32(version),
  Buffer.from([realm.length]),
  Buffer.from(realm),
]);

/** What the page's sections on key, nonce, commitment and layout make of a salt. */
function sealed(flags: number, salt: Uint8Array, canonicalContext: Uint8Array) {
  const derived = createHmac('sha512', material)
    .update(info)
    .update(salt)
    .update(Buffer.from([1]))
    .digest();
  const [messageKey, nonce, commitment] = [derived.subarray(0, 32), salt.subarray(0, 12), derived.subarray(32, 64)];
  const header = Buffer.concat([
    Buffer.from('CV'),
    Buffer.from([1]),
    suite,
    realmTag,
    keyIdBytes,
    u32(version),
    Buffer.from([flags]),
    salt,
    commitment,
  ]);
  const body = aes256gcm(messageKey, nonce, Buffer.concat([header, canonicalContext]), plaintext);
  const lines = [
    row('envelope', hex(header.subarray(0, 30))),
    row('', hex(salt)),
    row('', hex(commitment)),
    row('', hex(body)),
  ];
  return { messageKey, nonce, commitment, whole: Buffer.concat([header, body]), lines };
}

export function envelopeExample(): Example {
  const salt = counting(0x20, 32);
  const canonicalContext = Buffer.concat([Buffer.from([1]), contextPairs()]);
  const { messageKey, nonce, commitment, whole, lines } = sealed(0, salt, canonicalContext);
  return {
    lines: [
      row('material', hex(material)),
      row('realm', realm),
      row('key id', keyId),
      row('version', String(version)),
      row('salt', hex(salt)),
      row('context', '{"purpose":"demo"}'),
      row('plaintext', 'hello'),
      '',
      row('realm tag', hex(realmTag)),
      row('info', hex(info)),
      row('message key', hex(messageKey)),
      row('nonce', hex(nonce)),
      row('commitment', hex(commitment)),
      row('canonical', hex(canonicalContext)),
      '',
      ...lines,
    ],
    facts: { realm, keyId, version, key: material, context, plaintext, canonicalContext, whole },
  };
}

/** The same key, realm and message, by a convergent key in the derivation context "demo". */
export function convergentExample() {
  const derivation = Buffer.from('demo');
  const canonicalContext = Buffer.concat([Buffer.from([3]), u32(derivation.length), derivation]);
  const saltInfo = Buffer.concat([Buffer.from('claviger/v1/convergent'), info]);
  const saltKey = Buffer.from(hkdfSync('sha512', material, Buffer.alloc(0), saltInfo, 64));
  const salt = createHmac('sha512', saltKey)
    .update(u32(canonicalContext.length))
    .update(canonicalContext)
    .update(plaintext)
    .digest()
    .subarray(0, 32);
  const { whole, lines } = sealed(2, salt, canonicalContext);
  return {
    lines: [
      row('salt key', hex(saltKey)),
      row('canonical', hex(canonicalContext)),
      row('salt', hex(salt)),
      '',
      ...lines,
    ],
    facts: { realm, keyId, version, key: material, plaintext, canonicalContext, whole },
  };
}

export function fileExample(): Example {
  const key = counting(0, 32);
  const salt = counting(0x40, 24);
  const wrappedKey = Buffer.from('the data key, wrapped');
  const name = Buffer.from('first');
  const fields = Buffer.concat([
    Buffer.from([realm.length]),
    Buffer.from(realm),
    keyIdBytes,
    u32(version),
    u16(name.length),
    name,
    u16(wrappedKey.length),
    wrappedKey,
    contextPairs(),
  ]);
  const header = Buffer.concat([Buffer.from('CLAV\r\n\u001a\n'), Buffer.from([1, 1]), u16(fields.length), fields]);
  const label = 'c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0';
  const info = Buffer.concat([Buffer.from(label), salt, header]);
  const derived = expand(key, info, 76);
  const [messageKey, nonce, commitment] = [derived.subarray(0, 32), derived.subarray(32, 44), derived.subarray(44, 76)];
  // Chunk 0 is the last one: its number leaves the base nonce as it is.
  const sealed = aes256gcm(messageKey, nonce, new Uint8Array(), plaintext);
  const whole = Buffer.concat([header, salt, commitment, sealed]);
  return {
    lines: [
      row('data key', hex(key)),
      row('header', hex(header.subarray(0, 12))),
      row('', hex(header.subarray(12, 45))),
      row('', hex(header.subarray(45, 75))),
      row('', hex(header.subarray(75))),
      row('salt', hex(salt)),
      row('chunk key', hex(messageKey)),
      row('base nonce', hex(nonce)),
      row('commitment', hex(commitment)),
      row('last chunk', hex(sealed)),
    ],
    facts: { realm, keyId, version, key, context, plaintext, canonicalContext: contextPairs(), whole },
  };
}

/** HKDF-Expand with SHA-512 (RFC 5869 section 2.3). */
function expand(prk: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  let block: Uint8Array = new Uint8Array();
  let out: Uint8Array = new Uint8Array();
  for (let i = 1; out.length < length; i++) {
    block = createHmac('sha512', prk)
      .update(block)
      .update(info)
      .update(Buffer.from([i]))
      .digest();
    out = Buffer.concat([out, block]);
  }
  return out.subarray(0, length);
}
