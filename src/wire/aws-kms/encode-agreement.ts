import type { Result } from '#domain/domain.ts';
import { blob, keyId, secret } from './encode-use.ts';
import type { Names } from './names.ts';
import type { Asked } from './row.ts';

export function encodeDeriveSharedSecret(
  result: Result<'derive-shared-secret'>,
  _asked: Asked<'derive-shared-secret'>,
  names: Names,
): string {
  const origin = result.key.origin === 'external' ? 'EXTERNAL' : 'AWS_KMS';
  return `{"KeyAgreementAlgorithm":"ECDH",${keyId(names, result)},"KeyOrigin":"${origin}",${secret('SharedSecret', result.sharedSecret)}}`;
}

export function encodeEncapsulate(result: Result<'encapsulate'>, _asked: Asked<'encapsulate'>, names: Names): string {
  return (
    `{"EncapsulationAlgorithm":"ML_KEM",${keyId(names, result)},${secret('SharedSecret', result.sharedSecret)}` +
    `,${blob('SharedSecretCiphertextBlob', result.ciphertext)}}`
  );
}

export function encodeDecapsulate(result: Result<'decapsulate'>, _asked: Asked<'decapsulate'>, names: Names): string {
  return `{"EncapsulationAlgorithm":"ML_KEM",${keyId(names, result)},${secret('SharedSecret', result.sharedSecret)}}`;
}
