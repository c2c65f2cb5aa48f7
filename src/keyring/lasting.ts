import { hkdf } from '#crypto/crypto.ts';
import { KmsError, type RecordChange, type RecordReader, type SecretBytes } from '#domain/domain.ts';
import { toUtf8 } from '#encoding/encoding.ts';
import { openBundle, type Root, rootSalt, type WrappedBundle, wrapBundle } from './root.ts';

const id = 'lasting-keys';
const names = ['fingerprints', 'identity', 'ledger'] as const;
type Name = (typeof names)[number];
const purposes = { fingerprints: 'fingerprints', identity: 'identity', ledger: 'ledger-signer' } as const;

/** Wrapped under the root of now; and from when a new root is made until it is the only one, under that. */
interface Stored {
  readonly wrapped?: WrappedBundle<Name>;
  readonly next?: WrappedBundle<Name>;
}

/**
 * What the first root gave and what stays when it is rotated, because others were told what hangs from it. Derived before the first rotation;
 * from then on stored under whatever root there is.
 */
export class Lasting {
  /** Makes fingerprints of imported material. */
  readonly fingerprints: SecretBytes;
  /** For `identity/`: secrets of access keys hang from it. */
  readonly identity: SecretBytes;
  /** Seed of the ledger's checkpoint signer. */
  readonly ledger: SecretBytes;

  private constructor({ fingerprints, identity, ledger }: Readonly<Record<Name, SecretBytes>>) {
    this.fingerprints = fingerprints;
    this.identity = identity;
    this.ledger = ledger;
  }

  /** As the first root gives them. The caller still owns `secret`, the root itself. */
  static derived(secret: SecretBytes): Lasting {
    const derive = (name: Name) => hkdf('sha512', secret, rootSalt, toUtf8(purposes[name]), 32);
    return new Lasting({
      fingerprints: derive('fingerprints'),
      identity: derive('identity'),
      ledger: derive('ledger'),
    });
  }

  /** Those that are stored, else these. Rejects with 'tampered' where they are stored, and not under `root`. */
  async orStored(root: Root, records: RecordReader): Promise<Lasting> {
    const stored = (await records.read('setting', id))?.value as Stored | undefined;
    for (const wrapped of [stored?.next, stored?.wrapped]) {
      const keys = wrapped && openBundle(root.wrapping, id, names, wrapped);
      if (keys === undefined) continue;
      this.dispose();
      return new Lasting(keys);
    }
    // A rotation that never came to its new root leaves `next` alone behind.
    if (stored?.wrapped === undefined) return this;
    throw new KmsError('tampered', 'The stored keys of the root are not under it.');
  }

  /** Stores them under `next` as well, which becomes the root. */
  async under(next: Root, records: RecordReader): Promise<RecordChange> {
    const record = await records.read('setting', id);
    const { wrapped } = (record?.value ?? {}) as Stored;
    const value: Stored = { ...(wrapped && { wrapped }), next: wrapBundle(next.wrapping, id, names, this) };
    return { kind: 'setting', id, expect: record?.revision ?? 0, value };
  }

  /** Stores them under `root` alone. */
  async settled(root: Root, records: RecordReader): Promise<RecordChange> {
    const value: Stored = { wrapped: wrapBundle(root.wrapping, id, names, this) };
    return { kind: 'setting', id, expect: (await records.read('setting', id))?.revision ?? 0, value };
  }

  dispose(): void {
    for (const name of names) this[name].dispose();
  }
}
