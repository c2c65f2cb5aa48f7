import { assertGrownFrom, CheckpointSigner } from '#audit/audit.ts';
import { digestHex, Ed25519Signer } from '#crypto/crypto.ts';
import { KmsError } from '#domain/domain.ts';
import type { Unsealed } from '#gate/gate.ts';
import { identityRoom } from '#identity/identity.ts';
import { assertSealsNewest, Keyring, readHead } from '#keyring/keyring.ts';
import type { Mode } from '#policy/policy.ts';
import type { Custody, Opening } from '#seal/seal.ts';
import { SecretsRoom } from '#secrets/secrets.ts';
import type { Shelf, Store } from '#store/store.ts';
import type { MonotoneClock } from './clock.ts';
import { localServiceAccount } from './local-service-account.ts';
import { outbound } from './outbound.ts';
import { scrubSoon } from './rest.ts';
import type { RegisteredRotators } from './rotators.ts';

/** What the rooms and the jobs share of rotating secrets: who may be called, and that somebody is to be. */
export interface Rotation {
  readonly rotators: RegisteredRotators;
  onRotation: () => void;
}

interface Ground {
  readonly store: Store;
  readonly custody: Custody;
  readonly clock: MonotoneClock;
  readonly rotation: Rotation;
  readonly mode: Mode;
  readonly region: string;
  readonly cachedKeys?: number | undefined;
  readonly shelf: Shelf;
}

const defaultCachedKeys = 16_384;

/** Makes the rooms that an unsealed server works with. */
export class WorkingRooms {
  readonly #ground: Ground;

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  /** Takes the root of `opening`. Rejects with 'tampered' where the store is not what was left there. */
  async open(opening: Opening): Promise<Unsealed> {
    const { store, custody, clock, shelf, cachedKeys = defaultCachedKeys } = this.#ground;
    using root = opening.root;
    // Where it comes to nothing, what was reached with it is left: a token, say.
    using stack = new DisposableStack();
    stack.defer(() => custody.forget());
    const stored = await readStoredHead(store);
    const keyring = await Keyring.open(root, store, stored?.sealed, {
      ...{ capacity: cachedKeys, clock: clock.now, shelf, hsm: () => custody.token },
      forgotten: scrubSoon,
    });
    stack.defer(() => keyring.dispose());
    await assertSealsNewest(keyring.records, opening.revision);
    if (stored?.loose !== undefined) await assertGrownFrom(store, stored.sealed.ledger, stored.loose);
    const rooms = this.furnish(keyring);
    opening.opened();
    stack.move();
    return rooms;
  }

  /** The rooms that work on a keyring, which they dispose of. */
  furnish(keyring: Keyring): Unsealed {
    const { custody, clock, rotation, mode, region } = this.#ground;
    const identity = identityRoom({
      records: keyring.records,
      key: keyring.identityKey,
      region,
      clock: clock.now,
      mode,
      outbound,
      localServiceAccount: localServiceAccount(clock.now),
    });
    const signing = new Ed25519Signer(keyring.ledgerSeed);
    const signer = new CheckpointSigner(`claviger/${digestHex('sha256', signing.publicKey).slice(0, 12)}`, signing);
    const secrets = new SecretsRoom({
      keyring,
      region,
      rotators: rotation.rotators,
      onRotation: () => rotation.onRotation(),
    });
    const dispose = () => {
      keyring.dispose();
      custody.forget();
      scrubSoon();
    };
    return { keyring, identity, secrets, signer, dispose };
  }
}

/** Undefined for a new store. Rejects with 'tampered' for one that is not as it was left. */
export async function readStoredHead(store: Store) {
  const bytes = await store.head();
  if (bytes === undefined) {
    if ((await store.anchors()).length === 0) return undefined;
    throw new KmsError(
      'tampered',
      'The database is empty but its anchor is not: the database was taken away. Restore it from a backup.',
    );
  }
  const head = readHead(bytes);
  if (head === undefined)
    throw new KmsError('tampered', "The database's head can't be read; restore the database from a backup.");
  return head;
}
