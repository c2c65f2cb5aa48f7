import {
  derBitString,
  derContext,
  derInteger,
  derNull,
  derOctetString,
  derOid,
  derSequence,
} from '#encoding/encoding.ts';
import type { VaultHttp } from './http.ts';
import { asciiOf, decodeBase64, itemsOf, JsonError, member, membersOf, naturalOf, parsed } from './json-bytes.ts';
import { exportType, type KeyFacts, type Way } from './key-facts.ts';
import { dataOf, encodePath, type Mount } from './source.ts';

/** The material of a transit key, as `import-key-versions` takes it: raw bytes, or PKCS#8 DER of a private key. */
export interface ReadKeyVersion {
  readonly version: number;
  readonly createdAt: string;
  readonly material: Uint8Array;
  readonly macKey?: Uint8Array;
}

export function wipeKey(versions: readonly ReadKeyVersion[]): void {
  for (const { material, macKey } of versions) {
    material.fill(0);
    macKey?.fill(0);
  }
}

/** Every version that there is a way to, oldest first; the caller wipes them. Rejects with Refused, JsonError. */
export async function readKey(
  source: VaultHttp,
  mount: Mount,
  name: string,
  facts: KeyFacts,
  way: Way,
): Promise<readonly ReadKeyVersion[]> {
  const versions =
    way === 'backup' ? await readBackup(source, mount, name, facts) : await readExports(source, mount, name, facts);
  return versions.sort((a, b) => a.version - b.version);
}

type Members = ReadonlyMap<string, Uint8Array>;

const needed = (members: Members, name: string): Uint8Array => {
  const slice = member(members, name);
  if (slice === undefined) throw new JsonError();
  return slice;
};

/** The bytes of a base64 string. */
function bytesOf(slice: Uint8Array): Uint8Array {
  const text = asciiOf(slice);
  try {
    return decodeBase64(text);
  } finally {
    text.fill(0);
  }
}

async function readBackup(source: VaultHttp, mount: Mount, name: string, facts: KeyFacts): Promise<ReadKeyVersion[]> {
  const found = await dataOf(source, `${encodePath(mount.path)}backup/${encodePath(name)}`);
  if (found === undefined) throw new JsonError();
  let backup: Uint8Array | undefined;
  try {
    backup = bytesOf(needed(membersOf(found.data), 'backup'));
    const members = membersOf(backup);
    const policy = membersOf(needed(members, 'policy'));
    const entries = new Map<number, Members>();
    // The archive holds every version from the least available one on; the policy those that may decrypt.
    const archive = member(members, 'archived_keys');
    const archived = archive && member(membersOf(archive), 'keys');
    const first = Number(parsed(policy.get('archive_min_version') ?? Uint8Array.of(0x30)));
    if (archived !== undefined)
      for (const [i, entry] of itemsOf(archived).entries()) entries.set(first + i, membersOf(entry));
    for (const [version, entry] of membersOf(needed(policy, 'keys'))) entries.set(Number(version), membersOf(entry));
    return [...entries].flatMap(([version, entry]) => {
      const material = materialOf(entry, facts);
      return version < 1 || material === undefined ? [] : [{ version, ...material }];
    });
  } finally {
    found.whole.fill(0);
    backup?.fill(0);
  }
}

/** An entry of a backup; undefined for one that holds nothing. */
function materialOf(entry: Members, { type }: KeyFacts): Omit<ReadKeyVersion, 'version'> | undefined {
  const mac = member(entry, 'hmac_key');
  const facts = {
    createdAt: parsed(needed(entry, 'time')) as string,
    ...(mac !== undefined && { macKey: bytesOf(mac) }),
  };
  if (type.startsWith('ecdsa-')) {
    const [d, x, y] = ['ec_d', 'ec_x', 'ec_y'].map((name) => member(entry, name));
    if (d === undefined || x === undefined || y === undefined) return undefined;
    return { ...facts, material: ecPkcs8(type, naturalOf(d), naturalOf(x), naturalOf(y)) };
  }
  if (type.startsWith('rsa-')) {
    const key = member(entry, 'rsa_key');
    return key === undefined ? undefined : { ...facts, material: rsaPkcs8(membersOf(key)) };
  }
  const key = member(entry, 'key');
  if (key === undefined) return undefined;
  const bytes = bytesOf(key);
  if (bytes.length === 0) return undefined;
  // What stands beside an HMAC key is nothing that MACs are made with.
  if (type === 'hmac') return { ...facts, material: bytes, macKey: Uint8Array.from(bytes) };
  return { ...facts, material: type === 'ed25519' ? edPkcs8(bytes) : bytes };
}

