import { type KeyForm, type KeySpec, Plaintext, type SecretBytes, specFacts } from '#domain/domain.ts';
import { objectOf, openMaterial, rawPublicKeyOf } from './key-handle.ts';
import { releaseToCaller } from './release.ts';

/**
 * Key material as it leaves for the caller who may take it away: the raw bytes of a symmetric key; of a private key the PKCS#8 DER,
 * or its traditional form: RSAPrivateKey (RFC 8017 appendix A.1.2), ECPrivateKey (RFC 5915), or the seed of Ed25519 with the public
 * half behind it. Kinds without one have their PKCS#8. The caller still owns `material`.
 */
export function exportForm(spec: KeySpec, material: SecretBytes, form: KeyForm): Plaintext {
  const { family } = specFacts(spec);
  if (form === 'pkcs8' || !(family === 'rsa' || family === 'ec' || family === 'ed25519')) {
    return releaseToCaller(material);
  }
  const handle = openMaterial(spec, material);
  const object = objectOf(handle);
  if (family === 'ed25519') {
    const seed = object.export({ format: 'raw-private' });
    const whole = Buffer.concat([seed, rawPublicKeyOf(handle)]);
    seed.fill(0);
    return new Plaintext(whole);
  }
  return new Plaintext(object.export({ format: 'der', type: family === 'rsa' ? 'pkcs1' : 'sec1' }));
}
