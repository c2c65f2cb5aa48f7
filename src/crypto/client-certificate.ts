import type { KeyObject } from 'node:crypto';
import {
  type CertificateFields,
  extensionId,
  extensionText,
  keyIdentifiers,
  keyUsageBit,
  readCertificate,
} from './certificate-fields.ts';
import { digestHex } from './hash.ts';

// Whether a client's certificate holds: the checks of RFC 5280 section 6.1 for what is trusted here, without policies and name
// constraints. That the client has the key was shown by the TLS handshake.

/** Why a certificate is not taken. Each is told to whoever brought it. */
export type CertificateFault =
  | 'absent'
  | 'malformed'
  | 'expired'
  | 'not-yet-valid'
  | 'authority' // it may sign others, so it stands for nobody
  | 'usage' // its key is not for a TLS client
  | 'weak' // a key or a signature that nobody should rely on
  | 'not-understood' // a critical extension, or name constraints
  | 'untrusted';

/** What a client's certificate says, for those who decide whether that is enough. */
export interface ClientCertificate {
  readonly der: Uint8Array;
  /** Decimal. */
  readonly serial: string;
  readonly commonName: string;
  readonly organizationalUnits: readonly string[];
  readonly dnsNames: readonly string[];
  readonly emails: readonly string[];
  readonly uris: readonly string[];
  readonly subjectKeyIdentifier: Uint8Array;
  readonly authorityKeyIdentifier: Uint8Array;
  /** By object identifier, as text where it is a string. */
  readonly extensions: ReadonlyMap<string, string>;
}

/** A certificate that somebody chose to trust: an authority, or that of one client. */
export class TrustedCertificate {
  readonly fields: CertificateFields;
  /** SHA-256 of the certificate, in hexadecimal digits. */
  readonly id: string;
  readonly isAuthority: boolean;

  private constructor(fields: CertificateFields) {
    this.fields = fields;
    this.id = idOf(fields);
    this.isAuthority = isAuthority(fields);
  }

  /** Or why it is not one that anybody can be trusted by. */
  static read(der: Uint8Array): TrustedCertificate | CertificateFault {
    const fields = readCertificate(der);
    if (fields === undefined) return 'malformed';
    if (!isStrong(fields.publicKey)) return 'weak';
    return fields.isAuthority || forClients(fields) ? new TrustedCertificate(fields) : 'usage';
  }
}

/** Authorities, found by their names: what a login costs doesn't grow with how many are trusted. */
export class Authorities {
  readonly #bySubject: ReadonlyMap<string, readonly CertificateFields[]>;

  constructor(trusted: readonly TrustedCertificate[]) {
    // One that several trust is one: its steps are not to use up those of others.
    const each = new Map(trusted.filter((one) => one.isAuthority).map((one) => [one.id, one.fields]));
    this.#bySubject = Map.groupBy(each.values(), ({ subject }) => nameOf(subject));
  }

  named(name: Uint8Array): readonly CertificateFields[] {
    return this.#bySubject.get(nameOf(name)) ?? [];
  }
}

/** A certificate of a chain, as lists of what was revoked name it. */
export interface ChainLink {
  readonly id: string;
  readonly issuer: Uint8Array;
  readonly serial: string;
}

const nameOf = (name: Uint8Array): string => Buffer.from(name).toString('latin1');

/** More than anybody needs; fewer than would be costly to walk. */
const longestChain = 8;
const mostIntermediates = 9;
/** Certificates of one login that are tried as the next above another, whatever was sent and whoever is trusted. */
const mostSteps = 64;

const clientAuth = '1.3.6.1.5.5.7.3.2';
const anyUsage = '2.5.29.37.0';

/** What may be marked critical: the others say something that would be passed over. */
const understood: ReadonlySet<string> = new Set([
  extensionId.keyUsage,
  extensionId.subjectAlternativeName,
  extensionId.basicConstraints,
  // No policy is asked for, so that any is right (section 6.1.1).
  extensionId.certificatePolicies,
  extensionId.extendedKeyUsage,
]);

