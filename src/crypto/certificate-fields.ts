import { type KeyObject, X509Certificate } from 'node:crypto';
import { type DerElement, readDer, toPem } from '#encoding/encoding.ts';
import { directoryString, textOf } from './certificate-text.ts';
import { inside, natural, need, oidOf, only, Unreadable } from './strict-der.ts';

// What a certificate says of itself (RFC 5280 section 4), read strictly: what has two readings is no certificate.

export interface Extension {
  readonly critical: boolean;
  /** What stands in its OCTET STRING. */
  readonly value: Uint8Array;
}

export interface CertificateFields {
  readonly certificate: X509Certificate;
  readonly publicKey: KeyObject;
  readonly der: Uint8Array;
  /** Decimal. */
  readonly serial: string;
  /** As it is encoded. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  /** The last one, '' where there is none. */
  readonly commonName: string;
  readonly organizationalUnits: readonly string[];
  readonly dnsNames: readonly string[];
  readonly emails: readonly string[];
  readonly uris: readonly string[];
  /** By object identifier. */
  readonly extensions: ReadonlyMap<string, Extension>;
  readonly isAuthority: boolean;
  /** Authorities that may stand between it and an end entity; undefined: any number. */
  readonly pathLength: number | undefined;
  /** The bits of KeyUsage, the first one the highest; undefined: not limited. */
  readonly keyUsage: number | undefined;
  /** Undefined: not limited. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  /** The object identifier of the signature, and of the hash where RSASSA-PSS names one. */
  readonly signature: { readonly algorithm: string; readonly hash: string | undefined };
}

export const extensionId = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAlternativeName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  certificatePolicies: '2.5.29.32',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const;

export const keyUsageBit = { digitalSignature: 0x80, keyCertSign: 0x04 } as const;

const rsaPss = '1.2.840.113549.1.1.10';

/** Undefined where it is not one sound certificate, and nothing but that. */
export function readCertificate(der: Uint8Array): CertificateFields | undefined {
  try {
    // In PEM, because of a DER text that holds a PEM text Node would read the inner one.
    const certificate = new X509Certificate(toPem('CERTIFICATE', der));
    return Buffer.compare(certificate.raw, der) === 0 ? fieldsOf(certificate, der) : undefined;
  } catch {
    return undefined;
  }
}

function fieldsOf(certificate: X509Certificate, der: Uint8Array): CertificateFields {
  const [tbs, algorithm] = inside(only(der, 0x30), 0x30);
  const parts = inside(tbs, 0x30);
  // Version 3 says so; without extensions it may be an older one.
  if (parts[0]?.tag === 0xa0) parts.shift();
  const [serial, , issuer, , subject] = parts;
  const extensions = extensionsOf(parts.find(({ tag }) => tag === 0xa3));
  const basic = extensions.get(extensionId.basicConstraints);
  const names = namesOf(extensions.get(extensionId.subjectAlternativeName));
  return {
    certificate,
    publicKey: certificate.publicKey,
    der,
    serial: natural(serial).toString(),
    issuer: whole(issuer),
    subject: whole(subject),
    ...subjectOf(subject),
    ...names,
    extensions,
    ...authorityOf(basic),
    keyUsage: keyUsageOf(extensions.get(extensionId.keyUsage)),
    extendedKeyUsage: extendedOf(extensions.get(extensionId.extendedKeyUsage)),
    signature: signatureOf(algorithm),
  };
}

const whole = (element: DerElement | undefined): Uint8Array => need(element, 0x30).whole;

function subjectOf(subject: DerElement | undefined) {
  let commonName = '';
  const organizationalUnits: string[] = [];
  for (const set of inside(subject, 0x30)) {
    for (const attribute of inside(set, 0x31)) {
      const [type, value] = inside(attribute, 0x30);
      const name = oidOf(type);
      if (name !== '2.5.4.3' && name !== '2.5.4.11') continue;
      const text = value && directoryString(value);
      if (text === undefined) throw new Unreadable();
      if (name === '2.5.4.3') commonName = text;
      else organizationalUnits.push(text);
    }
  }
  return { commonName, organizationalUnits };
}