async function readExports(source: VaultHttp, mount: Mount, name: string, facts: KeyFacts): Promise<ReadKeyVersion[]> {
  const { type } = facts;
  const exported = async (kind: string) => {
    const found = await dataOf(source, `${encodePath(mount.path)}export/${kind}/${encodePath(name)}`);
    if (found === undefined) throw new JsonError();
    try {
      const keys = membersOf(needed(membersOf(found.data), 'keys'));
      return new Map([...keys].map(([version, slice]) => [Number(version), asciiOf(slice)]));
    } finally {
      found.whole.fill(0);
    }
  };
  const keys = await exported(exportType(type));
  let macKeys = keys;
  try {
    // An HMAC key is its own key for MACs.
    if (type !== 'hmac') macKeys = await exported('hmac-key');
    return [...keys].map(([version, text]) => {
      const mac = macKeys.get(version);
      return {
        version,
        createdAt: facts.createdAt(version),
        material: fromText(type, text),
        ...(mac !== undefined && { macKey: decodeBase64(mac) }),
      };
    });
  } finally {
    for (const text of [...keys.values(), ...macKeys.values()]) text.fill(0);
  }
}

function fromText(type: string, text: Uint8Array): Uint8Array {
  if (type.startsWith('rsa-')) return pkcs8(rsaAlgorithm, fromPem(text));
  if (type.startsWith('ecdsa-')) return pkcs8(ecAlgorithm(type), fromPem(text));
  const bytes = decodeBase64(text);
  return type === 'ed25519' ? edPkcs8(bytes) : bytes;
}

/** What stands between the first line and the last one. */
function fromPem(text: Uint8Array): Uint8Array {
  const [newline, dash] = [0x0a, 0x2d];
  const start = text.indexOf(newline);
  const end = text.indexOf(dash, start);
  if (text[0] !== dash || start < 0 || end < 0) throw new JsonError();
  return decodeBase64(text.subarray(start, end));
}

const zero = Uint8Array.of(0);
const rsaAlgorithm = derSequence(derOid('1.2.840.113549.1.1.1'), derNull);
const edAlgorithm = derSequence(derOid('1.3.101.112'));

const curves: Readonly<Record<string, readonly [oid: string, bytes: number]>> = {
  'ecdsa-p256': ['1.2.840.10045.3.1.7', 32],
  'ecdsa-p384': ['1.3.132.0.34', 48],
  'ecdsa-p521': ['1.3.132.0.35', 66],
};

const ecAlgorithm = (type: string) => derSequence(derOid('1.2.840.10045.2.1'), derOid(curves[type]![0]));

/** PrivateKeyInfo (RFC 5958 section 2); wipes what is put into it. */
function pkcs8(algorithm: Uint8Array, inner: Uint8Array): Uint8Array {
  const octets = derOctetString(inner);
  inner.fill(0);
  const whole = derSequence(derInteger(zero), algorithm, octets);
  octets.fill(0);
  return whole;
}

/** Go's form of an Ed25519 key: the seed, then the public key. */
function edPkcs8(bytes: Uint8Array): Uint8Array {
  const inner = derOctetString(bytes.subarray(0, 32));
  bytes.fill(0);
  return pkcs8(edAlgorithm, inner);
}

/** RFC 5915 section 3, from the private number and the point. */
function ecPkcs8(type: string, d: Uint8Array, x: Uint8Array, y: Uint8Array): Uint8Array {
  const [, length] = curves[type] ?? ['', 0];
  const point = Buffer.concat([Uint8Array.of(4), padded(x, length), padded(y, length)]);
  const scalar = padded(d, length);
  const octets = derOctetString(scalar);
  const inner = derSequence(derInteger(Uint8Array.of(1)), octets, derContext(1, true, derBitString(point)));
  for (const bytes of [d, scalar, octets]) bytes.fill(0);
  return pkcs8(ecAlgorithm(type), inner);
}

/** RFC 8017 section A.1.2, from the numbers as Go writes them. */
function rsaPkcs8(key: Members): Uint8Array {
  const primes = itemsOf(needed(key, 'Primes'));
  const precomputed = membersOf(needed(key, 'Precomputed'));
  if (primes.length !== 2) throw new JsonError();
  const slices = [
    ...[needed(key, 'N'), needed(key, 'E'), needed(key, 'D'), ...primes],
    ...['Dp', 'Dq', 'Qinv'].map((name) => needed(precomputed, name)),
  ];
  const numbers = slices.map(naturalOf);
  const elements = numbers.map((number) => derInteger(number));
  const inner = derSequence(derInteger(zero), ...elements);
  for (const bytes of [...numbers, ...elements]) bytes.fill(0);
  return pkcs8(rsaAlgorithm, inner);
}

function padded(number: Uint8Array, length: number): Uint8Array {
  if (number.length > length) throw new JsonError();
  const out = new Uint8Array(length);
  out.set(number, length - number.length);
  return out;
}
