import { KmsError } from '#domain/domain.ts';
import { readCertificate } from './certificate-fields.ts';
import { equalSecrets } from './hash.ts';

/**
 * Throws 'invalid-parameter' unless the certificates, in DER, are one of that public key (SubjectPublicKeyInfo DER), which is no
 * authority's, and those of authorities behind it.
 */
export function assertCertificatesOf(spki: Uint8Array, certificates: readonly Uint8Array[]): void {
  const refuse = (reason: string) => new KmsError('invalid-parameter', reason);
  const [own, ...authorities] = certificates.map((der) => {
    const fields = readCertificate(der);
    if (fields === undefined) throw refuse('could not parse a certificate in the certificate chain');
    return fields;
  });
  if (own === undefined) throw refuse('expected at least one certificate in the certificate chain');
  if (own.isAuthority) throw refuse('certificate in the first element is not a valid leaf certificate');
  if (!authorities.every(({ isAuthority }) => isAuthority)) {
    throw refuse('certificate behind the first element is not a valid CA certificate');
  }
  if (!equalSecrets(own.publicKey.export({ format: 'der', type: 'spki' }), spki)) {
    throw refuse('leaf certificate public key does not match the selected key version');
  }
}
