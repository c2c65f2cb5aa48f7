import { hmac, randomBytes, randomUuid } from '#crypto/crypto.ts';
import {
  type AskedSeal,
  type Handout,
  KmsError,
  type Opener,
  type PassphraseRenewal,
  Plaintext,
  type SealAwaited,
  type SealFacts,
  type SealStatus,
  SecretBytes,
  type StagedSeals,
} from '#domain/domain.ts';
import { canonicalJson, toHex } from '#encoding/encoding.ts';
import type { Hsm } from '#hsm/hsm.ts';
import type { SealKind } from './contract.ts';
import { assertSealName, entryNamed } from './document.ts';
import { HeldFile, type SealFile } from './held-file.ts';
import { kindNamed } from './kinds.ts';
import { makeLock } from './lock.ts';
import { letters, randomText } from './random-text.ts';
import { addSeal, removeSeal, renewPassphrase, rotateSeal } from './seal-changes.ts';
import { type Found, type Given, toUnseal, Ways } from './ways.ts';

/** What shares that come together are brought for. */
const atOnce = 'at once';

export interface CustodyOptions {
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly kinds: readonly SealKind[];
  /** Custody's from then on. */
  readonly given?: Given;
  /** Why the passphrase can't be another one; absent: it can. */
  readonly fixed?: string;
}

/** The root, out of a seal file that is authentic. */
export interface Opening {
  /** The caller's. */
  readonly root: SecretBytes;
  readonly revision: number;
  /**
   * It is in use: from now on the file is changed under it, and what a seal took before ends where what it takes now has arrived. Before
   * `root` is disposed.
   */
  opened(): void;
}

/** The root key under its seals, any of which opens it: opened, proven, and put under others. */
export class Custody {
  readonly fixed: string | undefined;
  readonly #file: HeldFile;
  readonly #kinds: readonly SealKind[];
  readonly #ways: Ways;
  /** Tells one new secret from another, to nobody outside this process. */
  readonly #marking = new SecretBytes(randomBytes(32));

  constructor(file: SealFile, { clock, kinds, given = {}, fixed }: CustodyOptions) {
    this.#file = new HeldFile(file);
    this.#kinds = kinds;
    this.#ways = new Ways(kinds, given, clock);
    this.fixed = fixed;
  }

  /** The token of a seal that opened or was proven since the server was unsealed, for keys that are kept there. */
  get token(): Hsm | undefined {
    return this.#ways.token;
  }

  /** Of the file as it was read or written last. */
  get revision(): number {
    return this.#file.seen.revision;
  }

  /** As the file was read or written last. */
  status(): readonly SealStatus[] {
    return this.#file.seen.seals.map((entry) => this.#ways.statusOf(entry));
  }

  /** Throws 'tampered' where the file is not the one that the server wrote. */
  list(): readonly SealFacts[] {
    return this.#file.current().seals.map((entry) => this.#ways.factsOf(entry));
  }

  /** Whether some seal may open without anybody's help. */
  get opensAlone(): boolean {
    return this.#ways.opensAlone(this.#file.seen);
  }

  /** Whether some seal opens only by what somebody brings. */
  get waitsForSomebody(): boolean {
    return this.#ways.waitsForSomebody(this.#file.seen);
  }

  /**
   * By the seals that ask for nothing, or for what was given at the start. Rejects with 'unavailable' where one of them is out of reach
   * and none opened: that is worth another try.
   */
  async openAlone(): Promise<Opening> {
    return this.#opening(await this.#ways.alone(this.#file.read()));
  }

  /**
   * By what somebody brings. Undefined: shares were taken, and more are needed. Rejects with 'invalid-unseal', which ends no progress of
   * shares where one of them tells by itself that it is wrong.
   */
  async open(opener: Opener): Promise<Opening | undefined> {
    const found = await this.#ways.by(this.#file.read(), opener);
    return 'awaits' in found ? undefined : this.#opening(found);
  }

