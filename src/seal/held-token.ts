import type { SecretBytes } from '#domain/domain.ts';
import type { Hsm } from '#hsm/hsm.ts';
import type { SealKind } from './contract.ts';

/** The token of a seal that holds keys besides, in reach as long as the server is unsealed. */
export class HeldToken {
  #hsm: Hsm | undefined;
  /** How often it was left: what was asked for before that is not kept. */
  #left = 0;

  get hsm(): Hsm | undefined {
    return this.#hsm;
  }

  /** Never rejects: a token that is lost between the two times it is asked leaves its keys out of reach, and the root opened. */
  async reach(kind: SealKind, settings: object, secret: SecretBytes | undefined): Promise<void> {
    if (this.#hsm !== undefined) return;
    const left = this.#left;
    const hsm = await kind.token?.(settings, secret).catch(() => undefined);
    if (this.#hsm === undefined && left === this.#left) this.#hsm = hsm;
    else await hsm?.close();
  }

  leave(): void {
    this.#left++;
    const hsm = this.#hsm;
    this.#hsm = undefined;
    hsm?.close().catch(() => {});
  }
}
