import {
  type Ceremony,
  type CeremonyStatus,
  type Change,
  type Command,
  KmsError,
  type PassphraseRenewal,
  type Plaintext,
  type Result,
  tokenLength,
} from '#domain/domain.ts';
import type { Identified } from '#identity/identity.ts';
import { sealsWritten } from '#keyring/keyring.ts';
import type { Attempts } from './attempts.ts';
import type { Custody } from './custody.ts';
import type { Rooms } from './rooms.ts';
import { ofAccount } from './tokens.ts';

interface RootToken {
  readonly nonce: string;
  readonly otp: Plaintext;
  busy?: true;
}

interface Rekey {
  readonly nonce: string;
  readonly verified: boolean;
  /** The new passphrase was answered and is to be given back. */
  waiting?: { readonly nonce: string; readonly renewal: Omit<PassphraseRenewal, 'passphrase'> };
  busy?: true;
}

/** What is to become durable, and what follows from that. */
export interface Step<R> {
  readonly result: R;
  readonly change?: Change;
  /** Few words for the ledger. */
  readonly summary: string;
  /** The line is durable. */
  finish?(): void;
  /** It isn't: as if nothing had been asked. */
  undo?(): void;
}

type Act = 'read-ceremony' | 'start-ceremony' | 'cancel-ceremony' | 'feed-ceremony';

/** Who asks, and what for. */
export interface Asking<A extends Act = Act> {
  readonly rooms: Rooms;
  readonly principal: Identified;
  readonly command: Command<A>;
  /** Address and port. */
  readonly peer: string;
}

const names = { 'root-token': 'root generation', rekey: 'rekey' } as const satisfies Record<Ceremony, string>;
const busy = () => new KmsError('throttled', 'Somebody is going on with it; ask again later.');
const refused = (words: string) => new KmsError('invalid-parameter', words);

/**
 * Ceremonies under way: one of each kind at a time, in memory only, so that a restart or a sealing ends them. Whoever may start one
 * may also go on with another's, by its nonce, and end it.
 */
export class Ceremonies {
  readonly #custody: Custody;
  readonly #attempts: Attempts;
  readonly #clock: () => number;
  #rootToken: RootToken | undefined;
  #rekey: Rekey | undefined;

  constructor(custody: Custody, attempts: Attempts, clock: () => number) {
    this.#custody = custody;
    this.#attempts = attempts;
    this.#clock = clock;
  }

  /** Ends all. */
  end(): void {
    this.#rootToken = undefined;
    this.#rekey = undefined;
  }

