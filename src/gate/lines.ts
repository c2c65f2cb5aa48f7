import { type Action, type Change, type Entry, KmsError, type Origin, type Principal } from '#domain/domain.ts';

/** Of a verification whose answer was no. */
export const notValid = 'not valid';
/** Of a re-encryption: the key of what was opened, where the line's own key is the one that closed it. */
export const from = (keyId: string): string => `from ${keyId}`;

/** A ledger line while its request is under way: filled in as things become known. */
export type Line = { -readonly [K in keyof Entry]: Entry[K] };

export function lineOf(origin: Origin, action: Action | '', time: number): Line {
  return {
    time,
    requestId: origin.requestId,
    protocol: origin.protocol,
    operation: origin.operation,
    peer: origin.peer,
    realm: '',
    principal: '',
    credential: '',
    action,
    outcome: 'ok',
  };
}

export function identified(line: Line, principal: Principal): void {
  line.realm = principal.realm;
  line.principal = principal.name;
  line.credential = principal.credential;
}

/** The first key that it is about, if that one has an id. */
export function about(line: Line, keys: ReadonlyArray<{ readonly id: string }>): void {
  const [key] = keys;
  if (key !== undefined && key.id !== '') line.key = key.id;
}

/** What was done: the version that did it, and what changed. */
export function done(line: Line, result: object, change: Change | undefined): Line {
  if ('keyId' in result && 'version' in result) {
    line.key = result.keyId as string;
    line.version = result.version as number;
  } else if ('key' in result && line.key === undefined) {
    line.key = (result.key as { id: string }).id;
  }
  if (change !== undefined && change.summary !== '') line.summary = change.summary;
  if ('source' in result) {
    const source = from((result.source as { keyId: string }).keyId);
    line.summary = line.summary === undefined ? source : `${line.summary}, ${source}`;
  } else if ('exported' in result) {
    const versions = (result.exported as ReadonlyArray<{ version: number }>).map(({ version }) => version);
    const under = 'under' in result ? ` under ${result.under}` : '';
    line.summary = `exported version ${versions.join(', ')}${under}`;
  } else if ('valid' in result && result.valid === false) line.summary = notValid;
  return line;
}

/** Whatever broke, the caller gets a code of the closed set, and nothing of the inside. */
export function asKmsError(error: unknown): KmsError {
  if (error instanceof KmsError) return error;
  return new KmsError('internal', 'The server failed to do this; its log says why, under the same request id.');
}
