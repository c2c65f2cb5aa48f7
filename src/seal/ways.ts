import {
  KmsError,
  type Opener,
  type SealAwaited,
  type SealFacts,
  type SealStatus,
  SecretBytes,
} from '#domain/domain.ts';
import type { Hsm } from '#hsm/hsm.ts';
import type { Asks, SealKind } from './contract.ts';
import {
  documentKey,
  entryNamed,
  type Lock,
  type SealDocument,
  type SealEntry,
  type UnprovenDocument,
} from './document.ts';
import { HeldToken } from './held-token.ts';
import { keptSettings, openLock } from './lock.ts';
import { linesOf, ShareProgress } from './share-progress.ts';

/** Credentials that a server was started with. */
export interface Given {
  readonly passphrase?: SecretBytes;
  readonly pin?: SecretBytes;
}

/** A way through one seal: by what it takes now, or by what it took before. */
export interface Way {
  readonly entry: SealEntry;
  readonly kind: SealKind;
  readonly lock: Lock;
}

/** A way that led to a root, which is the caller's, and the file that is authentic under it. */
export interface Found extends Way {
  readonly root: SecretBytes;
  readonly document: SealDocument;
}

/** What shares are brought for unless it is said. */
export const toUnseal = '';

/** Base64 has no blanks. */
const idOf = (guarded: Uint8Array, purpose: string) => `${Buffer.from(guarded).toString('base64')} ${purpose}`;

type Key = SecretBytes | undefined;
type Attempt = readonly [way: Way, key: Key];

/** The ways through the seals of a file, with what somebody brings, what was given at the start, or nothing at all. */
export class Ways {
  readonly #kinds: readonly SealKind[];
  readonly #given: Given;
  readonly #clock: () => number;
  /** By what the shares are to open. */
  readonly #progress = new Map<string, ShareProgress>();
  readonly #troubles = new Map<string, string>();
  /** Why a token did not take the PIN that was given at the start, by what the PIN is for: none is tried twice. */
  readonly #refusedPins = new Map<string, KmsError>();
  readonly #token = new HeldToken();

  constructor(kinds: readonly SealKind[], given: Given, clock: () => number) {
    this.#kinds = kinds;
    this.#given = given;
    this.#clock = clock;
  }

  /** The token of the seal that opened, where it is of that kind. */
  get token(): Hsm | undefined {
    return this.#token.hsm;
  }

  /** Until a seal opens again. */
  leaveToken(): void {
    this.#token.leave();
  }

  statusOf(entry: SealEntry): SealStatus {
    const { name, kind } = entry;
    const way = this.#waysOf(entry)[0];
    if (way === undefined) {
      return { name, kind, asks: 'nothing', trouble: 'This release does not know this kind of seal.' };
    }
    const { asks } = way.kind;
    const trouble = this.#troubles.get(name);
    const shares = this.#sharesOf(way);
    return { name, kind, asks, ...(shares && { shares }), ...(trouble !== undefined && { trouble }) };
  }

  factsOf(entry: SealEntry): SealFacts {
    const { settings, unproven, former } = entry;
    return {
      ...this.statusOf(entry),
      settings,
      ...(unproven && { unproven }),
      ...(former !== undefined && { former: true }),
    };
  }

