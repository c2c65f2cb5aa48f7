/** Addresses and CIDR ranges of IPv4 (RFC 4632) and IPv6 (RFC 4291) as numbers. */

export interface IpRange {
  readonly bits: 32 | 128;
  /** The address without the bits that the prefix leaves open. */
  readonly head: bigint;
  readonly open: bigint;
}

/** An address, or a range of them; undefined for anything else. */
export function parseIpRange(text: string): IpRange | undefined {
  const [address = '', prefix, more] = text.split('/');
  const parsed = parseAddress(address);
  if (parsed === undefined || more !== undefined) return undefined;
  if (prefix !== undefined && (!/^(0|[1-9][0-9]{0,2})$/.test(prefix) || Number(prefix) > parsed.bits)) return undefined;
  const open = BigInt(parsed.bits - (prefix === undefined ? parsed.bits : Number(prefix)));
  return { bits: parsed.bits, head: parsed.value >> open, open };
}

export function inRange(range: IpRange, address: string): boolean {
  const parsed = parseAddress(address);
  return parsed !== undefined && parsed.bits === range.bits && parsed.value >> range.open === range.head;
}

interface Address {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

function parseAddress(text: string): Address | undefined {
  // Sockets that listen on both families show an IPv4 peer so.
  const mapped = /^::ffff:([0-9]+\.[0-9]+\.[0-9]+\.[0-9]+)$/i.exec(text)?.[1];
  const v4 = parseV4(mapped ?? text);
  if (v4 !== undefined) return { bits: 32, value: v4 };
  const v6 = parseV6(text);
  return v6 === undefined ? undefined : { bits: 128, value: v6 };
}

function parseV4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) < 256)) {
    return undefined;
  }
  return parts.reduce((value, part) => (value << 8n) | BigInt(part), 0n);
}

function parseV6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2 || !text.includes(':')) return undefined;
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head, ...Array<string>(missing).fill('0'), ...tail];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return groups.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n);
}

/** `peer` is an address and a port, as listeners name them: '127.0.0.1:80', '[::1]:80'. Undefined where there is no address. */
export function addressOf(peer: string): string | undefined {
  const address = peer.startsWith('[') ? peer.slice(1, peer.indexOf(']')) : peer.slice(0, peer.lastIndexOf(':'));
  return parseAddress(address) === undefined ? undefined : address;
}
