import { type KeySpec, KmsError, type SignatureScheme, specFacts } from '#domain/domain.ts';
import {
  derBitString,
  derContext,
  derInteger,
  derNull,
  derOid,
  derSequence,
  derTag,
  readDer,
} from '#encoding/encoding.ts';
import type { KeyHandle } from './key-handle.ts';
import { sign } from './signature.ts';
import { inside, natural, need, only, strictly, Unreadable } from './strict-der.ts';

const ecdsaWith = {
  sha256: '1.2.840.10045.4.3.2',
  sha384: '1.2.840.10045.4.3.3',
  sha512: '1.2.840.10045.4.3.4',
} as const;
const sha256WithRsaEncryption = '1.2.840.113549.1.1.11';
const attributesTag = 0xa0;

interface Template {
  readonly subject: Uint8Array;
  readonly attributes: Uint8Array;
}

const empty: Template = { subject: derSequence(), attributes: derContext(0, true) };

/**
 * A CertificationRequest (RFC 2986 section 4) of a key pair: DER, signed by its private half. `template` is another one, whose
 * subject and attributes are taken over and whose key and signature are not. Throws 'invalid-parameter' for a template that is none,
 * 'wrong-algorithm' for kinds of keys that sign no requests.
 */
export async function certificateRequest(
  privateKey: KeyHandle,
  spki: Uint8Array,
  template: Uint8Array | undefined,
): Promise<Uint8Array> {
  const { scheme, algorithm } = algorithmOf(privateKey.spec, spki);
  const { subject, attributes } = template === undefined ? empty : readTemplate(template);
  const info = derSequence(derInteger(Uint8Array.of(0)), subject, spki, attributes);
  return derSequence(info, algorithm, derBitString(await sign(privateKey, scheme, 'raw', info)));
}

function readTemplate(template: Uint8Array): Template {
  const read = strictly(() => templateOf(template));
  if (read === undefined) throw new KmsError('invalid-parameter', 'The template is no certificate request.');
  return read;
}

function templateOf(template: Uint8Array): Template {
  const { sequence, set, bitString } = derTag;
  const [info, algorithm, signature, ...others] = inside(only(template, sequence), sequence);
  const [version, subject, publicKey, attributes, ...more] = inside(info, sequence);
  if (natural(version) !== 0n || others.length + more.length > 0) throw new Unreadable();
  need(algorithm, sequence);
  need(signature, bitString);
  need(publicKey, sequence);
  for (const name of inside(subject, sequence)) need(name, set);
  if (attributes !== undefined) for (const one of inside(attributes, attributesTag)) need(one, sequence);
  return { subject: subject!.whole, attributes: attributes?.whole ?? empty.attributes };
}

function algorithmOf(spec: KeySpec, spki: Uint8Array): { scheme: SignatureScheme; algorithm: Uint8Array } {
  const { family, hash } = specFacts(spec);
  switch (family) {
    case 'rsa':
      return {
        scheme: { family: 'rsa-pkcs1', hash: 'sha256' },
        algorithm: derSequence(derOid(sha256WithRsaEncryption), derNull),
      };
    case 'ec': {
      const own = hash as keyof typeof ecdsaWith;
      return { scheme: { family: 'ecdsa', hash: own }, algorithm: derSequence(derOid(ecdsaWith[own])) };
    }
    case 'ed25519':
    case 'ml-dsa':
    case 'slh-dsa':
      // The key's own identifier names the signature too (RFC 8410 section 3, RFC 9881 section 2, RFC 9909 section 3).
      return { scheme: { family }, algorithm: readDer(readDer(spki)![0]!.body)![0]!.whole };
    case 'aes':
    case 'chacha20':
    case 'hmac':
    case 'x25519':
    case 'ml-kem':
    case 'sm2':
      throw new KmsError('wrong-algorithm', `A ${spec} key signs no certificate requests.`, spec);
  }
}
