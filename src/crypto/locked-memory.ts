import { keepSecretsIn, type SecretMemory } from '#domain/domain.ts';
import { importFfi } from './ffi.ts';
import { openSecureHeap, type SecureHeap } from './secure-heap.ts';

/** Bytes that are asked of the secure heap at once, and the smallest piece that is cut from them. */
const chunkSize = 64 * 1024;
const smallest = 32;

type View = (pointer: bigint, length: number) => ArrayBuffer;

/**
 * Pieces of OpenSSL's secure heap for secrets. A chunk is never given back, so that a view that somebody kept too long shows zeros or
 * another secret, and never memory that isn't ours; a piece goes to the next secret of its size once it is wiped.
 */
export class LockedMemory implements SecretMemory {
  readonly #heap: SecureHeap;
  readonly #view: View;
  readonly #free = new Map<number, Uint8Array[]>();
  readonly #chunks = new WeakSet<ArrayBufferLike>();
  // A secret that nobody disposed of is wiped when it is collected.
  readonly #forgotten = new FinalizationRegistry<Uint8Array>((bytes) => this.#giveBack(bytes));
  #rest: Uint8Array = new Uint8Array(0);

  constructor(heap: SecureHeap, view: View) {
    this.#heap = heap;
    this.#view = view;
  }

  keep(owner: object, bytes: Uint8Array): Uint8Array | undefined {
    const piece = this.#take(sizeFor(bytes.length));
    if (piece === undefined) return undefined;
    const kept = piece.length === bytes.length ? piece : piece.subarray(0, bytes.length);
    kept.set(bytes);
    this.#forgotten.register(owner, piece, owner);
    return kept;
  }

  release(owner: object, bytes: Uint8Array): void {
    if (!this.#chunks.has(bytes.buffer)) return;
    this.#forgotten.unregister(owner);
    const size = sizeFor(bytes.length);
    this.#giveBack(size === bytes.length ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, size));
  }

  #take(size: number): Uint8Array | undefined {
    const known = this.#free.get(size)?.pop();
    if (known !== undefined) return known;
    if (this.#rest.length < size && !this.#grow(size)) return undefined;
    const piece = this.#rest.subarray(0, size);
    this.#rest = this.#rest.subarray(size);
    return piece;
  }

  #grow(size: number): boolean {
    const address = size > chunkSize ? 0n : this.#heap.allocate(chunkSize);
    if (address === 0n) return false;
    const chunk = this.#view(address, chunkSize);
    this.#chunks.add(chunk);
    this.#rest = new Uint8Array(chunk);
    return true;
  }

  #giveBack(piece: Uint8Array): void {
    piece.fill(0);
    const others = this.#free.get(piece.length);
    if (others === undefined) this.#free.set(piece.length, [piece]);
    else others.push(piece);
  }
}

/** Powers of two, so that pieces are used again. */
function sizeFor(length: number): number {
  return length <= smallest ? smallest : 2 ** Math.ceil(Math.log2(length));
}

/** What became of the memory that keys are kept in. */
export interface MemoryGuard {
  /** Bytes of OpenSSL's secure heap, between guard pages and left out of core dumps; 0: there is none. */
  readonly heap: number;
  /** How many of them can't be swapped out. */
  readonly locked: number;
}

/** From now on secrets and private numbers lie in OpenSSL's secure heap, where this system has one. Once, before the first secret. */
export async function guardMemory(): Promise<MemoryGuard> {
  const heap = await openSecureHeap();
  if (heap === undefined) return { heap: 0, locked: 0 };
  const { toArrayBuffer } = await importFfi();
  keepSecretsIn(new LockedMemory(heap, (pointer, length) => toArrayBuffer(pointer, length, false)));
  return { heap: heap.size, locked: heap.locked };
}
