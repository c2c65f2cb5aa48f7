import { createCipheriv, createHash, createHmac, generateKeyPairSync, getFips, setFips } from 'node:crypto';
import { type KeyFamily, type KeySpec, KmsError, specFacts } from '#domain/domain.ts';
import { importFfi } from './ffi.ts';

/** The module that does all of OpenSSL's cryptography from now on, as it names itself. */
export interface FipsModule {
  readonly name: string;
  readonly version: string;
  /** What of Claviger it refuses. */
  readonly refused: readonly string[];
}

const signatures = {
  CONF_modules_load_file: { arguments: ['pointer', 'pointer', 'u64'], return: 'i32' },
  OSSL_PROVIDER_available: { arguments: ['pointer', 'pointer'], return: 'i32' },
  OSSL_PROVIDER_try_load: { arguments: ['pointer', 'pointer', 'i32'], return: 'pointer' },
  OSSL_PROVIDER_self_test: { arguments: ['pointer'], return: 'i32' },
  OSSL_PROVIDER_get_params: { arguments: ['pointer', 'pointer'], return: 'i32' },
  OSSL_PROVIDER_get0_name: { arguments: ['pointer'], return: 'pointer' },
  EVP_CIPHER_fetch: { arguments: ['pointer', 'pointer', 'pointer'], return: 'pointer' },
  EVP_CIPHER_get0_provider: { arguments: ['pointer'], return: 'pointer' },
  ERR_clear_error: { arguments: [], return: 'void' },
} as const;

const none = 0n;
const provider = 'fips';
/** OSSL_PARAM_UTF8_PTR of <openssl/core.h>, and the bytes of a parameter. */
const utf8Pointer = 6;
const parameterSize = 40;

/**
 * From now on every algorithm of this process, by `node:crypto` and by ffi, is of OpenSSL's FIPS provider, or is refused. Before any other
 * file of this room is loaded. `config`: an OpenSSL configuration that activates the provider, as `openssl fipsinstall` makes it; undefined where
 * Node was given one. Throws 'unavailable', which says what is missing.
 */
export async function enterFips(config: string | undefined): Promise<FipsModule> {
  const openssl = await load();
  if (openssl === undefined) throw missing('node:ffi does not reach the OpenSSL of this process');
  const { functions, text, read } = openssl;
  const available = () => functions.OSSL_PROVIDER_available(none, text(provider)) === 1;
  if (!available()) {
    if (config === undefined) throw missing('OPENSSL_CONF names no OpenSSL configuration');
    if (functions.CONF_modules_load_file(text(config), text('openssl_conf'), 0n) !== 1 || !available()) {
      functions.ERR_clear_error();
      throw missing(`${config} does not activate the provider "${provider}", or its module is not in OPENSSL_MODULES`);
    }
  }
  const module = functions.OSSL_PROVIDER_try_load(none, text(provider), 1);
  if (module === none || functions.OSSL_PROVIDER_self_test(module) !== 1)
    throw missing("the module's self-test failed");
  setFips(true);
  assertActive(openssl);
  active = { ...read(module), refused: refusedFeatures() };
  return active;
}

let active: FipsModule | undefined;
const refusedFamilies = new Set<KeyFamily>();
const refusedSpecs = new Set<KeySpec>();

/** Throws 'unsupported' for keys that the module which was entered has not. */
export function assertOffered(spec: KeySpec): void {
  if (!refusedSpecs.has(spec) && !refusedFamilies.has(specFacts(spec).family)) return;
  throw new KmsError('unsupported', `This server runs on a FIPS module, which has no ${spec} keys.`, spec);
}

/** The module that this process entered. */
export const activeFips = (): FipsModule | undefined => active;

function missing(reason: string): KmsError {
  const how = 'install the FIPS module, run "openssl fipsinstall", and name its configuration in OPENSSL_CONF';
  return new KmsError('unavailable', `--fips needs OpenSSL's FIPS provider: ${reason}. To have it, ${how}.`);
}