  /** Whether some seal may open without anybody's help. */
  opensAlone({ seals }: SealDocument): boolean {
    return seals.some((entry) => this.#attemptsAlone(entry).length > 0);
  }

  /** Whether some seal opens only by what somebody brings. */
  waitsForSomebody({ seals }: SealDocument): boolean {
    return seals.some((entry) => this.#attemptsAlone(entry).length === 0 && this.#waysOf(entry).length > 0);
  }

  /** Without anybody's help. Rejects with 'unavailable' where that is worth another try. */
  async alone(document: UnprovenDocument, name?: string): Promise<Found> {
    const entries = name === undefined ? document.seals : [entryNamed(document, name)];
    return await this.#try(
      document,
      entries.flatMap((entry) => this.#attemptsAlone(entry)),
    );
  }

  /**
   * Rejects with 'invalid-unseal'. `purpose`: what shares that are brought one at a time are brought for; those for one thing count for no
   * other.
   */
  async by(document: UnprovenDocument, { seal, secret }: Opener, purpose = toUnseal): Promise<Found | SealAwaited> {
    const entries = seal === undefined ? document.seals : [entryNamed(document, seal)];
    const ways = entries.flatMap((entry) => this.#waysOf(entry));
    using key = SecretBytes.copyOf(secret.release());
    const taking = ways.filter((way) => takes(way, ways));
    const shared = this.#takeShares(ways, key, purpose);
    if (shared instanceof KmsError && taking.length === 0) throw shared;
    if (shared !== undefined && 'awaits' in shared) return shared;
    if (shared !== undefined && 'way' in shared) {
      using together = shared.shares;
      return await this.#try(document, [[shared.way, together]]);
    }
    const attempts = taking.map((way): Attempt => [way, key]);
    return await this.#try(document, attempts, shared);
  }

  /** Those that were brought for `purpose`; without it all. */
  forgetShares(purpose?: string): void {
    for (const [id, progress] of this.#progress) {
      if (purpose === undefined || id.slice(id.indexOf(' ') + 1) === purpose) this.#drop(id, progress);
    }
  }

  #drop(id: string, progress: ShareProgress): void {
    progress.forget();
    this.#progress.delete(id);
  }

  #waysOf(entry: SealEntry): readonly Way[] {
    const kind = this.#kinds.find((known) => known.kind === entry.kind);
    if (kind === undefined) return [];
    const way = { entry, kind, lock: entry };
    return entry.former === undefined ? [way] : [way, { ...way, lock: entry.former }];
  }

  #attemptsAlone(entry: SealEntry): readonly Attempt[] {
    return this.#waysOf(entry).flatMap((way): readonly Attempt[] => {
      if (way.kind.asks === 'nothing') return [[way, undefined]];
      const key = this.#givenFor(way.kind.asks);
      return key === undefined ? [] : [[way, key]];
    });
  }

  #givenFor(asks: Asks): Key {
    if (asks === 'passphrase') return this.#given.passphrase;
    return asks === 'pin' ? this.#given.pin : undefined;
  }

  /**
   * In turn, until one opens a root. Rejects with 'tampered' where the rest of the file does not belong to it. `meant`: what is wrong with
   * what was brought, if it was meant as something else.
   */
  async #try(document: UnprovenDocument, attempts: readonly Attempt[], meant?: KmsError): Promise<Found> {
    const failures: KmsError[] = [];
    for (const [way, key] of attempts) {
      const { name } = way.entry;
      const pinFor = key !== undefined && key === this.#given.pin ? idOf(way.lock.guarded, 'PIN') : undefined;
      try {
        const refused = pinFor && this.#refusedPins.get(pinFor);
        if (refused) throw refused;
        const root = await openLock(name, way.kind, way.lock, key);
        this.#troubles.delete(name);
        assertAuthentic(document, root);
        await this.#token.reach(way.kind, keptSettings(name, way.kind, way.lock), key);
        return { ...way, root, document };
      } catch (error) {
        if (!(error instanceof KmsError)) throw error;
        if (pinFor !== undefined && error.code === 'invalid-unseal') this.#refusedPins.set(pinFor, error);
        if (way.lock === way.entry && way.kind.asks !== 'passphrase') this.#troubles.set(name, error.message);
        failures.push(failed(way, error));
      }
    }
    // What may be otherwise in a minute says more than what will not be.
    const of = (code: string) => failures.find((failure) => failure.code === code);
    throw of('unavailable') ?? of('tampered') ?? meant ?? failures[0] ?? opensNothing();
  }

  /** What was brought as shares, once they are enough; what is wrong with it; undefined where it is no share. */
  #takeShares(
    ways: readonly Way[],
    key: SecretBytes,
    purpose: string,
  ): SealAwaited | { readonly way: Way; readonly shares: SecretBytes } | KmsError | undefined {
    let wrong: { readonly error: KmsError; readonly ofThis: boolean } | undefined;
    for (const way of ways) {
      const { shares } = way.kind;
      if (shares === undefined) continue;
      const settings = keptSettings(way.entry.name, way.kind, way.lock);
      const lines = linesOf(key);
      try {
        const claims = lines.map((line) => shares.claim(settings, line));
        if (claims.every((claim) => claim === 'no share')) continue;
        const progress = this.#progressOf(way.lock, purpose);
        try {
          const numbers = lines.map((line) => shares.numberOf(settings, line));
          for (const [i, line] of lines.entries()) progress.add(numbers[i]!, SecretBytes.copyOf(line.expose()));
        } catch (error) {
          if (!(error instanceof KmsError && error.code === 'invalid-unseal')) throw error;
          const ofThis = claims.includes('this seal');
          if (wrong === undefined || (ofThis && !wrong.ofThis)) wrong = { error: failed(way, error), ofThis };
          continue;
        }
        const quorum = shares.quorum(settings);
        if (progress.size < quorum.threshold) return { awaits: { ...quorum, progress: progress.size } };
        return { way, shares: progress.take() };
      } finally {
        for (const line of lines) line.dispose();
      }
    }
    return wrong?.error;
  }

  #progressOf({ guarded }: Lock, purpose: string): ShareProgress {
    const id = idOf(guarded, purpose);
    const known = this.#progress.get(id);
    if (known !== undefined) return known;
    // Whatever may be asked for: what nobody brings shares for any more is not kept.
    for (const [old, progress] of this.#progress) if (progress.size === 0) this.#drop(old, progress);
    const begun = new ShareProgress(this.#clock);
    this.#progress.set(id, begun);
    return begun;
  }

  #sharesOf({ entry, kind, lock }: Way): SealStatus['shares'] | undefined {
    if (kind.shares === undefined) return undefined;
    const quorum = kind.shares.quorum(keptSettings(entry.name, kind, lock));
    const { size = 0, nonce = '' } = this.#progress.get(idOf(lock.guarded, toUnseal)) ?? {};
    return { ...quorum, progress: size, nonce };
  }
}

/** Whether what is brought may be tried: a token counts wrong PINs, so a PIN is tried only where nothing else can be meant. */
function takes({ kind, entry }: Way, ways: readonly Way[]): boolean {
  switch (kind.asks) {
    case 'passphrase':
      return true;
    case 'pin':
      return ways.every((way) => way.entry === entry || way.kind.asks === 'nothing');
    case 'nothing':
    case 'shares':
      return false;
  }
}

function assertAuthentic(document: UnprovenDocument, root: SecretBytes): void {
  using key = documentKey(root);
  try {
    document.assertAuthentic(key);
  } catch (error) {
    root.dispose();
    throw error;
  }
}

/** Whoever brings a secret is told no more than that it is wrong. */
function failed({ entry, kind }: Way, error: KmsError): KmsError {
  if (error.code === 'invalid-unseal' && kind.asks === 'passphrase') return error;
  return new KmsError(error.code, `The seal "${entry.name}" (${entry.kind}): ${error.message}`);
}

const opensNothing = () => new KmsError('invalid-unseal', 'It opens no seal of this server.');
