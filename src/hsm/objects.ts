import { derBitString, derInteger, derNull, derOid, derSequence, fromHex, readDer, toHex } from '#encoding/encoding.ts';
import { ckr } from './ckr.ts';
import type { HsmCurve, HsmKey, HsmKeyType, HsmUsage, KeyClass, NewKey } from './contract.ts';
import { type Attribute, type Binding, type Handle, type Module, returnValue } from './cryptoki.ts';

export const curveOids = {
  'P-256': '1.2.840.10045.3.1.7',
  'P-384': '1.3.132.0.34',
  'P-521': '1.3.132.0.35',
  secp256k1: '1.3.132.0.10',
} as const satisfies Record<HsmCurve, string>;

export function idBytes(id: string): Buffer {
  return Buffer.from(fromHex(id) ?? new Uint8Array());
}

export function classOf(binding: Binding, kind: KeyClass | 'public'): number {
  if (kind === 'secret') return binding.CKO_SECRET_KEY;
  return kind === 'private' ? binding.CKO_PRIVATE_KEY : binding.CKO_PUBLIC_KEY;
}

/** Objects of the token that match, in one search. */
export function search(module: Module, session: Handle, template: readonly Attribute[]): readonly Handle[] {
  module.C_FindObjectsInit(session, template);
  const found: Handle[] = [];
  try {
    for (;;) {
      const some = module.C_FindObjects(session, 64);
      found.push(...some);
      if (some.length < 64) return found;
    }
  } finally {
    module.C_FindObjectsFinal(session);
  }
}

const without: ReadonlySet<number | undefined> = new Set([ckr.ATTRIBUTE_TYPE_INVALID, ckr.ATTRIBUTE_SENSITIVE]);

/** Undefined where the object has no such attribute, or keeps it to itself. */
export function attribute(module: Module, session: Handle, object: Handle, type: number): Buffer | undefined {
  try {
    return module.C_GetAttributeValue(session, object, [{ type }])[0]?.value as Buffer | undefined;
  } catch (error) {
    if (without.has(returnValue(error))) return undefined;
    throw error;
  }
}

/** CK_ULONG, of the length that it has on this machine. */
function toNumber(value: Buffer | undefined): number | undefined {
  if (value === undefined || value.length === 0 || value.length > 8) return undefined;
  return value.length > 6 ? Number(value.readBigUInt64LE()) : value.readUIntLE(0, value.length);
}

const usageNames = ['encrypt', 'decrypt', 'sign', 'verify', 'wrap', 'unwrap', 'derive'] as const;

export function readKey(binding: Binding, module: Module, session: Handle, object: Handle, kind: KeyClass): HsmKey {
  const read = (type: number) => attribute(module, session, object, type);
  const yes = (type: number) => read(type)?.[0] === 1;
  const usageTypes = {
    encrypt: binding.CKA_ENCRYPT,
    decrypt: binding.CKA_DECRYPT,
    sign: binding.CKA_SIGN,
    verify: binding.CKA_VERIFY,
    wrap: binding.CKA_WRAP,
    unwrap: binding.CKA_UNWRAP,
    derive: binding.CKA_DERIVE,
  } as const satisfies Record<(typeof usageNames)[number], number>;
  // What keeps its sensitivity to itself can't be relied on.
  const confined = yes(binding.CKA_SENSITIVE) && read(binding.CKA_EXTRACTABLE)?.[0] === 0;
  return {
    class: kind,
    id: toHex(read(binding.CKA_ID) ?? new Uint8Array()),
    label: (read(binding.CKA_LABEL) ?? Buffer.alloc(0)).toString('utf8'),
    type: readType(binding, read),
    usages: new Set(usageNames.filter((name) => yes(usageTypes[name]))),
    confined,
    bornConfined:
      confined && yes(binding.CKA_ALWAYS_SENSITIVE) && yes(binding.CKA_NEVER_EXTRACTABLE) && yes(binding.CKA_LOCAL),
    modifiable: yes(binding.CKA_MODIFIABLE),
  };
}

function readType(binding: Binding, read: (type: number) => Buffer | undefined): HsmKeyType | undefined {
  const type = toNumber(read(binding.CKA_KEY_TYPE));
  const bytes = () => toNumber(read(binding.CKA_VALUE_LEN));
  if (type === binding.CKK_AES) {
    const bits = (bytes() ?? 0) * 8;
    return bits === 128 || bits === 192 || bits === 256 ? { type: 'aes', bits } : undefined;
  }
  if (type === binding.CKK_RSA) {
    const modulus = read(binding.CKA_MODULUS);
    return modulus === undefined ? undefined : { type: 'rsa', bits: bitLength(modulus) };
  }
  if (type === binding.CKK_EC) {
    const parameters = toHex(read(binding.CKA_EC_PARAMS) ?? new Uint8Array());
    const curve = curves.find((name) => toHex(derOid(curveOids[name])) === parameters);
    return curve === undefined ? undefined : { type: 'ec', curve };
  }
  if (type === binding.CKK_GENERIC_SECRET) return { type: 'hmac', bytes: bytes() ?? 0 };
  return undefined;
}

const curves = Object.keys(curveOids) as readonly HsmCurve[];

