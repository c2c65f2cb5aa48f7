import { commitmentLength, equalSecrets, hkdf, hmac, MessageCipher, randomBytes } from '#crypto/crypto.ts';
import { KmsError, SecretBytes, type WrappedMaterial } from '#domain/domain.ts';
import { canonicalJson, toUtf8 } from '#encoding/encoding.ts';

export const rootLength = 32;

const salt = toUtf8('claviger/v1/root');

/** Everything that hangs from the root key. The root itself is forgotten once these are derived. */
export class Root {
  /** Authenticates stored records. */
  readonly records: SecretBytes;
  /** Authenticates the head and the anchor, and hides the state digest. */
  readonly anchor: SecretBytes;
  /** Wraps realm keys. */
  readonly wrapping: SecretBytes;
  /** Makes fingerprints of imported material. */
  readonly fingerprints: SecretBytes;
  /** For `identity/`: secrets of access keys hang from it. */
  readonly identity: SecretBytes;
  /** Seed of the ledger's checkpoint signer. */
  readonly ledger: SecretBytes;

  /** The caller still owns and disposes `root`. */
  constructor(root: SecretBytes) {
    const derive = (purpose: string) => hkdf('sha512', root, salt, toUtf8(purpose), 32);
    this.records = derive('records');
    this.anchor = derive('anchor');
    this.wrapping = derive('realm-keys');
    this.fingerprints = derive('fingerprints');
    this.identity = derive('identity');
    this.ledger = derive('ledger-signer');
  }

  /** Whether it was made of this root, which stays the caller's. */
  hangsFrom(root: SecretBytes): boolean {
    const other = new Root(root);
    const mark = (of: Root) => hmac('sha256', of.anchor, 'same root');
    try {
      return equalSecrets(mark(this), mark(other));
    } finally {
      other.dispose();
    }
  }

  dispose(): void {
    const { records, anchor, wrapping, fingerprints, identity, ledger } = this;
    for (const secret of [records, anchor, wrapping, fingerprints, identity, ledger]) secret.dispose();
  }
}

export function newRoot(): SecretBytes {
  return new SecretBytes(randomBytes(rootLength));
}

const saltLength = 32;
const bodyAt = saltLength + commitmentLength;
const info = toUtf8('claviger/v1/wrap');

/**
 * Wraps material under `key`, bound to everything in `binding` (realm, key id, version, spec, usages ...), so that a wrapped
 * version moved to another row does not open: salt 32 | commitment 32 | sealed material.
 */
export function wrapMaterial(key: SecretBytes, binding: object, material: SecretBytes): WrappedMaterial {
  const out = Buffer.alloc(bodyAt + material.length + 16);
  randomBytes(saltLength).copy(out);
  const cipher = new MessageCipher('aes-256-gcm', key, out.subarray(0, saltLength), info);
  out.set(cipher.commitment, saltLength);
  cipher.sealSecretInto(toUtf8(canonicalJson(binding)), material, out, bodyAt);
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
  if (!equalSecrets(cipher.commitment, wrapped.subarray(saltLength, bodyAt))) return undefined;
  return cipher.openSecret(toUtf8(canonicalJson(binding)), wrapped.subarray(bodyAt));
}
