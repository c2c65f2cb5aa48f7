import { type HashName, isKeyId, type KeyRef, type KeySpec, KmsError } from '#domain/domain.ts';
import { fromBase64, fromBase64Url, toBase64, toBase64Url } from '#encoding/encoding.ts';
import type { Input } from './row.ts';

/** Vault's words for keys, hashes and dressed bytes, and ours. */

const name = /^[\w-][\w./-]{0,249}$/;

/** One raw path segment, percent-decoded once. Throws 'malformed'. */
export function decodeSegment(segment: string): string {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new KmsError('malformed', 'The path is not valid percent-encoded UTF-8.');
  }
}

/**
 * A path below /v1/ as the router and the policies of tokens read it, once and alike: percent-decoded but for `%2F` and `%25`, which
 * keep a slash in a name apart from one between steps, and without a slash at its end. Undefined for a path with an empty step,
 * at which nothing is. Throws 'malformed', for dotted steps too.
 */
export function canonicalPath(raw: string): string | undefined {
  const path = raw.endsWith('/') ? raw.slice(0, -1) : raw;
  const canonical = path.includes('%') ? path.split('/').map(canonicalStep).join('/') : path;
  if (/(?:^|\/)\.\.?(?:\/|$)/.test(canonical)) throw new KmsError('malformed', 'The path has dotted steps.');
  return canonical === '' || canonical.startsWith('/') || canonical.endsWith('/') || canonical.includes('//')
    ? undefined
    : canonical;
}

/** Without the slashes at its ends. Each is looked at once, whatever stands there: nobody knows yet who asks. */
export function withoutOuterSlashes(text: string): string {
  let [from, to] = [0, text.length];
  while (from < to && text[from] === '/') from++;
  while (to > from && text[to - 1] === '/') to--;
  return text.slice(from, to);
}

function canonicalStep(step: string): string {
  return decodeSegment(step).replace(/[%/]/g, encodeURIComponent);
}

/** A key without a name is reached by its id. */
export function keyRef(given: string | undefined): KeyRef {
  const word = keyName(given);
  return isUuid(word) ? { by: 'id', id: word.toLowerCase() } : { by: 'name', name: word };
}

/** The name of the key that the path names, as clients of the mount write it. */
export function shownName({ path, folder }: Pick<Input, 'path' | 'folder'>): string | undefined {
  return path.name?.slice(folder.length);
}

export function isUuid(word: string): boolean {
  return isKeyId(word.toLowerCase());
}

/** Letters, digits, `_`, `-`, and after the first also `.` and `/`; no empty or dotted step between slashes. */
export function keyName(given: string | undefined): string {
  if (given === undefined || !name.test(given) || (/[./]/.test(given) && given.split('/').some(isDotted))) {
    throw new KmsError(
      'malformed',
      'A key name has 1 to 250 letters, digits, "_", "-", "." and "/", and no dotted steps.',
    );
  }
  return given;
}

const isDotted = (step: string) => step === '' || step === '.' || step === '..';

interface TypeWords {
  readonly type: string;
  readonly parameterSet?: string;
  /** What Vault calls the curve or size in an answer's list of versions. */
  readonly version?: string;
}

const slh = (set: KeySpec): TypeWords => ({ type: 'slh-dsa', parameterSet: set });

/** Every key has words here, also those that other protocols made: a Vault client may list and read them. */
export const typeWords = {
  'aes-128': { type: 'aes128-gcm96' },
  'aes-256': { type: 'aes256-gcm96' },
  'chacha20-poly1305': { type: 'chacha20-poly1305' },
  'hmac-sha224': { type: 'hmac' },
  'hmac-sha256': { type: 'hmac' },
  'hmac-sha384': { type: 'hmac' },
  'hmac-sha512': { type: 'hmac' },
  'rsa-2048': { type: 'rsa-2048' },
  'rsa-3072': { type: 'rsa-3072' },
  'rsa-4096': { type: 'rsa-4096' },
  'ec-p256': { type: 'ecdsa-p256', version: 'P-256' },
  'ec-p384': { type: 'ecdsa-p384', version: 'P-384' },
  'ec-p521': { type: 'ecdsa-p521', version: 'P-521' },
  'ec-secp256k1': { type: 'ecdsa-secp256k1', version: 'secp256k1' },
  sm2: { type: 'sm2', version: 'SM2' },
  ed25519: { type: 'ed25519' },
  x25519: { type: 'x25519' },
  'ml-dsa-44': { type: 'ml-dsa', parameterSet: '44' },
  'ml-dsa-65': { type: 'ml-dsa', parameterSet: '65' },
  'ml-dsa-87': { type: 'ml-dsa', parameterSet: '87' },
  'ml-kem-512': { type: 'ml-kem', parameterSet: '512' },
  'ml-kem-768': { type: 'ml-kem', parameterSet: '768' },
  'ml-kem-1024': { type: 'ml-kem', parameterSet: '1024' },
  'slh-dsa-sha2-128s': slh('slh-dsa-sha2-128s'),
  'slh-dsa-sha2-128f': slh('slh-dsa-sha2-128f'),
  'slh-dsa-sha2-192s': slh('slh-dsa-sha2-192s'),
  'slh-dsa-sha2-192f': slh('slh-dsa-sha2-192f'),
  'slh-dsa-sha2-256s': slh('slh-dsa-sha2-256s'),
  'slh-dsa-sha2-256f': slh('slh-dsa-sha2-256f'),
  'slh-dsa-shake-128s': slh('slh-dsa-shake-128s'),
  'slh-dsa-shake-128f': slh('slh-dsa-shake-128f'),
  'slh-dsa-shake-192s': slh('slh-dsa-shake-192s'),
  'slh-dsa-shake-192f': slh('slh-dsa-shake-192f'),
  'slh-dsa-shake-256s': slh('slh-dsa-shake-256s'),
  'slh-dsa-shake-256f': slh('slh-dsa-shake-256f'),
} as const satisfies Record<KeySpec, TypeWords>;

