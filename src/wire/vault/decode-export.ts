import { type Command, type ExportedPart, type KeyForm, KmsError } from '#domain/domain.ts';
import { oaepHashOf } from './decode-transfer.ts';
import { keyRef } from './names.ts';
import type { Input } from './row.ts';

const parts: ReadonlyMap<string, ExportedPart> = new Map([
  ['encryption-key', 'encrypt'],
  ['signing-key', 'sign'],
  ['hmac-key', 'mac'],
] as const);

/** How keys are written: '' is each kind's own way. */
type ExportFormat = '' | 'raw' | 'der' | 'pem';

const forms = { '': 'traditional', raw: 'raw', der: 'pkcs8', pem: 'pkcs8' } as const satisfies Record<
  ExportFormat,
  KeyForm
>;

/** Throws 'invalid-parameter'. */
export function exportFormatOf({ query }: Input): ExportFormat {
  const format = new URLSearchParams(query).get('format') ?? '';
  if (Object.hasOwn(forms, format)) return format as ExportFormat;
  throw new KmsError('invalid-parameter', `invalid format: ${format.slice(0, 32)}`);
}

export function decodeExport(input: Input): Command<'export-key'> {
  const type = input.path.type ?? '';
  const part = parts.get(type);
  if (part === undefined) throw new KmsError('invalid-parameter', `invalid export type: ${type.slice(0, 64)}`);
  const version = exportedVersion(input.path.version);
  return {
    kind: 'export-key',
    key: keyRef(input.path.name),
    part,
    form: forms[exportFormatOf(input)],
    ...(version === undefined ? {} : { version }),
  };
}

/** Public halves and certificates are for whoever may look at the key. */
export function decodeExportPublic(input: Input): Command<'describe-key'> {
  exportFormatOf(input);
  exportedVersion(input.path.version);
  return { kind: 'describe-key', key: keyRef(input.path.name), withVersions: true };
}

export function decodeWrappedExport({ path, folder, query }: Input): Command<'export-wrapped-key'> {
  const version = exportedVersion(path.version);
  return {
    kind: 'export-wrapped-key',
    key: keyRef(path.name),
    destination: keyRef(folder + path.destination),
    hash: oaepHashOf(new URLSearchParams(query).get('hash')),
    ...(version === undefined ? {} : { version }),
  };
}

/** `latest`, `3` or `v3`. */
export function exportedVersion(given: string | undefined): number | 'newest' | undefined {
  if (given === undefined) return undefined;
  if (given === 'latest') return 'newest';
  const digits = /^v?(\d{1,9})$/.exec(given)?.[1];
  if (digits === undefined) throw new KmsError('invalid-parameter', 'invalid key version');
  return Number(digits);
}