const hashes: ReadonlySet<string> = new Set([
  '2.16.840.1.101.3.4.2.1', // SHA-256
  '2.16.840.1.101.3.4.2.2',
  '2.16.840.1.101.3.4.2.3',
]);

const signatures: ReadonlySet<string> = new Set([
  '1.2.840.113549.1.1.11', // SHA-256 with RSA
  '1.2.840.113549.1.1.12',
  '1.2.840.113549.1.1.13',
  '1.2.840.10045.4.3.2', // ECDSA with SHA-256
  '1.2.840.10045.4.3.3',
  '1.2.840.10045.4.3.4',
  '1.3.101.112', // Ed25519
  '1.3.101.113',
  '2.16.840.1.101.3.4.3.17', // ML-DSA
  '2.16.840.1.101.3.4.3.18',
  '2.16.840.1.101.3.4.3.19',
]);

/** The certificates of one connection, to be held against what is trusted. */
export class PresentedCertificate {
  readonly client: ClientCertificate;
  readonly #leaf: CertificateFields;
  readonly #intermediates: readonly CertificateFields[];
  readonly #now: number;
  #steps = 0;

  private constructor(leaf: CertificateFields, intermediates: readonly CertificateFields[], now: number) {
    this.#leaf = leaf;
    this.#intermediates = intermediates;
    this.#now = now;
    this.client = shown(leaf);
  }

  /** The client's own certificate comes first. `now` in milliseconds since the epoch. */
  static read(presented: readonly Uint8Array[], now: number): PresentedCertificate | CertificateFault {
    const [first, ...others] = presented;
    if (first === undefined) return 'absent';
    const leaf = readCertificate(first);
    if (leaf === undefined) return 'malformed';
    if (leaf.isAuthority || leaf.certificate.ca) return 'authority';
    const fault = faultOf(leaf, now) ?? (forClients(leaf) ? undefined : 'usage');
    if (fault !== undefined) return fault;
    // What can't be read stands for nothing; the others may do without it.
    const intermediates = others.slice(0, mostIntermediates).map(readCertificate);
    return new PresentedCertificate(
      leaf,
      intermediates.filter((one) => one !== undefined),
      now,
    );
  }

