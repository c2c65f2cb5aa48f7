import type { KmsError } from '#domain/domain.ts';
import { decodeConfig, decodeWriteJwtRole, jwtProof } from './decode-jwt.ts';
import { decodeBegin, returnProof, visitProof } from './decode-oidc.ts';
import { encodeConfig, encodeJwtRole } from './encode-jwt.ts';
import { encodeNothing } from './encode-keys.ts';
import { PlacedError } from './errors.ts';
import { at, common, configured, login } from './login-operations.ts';
import type { Row } from './row.ts';

const role = 'auth/jwt/role/:name';

/** What was wrong is said: who asks has the token already, and nothing in it is a secret of the server's. */
function refused(error: KmsError): KmsError {
  return error.code === 'invalid-proof' && error.subject === 'login'
    ? new PlacedError(400, error.code, error.message)
    : error;
}

/** Logins with tokens that others signed, and through the pages of OpenID Connect providers. Mounts of both types have all of it. */
export const jwtOperations: readonly Row[] = [
  ...configured('jwt', decodeConfig, encodeConfig),
  ...common('jwt', role, 'auth/jwt/role', encodeJwtRole),
  at(role, { method: 'POST', action: 'write-login', decode: decodeWriteJwtRole, encode: encodeNothing }),
  login('auth/jwt/login', jwtProof, refused),
  at('auth/jwt/oidc/auth_url', {
    method: 'POST',
    action: 'begin-oidc-login',
    proof: visitProof,
    failure: refused,
    decode: decodeBegin,
    encode: ({ url }) => JSON.stringify({ auth_url: url }),
  }),
  login('auth/jwt/oidc/callback', returnProof, refused, 'GET'),
];
