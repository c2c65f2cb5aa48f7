import type { AcknowledgedShare, MadeSeal, Seal } from './types.ts';

type Asking = <T>(method: string, path: string, body?: object) => Promise<T>;

/** What opens a seal that is there already: a passphrase, a PIN or a share. `seal`: that one alone. */
export interface SealOpener {
  readonly secret: string;
  readonly seal?: string;
}

/** A seal that is asked for. */
export interface AskedSeal {
  readonly settings: Readonly<Record<string, unknown>>;
  /** Of a kind that takes one: what opens it from now on. */
  readonly secret?: string;
  /** Absent: a seal that opens by itself gives the root key. */
  readonly opener?: SealOpener;
}

/** The ways to a server's root key. Methods reject as those of the client do. */
export class Seals {
  readonly #ask: Asking;

  constructor(ask: Asking) {
    this.#ask = ask;
  }

  async list(): Promise<readonly Seal[]> {
    return (await this.#ask<{ seals: readonly Seal[] }>('GET', '/seals')).seals;
  }

  add(name: string, kind: string, asked: AskedSeal): Promise<MadeSeal> {
    return this.#ask('POST', '/seals', { name, kind, ...asked });
  }

  async remove(name: string): Promise<readonly Seal[]> {
    return (await this.#ask<{ seals: readonly Seal[] }>('DELETE', `/seals/${encodeURIComponent(name)}`)).seals;
  }

  rotate(name: string, asked: AskedSeal): Promise<MadeSeal> {
    return this.#ask('POST', `/seals/${encodeURIComponent(name)}/rotate`, asked);
  }

  /** Opens it, as an unsealing would. `proven`: false while more shares are needed. */
  prove(name: string, secret?: string): Promise<{ readonly seal: Seal; readonly proven: boolean }> {
    return this.#ask('POST', `/seals/${encodeURIComponent(name)}/prove`, secret === undefined ? {} : { secret });
  }

  /** Those that were brought to unseal the server, and are not enough. */
  async forgetShares(): Promise<void> {
    await this.#ask('POST', '/unseal', { reset: true });
  }

  /** A statement as `claviger share acknowledge` makes it. `settled`: all have arrived, so former shares open nothing any more. */
  acknowledge(statement: string): Promise<{ readonly share: AcknowledgedShare; readonly settled: boolean }> {
    return this.#ask('POST', '/shares', { statement });
  }

  /** What custodians said of the shares that are in force. */
  async acknowledgements(): Promise<ReadonlyArray<AcknowledgedShare & { readonly statement: string }>> {
    return (await this.#ask<{ shares: ReadonlyArray<AcknowledgedShare & { statement: string }> }>('GET', '/shares'))
      .shares;
  }
}