  /** Whether it is this very certificate. */
  is(trusted: TrustedCertificate): boolean {
    return same(this.#leaf, trusted.fields);
  }

  /** Every chain from the client's certificate to an authority that is trusted, both included; or why there is none. */
  chainsTo(authorities: Authorities): readonly (readonly ChainLink[])[] | CertificateFault {
    const found: (readonly ChainLink[])[] = [];
    const fault = this.#grow([this.#leaf], authorities, found);
    return found.length > 0 ? found : fault;
  }

  /** The chain of a certificate that is trusted by itself. */
  get alone(): readonly ChainLink[] {
    return [link(this.#leaf)];
  }

  /** Adds to `found`; answers the first thing that was wrong, which is of use where nothing is found. */
  #grow(
    chain: readonly CertificateFields[],
    authorities: Authorities,
    found: (readonly ChainLink[])[],
  ): CertificateFault {
    const last = chain.at(-1)!;
    let fault: CertificateFault = 'untrusted';
    const trusted = authorities.named(last.issuer);
    for (const issuer of [...trusted, ...this.#intermediates.filter(({ subject }) => equal(subject, last.issuer))]) {
      if (chain.some((one) => same(one, issuer))) continue;
      if (++this.#steps > mostSteps) break;
      const wrong = this.#faultOfIssuer(issuer, chain.length) ?? (isSigned(last, issuer) ? undefined : 'untrusted');
      if (wrong !== undefined) {
        if (fault === 'untrusted') fault = wrong;
        continue;
      }
      const longer = [...chain, issuer];
      if (trusted.includes(issuer)) found.push(longer.map(link));
      else if (longer.length < longestChain) {
        const further = this.#grow(longer, authorities, found);
        if (fault === 'untrusted') fault = further;
      }
    }
    return fault;
  }

  /** `below`: how many certificates it would stand above, the client's own included. */
  #faultOfIssuer(issuer: CertificateFields, below: number): CertificateFault | undefined {
    if (!isAuthority(issuer)) return 'untrusted';
    if (issuer.pathLength !== undefined && below - 1 > issuer.pathLength) return 'untrusted';
    if (issuer.extensions.has(extensionId.nameConstraints)) return 'not-understood';
    return faultOf(issuer, this.#now) ?? (allowsClients(issuer) ? undefined : 'usage');
  }
}

const equal = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0;
const same = (one: CertificateFields, other: CertificateFields): boolean => equal(one.der, other.der);

const idOf = ({ der }: CertificateFields): string => digestHex('sha256', der);

const link = (fields: CertificateFields): ChainLink => ({
  id: idOf(fields),
  issuer: fields.issuer,
  serial: fields.serial,
});

function isSigned(one: CertificateFields, issuer: CertificateFields): boolean {
  return isSignedWell(one) && one.certificate.checkIssued(issuer.certificate) && verifies(one, issuer.publicKey);
}

/** What is wrong with any certificate of a chain, by itself. */
function faultOf({ certificate, extensions, publicKey }: CertificateFields, now: number): CertificateFault | undefined {
  if (certificate.validFromDate.getTime() > now) return 'not-yet-valid';
  if (certificate.validToDate.getTime() < now) return 'expired';
  for (const [id, { critical }] of extensions) if (critical && !understood.has(id)) return 'not-understood';
  return isStrong(publicKey) ? undefined : 'weak';
}

function isAuthority({ isAuthority: says, certificate, keyUsage }: CertificateFields): boolean {
  return says && certificate.ca && (keyUsage === undefined || (keyUsage & keyUsageBit.keyCertSign) !== 0);
}

const allowsClients = ({ extendedKeyUsage: usage }: CertificateFields): boolean =>
  usage === undefined || usage.includes(clientAuth) || usage.includes(anyUsage);

/** Section 4.2.1.3 and 4.2.1.12: what a TLS client does with its key is to sign. */
function forClients(fields: CertificateFields): boolean {
  const { keyUsage } = fields;
  return allowsClients(fields) && (keyUsage === undefined || (keyUsage & keyUsageBit.digitalSignature) !== 0);
}

/** 112 bits of security at least (SP 800-57 part 1, table 2). */
function isStrong({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): boolean {
  if (type === 'rsa' || type === 'rsa-pss') return (details?.modulusLength ?? 0) >= 2048;
  if (type === 'ec') return ['prime256v1', 'secp384r1', 'secp521r1'].includes(details?.namedCurve ?? '');
  return type === 'ed25519' || type === 'ed448' || (type ?? '').startsWith('ml-dsa-');
}

/** Collisions of older hashes would give one signature to two certificates. */
function isSignedWell({ signature: { algorithm, hash } }: CertificateFields): boolean {
  return signatures.has(algorithm) || (hash !== undefined && hashes.has(hash));
}

function verifies({ certificate }: CertificateFields, key: KeyObject): boolean {
  try {
    return certificate.verify(key);
  } catch {
    return false;
  }
}

function shown(fields: CertificateFields): ClientCertificate {
  const { der, serial, commonName, organizationalUnits, dnsNames, emails, uris, extensions } = fields;
  const { subject, authority } = keyIdentifiers(fields);
  return {
    der,
    serial,
    commonName,
    organizationalUnits,
    dnsNames,
    emails,
    uris,
    subjectKeyIdentifier: subject,
    authorityKeyIdentifier: authority,
    extensions: new Map([...extensions].map(([id, extension]) => [id, extensionText(extension)])),
  };
}
