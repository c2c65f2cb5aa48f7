import { equalSecrets, hmac } from '#crypto/crypto.ts';
import { KmsError, type SecretBytes } from '#domain/domain.ts';

/**
 * What the store keeps as its head, and in a place outside itself as the anchor: how much there is of everything. The sealed part is
 * under a MAC of the root; the loose part follows it with the ledger lines that a sealed server added, which the next unsealing
 * checks and takes up.
 *
 *   sealed: format 1 | sequence 8 | time 8 | ledger size 8 | checkpointed 8 | ledger root 32 | state tag 32 | frontier length 2 |
 *           frontier | MAC 32
 *   loose:  ledger size 8 | frontier length 2 | frontier
 */
export interface Head {
  /** Counts changes of state. */
  readonly sequence: number;
  /** Milliseconds since the epoch: the clock never goes below. */
  readonly time: number;
  readonly ledger: LedgerState;
  /** The digest over all rows. */
  readonly digest: Uint8Array;
}

export interface LedgerState {
  readonly size: number;
  /** The size at the newest checkpoint. */
  readonly checkpointed: number;
  readonly root: Uint8Array;
  readonly frontier: Uint8Array;
}

/** While sealed nobody signs checkpoints, and nobody vouches for the root. */
export type LooseLedger = Omit<LedgerState, 'root' | 'checkpointed'>;

const format = 1;
const at = { sequence: 1, time: 9, size: 17, checkpointed: 25, root: 33, stateTag: 65, frontierLength: 97 } as const;
const fixed = at.frontierLength + 2;
const macLength = 32;

export function sealHead(key: SecretBytes, head: Head): Buffer {
  const { frontier } = head.ledger;
  const bytes = Buffer.alloc(fixed + frontier.length + macLength);
  bytes[0] = format;
  bytes.writeBigUInt64BE(BigInt(head.sequence), at.sequence);
  bytes.writeBigUInt64BE(BigInt(head.time), at.time);
  bytes.writeBigUInt64BE(BigInt(head.ledger.size), at.size);
  bytes.writeBigUInt64BE(BigInt(head.ledger.checkpointed), at.checkpointed);
  bytes.set(head.ledger.root, at.root);
  bytes.set(stateTag(key, head.sequence, head.digest), at.stateTag);
  bytes.writeUInt16BE(frontier.length, at.frontierLength);
  bytes.set(frontier, fixed);
  bytes.set(hmac('sha256', key, 'head', bytes.subarray(0, fixed + frontier.length)), fixed + frontier.length);
  return bytes;
}

/** The state digest itself stays in memory: see `state-digest.ts`. */
function stateTag(key: SecretBytes, sequence: number, digest: Uint8Array): Uint8Array {
  return hmac('sha256', key, `state ${sequence} `, digest);
}

export interface SealedHead extends Omit<Head, 'digest'> {
  readonly stateTag: Uint8Array;
  /** The part under the MAC, as it stands. */
  readonly bytes: Uint8Array;
}

/** What the bytes say, unproven; undefined when they say nothing. */
export function readHead(
  stored: Uint8Array,
): { readonly sealed: SealedHead; readonly loose: LooseLedger | undefined } | undefined {
  const bytes = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
  if (bytes.length < fixed || bytes[0] !== format) return undefined;
  const end = fixed + bytes.readUInt16BE(at.frontierLength) + macLength;
  if (bytes.length < end) return undefined;
  const sealed: SealedHead = {
    sequence: Number(bytes.readBigUInt64BE(at.sequence)),
    time: Number(bytes.readBigUInt64BE(at.time)),
    ledger: {
      size: Number(bytes.readBigUInt64BE(at.size)),
      checkpointed: Number(bytes.readBigUInt64BE(at.checkpointed)),
      root: bytes.subarray(at.root, at.stateTag),
      frontier: bytes.subarray(fixed, end - macLength),
    },
    stateTag: bytes.subarray(at.stateTag, at.frontierLength),
    bytes: bytes.subarray(0, end),
  };
  if (bytes.length === end) return { sealed, loose: undefined };
  if (bytes.length < end + 10 || bytes.length !== end + 10 + bytes.readUInt16BE(end + 8)) return undefined;
  return { sealed, loose: { size: Number(bytes.readBigUInt64BE(end)), frontier: bytes.subarray(end + 10) } };
}

/** A sealed server's head: the last sealed part, and how far the ledger has come since. */
export function loosen(sealed: Uint8Array, ledger: LooseLedger): Buffer {
  const tail = Buffer.alloc(10);
  tail.writeBigUInt64BE(BigInt(ledger.size));
  tail.writeUInt16BE(ledger.frontier.length, 8);
  return Buffer.concat([sealed, tail, ledger.frontier]);
}

export function isAuthentic(key: SecretBytes, head: SealedHead): boolean {
  const body = head.bytes.subarray(0, head.bytes.length - macLength);
  return equalSecrets(hmac('sha256', key, 'head', body), head.bytes.subarray(body.length));
}

/** Whether it is the head that `found` wrote: nothing was ever stored, so there is nothing that could be older than its anchor. */
export function isFounding(head: Pick<Head, 'sequence' | 'ledger'>): boolean {
  return head.sequence === 0 && head.ledger.size === 0;
}

/**
 * Throws 'tampered' unless the database is the newest that the anchor knows of and holds exactly the rows that its head vouches for.
 * `anchors` are the outside copies, newest first; a cut-short one is passed over. `other`: the key that anchors may still be, or be already,
 * under while the root is rotated.
 */
export function assertNotRolledBack(
  key: SecretBytes,
  head: SealedHead,
  digest: Uint8Array,
  anchors: readonly Uint8Array[],
  other?: SecretBytes,
): void {
  const restore = 'Restore the newest backup, or the database that belongs to the anchor.';
  if (!isAuthentic(key, head)) {
    throw new KmsError(
      'tampered',
      `The database's head does not carry its MAC: it was changed outside Claviger. ${restore}`,
    );
  }
  if (!equalSecrets(stateTag(key, head.sequence, digest), head.stateTag)) {
    throw new KmsError(
      'tampered',
      `The stored records are not those that were last committed: rows were changed, added, removed or put back. ${restore}`,
    );
  }
  const keys = other === undefined ? [key] : [key, other];
  const known = anchors
    .map(readHead)
    .filter((anchor) => anchor !== undefined && keys.some((one) => isAuthentic(one, anchor.sealed)));
  if (known.length === 0 && !isFounding(head)) {
    throw new KmsError(
      'tampered',
      'The anchor beside the database is missing or damaged, so an older database could not be told from this one. See docs/recovery.md.',
    );
  }
  for (const anchor of known) {
    if (anchor!.sealed.sequence > head.sequence || anchor!.sealed.ledger.size > head.ledger.size) {
      throw new KmsError(
        'tampered',
        `The database is older than its anchor: an older copy was put in its place. ${restore}`,
      );
    }
  }
}
