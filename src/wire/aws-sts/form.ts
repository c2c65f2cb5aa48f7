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
  const parts = [...query.split('&'), ...text.replaceAll('+', '%20').split('&')].filter((part) => part !== '');
  if (parts.length > maxMembers) throw new KmsError('malformed', 'The request has too many members.');
  for (const part of parts) {
    const equals = part.indexOf('=');
    const name = decoded(equals < 0 ? part : part.slice(0, equals));
    if (name.startsWith('X-Amz-')) continue;
    if (form.has(name)) throw new KmsError('malformed', 'A member of the request is there twice.');
    form.set(name, decoded(equals < 0 ? '' : part.slice(equals + 1)));
  }
  return form;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new KmsError('malformed', 'The request is not valid percent-encoding.');
  }
}
