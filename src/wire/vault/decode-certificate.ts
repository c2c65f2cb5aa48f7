import { type CertificateRole, type Command, KmsError, type Proof } from '#domain/domain.ts';
import { boolean, integer, refuseOthers, text } from './fields.ts';
import { has, list, loginAt, mountOf, present, tokenSettings, word, writing } from './login-fields.ts';
import type { Input } from './row.ts';

/** Clients send the size of a cache that isn't there; nothing else of it is taken. */
export function decodeCertificateConfig({ path, body }: Input): Command<'configure-auth-mount'> {
  refuseOthers(body, ['disable_binding', 'ocsp_cache_size']);
  const size = integer(body, 'ocsp_cache_size');
  if (size !== undefined && size !== 0 && (size < 2 || size > 100_000)) {
    throw new KmsError('invalid-parameter', 'invalid cache size, must be >= 2 and <= 100000');
  }
  const renewsUnbound = boolean(body, 'disable_binding');
  return {
    kind: 'configure-auth-mount',
    path: mountOf({ path }),
    config: { kind: 'cert', ...(renewsUnbound !== undefined && { renewsUnbound }) },
  };
}

const members = [
  'name',
  'certificate',
  'display_name',
  'allowed_names',
  'allowed_common_names',
  'allowed_dns_sans',
  'allowed_email_sans',
  'allowed_uri_sans',
  'allowed_organizational_units',
  'required_extensions',
  'allowed_metadata_extensions',
  'bound_cidrs',
  'lease',
];

/** What is left out stays as it is. */
export function decodeWriteCertificate(input: Input): Command<'write-login'> {
  const { body } = input;
  const token = tokenSettings(body, members);
  const lease = has(body, 'token_ttl') || has(body, 'ttl') ? undefined : integer(body, 'lease');
  return {
    ...writing('cert', input),
    token: { ...token, ...(lease !== undefined && { ttl: lease * 1000 }) },
    cert: present<CertificateRole>({
      certificate: word(body, 'certificate'),
      displayName: word(body, 'display_name'),
      names: list(body, 'allowed_names'),
      commonNames: list(body, 'allowed_common_names'),
      dnsNames: list(body, 'allowed_dns_sans'),
      emails: list(body, 'allowed_email_sans'),
      uris: list(body, 'allowed_uri_sans'),
      organizationalUnits: list(body, 'allowed_organizational_units'),
      requiredExtensions: list(body, 'required_extensions'),
      metadataExtensions: list(body, 'allowed_metadata_extensions'),
    }),
  };
}

/** What the handshake showed; the request says at most which role is meant. */
export function certificateProof(input: Input, peer: string): Proof {
  const { body, certificates = [] } = input;
  refuseOthers(body, ['name']);
  const name = text(body, 'name');
  return { kind: 'certificate', ...loginAt(input), certificates, peer, ...(name !== undefined && { name }) };
}
