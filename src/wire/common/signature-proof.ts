import type { Proof } from '#domain/domain.ts';
import type { RequestHead } from '#wire/wire.ts';
import { header } from './respond.ts';

/** Of a request that was refused before its proof could be judged. */
export const unread: Proof = Object.freeze({ kind: 'none', unread: true });

/**
 * What an AWS request carries to show who sent it, in a header or in the query; `identity/` refuses both at once. `services` are the names that
 * the door accepts in the scope of the signature.
 */
export function signatureProof(head: RequestHead, body: Uint8Array, services: readonly string[]): Proof {
  const authorization = header(head.headers, 'authorization');
  const inHeader = authorization?.startsWith('AWS4-') === true;
  // The names may be percent-encoded: whatever looks like one of them is looked at.
  if (!inHeader && (head.query === '' || !/x(?:-|%2d)amz(?:-|%2d)/i.test(head.query))) return { kind: 'none' };
  const { method, path, query, headers } = head;
  return { kind: 'sigv4', method, path, query, headers, body, services };
}
