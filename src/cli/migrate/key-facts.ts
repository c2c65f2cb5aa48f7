import type { VaultHttp } from './http.ts';
import { parsed } from './json-bytes.ts';
import { markOf } from './mark.ts';
import { baoCommand, dataOf, encodePath, type Mount } from './source.ts';

/** How a key's material can be had. */
export type Way = 'backup' | 'export';

/** What `transit/keys/NAME` says. */
interface Said {
  readonly type: string;
  readonly latest_version: number;
  readonly min_available_version: number;
  readonly min_decryption_version: number;
  readonly min_encryption_version: number;
  readonly allow_plaintext_backup: boolean;
  readonly exportable: boolean;
  readonly deletion_allowed: boolean;
  readonly derived: boolean;
  readonly kdf?: string;
  readonly convergent_encryption?: boolean;
  readonly convergent_encryption_version?: number;
  /** Seconds. */
  readonly auto_rotate_period?: number | string;
  readonly key_size?: number;
  readonly soft_deleted?: boolean;
  readonly imported_key?: boolean;
  readonly imported_key_allow_rotation?: boolean;
  readonly keys?: Readonly<Record<string, number | { readonly creation_time?: string }>>;
}

export interface KeyFacts extends Said {
  /** When the version was made; of what isn't told, the epoch. */
  createdAt(version: number): string;
}

export interface KindOfKey {
  readonly spec: string;
  readonly usages: readonly string[];
}

const symmetric = ['encrypt', 'mac'];
const kinds: Readonly<Record<string, KindOfKey>> = {
  'aes128-gcm96': { spec: 'aes-128', usages: symmetric },
  'aes256-gcm96': { spec: 'aes-256', usages: symmetric },
  'chacha20-poly1305': { spec: 'chacha20-poly1305', usages: symmetric },
  'ecdsa-p256': { spec: 'ec-p256', usages: ['sign'] },
  'ecdsa-p384': { spec: 'ec-p384', usages: ['sign'] },
  'ecdsa-p521': { spec: 'ec-p521', usages: ['sign'] },
  ed25519: { spec: 'ed25519', usages: ['sign'] },
  'rsa-2048': { spec: 'rsa-2048', usages: ['encrypt', 'sign'] },
  'rsa-3072': { spec: 'rsa-3072', usages: ['encrypt', 'sign'] },
  'rsa-4096': { spec: 'rsa-4096', usages: ['encrypt', 'sign'] },
};
const hmacSpecs: Readonly<Record<number, string>> = { 32: 'hmac-sha256', 48: 'hmac-sha384', 64: 'hmac-sha512' };

/** What the key is here; undefined where there is no such kind. */
export function kindOf({ type, key_size: size = 32 }: Said): KindOfKey | undefined {
  if (type !== 'hmac') return kinds[type];
  const spec = hmacSpecs[size || 32];
  return spec === undefined ? undefined : { spec, usages: ['mac'] };
}

/** Undefined: there is none. The mark is a digest of what the facts say, but for what a backup leaves behind there. */
export async function keyFacts(
  source: VaultHttp,
  { path }: Mount,
  name: string,
): Promise<{ readonly facts: KeyFacts; readonly mark: string } | undefined> {
  const found = await dataOf(source, `${encodePath(path)}keys/${encodePath(name)}`);
  if (found === undefined) return undefined;
  const { backup_info: _, restore_info: __, ...rest } = parsed(found.data) as Record<string, unknown>;
  const said = rest as unknown as Said;
  const createdAt = (version: number) => {
    const told = said.keys?.[version];
    const time = typeof told === 'number' ? new Date(told * 1000).toISOString() : told?.creation_time;
    return time ?? new Date(0).toISOString();
  };
  return { facts: { ...said, createdAt }, mark: await markOf(Buffer.from(JSON.stringify(said))) };
}

/** Why something can't come, and what would let it. */
export interface Obstacle {
  readonly reason: string;
  /** A command, or lines for a policy of the token. */
  readonly remedy?: string;
}

const name = /^[A-Za-z0-9_-][A-Za-z0-9/_.-]{0,249}$/;
const uuid = /^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$/i;

/** How the key's material can be had, or why it can't. `at`: its path at the source, `to`: its name here. */
export function wayTo(facts: KeyFacts, path: string, key: string, to: string): Way | Obstacle {
  const at = `${path}keys/${key}`;
  if (!name.test(to) || uuid.test(to) || to.split('/').some((part) => /^\.{0,2}$/.test(part))) {
    return { reason: `"${to}" can be no name of a key here` };
  }
  if (kindOf(facts) === undefined) {
    const size = facts.type === 'hmac' ? ` of ${facts.key_size} bytes` : '';
    return { reason: `keys of type ${facts.type}${size} are not offered here` };
  }
  if (facts.soft_deleted === true) {
    return { reason: 'it is soft-deleted', remedy: baoCommand('write', '-f', `${at}/soft-delete-restore`) };
  }
  if (facts.derived && facts.kdf !== undefined && facts.kdf !== 'hkdf_sha256') {
    return {
      reason: `it derives by ${facts.kdf}, which is not offered here; rewrap what it encrypted under another key`,
    };
  }
  if (facts.convergent_encryption === true && ![-1, 3].includes(facts.convergent_encryption_version ?? -1)) {
    const version = facts.convergent_encryption_version;
    return {
      reason: `it encrypts by version ${version} of convergent encryption; rewrap what it encrypted under another key`,
    };
  }
  return (
    ways(facts)[0] ?? {
      reason: 'it is not exportable',
      remedy: baoCommand('write', `${at}/config`, 'exportable=true', 'allow_plaintext_backup=true'),
    }
  );
}

/** The better one first: a backup holds the versions, too, that decrypt no longer. Both are for exportable keys only. */
export function ways({ allow_plaintext_backup, exportable }: KeyFacts): readonly Way[] {
  if (!exportable) return [];
  return allow_plaintext_backup ? ['backup', 'export'] : ['export'];
}

/** What of the source is read for it. */
export function pathsOf({ type }: KeyFacts, way: Way, mount: string, key: string): readonly string[] {
  if (way === 'backup') return [`${mount}backup/${key}`];
  return [...new Set([exportType(type), 'hmac-key'])].map((kind) => `${mount}export/${kind}/${key}`);
}

/** Which of Vault's export types gives the material. */
export function exportType(type: string): string {
  if (type === 'hmac') return 'hmac-key';
  return type.startsWith('ecdsa-') || type === 'ed25519' ? 'signing-key' : 'encryption-key';
}

/** What is different here for who uses the key, told before it comes. */
export function warningsOf(facts: KeyFacts, way: Way): readonly string[] {
  const { type, min_decryption_version: least, min_available_version: available } = facts;
  const encrypts = kindOf(facts)?.usages === symmetric;
  const warnings: string[] = [];
  if (way === 'export' && least > Math.max(1, available)) {
    warnings.push(
      `versions below ${least} stay behind, and what they encrypted or signed: allow_plaintext_backup=true brings them, too`,
    );
  }
  if (encrypts && facts.min_encryption_version > 0 && facts.min_encryption_version < facts.latest_version) {
    warnings.push('encrypts under its newest version only, not under one that a caller names');
  }
  if (facts.imported_key === true && facts.imported_key_allow_rotation !== true) {
    warnings.push('was imported there without the right to rotate; here it may be rotated');
  }
  if (type === 'hmac') warnings.push('versions made here compute HMAC with the hash of its size only');
  return warnings;
}
