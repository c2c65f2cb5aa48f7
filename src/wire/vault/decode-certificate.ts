import { type CertificateRole, type Command, KmsError, type Proof } from '#domain/domain.ts';
import type { JsonObject } from '#wire/common/common.ts';
import { boolean, integer, text } from './fields.ts';
import { atMount, has, list, loginAt, present, refuseOthers, tokenMembers, tokenSettings } from './login-fields.ts';
import type { Input } from './row.ts';

const mountOf = ({ path }: Pick<Input, 'path'>): string => path.mount ?? 'cert';

export const decodeReadCertificateConfig = ({ path }: Input): Command<'read-auth-mount'> => ({
  kind: 'read-auth-mount',
  path: mountOf({ path }),
});

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
export function decodeWriteCertificate({ path, body }: Input): Command<'write-login'> {
  refuseOthers(body, [...tokenMembers, ...members]);
  const cidrs = has(body, 'token_bound_cidrs') ? undefined : list(body, 'bound_cidrs');
  const lease = has(body, 'token_ttl') || has(body, 'ttl') ? undefined : integer(body, 'lease');
  return {
    kind: 'write-login',
    method: 'cert',
    name: path.name ?? '',
    ...atMount({ path }),
    token: {
      ...tokenSettings(body),
      ...(cidrs !== undefined && { cidrs }),
      ...(lease !== undefined && { ttl: lease * 1000 }),
    },
    cert: present<CertificateRole>({
      certificate: given(body, 'certificate'),
      displayName: given(body, 'display_name'),
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

/** '' takes back what was said. */
function given(body: JsonObject, name: string): string | undefined {
  return has(body, name) ? (text(body, name) ?? '') : undefined;
}

/** What the handshake showed; the request says at most which role is meant. */
export function certificateProof(input: Input, peer: string): Proof {
  const { body, certificates = [] } = input;
  refuseOthers(body, ['name']);
  const name = text(body, 'name');
  return { kind: 'certificate', ...loginAt(input), certificates, peer, ...(name !== undefined && { name }) };
}