function bitLength(magnitude: Uint8Array): number {
  const first = magnitude.findIndex((byte) => byte !== 0);
  return first < 0 ? 0 : (magnitude.length - first) * 8 - (Math.clz32(magnitude[first]!) - 24);
}

/** Made in the token, never to leave it, for one kind of use; PKCS#11 v3.0 sections 4.9 and 4.10. */
export function templates(
  binding: Binding,
  { id, label, key, usage }: NewKey,
  fixed: boolean,
): { readonly mechanism: number; readonly secret: readonly Attribute[]; readonly open: readonly Attribute[] } {
  const named = (): Attribute[] => [
    { type: binding.CKA_TOKEN, value: true },
    { type: binding.CKA_ID, value: idBytes(id) },
    { type: binding.CKA_LABEL, value: label },
    // A copy may be given other uses than what it was made from.
    ...(fixed ? [binding.CKA_MODIFIABLE, binding.CKA_COPYABLE].map((type) => ({ type, value: false })) : []),
  ];
  const may = (types: readonly (readonly [number, boolean])[]): Attribute[] =>
    types.map(([type, value]) => ({ type, value }));
  const { encrypts, decrypts, signs } = capabilities(usage);
  const confined = may([
    [binding.CKA_PRIVATE, true],
    [binding.CKA_SENSITIVE, true],
    [binding.CKA_EXTRACTABLE, false],
    [binding.CKA_DECRYPT, decrypts],
    [binding.CKA_SIGN, signs],
    [binding.CKA_UNWRAP, false],
    [binding.CKA_DERIVE, false],
  ]);
  const symmetric = may([
    [binding.CKA_ENCRYPT, encrypts],
    [binding.CKA_VERIFY, signs],
    [binding.CKA_WRAP, false],
  ]);
  const open = (...more: readonly Attribute[]) => [
    ...named(),
    ...may([
      [binding.CKA_PRIVATE, false],
      [binding.CKA_ENCRYPT, decrypts],
      [binding.CKA_VERIFY, signs],
      [binding.CKA_WRAP, false],
    ]),
    ...more,
  ];
  switch (key.type) {
    case 'aes':
      return {
        mechanism: binding.CKM_AES_KEY_GEN,
        secret: [...named(), ...confined, ...symmetric, { type: binding.CKA_VALUE_LEN, value: key.bits / 8 }],
        open: [],
      };
    case 'hmac':
      return {
        mechanism: binding.CKM_GENERIC_SECRET_KEY_GEN,
        secret: [...named(), ...confined, ...symmetric, { type: binding.CKA_VALUE_LEN, value: key.bytes }],
        open: [],
      };
    case 'rsa':
      return {
        mechanism: binding.CKM_RSA_PKCS_KEY_PAIR_GEN,
        secret: [...named(), ...confined],
        open: open(
          { type: binding.CKA_MODULUS_BITS, value: key.bits },
          { type: binding.CKA_PUBLIC_EXPONENT, value: Buffer.of(1, 0, 1) },
        ),
      };
    case 'ec':
      return {
        mechanism: binding.CKM_EC_KEY_PAIR_GEN,
        secret: [...named(), ...confined],
        open: open({ type: binding.CKA_EC_PARAMS, value: Buffer.from(derOid(curveOids[key.curve])) }),
      };
  }
}

function capabilities(usage: HsmUsage) {
  return {
    encrypts: usage === 'encrypt-decrypt',
    decrypts: usage === 'encrypt-decrypt' || usage === 'decrypt',
    signs: usage === 'sign',
  };
}

/** SubjectPublicKeyInfo (RFC 5280, RFC 5480, RFC 8017) of a public key object; undefined where it is of no kind that is used here. */
export function readPublicKey(
  binding: Binding,
  module: Module,
  session: Handle,
  object: Handle,
): Uint8Array | undefined {
  const read = (type: number) => attribute(module, session, object, type);
  const type = toNumber(read(binding.CKA_KEY_TYPE));
  if (type === binding.CKK_RSA) {
    const [modulus, exponent] = [read(binding.CKA_MODULUS), read(binding.CKA_PUBLIC_EXPONENT)];
    if (modulus === undefined || exponent === undefined) return undefined;
    const key = derSequence(derInteger(modulus), derInteger(exponent));
    return derSequence(derSequence(derOid('1.2.840.113549.1.1.1'), derNull), derBitString(key));
  }
  if (type !== binding.CKK_EC) return undefined;
  const [parameters, point] = [read(binding.CKA_EC_PARAMS), read(binding.CKA_EC_POINT)];
  if (parameters === undefined || point === undefined) return undefined;
  return derSequence(derSequence(derOid('1.2.840.10045.2.1'), parameters), derBitString(pointOf(point)));
}

/** Bytes of an uncompressed point: of 256, 384 and 521 bits. */
const pointLengths: ReadonlySet<number> = new Set([65, 97, 133]);

/** PKCS#11 v3.0 section 2.3.3 asks for an OCTET STRING around the point; some tokens leave it out. A point may look like one by its bytes. */
export function pointOf(value: Buffer): Uint8Array {
  const [element, ...more] = readDer(value) ?? [];
  const wrapped =
    element !== undefined && more.length === 0 && element.tag === 4 && pointLengths.has(element.body.length);
  return wrapped ? element.body : value;
}
