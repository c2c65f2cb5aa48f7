import { createPrivateKey, generateKeyPairSync, type KeyObject, sign, X509Certificate } from 'node:crypto';
import { KmsError } from '#domain/domain.ts';
import {
  der,
  derBitString,
  derContext,
  derInteger,
  derOctetString,
  derOid,
  derSequence,
  derTag,
  derTime,
  derTrue,
  derUtf8,
  readDer,
  toPem,
} from '#encoding/encoding.ts';
import { digest } from './hash.ts';
import { randomBytes } from './random.ts';
import { subjectAlternativeName } from './subject-alternative-name.ts';

// X.509 v3 certificates (RFC 5280) for the server's own TLS: a local authority and what it issues, P-256 with SHA-256.

/** PEM: a certificate, and the PKCS#8 private key that belongs to it. The key's file is its holder's to protect. */
export interface CertificateAndKey {
  readonly certificate: string;
  readonly key: string;
}

const day = 24 * 60 * 60 * 1000;
const authorityDays = 3652;
/** Clocks of clients may be behind ours. */
const skew = 60 * 60 * 1000;

const oid = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAlternativeName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
} as const;

/** A certificate authority of its own, good for ten years, that may sign end entities only. `now` in milliseconds. */
export function createAuthority(name: string, now: number): CertificateAndKey {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const subject = commonName(name);
  const certificate = signed(pair.privateKey, {
    issuer: subject,
    subject,
    publicKey: pair.publicKey,
    from: now - skew,
    until: now + authorityDays * day,
    extensions: [
      // cA, and a path of no further authorities.
      extension(oid.basicConstraints, 'critical', derSequence(derTrue, derInteger(Uint8Array.of(0)))),
      // keyCertSign and cRLSign.
      extension(oid.keyUsage, 'critical', derBitString(Uint8Array.of(0x06), 1)),
      extension(oid.subjectKeyIdentifier, 'plain', derOctetString(keyIdentifier(pair.publicKey))),
    ],
  });
  return { certificate, key: pkcs8Pem(pair.privateKey) };
}

export interface ServerCertificateRequest {
  /** DNS names, with a leading wildcard label or not, and IPv4 and IPv6 addresses; at least one. */
  readonly hosts: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** How long it is good; never longer than the authority. */
  readonly days: number;
}

/** A TLS server's certificate with a key of its own. Throws 'invalid-parameter' for a host that is neither name nor address. */
export function issueServerCertificate(
  authority: CertificateAndKey,
  { hosts, now, days }: ServerCertificateRequest,
): CertificateAndKey {
  const issuer = readAuthority(authority);
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const certificate = signed(issuer.privateKey, {
    issuer: issuer.name,
    subject: commonName('Claviger server'),
    publicKey: pair.publicKey,
    from: now - skew,
    until: Math.min(now + days * day, issuer.until),
    extensions: [
      extension(oid.basicConstraints, 'critical', derSequence()),
      // digitalSignature.
      extension(oid.keyUsage, 'critical', derBitString(Uint8Array.of(0x80), 7)),
      extension(oid.extendedKeyUsage, 'plain', derSequence(derOid(oid.serverAuth))),
      extension(oid.subjectAlternativeName, 'plain', subjectAlternativeName(hosts)),
      extension(oid.subjectKeyIdentifier, 'plain', derOctetString(keyIdentifier(pair.publicKey))),
      extension(
        oid.authorityKeyIdentifier,
        'plain',
        derSequence(derContext(0, false, keyIdentifier(issuer.publicKey))),
      ),
    ],
  });
  return { certificate, key: pkcs8Pem(pair.privateKey) };
}

interface Issuer {
  /** The subject's Name as it is encoded in the certificate: the issuer of others must equal it byte for byte. */
  readonly name: Uint8Array;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly until: number;
}

/** Throws 'internal' where certificate and key aren't those of an authority. */
function readAuthority(authority: CertificateAndKey): Issuer {
  try {
    const certificate = new X509Certificate(authority.certificate);
    const privateKey = createPrivateKey(authority.key);
    // Section 4.1: version, serial number, signature, issuer, validity, subject.
    const name = readDer(readDer(readDer(certificate.raw)![0]!.body)![0]!.body)![5]!.whole;
    if (certificate.ca && certificate.checkPrivateKey(privateKey)) {
      return { name, privateKey, publicKey: certificate.publicKey, until: certificate.validToDate.getTime() };
    }
  } catch {
    // Said below, the same for every way in which it is wrong.
  }
  throw new KmsError('internal', 'The certificate authority can not be read.');
}

interface Certificate {
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly publicKey: KeyObject;
  readonly from: number;
  readonly until: number;
  readonly extensions: readonly Uint8Array[];
}

/** TBSCertificate and its signature, section 4.1, in PEM. */
function signed(issuerKey: KeyObject, certificate: Certificate): string {
  const algorithm = derSequence(derOid(oid.ecdsaWithSha256));
  const tbs = derSequence(
    derContext(0, true, derInteger(Uint8Array.of(2))), // v3
    derInteger(serialNumber()),
    algorithm,
    certificate.issuer,
    derSequence(derTime(certificate.from), derTime(certificate.until)),
    certificate.subject,
    certificate.publicKey.export({ format: 'der', type: 'spki' }),
    derContext(3, true, derSequence(...certificate.extensions)),
  );
  return toPem('CERTIFICATE', derSequence(tbs, algorithm, derBitString(sign('sha256', tbs, issuerKey))));
}

/** 127 random bits, positive and of one length (section 4.1.2.2). */
function serialNumber(): Uint8Array {
  const serial = randomBytes(16);
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  return serial;
}

function extension(id: string, criticality: 'critical' | 'plain', value: Uint8Array): Uint8Array {
  const critical = criticality === 'critical' ? [derTrue] : [];
  return derSequence(derOid(id), ...critical, derOctetString(value));
}

/** A Name of one attribute. Appendix A.1 allows it 64 characters. */
function commonName(name: string): Uint8Array {
  if (name.length < 1 || name.length > 64) {
    throw new KmsError('invalid-parameter', 'The name of a certificate must be 1 to 64 characters long.');
  }
  return derSequence(der(derTag.set, derSequence(derOid(oid.commonName), derUtf8(name))));
}

/** RFC 7093 section 2 method 1: 160 bits of SHA-256 over the bare key. */
function keyIdentifier(publicKey: KeyObject): Uint8Array {
  return digest('sha256', publicKey.export({ format: 'raw-public' })).subarray(0, 20);
}

function pkcs8Pem(privateKey: KeyObject): string {
  return privateKey.export({ format: 'pem', type: 'pkcs8' }) as string;
}
