import { diffieHellman } from 'node:crypto';
import { type KeySpec, KmsError, SecretBytes, specFacts } from '#domain/domain.ts';
import { type KeyHandle, objectOf } from './key-handle.ts';

/** Curves whose multiplication costs less than a hop to the thread pool. */
const fast: ReadonlySet<KeySpec> = new Set<KeySpec>(['ec-p256', 'x25519']);

/**
 * The raw shared secret of ECDH (SP 800-56A section 5.7.1.2: the x coordinate, as long as the field) or X25519 (RFC 7748 section
 * 6.1), which the caller owns. Rejects with 'wrong-algorithm' where the keys aren't two of one kind that can agree, and with
 * 'invalid-parameter' where the secret would be all zeros. Points off the curve don't get this far: `openPublicKey` refuses them.
 */
export async function agree(privateKey: KeyHandle, peer: KeyHandle): Promise<SecretBytes> {
  if (privateKey.spec !== peer.spec || !specFacts(privateKey.spec).usages.includes('agree')) {
    throw new KmsError('wrong-algorithm', 'Both keys must be of one spec that can agree on a secret.', privateKey.spec);
  }
  const keys = { privateKey: objectOf(privateKey), publicKey: objectOf(peer) };
  try {
    return new SecretBytes(fast.has(peer.spec) ? diffieHellman(keys) : await onThreadPool(keys));
  } catch {
    throw new KmsError('invalid-parameter', 'The public key gives no secret.');
  }
}

function onThreadPool(keys: Parameters<typeof diffieHellman>[0]): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    diffieHellman(keys, (error, secret) => (error ? reject(error) : resolve(secret)));
  });
}
