import { checkPrime } from 'node:crypto';
import { promisify } from 'node:util';
import { toHex } from '#encoding/encoding.ts';
import { equalSecrets } from './hash.ts';

const isPrime = promisify<Uint8Array, boolean>(checkPrime);

/**
 * Whether the numbers of an RSAPrivateKey (RFC 8017 appendix A.1.2), as DER has them, are those of a sound key: two different primes
 * of the same length whose product is n, an odd e over 2^16 and under 2^256 (FIPS 186-5 appendix A.1.1), and no known weakness.
 */
export async function isSoundRsa(numbers: readonly Uint8Array[]): Promise<boolean> {
  const [version, n, e, , p, q] = numbers.map(magnitude);
  // Version 0: two primes and none besides.
  if (numbers.length !== 9 || version!.length !== 1 || version![0] !== 0) return false;
  if (e!.length < 3 || e!.length > 32 || (e!.at(-1)! & 1) === 0) return false;
  if (p!.length !== n!.length / 2 || q!.length !== p!.length || areClose(p!, q!)) return false;
  if (!equalSecrets(product(p!, q!), n!) || isOfInfineon(n!)) return false;
  return (await isPrime(p!)) && (await isPrime(q!));
}

function magnitude(integer: Uint8Array): Uint8Array {
  return integer[0] === 0 && integer.length > 1 ? integer.subarray(1) : integer;
}

/** So close that Fermat's method finds them: FIPS 186-5 appendix A.1.3 wants them to differ within their first 100 bits. */
function areClose(p: Uint8Array, q: Uint8Array): boolean {
  return equalSecrets(p.subarray(0, 12), q.subarray(0, 12));
}

/** By hand rather than with BigInt, whose memory nobody can wipe. */
function product(p: Uint8Array, q: Uint8Array): Uint8Array {
  const out = new Uint8Array(p.length + q.length);
  for (let i = p.length - 1; i >= 0; i--) {
    let carry = 0;
    for (let j = q.length - 1; j >= 0; j--) {
      const sum = out[i + j + 1]! + p[i]! * q[j]! + carry;
      out[i + j + 1] = sum & 0xff;
      carry = sum >>> 8;
    }
    out[i] = carry;
  }
  return out;
}

const marks = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157] as const;

/**
 * Whether n is of the family of CVE-2017-15361 (ROCA), whose primes are powers of 65537 modulo a product of small primes and can be
 * found from n: then n is such a power modulo each of them. Another key looks so once in 2^27.
 */
function isOfInfineon(n: Uint8Array): boolean {
  // n is public.
  const modulus = BigInt(`0x${toHex(n)}`);
  return marks.every((mark) => powersOf(65537 % mark, mark).has(Number(modulus % BigInt(mark))));
}

function powersOf(base: number, modulus: number): ReadonlySet<number> {
  const powers = new Set<number>();
  for (let power = 1; !powers.has(power); power = (power * base) % modulus) powers.add(power);
  return powers;
}
