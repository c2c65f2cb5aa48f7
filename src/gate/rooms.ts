import type { CheckpointSigner } from '#audit/audit.ts';
import type { IdentityRoom } from '#identity/identity.ts';
import type { Keyring } from '#keyring/keyring.ts';
import type { SecretsRoom } from '#secrets/secrets.ts';

/** The working rooms of an unsealed server. */
export interface Rooms {
  readonly keyring: Keyring;
  readonly identity: IdentityRoom;
  readonly secrets: SecretsRoom;
}

/** An unsealed server: its working rooms, and what signs its checkpoints. */
export interface Unsealed extends Rooms {
  readonly signer: CheckpointSigner;
  /** Forgets all secrets. */
  dispose(): void;
}
