import { randomBytes, randomUuid } from '#crypto/crypto.ts';
import { KmsError, Plaintext, SecretBytes } from '#domain/domain.ts';
import { type PassphraseCost, passphraseSeal, strongCost } from './passphrase/passphrase.ts';

/** The root key as it lies beside the data. While a new passphrase isn't known to have arrived, the former opens it too. */
export interface SealedRoot {
  readonly wrapped: Uint8Array;
  readonly former?: Uint8Array;
}

/** Where that is kept. */
export interface SealFile {
  /** What is there now, read anew each time. Throws 'tampered'. */
  read(): SealedRoot;
  /** Whole and durable when it returns, or not there at all. */
  write(sealed: SealedRoot): void;
}

/** Whether a root is the one that the server runs on. */
export type IsRoot = (root: SecretBytes) => boolean;

/** A new passphrase on its way to whoever asked for it. */
export interface Renewal {
  readonly passphrase: Plaintext;
  /** From then on both open the seal. */
  keep(): void;
  /** From then on only the new one does. */
  settle(): void;
  /** Rejects with 'invalid-unseal' unless the new one is given back. */
  prove(given: Plaintext): Promise<void>;
}

export interface CustodyOptions {
  readonly cost?: PassphraseCost;
  /** Why the passphrase can't be another one; absent: it can. */
  readonly fixed?: string;
}

const digits = '0123456789abcdef';
const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
/** 256 bits, in letters that Vault's clients take for hexadecimal and for base64 alike. */
const newPassphraseLength = 64;
const wrongPassphrase = () => new KmsError('invalid-unseal', 'The passphrase does not open the seal.');

/** The root key under its passphrase: opened, proven and put under another. Each takes one Argon2id, or two with a former passphrase. */
export class Custody {
  readonly #file: SealFile;
  readonly #cost: PassphraseCost;
  readonly fixed: string | undefined;

  constructor(file: SealFile, { cost = strongCost, fixed }: CustodyOptions = {}) {
    this.#file = file;
    this.#cost = cost;
    this.fixed = fixed;
  }

  /**
   * The root, which is the caller's. Once it is in use, `opened` makes a former passphrase worthless if the newer one was given: it has
   * arrived. Rejects with 'invalid-unseal'.
   */
  async open(given: Plaintext): Promise<{ readonly root: SecretBytes; readonly opened: () => void }> {
    const { root, by, sealed } = await this.#unwrap(given);
    const arrived = by === sealed.wrapped && sealed.former !== undefined;
    return { root, opened: () => (arrived ? this.#file.write({ wrapped: by }) : undefined) };
  }

  /** Rejects with 'invalid-unseal' unless it opens the very root that the server runs on. */
  async prove(given: Plaintext, isRoot: IsRoot): Promise<void> {
    const { root } = await this.#unwrap(given);
    using _ = root;
    if (!isRoot(root)) throw wrongPassphrase();
  }

  /** A new passphrase for the root that `given` opens. Nothing is written yet. Rejects with 'invalid-unseal'. */
  async renew(given: Plaintext, isRoot: IsRoot): Promise<Renewal> {
    // What was given stays good until the new one has arrived, whichever of two it was.
    const { root, by: former } = await this.#unwrap(given);
    using _ = root;
    if (!isRoot(root)) throw wrongPassphrase();
    const text = randomText(digits, newPassphraseLength);
    using next = new SecretBytes(Uint8Array.from(text));
    const wrapped = await passphraseSeal(next, this.#cost).wrap(root);
    return {
      passphrase: new Plaintext(text),
      keep: () => this.#file.write({ wrapped, former }),
      settle: () => this.#file.write({ wrapped }),
      prove: async (back) => {
        using passphrase = copyOf(back);
        using opened = await passphraseSeal(passphrase).unwrap(wrapped);
        if (!isRoot(opened)) throw wrongPassphrase();
      },
    };
  }

  async #unwrap(given: Plaintext) {
    using passphrase = copyOf(given);
    const seal = passphraseSeal(passphrase);
    const sealed = this.#file.read();
    const { wrapped, former } = sealed;
    try {
      return { root: await seal.unwrap(wrapped), by: wrapped, sealed };
    } catch (error) {
      if (former === undefined || !(error instanceof KmsError && error.code === 'invalid-unseal')) throw error;
      return { root: await seal.unwrap(former), by: former, sealed };
    }
  }

  /** Random letters and digits. */
  pad(length: number): Plaintext {
    return new Plaintext(randomText(letters, length));
  }

  nonce(): string {
    return randomUuid();
  }
}

/** Each letter as likely as any other: bytes above the last whole multiple of their number are left out. */
function randomText(alphabet: string, length: number): Uint8Array {
  const even = 256 - (256 % alphabet.length);
  const text = new Uint8Array(length);
  for (let i = 0; i < length; ) {
    using drawn = new SecretBytes(randomBytes(length));
    for (const byte of drawn.expose()) {
      if (byte < even && i < length) text[i++] = alphabet.charCodeAt(byte % alphabet.length);
    }
  }
  return text;
}

const copyOf = (given: Plaintext): SecretBytes => new SecretBytes(Uint8Array.from(given.release()));
