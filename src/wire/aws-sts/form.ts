import { KmsError } from '#domain/domain.ts';
import { fromUtf8 } from '#encoding/encoding.ts';

/** Members of a request in the AWS Query protocol, by name. */
export type Form = ReadonlyMap<string, string>;

const maxMembers = 256;

/**
 * From the query and a body of `application/x-www-form-urlencoded`, without what concerns the signature. A plus is a space in the body only:
 * the query is signed as the text that its percent-encoding says. Throws 'malformed'.
 */
export function readForm(query: string, body: Uint8Array): Form {
  const text = fromUtf8(body);
  if (text === undefined) throw new KmsError('malformed', 'The body is not UTF-8.');
  const form = new Map<string, string>();
  const members = [
    ...membersOf(query).filter(([name]) => !name.startsWith('X-Amz-')),
    ...membersOf(text.replaceAll('+', '%20')),
  ];
  for (const [name, value] of members) {
    if (form.has(name)) throw new KmsError('malformed', 'A member of the request is there twice.');
    form.set(name, value);
  }
  return form;
}

function membersOf(text: string): ReadonlyArray<readonly [name: string, value: string]> {
  const parts = text.split('&').filter((part) => part !== '');
  if (parts.length > maxMembers) throw new KmsError('malformed', 'The request has too many members.');
  return parts.map((part) => {
    const equals = part.indexOf('=');
    return equals < 0 ? [decoded(part), ''] : [decoded(part.slice(0, equals)), decoded(part.slice(equals + 1))];
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new KmsError('malformed', 'The request is not valid percent-encoding.');
  }
}
