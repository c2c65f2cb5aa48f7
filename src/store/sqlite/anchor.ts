import { closeSync, fdatasyncSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { KmsError } from '#domain/domain.ts';
import { createPrivateFile } from './files.ts';

// A slot is a page of its own: CRC-32 of the rest (4 bytes), sequence (8), length (4), the anchor.
const slotSize = 4096;
const headerSize = 16;
const slots = [0, 1] as const;
type Slot = (typeof slots)[number];

interface Held {
  readonly slot: Slot;
  readonly sequence: number;
  readonly anchor: Uint8Array;
}

/** The longest anchor, in bytes. */
export const maxAnchorSize = slotSize - headerSize;

/**
 * The place outside the database. Two slots; the one that is known to be on disk is never overwritten before the other one is,
 * so a write cut short by a crash or a power loss leaves the former anchor readable.
 */
export class AnchorFile {
  readonly #fd: number;
  readonly #page = Buffer.alloc(slotSize);
  /** The slot whose anchor is on disk. */
  #settled: Slot;
  #sequence: number;

  constructor(path: string) {
    this.#fd = openSync(createPrivateFile(path), 'r+');
    const [newest] = readSlots(this.#fd);
    // Both slots take their room now, so that a full disk can't stop an anchor later.
    if (fstatSync(this.#fd).size === 0) writeSync(this.#fd, Buffer.alloc(2 * slotSize), 0, 2 * slotSize, 0);
    fdatasyncSync(this.#fd);
    this.#settled = newest?.slot ?? 1;
    this.#sequence = newest?.sequence ?? 0;
  }

  /** In the file when it returns; on disk too with `flush`. */
  write(anchor: Uint8Array, flush: boolean): void {
    const page = this.#page;
    const end = headerSize + anchor.length;
    page.writeBigUInt64BE(BigInt(++this.#sequence), 4);
    page.writeUInt32BE(anchor.length, 12);
    page.set(anchor, headerSize);
    page.writeUInt32BE(crc32(page.subarray(4, end)), 0);
    const slot = this.#settled === 0 ? 1 : 0;
    if (writeSync(this.#fd, page, 0, end, slot * slotSize) !== end) {
      throw new KmsError('unavailable', 'The anchor was written only in part.');
    }
    if (!flush) return;
    fdatasyncSync(this.#fd);
    this.#settled = slot;
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** Newest first; none if there is no file. Another process may be writing it: what is half written doesn't show. */
export function readAnchors(path: string): readonly Uint8Array[] {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  try {
    return readSlots(fd).map((held) => held.anchor);
  } finally {
    closeSync(fd);
  }
}

function readSlots(fd: number): readonly Held[] {
  const held = slots.map((slot) => readSlot(fd, slot)).filter((one) => one !== undefined);
  return held.sort((a, b) => b.sequence - a.sequence);
}

function readSlot(fd: number, slot: Slot): Held | undefined {
  const page = Buffer.alloc(slotSize);
  readSync(fd, page, 0, slotSize, slot * slotSize);
  const end = headerSize + page.readUInt32BE(12);
  if (end > slotSize || page.readUInt32BE(0) !== crc32(page.subarray(4, end))) return undefined;
  return { slot, sequence: Number(page.readBigUInt64BE(4)), anchor: new Uint8Array(page.subarray(headerSize, end)) };
}
