import type { Action, Command, Result, Status } from './command.ts';
import type { AuthMountPlace } from './command-auth-mount.ts';
import type { RealmPaths } from './command-mount.ts';
import type { KmsError } from './error.ts';
import type { Origin, Proof } from './proof.ts';

/**
 * The one call that doors make. `gate/` implements it; doors, jobs and reports know only this type.
 */
export interface Gate {
  /**
   * Identifies, decides, does, and records. Resolves only once the change and its ledger line are durable; rejects with KmsError
   * once the refusal's line is durable ('audit-unavailable' where it can't be).
   */
  perform<A extends Action>(proof: Proof, command: Command<A>, origin: Origin): Promise<Result<A>>;
  /**
   * The commands of one request, about `size` of them, which `read` gives when it is their turn: each is decided on, recorded and settled as
   * by `perform`, and the outcomes come in their order once all are there. That waits once for many lines.
   */
  performAll(
    proof: Proof,
    size: number,
    read: () => readonly Command[],
    origin: Origin,
  ): Promise<readonly PromiseSettledResult<Result>[]>;
  /**
   * For a request that a door can't decode: identifies, records the refusal, and rejects: with the identity's error if the proof
   * is wrong, else with `error`. What was not read can't be proven, so there `error` stands, with nobody's name on its line.
   */
  refuse(proof: Proof, action: Action | '', error: KmsError, origin: Origin): Promise<never>;
  /**
   * Where paths of Vault's lead in the realm of who asks. Counts as no use of the proof and leaves no ledger line, so what comes of
   * it goes on to `perform` or `refuse`. Rejects with KmsError for whom there is nothing to know.
   */
  paths(proof: Proof, origin: Origin): Promise<RealmPaths>;
  /**
   * Which auth mount a path below `auth/` leads to: in the realm that is named, else of who asks, else in the first, so that a door knows what
   * the path means. Decides and records nothing; undefined where nothing is mounted.
   */
  authMountAt(proof: Proof, realm: string | undefined, path: string): Promise<AuthMountPlace | undefined>;
  /** What anyone may know: alive, sealed, version. Reads nothing and leaves no ledger line. */
  status(): Status;
}
