import { type DerElement, readDer, readNatural, readOid } from '#encoding/encoding.ts';

// Readers of nested DER that stop at the first thing that isn't as it must be: what has two readings is not read at all.

/** One way out of a nest of readers. Caught by `strictly`. */
export class Unreadable extends Error {}

/** What `read` answers; undefined where anything was not as it must be. */
export function strictly<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Unreadable) return undefined;
    throw error;
  }
}

export function need(element: DerElement | undefined, tag: number): DerElement {
  if (element?.tag !== tag) throw new Unreadable();
  return element;
}

function read(bytes: Uint8Array): DerElement[] {
  const elements = readDer(bytes);
  if (elements === undefined) throw new Unreadable();
  return [...elements];
}

/** The elements of a constructed one. */
export function inside(element: DerElement | undefined, tag: number): DerElement[] {
  return read(need(element, tag).body);
}

/** The one element that the bytes are. */
export function only(bytes: Uint8Array, tag: number): DerElement {
  const elements = read(bytes);
  if (elements.length !== 1) throw new Unreadable();
  return need(elements[0], tag);
}

export function natural(element: DerElement | undefined): bigint {
  const value = readNatural(need(element, 0x02).body);
  if (value === undefined) throw new Unreadable();
  return value;
}

export function oidOf(element: DerElement | undefined): string {
  const oid = readOid(need(element, 0x06).body);
  if (oid === undefined) throw new Unreadable();
  return oid;
}
