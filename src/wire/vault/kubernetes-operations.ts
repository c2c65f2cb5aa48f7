import type { KmsError } from '#domain/domain.ts';
import { decodeConfig, decodeWriteRole, kubernetesProof } from './decode-kubernetes.ts';
import { encodeNothing } from './encode-keys.ts';
import { encodeConfig, encodeRole } from './encode-kubernetes.ts';
import { PlacedError } from './errors.ts';
import { at, common, configured, login } from './login-operations.ts';
import type { Row } from './row.ts';

const role = 'auth/kubernetes/role/:name';

/** Which part failed is said: who asks has the token already. */
function refused(error: KmsError): KmsError {
  const { code, subject, message } = error;
  if (code !== 'invalid-proof' || error instanceof PlacedError) return error;
  return new PlacedError(subject === 'login-place' ? 400 : 403, code, message);
}

/** Logins with the tokens of service accounts. */
export const kubernetesOperations: readonly Row[] = [
  ...configured('kubernetes', decodeConfig, encodeConfig),
  ...common('kubernetes', role, 'auth/kubernetes/role', encodeRole),
  at(role, { method: 'POST', action: 'write-login', decode: decodeWriteRole, encode: encodeNothing }),
  login('auth/kubernetes/login', kubernetesProof, refused),
];