/** FIPS 180-4's example of SHA-256, RFC 4231's second of HMAC; and what the provider doesn't have is refused rather than had elsewhere. */
function assertActive({ functions, text, name }: OpenSsl): void {
  const cipher = functions.EVP_CIPHER_fetch(none, text('AES-256-GCM'), none);
  const right =
    getFips() === 1 &&
    cipher !== none &&
    name(functions.EVP_CIPHER_get0_provider(cipher)) === provider &&
    createHash('sha256').update('abc').digest('hex') ===
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad' &&
    createHmac('sha256', 'Jefe').update('what do ya want for nothing?').digest('hex') ===
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843' &&
    !works(() => createHash('md5')) &&
    !works(() => createCipheriv('chacha20-poly1305', Buffer.alloc(32), Buffer.alloc(12), { authTagLength: 16 }));
  if (!right) throw missing('algorithms are not taken from it, or not from it alone');
}

const pair = (type: string, options: object = {}) =>
  works(() => generateKeyPairSync(type as 'ec', options as { namedCurve: string }));

/** Without which there is no server at all: the ledger is signed by the one, and every seal's key pair is the other. */
const needed = [
  ['Ed25519, by which the ledger is signed', () => pair('ed25519')],
  ['ML-KEM-1024, for which every seal has a key', () => pair('ml-kem-1024')],
] as const;

const families: ReadonlyArray<readonly [what: string, has: () => boolean, families: readonly KeyFamily[]]> = [
  [
    'keys of ChaCha20-Poly1305',
    () => works(() => createCipheriv('chacha20', Buffer.alloc(32), Buffer.alloc(16))),
    ['chacha20'],
  ],
  ['keys of X25519', () => pair('x25519'), ['x25519']],
  ['keys of SM2', () => pair('ec', { namedCurve: 'SM2' }), ['sm2']],
  ['keys of ML-DSA', () => pair('ml-dsa-65'), ['ml-dsa']],
  ['keys of SLH-DSA', () => pair('slh-dsa-sha2-128f'), ['slh-dsa']],
];
const passwords = 'seals by passphrase, and logins by password (Argon2id)';

/** Throws 'unavailable' where a server can't be without what the module refuses. */
function refusedFeatures(): readonly string[] {
  for (const [what, has] of needed) {
    if (!has()) throw missing(`this module refuses ${what}`);
  }
  const without = families.filter(([, has]) => !has());
  for (const [, , refused] of without) for (const family of refused) refusedFamilies.add(family);
  const koblitz = pair('ec', { namedCurve: 'secp256k1' });
  if (!koblitz) refusedSpecs.add('ec-secp256k1');
  return [...without.map(([what]) => what), ...(koblitz ? [] : ['keys on secp256k1']), passwords];
}

function works(act: () => unknown): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}

type OpenSsl = NonNullable<Awaited<ReturnType<typeof load>>>;

async function load() {
  try {
    const ffi = await importFfi();
    const { functions } = ffi.dlopen(null, signatures);
    // OpenSSL keeps pointers into none of them, but for the time of a call.
    const memory: ArrayBuffer[] = [];
    const text = (value: string): bigint => {
      const bytes = new TextEncoder().encode(`${value}\0`);
      const own = new ArrayBuffer(bytes.length);
      new Uint8Array(own).set(bytes);
      memory.push(own);
      return ffi.getRawPointer(own);
    };
    const name = (of: bigint) => ffi.toString(functions.OSSL_PROVIDER_get0_name(of));
    /** OSSL_PROVIDER_get_params(3): an answer is a pointer to the module's own text. */
    const read = (of: bigint) => {
      const value = (key: string): string => {
        const room = new ArrayBuffer(2 * parameterSize + 8);
        const bytes = new DataView(room);
        const start = ffi.getRawPointer(room);
        bytes.setBigUint64(0, text(key), true);
        bytes.setUint32(8, utf8Pointer, true);
        bytes.setBigUint64(16, start + BigInt(2 * parameterSize), true);
        functions.OSSL_PROVIDER_get_params(of, start);
        return ffi.toString(bytes.getBigUint64(2 * parameterSize, true)) ?? '';
      };
      return { name: value('name'), version: value('version') };
    };
    return { functions, text, name, read };
  } catch {
    return undefined;
  }
}