  async step({ rooms, principal, command, peer }: Asking): Promise<Step<Result<Act>>> {
    switch (command.kind) {
      case 'read-ceremony':
        return { result: this.#status(command.ceremony), summary: names[command.ceremony] };
      case 'start-ceremony':
        return command.ceremony === 'rekey' ? this.#startRekey(command.verified) : this.#startRootToken(command.otp);
      case 'cancel-ceremony':
        return this.#cancel(command);
      case 'feed-ceremony': {
        const asking = { rooms, principal, command, peer };
        if (command.ceremony === 'root-token') return await this.#makeRootToken(asking);
        return command.verification === true ? await this.#verify(asking) : await this.#renew(asking);
      }
    }
  }

  #status(ceremony: Ceremony): CeremonyStatus {
    if (ceremony === 'root-token') {
      return { started: this.#rootToken !== undefined, nonce: this.#rootToken?.nonce ?? '' };
    }
    const rekey = this.#rekey;
    return {
      started: rekey !== undefined,
      nonce: rekey?.nonce ?? '',
      ...(rekey !== undefined && { verified: rekey.verified }),
      ...(rekey?.waiting !== undefined && { verificationNonce: rekey.waiting.nonce }),
    };
  }

  #startRootToken(given: Plaintext | undefined): Step<Result<'start-ceremony'>> {
    if (this.#rootToken !== undefined) throw refused('root generation already in progress');
    if (given !== undefined && given.length !== tokenLength) throw refused('OTP string has incorrect length');
    const made: RootToken = { nonce: this.#custody.nonce(), otp: given ?? this.#custody.pad(tokenLength) };
    this.#rootToken = made;
    return {
      result: { ...this.#status('root-token'), ...(given === undefined && { otp: made.otp }) },
      summary: `started root generation ${made.nonce}`,
      undo: () => {
        if (this.#rootToken === made) this.#rootToken = undefined;
      },
    };
  }

  #startRekey(verified: boolean): Step<Result<'start-ceremony'>> {
    if (this.#custody.fixed !== undefined) throw new KmsError('unsupported', this.#custody.fixed);
    if (this.#rekey !== undefined) throw refused('rekey already in progress');
    const made: Rekey = { nonce: this.#custody.nonce(), verified };
    this.#rekey = made;
    return {
      result: this.#status('rekey'),
      summary: `started rekey ${made.nonce}`,
      undo: () => {
        if (this.#rekey === made) this.#rekey = undefined;
      },
    };
  }

  #cancel({ ceremony, verification }: Command<'cancel-ceremony'>): Step<Result<'cancel-ceremony'>> {
    const [rootToken, rekey] = [this.#rootToken, this.#rekey];
    // What comes of it would come after another had begun, and end that one's passphrases.
    if ((ceremony === 'root-token' ? rootToken : rekey)?.busy === true) throw busy();
    const waiting = rekey?.waiting;
    if (verification === true) {
      if (rekey === undefined || waiting === undefined) throw refused('no rekey configuration found');
      rekey.waiting = { ...waiting, nonce: this.#custody.nonce() };
    } else if (ceremony === 'root-token') this.#rootToken = undefined;
    else this.#rekey = undefined;
    return {
      result: this.#status(ceremony),
      summary: `${verification === true ? 'restarted the verification of' : 'cancelled'} ${names[ceremony]}`,
      undo: () => {
        if (verification === true && rekey !== undefined && waiting !== undefined) rekey.waiting = waiting;
        else if (ceremony === 'root-token') this.#rootToken ??= rootToken;
        else this.#rekey ??= rekey;
      },
    };
  }

  /** The token is the asking one's identity's, with policy `root`: all that its grants say, and no end but its own. */
  async #makeRootToken(asking: Asking<'feed-ceremony'>): Promise<Step<Result<'feed-ceremony'>>> {
    const { rooms, principal, command } = asking;
    const current = this.#rootToken;
    if (current === undefined) throw refused('no root generation in progress');
    assertNonce('root-token', current.nonce, command.nonce);
    return await this.#alone(current, async () => {
      await this.#try(asking, current, () => this.#custody.prove({ secret: command.passphrase }));
      const { result, change } = await rooms.identity.tokens.createRoot(ofAccount(principal));
      return {
        result: { started: true, nonce: current.nonce, complete: true, token: result.token, otp: current.otp },
        ...(change !== undefined && { change }),
        summary: `${change?.summary ?? ''}, by root generation ${current.nonce}`,
        finish: () => {
          if (this.#rootToken === current) this.#rootToken = undefined;
        },
        undo: () => {
          delete current.busy;
        },
      };
    });
  }

  /** Both passphrases open the seal before anybody is told the new one, and until it has arrived: an answer can be lost. */
  async #renew(asking: Asking<'feed-ceremony'>): Promise<Step<Result<'feed-ceremony'>>> {
    const { rooms, command } = asking;
    const current = this.#rekey;
    if (current === undefined) throw refused('no barrier rekey in progress');
    if (current.waiting !== undefined)
      throw refused('rekey verification in progress: give the new key back, or cancel');
    assertNonce('rekey', current.nonce, command.nonce);
    return await this.#alone(current, async () => {
      const { passphrase, ...renewal } = await this.#try(asking, current, async () => {
        const made = await this.#custody.renew({ secret: command.passphrase });
        if (!current.verified) made.keep();
        return made;
      });
      const verificationNonce = this.#custody.nonce();
      return {
        ...(await this.#written(rooms)),
        result: {
          ...{ started: true, nonce: current.nonce, verified: current.verified, complete: true, passphrase },
          ...(current.verified && { verificationNonce }),
        },
        summary: current.verified
          ? `made a new passphrase, not in force yet, by rekey ${current.nonce}`
          : `made a new passphrase by rekey ${current.nonce}`,
        finish: () => {
          delete current.busy;
          if (this.#rekey !== current) return;
          if (current.verified) current.waiting = { nonce: verificationNonce, renewal };
          else this.#rekey = undefined;
        },
        undo: () => {
          delete current.busy;
        },
      };
    });
  }

  /** The new one has arrived. The former opens no more once the line that says so is durable; both do before. */
  async #verify(asking: Asking<'feed-ceremony'>): Promise<Step<Result<'feed-ceremony'>>> {
    const { rooms, command } = asking;
    const current = this.#rekey;
    const waiting = current?.waiting;
    if (current === undefined || waiting === undefined) throw refused('no rekey configuration found');
    assertNonce('rekey', waiting.nonce, command.nonce);
    return await this.#alone(current, async () => {
      const { renewal, nonce } = waiting;
      await this.#try(asking, current, async () => {
        await renewal.prove(command.passphrase);
        renewal.keep();
      });
      return {
        ...(await this.#written(rooms)),
        result: { started: false, nonce, complete: true },
        summary: `put the new passphrase in force, by rekey ${current.nonce}`,
        finish: () => {
          if (this.#rekey === current) this.#rekey = undefined;
          renewal.settle();
        },
        undo: () => {
          delete current.busy;
        },
      };
    });
  }

  /** With the line the database learns of the seal file that was written before it. */
  async #written({ keyring }: Rooms): Promise<{ change?: Change }> {
    const record = await sealsWritten(keyring.records, this.#custody.revision);
    return record === undefined ? {} : { change: { records: [record], summary: '' } };
  }

  /** Of two that go on with a ceremony at once, one does. It stays taken until its line is durable, or isn't. */
  async #alone<R>(ceremony: RootToken | Rekey, act: () => Promise<Step<R>>): Promise<Step<R>> {
    if (ceremony.busy === true) throw busy();
    ceremony.busy = true;
    try {
      return await act();
    } catch (error) {
      delete ceremony.busy;
      throw error;
    }
  }

  /** Rejects with 'conflict' where a sealing ended the ceremony while others tried theirs. */
  #try<T>({ peer }: Asking, ceremony: RootToken | Rekey, attempt: () => Promise<T>): Promise<T> {
    return this.#attempts.take(peer, this.#clock, async () => {
      if (ceremony !== this.#rootToken && ceremony !== this.#rekey) throw new KmsError('conflict', 'It has ended.');
      return await attempt();
    });
  }
}

function assertNonce(ceremony: Ceremony, wanted: string, given: string): void {
  if (given === wanted) return;
  throw refused(`incorrect nonce supplied; nonce for this ${names[ceremony]} operation is "${wanted}"`);
}
