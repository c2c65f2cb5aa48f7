import type { KmsError } from '#domain/domain.ts';
import { certificateProof, decodeCertificateConfig, decodeWriteCertificate } from './decode-certificate.ts';
import { encodeCertificate, encodeCertificateConfig } from './encode-certificate.ts';
import { encodeNothing } from './encode-keys.ts';
import { PlacedError } from './errors.ts';
import { at, common, configured, login } from './login-operations.ts';
import type { Row } from './row.ts';

const one = 'auth/cert/certs/:name';

/** What was wrong is said: who asks has the certificate's key. */
function refused(error: KmsError): KmsError {
  const { code, message } = error;
  return code === 'invalid-proof' && !(error instanceof PlacedError) ? new PlacedError(400, code, message) : error;
}

/** Logins with the certificates of TLS clients. */
export const certificateOperations: readonly Row[] = [
  ...configured('cert', decodeCertificateConfig, encodeCertificateConfig),
  ...common('cert', one, 'auth/cert/certs', encodeCertificate),
  at(one, { method: 'POST', action: 'write-login', decode: decodeWriteCertificate, encode: encodeNothing }),
  login('auth/cert/login', certificateProof, refused),
];
