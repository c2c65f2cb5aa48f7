import { type Command, KmsError, type Proof } from '#domain/domain.ts';
import { refuseOthers, text } from './fields.ts';
import { atMount, loginAt } from './login-fields.ts';
import type { Input } from './row.ts';

/** Whatever token comes along: who is sent to a provider's page is nobody yet. */
export const visitProof = (input: Input, peer: string): Proof => ({ kind: 'oidc-visit', ...loginAt(input), peer });

export function decodeBegin({ path, body }: Input): Command<'begin-oidc-login'> {
  refuseOthers(body, ['role', 'redirect_uri', 'client_nonce']);
  const [role, clientNonce] = [text(body, 'role'), text(body, 'client_nonce')];
  return {
    kind: 'begin-oidc-login',
    ...atMount({ path }),
    redirectUri: text(body, 'redirect_uri') ?? '',
    ...(role !== undefined && { role }),
    ...(clientNonce !== undefined && { clientNonce }),
  };
}

/** What a provider may say (RFC 6749 section 4.1.2.1): anything else is in nobody's words. */
const refusals = [
  'invalid_request',
  'unauthorized_client',
  'access_denied',
  'unsupported_response_type',
  'invalid_scope',
  'server_error',
  'temporarily_unavailable',
];
const unknownRefusal = 'An unknown error occurred during OIDC authentication.';

export function returnProof(input: Input, peer: string): Proof {
  const query = new URLSearchParams(input.query);
  const said = one(query, 'error').trim().toLowerCase();
  const clientNonce = one(query, 'client_nonce');
  return {
    kind: 'oidc',
    ...loginAt(input),
    state: one(query, 'state'),
    code: one(query, 'code'),
    peer,
    ...(clientNonce !== '' && { clientNonce }),
    ...(said !== '' && { refusal: refusals.includes(said) ? said : unknownRefusal }),
  };
}

/** Throws 'malformed' where it is said twice. */
function one(query: URLSearchParams, name: string): string {
  const [value = '', ...more] = query.getAll(name);
  if (more.length > 0) throw new KmsError('malformed', `"${name}" is there more than once.`);
  return value;
}
