import { equalSecrets } from '#crypto/crypto.ts';
import { KmsError, type SecretBytes } from '#domain/domain.ts';
import { documentKey, readDocument, type SealDocument, type UnprovenDocument, writeDocument } from './document.ts';
import { rootFor } from './lock.ts';

/** Where the seal file is kept. */
export interface SealFile {
  /** What is there now, read anew each time. Throws 'tampered' where there is none. */
  read(): string;
  /** Whole and durable when it returns, or not there at all. */
  write(text: string): void;
  /** What is there stays there when it returns. Throws 'unavailable' where the disk doesn't say so. */
  settle(): void;
}

/** The seal file, and while the server is unsealed the key of its MAC: nothing is changed that was not authentic. */
export class HeldFile {
  readonly #file: SealFile;
  #key: SecretBytes | undefined;
  #generation = 0;
  #seen: SealDocument | undefined;

  constructor(file: SealFile) {
    this.#file = file;
  }

  /** Changes with the root that is trusted. */
  get generation(): number {
    return this.#generation;
  }

  /** What was read or written last. */
  get seen(): SealDocument {
    return this.#seen ?? this.read();
  }

  read(): UnprovenDocument {
    const document = readDocument(this.#file.read());
    this.#seen = document;
    return document;
  }

  /** Only what is authentic under `root` counts from now on. The caller still owns it. */
  trust(root: SecretBytes): void {
    this.forget();
    this.#generation++;
    this.#key = documentKey(root);
  }

  forget(): void {
    this.#key?.dispose();
    this.#key = undefined;
  }

  /** Whether it is the root that the server runs on, which stays the caller's. */
  isOf(root: SecretBytes): boolean {
    using key = documentKey(root);
    return equalSecrets(key.expose(), this.#held().expose());
  }

  /** Read anew, and authentic. */
  current(): SealDocument {
    const document = this.read();
    document.assertAuthentic(this.#held());
    return document;
  }

  /**
   * Durable when it returns. Throws 'conflict' where the root is no longer the one of that `generation`: what was made for it would open
   * another one than the file is under.
   */
  edit(generation: number, change: (seals: SealDocument['seals']) => SealDocument['seals']): void {
    const { revision, seals } = this.current();
    if (generation !== this.#generation) throw new KmsError('conflict', 'The root key changed meanwhile; ask again.');
    this.#write({ revision: revision + 1, seals: change(seals) }, this.#held());
  }

  /**
   * Gives every seal another root, in one write. The caller still owns it. False: the file is there, and the disk doesn't say that it stays, so
   * nobody knows which root a restart will find.
   */
  giveRoot(root: SecretBytes): boolean {
    const { revision, seals } = this.current();
    const next = seals.map((entry) => ({
      ...entry,
      root: rootFor(entry.name, entry.recipient, root),
      ...(entry.former !== undefined && {
        former: { ...entry.former, root: rootFor(entry.name, entry.former.recipient, root) },
      }),
    }));
    using key = documentKey(root);
    const document = { revision: revision + 1, seals: next };
    try {
      this.#write(document, key);
    } catch (error) {
      if (this.#file.read() === writeDocument(document, key)) return false;
      throw error;
    }
    this.trust(root);
    return true;
  }

  /** Before the root in it is used: an earlier write may not have been flushed. */
  settle(): void {
    this.#file.settle();
  }

  /** The first file, under `root`, which the caller still owns. */
  found(seals: SealDocument['seals'], root: SecretBytes): void {
    using key = documentKey(root);
    this.#write({ revision: 1, seals }, key);
  }

  #write(document: SealDocument, key: SecretBytes): void {
    this.#file.write(writeDocument(document, key));
    this.#seen = document;
  }

  #held(): SecretBytes {
    if (this.#key === undefined) throw new KmsError('sealed', 'The server is sealed.');
    return this.#key;
  }
}
