import { KmsError } from '#domain/domain.ts';
import { derContext, derSequence } from '#encoding/encoding.ts';

/** Preferred name syntax (RFC 5890 section 2.3.1), with or without one leading wildcard label (RFC 9525 section 6.3). */
const dnsName = /^(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** GeneralNames (RFC 5280 section 4.2.1.6) of DNS names and IP addresses. Throws 'invalid-parameter' for anything else. */
export function subjectAlternativeName(hosts: readonly string[]): Uint8Array {
  if (hosts.length === 0) throw new KmsError('invalid-parameter', 'A server certificate needs a host name or address.');
  return derSequence(...hosts.map(generalName));
}

function generalName(host: string): Uint8Array {
  const address = ipAddress(host);
  if (address !== undefined) return derContext(7, false, address);
  const name = host.toLowerCase();
  // What ends in a number is an address or a mistake (RFC 3696 section 2), never a name.
  if (name.length > 253 || !dnsName.test(name) || /(?:^|\.)\d+$/.test(name)) {
    throw new KmsError('invalid-parameter', `${JSON.stringify(host)} is neither a DNS name nor an IP address.`);
  }
  return derContext(2, false, Buffer.from(name, 'latin1'));
}

/** 4 or 16 bytes; undefined where `text` is no address. IPv6 in any form of RFC 4291 section 2.2, without a zone. */
export function ipAddress(text: string): Uint8Array | undefined {
  return text.includes(':') ? ipv6(text) : ipv4(text);
}

function ipv4(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  const right = parts.length === 4 && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256);
  return right ? Uint8Array.from(parts, Number) : undefined;
}

function ipv6(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  const [head, tail] = halves.map((half, i) => groups(half, i === halves.length - 1));
  if (halves.length > 2 || head === undefined) return undefined;
  if (halves.length === 1) return head.length === 16 ? Uint8Array.from(head) : undefined;
  if (tail === undefined || head.length + tail.length > 14) return undefined;
  return Uint8Array.from([...head, ...new Array<number>(16 - head.length - tail.length).fill(0), ...tail]);
}

/** The bytes of groups between colons. Where they end the address, the last may be an IPv4 address. */
function groups(text: string, atEnd: boolean): readonly number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const bytes: number[] = [];
  for (const [i, part] of parts.entries()) {
    const embedded = atEnd && i === parts.length - 1 ? ipv4(part) : undefined;
    if (embedded !== undefined) bytes.push(...embedded);
    else if (/^[0-9a-f]{1,4}$/i.test(part))
      bytes.push(Number.parseInt(part, 16) >> 8, Number.parseInt(part, 16) & 0xff);
    else return undefined;
  }
  return bytes;
}
