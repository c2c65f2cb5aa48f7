import { commitmentLength, hkdf, MessageCipher, randomBytes } from '#crypto/crypto.ts';
import { KmsError, SecretBytes, type WrappedMaterial } from '#domain/domain.ts';
import { canonicalJson, fromBase64, toBase64, toUtf8 } from '#encoding/encoding.ts';

export const rootLength = 32;

export const rootSalt = toUtf8('claviger/v1/root');

/** What hangs from the root key and changes with it. The root itself is forgotten once these are derived. */
export class Root {
  /** Authenticates stored records. */
  readonly records: SecretBytes;
  /** Authenticates the head and the anchor, and hides the state digest. */
  readonly anchor: SecretBytes;
  /** Wraps realm keys, and what outlasts the root. */
  readonly wrapping: SecretBytes;

  /** The caller still owns and disposes `root`. */
  constructor(root: SecretBytes) {
    const derive = (purpose: string) => hkdf('sha512', root, rootSalt, toUtf8(purpose), 32);
    this.records = derive('records');
    this.anchor = derive('anchor');
    this.wrapping = derive('realm-keys');
  }

  dispose(): void {
    for (const secret of [this.records, this.anchor, this.wrapping]) secret.dispose();
  }
}

export function newRoot(): SecretBytes {
  return new SecretBytes(randomBytes(rootLength));
}

const saltLength = 32;
const bodyAt = saltLength + commitmentLength;
const info = toUtf8('claviger/v1/wrap');

/** What binds material, ready for use more than once. */
export const encodeBinding = (binding: object): Uint8Array => toUtf8(canonicalJson(binding));

const aadOf = (binding: object): Uint8Array => (binding instanceof Uint8Array ? binding : encodeBinding(binding));

/**
 * Wraps material under `key`, bound to everything in `binding` (realm, key id, version, spec, usages ...), so that a wrapped
 * version moved to another row does not open: salt 32 | commitment 32 | sealed material.
 */
export function wrapMaterial(key: SecretBytes, binding: object, material: SecretBytes): WrappedMaterial {
  const out = Buffer.alloc(bodyAt + material.length + 16);
  randomBytes(saltLength).copy(out);
  const cipher = new MessageCipher('aes-256-gcm', key, out.subarray(0, saltLength), info);
  out.set(cipher.commitment, saltLength);
  cipher.sealSecretInto(aadOf(binding), material, out, bodyAt);
  return out as unknown as WrappedMaterial;
}

/** The caller owns the result. Throws 'tampered' when it isn't what was wrapped with this key and binding. */
export function unwrapMaterial(key: SecretBytes, binding: object, wrapped: Uint8Array): SecretBytes {
  const material = openWrapped(key, binding, wrapped);
  if (material !== undefined) return material;
  throw new KmsError('tampered', 'Stored key material does not belong to its row; restore the database from a backup.');
}

/** As `unwrapMaterial`, for what comes from outside: undefined when anything at all is wrong. */
export function openWrapped(key: SecretBytes, binding: object, wrapped: Uint8Array): SecretBytes | undefined {
  if (wrapped.length < bodyAt + 16) return undefined;
  const cipher = new MessageCipher('aes-256-gcm', key, wrapped.subarray(0, saltLength), info);
  return cipher.openSecret(wrapped.subarray(saltLength, bodyAt), aadOf(binding), wrapped.subarray(bodyAt));
}

/** Several secrets, each wrapped for its own name. */
export type WrappedBundle<Name extends string> = Readonly<Record<Name, string>>;

export function wrapBundle<Name extends string>(
  key: SecretBytes,
  purpose: string,
  names: readonly Name[],
  secrets: Readonly<Record<Name, SecretBytes>>,
): WrappedBundle<Name> {
  const wrapped = names.map((name) => [name, toBase64(wrapMaterial(key, { purpose, name }, secrets[name]))]);
  return Object.fromEntries(wrapped) as WrappedBundle<Name>;
}

/** The caller owns the result; undefined unless every one of them was wrapped so. */
export function openBundle<Name extends string>(
  key: SecretBytes,
  purpose: string,
  names: readonly Name[],
  wrapped: WrappedBundle<Name>,
): Record<Name, SecretBytes> | undefined {
  const secrets: Array<readonly [Name, SecretBytes]> = [];
  for (const name of names) {
    const bytes = fromBase64(wrapped[name] ?? '');
    const secret = bytes && openWrapped(key, { purpose, name }, bytes);
    if (secret === undefined) {
      for (const [, opened] of secrets) opened.dispose();
      return undefined;
    }
    secrets.push([name, secret]);
  }
  return Object.fromEntries(secrets) as Record<Name, SecretBytes>;
}

const backupBinding = (backup: string) => ({ purpose: 'backup', backup });

/** The key of a backup of the whole server, of which `backup` is the id, for whoever can open the root. The caller still owns it. */
export function wrapBackupKey(root: Root, backup: string, key: SecretBytes): Uint8Array {
  return wrapMaterial(root.wrapping, backupBinding(backup), key);
}

/** The caller owns the result, and still owns `root`. Throws 'tampered' where it was wrapped under another root, or for another backup. */
export function openBackupKey(root: SecretBytes, backup: string, wrapped: Uint8Array): SecretBytes {
  const derived = new Root(root);
  try {
    const key = openWrapped(derived.wrapping, backupBinding(backup), wrapped);
    if (key !== undefined) return key;
    throw new KmsError('tampered', 'The backup does not belong to the seal file that it brings along.');
  } finally {
    derived.dispose();
  }
}
