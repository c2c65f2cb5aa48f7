import {
  type AskedScheme,
  type Key,
  KmsError,
  type MessageType,
  type NaturalScheme,
  type SignatureScheme,
  specFacts,
} from '#domain/domain.ts';

/** The scheme that a key of this spec signs with, where the request leaves that to the key. Throws where the key has none such. */
export function schemeOf(key: Key, asked: AskedScheme, messageType: MessageType): SignatureScheme {
  return asked.family === 'natural' ? naturalScheme(key, asked, messageType) : asked;
}

function naturalScheme(key: Key, asked: NaturalScheme, messageType: MessageType): SignatureScheme {
  const { family } = specFacts(key.spec);
  switch (family) {
    case 'rsa':
      if (asked.rsa === 'pkcs1') return { family: 'rsa-pkcs1', hash: asked.hash };
      return { family: 'rsa-pss', hash: hashFor(key, asked), saltLength: asked.saltLength };
    case 'ec':
      return { family: 'ecdsa', hash: hashFor(key, asked), encoding: asked.encoding };
    case 'ed25519':
      if (messageType !== 'digest') return { family: 'ed25519' };
      if (asked.hash !== 'sha512') {
        throw new KmsError('wrong-algorithm', 'An ed25519 key signs a digest of SHA-512 only (Ed25519ph).', key.id);
      }
      return { family: 'ed25519ph', hash: 'sha512' };
    case 'ml-dsa':
    case 'slh-dsa':
    case 'sm2':
      if (messageType === 'digest') {
        throw new KmsError('unsupported', `A ${key.spec} key signs messages, not digests.`, key.id);
      }
      return { family };
    case 'aes':
    case 'chacha20':
    case 'hmac':
    case 'x25519':
    case 'ml-kem':
      throw new KmsError('wrong-usage', `A ${key.spec} key does not sign.`, key.id);
  }
}

/** Without a hash there is PKCS#1 v1.5 alone. */
function hashFor(key: Key, { hash }: NaturalScheme) {
  if (hash === 'none') throw new KmsError('wrong-algorithm', 'This key signs with a hash only.', key.id);
  return hash;
}