  /** Rejects with 'invalid-unseal' unless it opens the very root that the server runs on. Shares come together, one a line. */
  async prove(opener: Opener): Promise<void> {
    (await this.#rootFrom(opener)).root.dispose();
  }

  /**
   * Opens one seal of a server that is unsealed: by itself, or by what is brought. False: more shares are needed. What it takes now has
   * arrived then.
   */
  async proveSeal(name: string, secret: Plaintext | undefined): Promise<boolean> {
    const document = this.#file.read();
    const found = await (secret === undefined
      ? this.#ways.alone(document, name)
      : this.#ways.by(document, { seal: name, secret }, canonicalJson({ prove: name })));
    if ('awaits' in found) return false;
    this.#ofThisServer(found).root.dispose();
    this.#arrived(found);
    return true;
  }

  /**
   * The first seal of a new root, whose owner the caller stays. `show` is given what is handed out before the file is there: what was
   * shown may come to nothing, and what is there was shown.
   */
  async found(
    kind: string,
    { name, settings, secret }: AskedSeal,
    root: SecretBytes,
    show: (handouts: readonly Handout[]) => Promise<void> | void,
  ): Promise<Opening> {
    assertSealName(name);
    using given = copyOf(secret);
    const { lock, handouts } = await makeLock(name, kindNamed(this.#kinds, kind), settings, given, root);
    await show(handouts);
    this.#file.found([{ name, kind, ...lock }], root);
    return { root, revision: this.revision, opened: () => this.#file.trust(root) };
  }

  /**
   * One more way to the root, which `opener` gives; without it a seal that opens by itself. Shares may be brought one at a time, each for
   * the very same seal that is asked for.
   */
  async add(
    kind: string,
    { name, settings, secret }: AskedSeal,
    opener: Opener | undefined,
  ): Promise<StagedSeals | SealAwaited> {
    const found = await this.#wayToRoot(
      opener,
      canonicalJson({ add: name, kind, settings, secret: this.#mark(secret) }),
    );
    if ('awaits' in found) return found;
    using root = found.root;
    using given = copyOf(secret);
    return await addSeal(this.#file, kindNamed(this.#kinds, kind), { name, settings, secret: given }, root);
  }

  /** Another credential or key for a seal. Without any settings it gets those that it has; of shares some may be left as they are. */
  async rotate({ name, settings, secret }: AskedSeal, opener: Opener | undefined): Promise<StagedSeals | SealAwaited> {
    const entry = entryNamed(this.#file.current(), name);
    const kind = kindNamed(this.#kinds, entry.kind);
    const kept = kind.shares !== undefined || Object.keys(settings).length === 0 ? entry.settings : {};
    const asked = { ...kept, ...settings };
    const found = await this.#wayToRoot(opener, canonicalJson({ rotate: name, settings, secret: this.#mark(secret) }));
    if ('awaits' in found) return found;
    using root = found.root;
    using given = copyOf(secret);
    // What was handed out last may have come to nothing: what opened it now, or did before that, has not.
    const former = found.entry.name === name ? found.lock : (entry.former ?? entry);
    return await rotateSeal(this.#file, kind, entry, former, { settings: asked, secret: given }, root);
  }

  remove(name: string): StagedSeals {
    return removeSeal(this.#file, entryNamed(this.#file.current(), name));
  }

  /** What was handed out for the seal is known to have arrived: what it took before ends. Durable when it returns. */
  settle(name: string): void {
    const { former, unproven } = entryNamed(this.#file.current(), name);
    if (former === undefined && unproven === undefined) return;
    this.#file.edit(this.#file.generation, (seals) =>
      seals.map((seal) => {
        if (seal.name !== name) return seal;
        const { unproven: _, former: ended, ...settled } = seal;
        return settled;
      }),
    );
  }

  /** A new passphrase for the passphrase seal that `opener` opens. Nothing is written yet. Rejects with 'invalid-unseal'. */
  async renew(opener: Opener): Promise<PassphraseRenewal> {
    if (!this.#file.current().seals.some(({ kind }) => kind === 'passphrase')) {
      throw new KmsError('unsupported', 'No seal of this server takes a passphrase, so there is none to be renewed.');
    }
    const { root: opened, kind, entry, lock } = await this.#rootFrom(opener);
    using root = opened;
    if (entry.kind !== 'passphrase') {
      throw new KmsError('unsupported', `A rekey renews a passphrase, and the seal "${entry.name}" takes none.`);
    }
    return await renewPassphrase(this.#file, kind, entry, lock, root);
  }

  /** Gives every seal another root, in one write: none of them has to be opened for it. The caller still owns `root`. */
  giveRoot(root: SecretBytes): boolean {
    return this.#file.giveRoot(root);
  }

  /** Those that were brought to unseal the server. Whoever may ask for that has no say in what officers have under way. */
  forgetShares(): void {
    this.#ways.forgetShares(toUnseal);
  }

  /** The server is sealed: nothing is changed until it is opened again. */
  forget(): void {
    this.#file.forget();
    this.#ways.forgetShares();
    this.#ways.leaveToken();
  }

  /** Random letters and digits. */
  pad(length: number): Plaintext {
    return new Plaintext(randomText(letters, length));
  }

  nonce(): string {
    return randomUuid();
  }

  #opening(found: Found): Opening {
    const { root, document } = found;
    const opened = () => {
      this.#file.settle();
      this.#file.trust(root);
      this.#ways.forgetShares();
      this.#arrived(found);
    };
    return { root, revision: document.revision, opened };
  }

  /** What a seal takes now was used, so what it took before ends; what it took before proves no more than that somebody has it. */
  #arrived({ entry, lock }: Found): void {
    const byFormer = lock === entry.former;
    if (entry.unproven === undefined && (byFormer || entry.former === undefined)) return;
    this.#file.edit(this.#file.generation, (seals) =>
      seals.map((seal) => {
        if (seal.name !== entry.name || Buffer.compare(seal.guarded, entry.guarded) !== 0) return seal;
        const { unproven, former, ...proven } = seal;
        return byFormer && former !== undefined ? { ...proven, former } : proven;
      }),
    );
  }

  /** The same, by all shares at once. */
  async #rootFrom(opener: Opener | undefined): Promise<Found> {
    const found = await this.#wayToRoot(opener, atOnce);
    if (!('awaits' in found)) return found;
    this.#ways.forgetShares(atOnce);
    throw new KmsError('invalid-unseal', 'These are too few shares: bring as many as open the seal, one a line.');
  }

  /** So that nobody's share helps to a passphrase that another one has put in the place of what he was shown. */
  #mark(secret: Plaintext | undefined): string | undefined {
    return secret && toHex(hmac('sha256', this.#marking, secret.release()));
  }

  /** The root that the server runs on; without an opener by a seal that opens by itself. `purpose`: of shares, as `Ways.by` tells. */
  async #wayToRoot(opener: Opener | undefined, purpose: string): Promise<Found | SealAwaited> {
    if (opener === undefined && !this.opensAlone) {
      throw new KmsError('invalid-unseal', 'No seal opens by itself: bring what opens one, as for an unsealing.');
    }
    const document = this.#file.read();
    const found = await (opener === undefined ? this.#ways.alone(document) : this.#ways.by(document, opener, purpose));
    return 'awaits' in found ? found : this.#ofThisServer(found);
  }

  #ofThisServer(found: Found): Found {
    if (this.#file.isOf(found.root)) return found;
    found.root.dispose();
    throw new KmsError('invalid-unseal', 'It opens another root key than the one that the server runs on.');
  }
}

const copyOf = (secret: Plaintext | undefined): SecretBytes | undefined =>
  secret && SecretBytes.copyOf(secret.release());
