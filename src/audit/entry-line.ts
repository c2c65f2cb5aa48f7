import { type Entry, type ErrorCode, errorCodes } from '#domain/domain.ts';
import { view } from '#encoding/encoding.ts';

/** Characters kept of a field: much of an entry is what a peer sent, and a peer doesn't decide how long a line gets. */
export const maxField = 256;
export const maxSummary = 1024;

/** More than the longest line that `entryLine` makes: every character of every field escaped as six. */
const maxLine = 32 * 1024;

const needsEscape = /[^ !#-[\]-~]/;
const outsideAscii = /[^ -~]/g;

/**
 * An entry as one JSON object (RFC 8259) without its newline: members in fixed order, absent ones left out, pure ASCII, so one
 * entry has one form and its length in characters is its length in bytes. Only the fields named here are ever written.
 */
export function entryLine(entry: Entry): string {
  const { key, version, summary } = entry;
  if (summary === undefined && isPlain(entry)) return plainLine(entry);
  return (
    `{"time":"${timestamp(entry.time)}","requestId":${quoted(entry.requestId)},"protocol":${quoted(entry.protocol)}` +
    `,"operation":${quoted(entry.operation)},"peer":${quoted(entry.peer)},"realm":${quoted(entry.realm)}` +
    `,"principal":${quoted(entry.principal)},"credential":${quoted(entry.credential)},"action":${quoted(entry.action)}` +
    (key === undefined ? '' : `,"key":${quoted(key)}`) +
    (version === undefined ? '' : `,"version":${counted(version)}`) +
    `,"outcome":"${entry.outcome}"` +
    (summary === undefined ? '}' : `,"summary":${quoted(summary, maxSummary)}}`)
  );
}

/** Whether no field needs escaping or cutting: one look at all of them together. Nearly every line is so. */
function isPlain({ requestId, protocol, operation, peer, realm, principal, credential, action, key }: Entry): boolean {
  const texts = `${requestId}${protocol}${operation}${peer}${realm}${principal}${credential}${action}${key ?? ''}`;
  return texts.length <= maxField && !needsEscape.test(texts);
}

/** The same line as below, where nothing is to be escaped. */
function plainLine(entry: Entry): string {
  const { requestId, protocol, operation, peer, realm, principal, credential, action, key, version, outcome } = entry;
  return (
    `{"time":"${timestamp(entry.time)}","requestId":"${requestId}","protocol":"${protocol}","operation":"${operation}"` +
    `,"peer":"${peer}","realm":"${realm}","principal":"${principal}","credential":"${credential}","action":"${action}"` +
    (key === undefined ? '' : `,"key":"${key}"`) +
    (version === undefined ? '' : `,"version":${counted(version)}`) +
    `,"outcome":"${outcome}"}`
  );
}

/** The line's bytes: what a leaf of the tree holds. */
export function encodeEntry(entry: Entry): Uint8Array {
  return Buffer.from(entryLine(entry), 'latin1');
}

/** Undefined for everything that `encodeEntry` does not make, byte for byte. */
export function decodeEntry(bytes: Uint8Array): Entry | undefined {
  if (bytes.length > maxLine) return undefined;
  const line = view(bytes).toString('latin1');
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const entry = entryOf(value);
  return entry !== undefined && entryLine(entry) === line ? entry : undefined;
}

const requiredText = [
  'requestId',
  'protocol',
  'operation',
  'peer',
  'realm',
  'principal',
  'credential',
  'action',
] as const satisfies readonly (keyof Entry)[];

const outcomes: ReadonlySet<unknown> = new Set<Entry['outcome']>(['ok', ...errorCodes]);

function entryOf(value: unknown): Entry | undefined {
  if (value === null || typeof value !== 'object') return undefined;
  const fields = value as Record<string, unknown>;
  const { time, key, version, outcome, summary } = fields;
  if (typeof time !== 'string' || !outcomes.has(outcome)) return undefined;
  const milliseconds = Date.parse(time);
  if (!isTime(milliseconds)) return undefined;
  if (requiredText.some((name) => typeof fields[name] !== 'string')) return undefined;
  if (key !== undefined && typeof key !== 'string') return undefined;
  if (version !== undefined && !isCount(version)) return undefined;
  if (summary !== undefined && typeof summary !== 'string') return undefined;
  return {
    time: milliseconds,
    requestId: fields.requestId as string,
    protocol: fields.protocol as string,
    operation: fields.operation as string,
    peer: fields.peer as string,
    realm: fields.realm as string,
    principal: fields.principal as string,
    credential: fields.credential as string,
    action: fields.action as string,
    ...(key !== undefined && { key }),
    ...(version !== undefined && { version }),
    outcome: outcome as 'ok' | ErrorCode,
    ...(summary !== undefined && { summary }),
  };
}

function quoted(text: string, limit = maxField): string {
  const bounded = text.length > limit ? text.slice(0, limit) : text;
  return needsEscape.test(bounded) ? escaped(bounded) : `"${bounded}"`;
}

function escaped(text: string): string {
  return JSON.stringify(text).replace(outsideAscii, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** A line that its own decoder would refuse must not get into the tree. */
function counted(value: number): number {
  if (!isCount(value)) throw new RangeError('a version is a whole number');
  return value;
}

// RFC 3339 has four digits for the year.
const lastTime = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

function isTime(milliseconds: number): boolean {
  return milliseconds >= 0 && milliseconds <= lastTime;
}

// Lines of one batch are mostly of one millisecond, and formatting a date costs as much as a hash.
let formattedTime = -1;
let formatted = '';

function timestamp(milliseconds: number): string {
  if (milliseconds !== formattedTime) {
    if (!isTime(milliseconds)) throw new RangeError('a time is in milliseconds since 1970 and before the year 10000');
    formatted = new Date(milliseconds).toISOString();
    formattedTime = milliseconds;
  }
  return formatted;
}