function extensionsOf(field: DerElement | undefined): ReadonlyMap<string, Extension> {
  const extensions = new Map<string, Extension>();
  if (field === undefined) return extensions;
  for (const extension of inside(only(field.body, 0x30), 0x30)) {
    const [id, ...rest] = inside(extension, 0x30);
    const critical = rest[0]?.tag === 0x01 && boolean(rest.shift());
    const name = oidOf(id);
    // Section 4.2: no certificate has two of a kind.
    if (rest.length !== 1 || extensions.has(name)) throw new Unreadable();
    extensions.set(name, { critical, value: need(rest[0], 0x04).body });
  }
  return extensions;
}

function boolean(element: DerElement | undefined): boolean {
  const { body } = need(element, 0x01);
  if (body.length !== 1 || (body[0] !== 0xff && body[0] !== 0)) throw new Unreadable();
  return body[0] === 0xff;
}

function authorityOf(extension: Extension | undefined) {
  const members = extension === undefined ? [] : inside(only(extension.value, 0x30), 0x30);
  const isAuthority = members[0]?.tag === 0x01 && boolean(members.shift());
  const pathLength = members.length === 0 ? undefined : Number(natural(members.shift()));
  if (members.length > 0) throw new Unreadable();
  return { isAuthority, pathLength };
}

function keyUsageOf(extension: Extension | undefined): number | undefined {
  if (extension === undefined) return undefined;
  const { body } = only(extension.value, 0x03);
  if (body.length < 2) throw new Unreadable();
  return body[1]!;
}

function extendedOf(extension: Extension | undefined): readonly string[] | undefined {
  return extension && inside(only(extension.value, 0x30), 0x30).map(oidOf);
}

/** GeneralNames, section 4.2.1.6: [1] an e-mail address, [2] a DNS name, [6] a URI. */
function namesOf(extension: Extension | undefined) {
  const names = extension === undefined ? [] : inside(only(extension.value, 0x30), 0x30);
  const of = (wanted: number) =>
    names
      .filter(({ tag }) => tag === wanted)
      .map(({ body }) => {
        const text = textOf(0x16, body);
        if (text === undefined) throw new Unreadable();
        return text;
      });
  return { emails: of(0x81), dnsNames: of(0x82), uris: of(0x86) };
}

function signatureOf(field: DerElement | undefined): CertificateFields['signature'] {
  const [id, parameters] = inside(field, 0x30);
  const algorithm = oidOf(id);
  if (algorithm !== rsaPss) return { algorithm, hash: undefined };
  // RFC 4055 section 3.1: [0] names the hash, which is SHA-1 where nothing is said.
  const hash = inside(parameters, 0x30).find(({ tag }) => tag === 0xa0);
  return { algorithm, hash: hash && oidOf(inside(only(hash.body, 0x30), 0x30)[0]) };
}

/** A value that is a string of some kind; '' where it isn't. */
export function extensionText({ value }: Extension): string {
  const [element, ...more] = readDer(value) ?? [];
  return element === undefined || more.length > 0 ? '' : (directoryString(element) ?? '');
}

/** `subjectKeyIdentifier` and `authorityKeyIdentifier`, in bytes; empty where there is none. */
export function keyIdentifiers({ extensions }: CertificateFields) {
  const subject = readDer(extensions.get(extensionId.subjectKeyIdentifier)?.value ?? new Uint8Array(0));
  const [authority] = readDer(extensions.get(extensionId.authorityKeyIdentifier)?.value ?? new Uint8Array(0)) ?? [];
  const identifier = authority && readDer(authority.body)?.find(({ tag }) => tag === 0x80);
  return { subject: subject?.[0]?.body ?? new Uint8Array(0), authority: identifier?.body ?? new Uint8Array(0) };
}
