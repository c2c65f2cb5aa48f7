import type { KmsError } from '#domain/domain.ts';
import {
  certificateProof,
  decodeCertificateConfig,
  decodeReadCertificateConfig,
  decodeWriteCertificate,
} from './decode-certificate.ts';
import { decodeLogin } from './decode-login.ts';
import { encodeCertificate, encodeCertificateConfig } from './encode-certificate.ts';
import { encodeNothing } from './encode-keys.ts';
import { encodeCreatedToken } from './encode-token.ts';
import { PlacedError } from './errors.ts';
import { at, common } from './login-operations.ts';
import type { Row } from './row.ts';

const one = 'auth/cert/certs/:name';

/** What was wrong is said: who asks has the certificate's key. */
function refused(error: KmsError): KmsError {
  const { code, message } = error;
  return code === 'invalid-proof' && !(error instanceof PlacedError) ? new PlacedError(400, code, message) : error;
}

/** Logins with the certificates of TLS clients. */
export const certificateOperations: readonly Row[] = [
  at('auth/cert/config', {
    method: 'GET',
    action: 'read-auth-mount',
    decode: decodeReadCertificateConfig,
    encode: encodeCertificateConfig,
  }),
  at('auth/cert/config', {
    method: 'POST',
    action: 'configure-auth-mount',
    decode: decodeCertificateConfig,
    encode: encodeNothing,
  }),
  ...common('cert', one, 'auth/cert/certs', encodeCertificate),
  at(one, { method: 'POST', action: 'write-login', decode: decodeWriteCertificate, encode: encodeNothing }),
  at('auth/cert/login', {
    method: 'POST',
    action: 'login',
    proof: certificateProof,
    failure: refused,
    decode: decodeLogin,
    encode: encodeCreatedToken,
    as: 'auth',
  }),
];
