import { KmsError } from '#domain/domain.ts';
import { canonicalJson, fromBase64, hasTwins, parseJson, toBase64, toUtf8, view } from '#encoding/encoding.ts';

/** What can be known of a backup without a seal. All of it is bound to what follows: who changes it has a file that opens no more. */
export interface BackupHeader {
  /** A UUID. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly takenAt: number;
  /** The release that took it. */
  readonly version: string;
  /** The line of `ledger.pub` that names the server. */
  readonly server: string;
  /** Changes of state, and lines of the ledger, that it holds. */
  readonly sequence: number;
  readonly ledger: number;
  /** The seal file: any of its seals opens the root, and the root the key. */
  readonly seals: string;
  /** The backup's own key, wrapped under the root. */
  readonly key: Uint8Array;
}

// As in our encrypted files, the line ends show at once what a text-mode transfer did.
const magic = Uint8Array.of(0x43, 0x4c, 0x56, 0x42, 0x0d, 0x0a, 0x1a, 0x0a);
const format = 1;
/** Magic, format 4, length of the JSON 4; numbers are big-endian. */
export const fixedLength = magic.length + 8;
const longest = 2 * 1024 * 1024;

export function encodeBackupHeader({ key, ...facts }: BackupHeader): Uint8Array {
  const json = toUtf8(canonicalJson({ ...facts, key: toBase64(key) }));
  const fixed = Buffer.alloc(fixedLength);
  fixed.set(magic);
  fixed.writeUInt32BE(format, magic.length);
  fixed.writeUInt32BE(json.length, magic.length + 4);
  return Buffer.concat([fixed, json]);
}

/** Bytes of the JSON behind the fixed part. Throws 'invalid-parameter' where it begins no backup. */
export function jsonLength(fixed: Uint8Array): number {
  const bytes = view(fixed);
  if (fixed.length !== fixedLength || magic.some((byte, i) => fixed[i] !== byte)) {
    throw new KmsError('invalid-parameter', 'This is no backup of Claviger, or its beginning is damaged.');
  }
  if (bytes.readUInt32BE(magic.length) !== format) {
    throw new KmsError('unsupported', 'This backup has a format that this release does not know.');
  }
  const length = bytes.readUInt32BE(magic.length + 4);
  if (length > longest) throw damagedBackup();
  return length;
}

const texts = ['id', 'version', 'server', 'seals', 'key'] as const;
const counts = ['takenAt', 'sequence', 'ledger'] as const;

/** Throws 'tampered'. */
export function decodeBackupHeader(json: Uint8Array): BackupHeader {
  const members = hasTwins(new TextDecoder().decode(json)) ? undefined : parseJson(json);
  if (typeof members !== 'object' || members === null || Array.isArray(members)) throw damagedBackup();
  const facts = members as Readonly<Record<string, unknown>>;
  if (Object.keys(facts).length !== texts.length + counts.length) throw damagedBackup();
  const text = (name: (typeof texts)[number]): string => {
    const value = facts[name];
    if (typeof value !== 'string') throw damagedBackup();
    return value;
  };
  const count = (name: (typeof counts)[number]): number => {
    const value = facts[name];
    if (!Number.isSafeInteger(value) || (value as number) < 0) throw damagedBackup();
    return value as number;
  };
  const id = text('id');
  const key = fromBase64(text('key'));
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id) || key === undefined) throw damagedBackup();
  return {
    ...{ id, key, version: text('version'), server: text('server'), seals: text('seals') },
    ...{ takenAt: count('takenAt'), sequence: count('sequence'), ledger: count('ledger') },
  };
}

export function damagedBackup(): KmsError {
  return new KmsError('tampered', 'The backup was altered or cut short: nothing of it is restored.');
}
