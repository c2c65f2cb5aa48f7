import { type CertificateFault, type ClientCertificate, TrustedCertificate } from '#crypto/crypto.ts';
import { type CertificateRole, KmsError } from '#domain/domain.ts';
import { everyFromPem } from '#encoding/encoding.ts';
import { fits } from './claims.ts';

const maxPem = 64 * 1024;
const maxCertificates = 20;
const maxList = 100;
const maxText = 512;
const oid = /^[0-2](?:\.(?:0|[1-9]\d{0,9})){1,32}$/;

const wrong = (words: string) => new KmsError('invalid-parameter', words);

/** What the role asks for, with what it asked for before where nothing is said. Throws 'invalid-parameter'. */
export function certificateRole(
  name: string,
  given: Partial<CertificateRole>,
  known: CertificateRole | undefined,
): CertificateRole {
  const fresh: CertificateRole = {
    certificate: '',
    displayName: name,
    names: [],
    commonNames: [],
    dnsNames: [],
    emails: [],
    uris: [],
    organizationalUnits: [],
    requiredExtensions: [],
    metadataExtensions: [],
  };
  const role = { ...(known ?? fresh), ...given };
  trustedBy(role);
  const { names, commonNames, dnsNames, emails, uris, organizationalUnits, requiredExtensions } = role;
  const { metadataExtensions, displayName } = role;
  const lists = [
    names,
    commonNames,
    dnsNames,
    emails,
    uris,
    organizationalUnits,
    requiredExtensions,
    metadataExtensions,
  ];
  if (lists.some((list) => list.length > maxList || list.some((text) => text.length > maxText))) {
    throw wrong(`A certificate is bound to at most ${maxList} of each, of ${maxText} characters.`);
  }
  if (!/^[^\p{C}]{0,64}$/u.test(displayName)) throw wrong('A display name has at most 64 printable characters.');
  if (!requiredExtensions.every((text) => text.includes(':') && oid.test(text.slice(0, text.indexOf(':'))))) {
    throw wrong('A required extension is written as OID:VALUE.');
  }
  if (!metadataExtensions.every((text) => oid.test(text))) throw wrong('An extension is named by its OID.');
  return displayName === '' ? { ...role, displayName: name } : role;
}

/** The certificates of a role. Throws 'invalid-parameter'. */
export function trustedBy({ certificate: pem }: CertificateRole): readonly TrustedCertificate[] {
  const blocks = pem.length > maxPem ? undefined : everyFromPem('CERTIFICATE', pem);
  if (blocks === undefined || blocks.length > maxCertificates) throw wrong('failed to parse certificate');
  const trusted = blocks.map((der) => {
    const read = TrustedCertificate.read(der);
    if (typeof read === 'string') throw wrong(untrusted[read]);
    return read;
  });
  if (trusted.length > 1 && trusted.some(({ isAuthority }) => !isAuthority)) {
    throw wrong('A client’s own certificate stands alone; beside others there are authorities only.');
  }
  return trusted;
}

const unreadable = 'failed to parse certificate';

const untrusted = {
  absent: unreadable,
  malformed: unreadable,
  expired: unreadable,
  'not-yet-valid': unreadable,
  authority: unreadable,
  usage: 'nonCA certificates should have TLS client authentication set as an extended key usage',
  weak: 'the key of the certificate is too short, or of a kind that is not relied on',
  'not-understood': unreadable,
  untrusted: unreadable,
} as const satisfies Record<CertificateFault, string>;

/** Whether the certificate is what the role asks for; whose word it has is another question. */
export function isAskedFor(role: CertificateRole, client: ClientCertificate): boolean {
  const { commonName, dnsNames, emails, uris, organizationalUnits, extensions } = client;
  return (
    oneFits(role.names, [commonName, ...dnsNames, ...emails]) &&
    oneFits(role.commonNames, [commonName]) &&
    oneFits(role.dnsNames, dnsNames) &&
    oneFits(role.emails, emails) &&
    oneFits(role.uris, uris) &&
    oneFits(role.organizationalUnits, organizationalUnits) &&
    role.requiredExtensions.every((text) => {
      const colon = text.indexOf(':');
      const value = extensions.get(text.slice(0, colon));
      return value !== undefined && fits(text.slice(colon + 1), value);
    })
  );
}

function oneFits(patterns: readonly string[], values: readonly string[]): boolean {
  return patterns.length === 0 || patterns.some((pattern) => values.some((value) => fits(pattern, value)));
}
