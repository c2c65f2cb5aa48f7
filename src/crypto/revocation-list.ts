import type { DerElement } from '#encoding/encoding.ts';
import { inside, natural, need, only, strictly, Unreadable } from './strict-der.ts';

/** Certificates that their authority took back (RFC 5280 section 5), as somebody who is trusted brought them: the signature is not looked at. */
export interface RevocationList {
  /** The authority's name, as it is encoded. */
  readonly issuer: Uint8Array;
  /** Decimal. */
  readonly serials: readonly string[];
}

/** Undefined where it is no such list, or one that speaks of a part of what was revoked, or of others' certificates. */
export function readRevocationList(der: Uint8Array): RevocationList | undefined {
  return strictly(() => {
    const [tbs, algorithm, signature, ...more] = inside(only(der, 0x30), 0x30);
    need(algorithm, 0x30);
    need(signature, 0x03);
    const parts = inside(tbs, 0x30);
    if (parts[0]?.tag === 0x02) parts.shift();
    const [, issuer, updated, ...rest] = parts;
    if (!isTime(updated)) throw new Unreadable();
    if (isTime(rest[0])) rest.shift();
    const entries = rest[0]?.tag === 0x30 ? inside(rest.shift(), 0x30) : [];
    const extensions = rest.shift();
    if (more.length + rest.length > 0) throw new Unreadable();
    if (extensions !== undefined) assertNothingCritical(only(need(extensions, 0xa0).body, 0x30));
    return { issuer: need(issuer, 0x30).whole, serials: entries.map(serialOf) };
  });
}

function serialOf(entry: DerElement): string {
  const [serial, revoked, extensions, ...more] = inside(entry, 0x30);
  if (!isTime(revoked) || more.length > 0) throw new Unreadable();
  if (extensions !== undefined) assertNothingCritical(extensions);
  return natural(serial).toString();
}

const isTime = (element: DerElement | undefined): boolean => element?.tag === 0x17 || element?.tag === 0x18;

/** Whatever is critical narrows what a list is of, or changes whose certificates it names (sections 5.2.4, 5.2.5, 5.3.3). */
function assertNothingCritical(extensions: DerElement): void {
  if (inside(extensions, 0x30).some((one) => inside(one, 0x30)[1]?.tag === 0x01)) throw new Unreadable();
}
