import type { CheckpointSigner } from '#audit/audit.ts';
import type { BackupFacts } from '#domain/domain.ts';
import type { Rooms } from './rooms.ts';

/** What is backed up, and who answers for it. */
export interface BackedUp extends Rooms {
  readonly signer: CheckpointSigner;
}

/** Takes backups and keeps them. `backups.ts` at the top implements it. */
export interface Backups {
  /** Whole, on disk and read back when it resolves. Rejects with 'unavailable', 'storage-full' or 'conflict', and leaves nothing then. */
  take(rooms: BackedUp, to: string | undefined): Promise<BackupFacts>;
  /** Deletes this server's own that are over `keep`, and never `last`. Answers how many. */
  prune(rooms: BackedUp, folder: string, keep: number, last: string): Promise<number>;
}
