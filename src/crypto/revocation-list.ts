import { type DerElement, readDer, readNatural } from '#encoding/encoding.ts';

/** Certificates that their authority took back (RFC 5280 section 5), as somebody who is trusted brought them: the signature is not looked at. */
export interface RevocationList {
  /** The authority's name, as it is encoded. */
  readonly issuer: Uint8Array;
  /** Decimal. */
  readonly serials: readonly string[];
}

/** Undefined where it is no such list, or one that speaks of a part of what was revoked, or of others' certificates. */
export function readRevocationList(der: Uint8Array): RevocationList | undefined {
  const [list, ...more] = readDer(der) ?? [];
  const [tbs, algorithm, signature] = inside(list, 0x30);
  if (more.length > 0 || algorithm?.tag !== 0x30 || signature?.tag !== 0x03) return undefined;
  const parts = [...inside(tbs, 0x30)];
  if (parts[0]?.tag === 0x02) parts.shift();
  const [, issuer, updated, ...rest] = parts;
  if (issuer?.tag !== 0x30 || !isTime(updated)) return undefined;
  if (isTime(rest[0])) rest.shift();
  const entries = rest[0]?.tag === 0x30 ? inside(rest.shift(), 0x30) : [];
  // Whatever is critical narrows what the list is of, or changes whose certificates it names (sections 5.2.4, 5.2.5, 5.3.3).
  if (rest.some(hasCritical) || entries.some((entry) => inside(entry, 0x30).slice(2).some(hasCritical)))
    return undefined;
  const serials = entries.map((entry) => {
    const [serial] = inside(entry, 0x30);
    return serial?.tag === 0x02 ? readNatural(serial.body) : undefined;
  });
  if (!serials.every((serial) => serial !== undefined)) return undefined;
  return { issuer: issuer.whole, serials: serials.map(String) };
}

function inside(element: DerElement | undefined, tag: number): readonly DerElement[] {
  return element?.tag === tag ? (readDer(element.body) ?? []) : [];
}

const isTime = (element: DerElement | undefined): boolean => element?.tag === 0x17 || element?.tag === 0x18;

/** Of Extensions, which the list itself has in a `[0]`. */
function hasCritical(element: DerElement): boolean {
  const extensions = element.tag === 0xa0 ? inside(inside(element, 0xa0)[0], 0x30) : inside(element, 0x30);
  return extensions.some((extension) => inside(extension, 0x30)[1]?.tag === 0x01);
}