export function wordsOf(spec: KeySpec): TypeWords {
  return typeWords[spec];
}

/** What a Vault client may create; the two families with parameter sets are found by `type/set`. */
const creatable: ReadonlyMap<string, KeySpec> = new Map(
  (Object.entries(typeWords) as Array<[KeySpec, TypeWords]>)
    .filter(([, words]) => !['hmac', 'ecdsa-secp256k1', 'sm2', 'x25519', 'ml-kem'].includes(words.type))
    .map(([spec, { type, parameterSet }]) => [parameterSet === undefined ? type : `${type}/${parameterSet}`, spec]),
);

/** The bytes of a HMAC key decide its spec. */
const hmacSizes: ReadonlyMap<number, KeySpec> = new Map([
  [32, 'hmac-sha256'],
  [48, 'hmac-sha384'],
  [64, 'hmac-sha512'],
]);

/** Throws 'unsupported' where Vault has the type and we don't, 'invalid-parameter' where nobody has. */
export function specOf(type: string, parameterSet: string | undefined, keySize: number | undefined): KeySpec {
  if (type === 'hmac') {
    const spec = hmacSizes.get(keySize || 32);
    if (spec === undefined) {
      throw new KmsError('unsupported', '"key_size" of an hmac key must be 32, 48 or 64 bytes here.');
    }
    return spec;
  }
  if (keySize) throw new KmsError('invalid-parameter', `"key_size" is for hmac keys, not for "${type}".`);
  const needsSet = type === 'ml-dsa' || type === 'slh-dsa';
  const spec = creatable.get(needsSet ? `${type}/${parameterSet ?? ''}` : type);
  if (spec !== undefined) return spec;
  if (needsSet) throw new KmsError('invalid-parameter', `"parameter_set" of this ${type} key is missing or unknown.`);
  throw new KmsError('unsupported', `Keys of type ${JSON.stringify(type)} are not offered.`);
}

const hashes: ReadonlyMap<string, HashName> = new Map([
  ['sha1', 'sha1'],
  ['sha2-224', 'sha224'],
  ['sha2-256', 'sha256'],
  ['sha2-384', 'sha384'],
  ['sha2-512', 'sha512'],
  ['sha3-224', 'sha3-224'],
  ['sha3-256', 'sha3-256'],
  ['sha3-384', 'sha3-384'],
  ['sha3-512', 'sha3-512'],
] as const);

export function hashOf(word: string | undefined): HashName {
  const hash = hashes.get(word ?? 'sha2-256');
  if (hash === undefined) throw new KmsError('invalid-parameter', `Unknown hash algorithm ${JSON.stringify(word)}.`);
  return hash;
}

/** `url`: base64url without padding, as the JWS form of signatures has it. */
export function dress(version: number, bytes: Uint8Array, url = false): string {
  return `vault:v${version}:${url ? toBase64Url(bytes) : toBase64(bytes)}`;
}

/** Undefined when it isn't `vault:v<N>:<base64>` to the letter. */
export function undress(
  text: string,
  url = false,
): { readonly version: number; readonly bytes: Uint8Array } | undefined {
  if (!text.startsWith('vault:v')) return undefined;
  const colon = text.indexOf(':', 7);
  const digits = text.slice(7, colon);
  if (colon < 0 || !/^[1-9]\d{0,8}$/.test(digits)) return undefined;
  const coded = text.slice(colon + 1);
  const bytes = url ? fromBase64Url(coded) : fromBase64(coded);
  return bytes === undefined ? undefined : { version: Number(digits), bytes };
}
