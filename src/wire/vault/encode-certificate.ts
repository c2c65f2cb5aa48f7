import type { Result } from '#domain/domain.ts';
import { listed, tokenMembers } from './encode-login.ts';

export function encodeCertificateConfig({ mount }: Result<'read-auth-mount'>): string {
  const config = mount.config?.kind === 'cert' ? mount.config : undefined;
  return JSON.stringify({
    disable_binding: config?.renewsUnbound ?? false,
    enable_identity_alias_metadata: false,
    ocsp_cache_size: 0,
  });
}

export function encodeCertificate({ login }: Result<'read-login'>): string {
  const role = login.cert!;
  return JSON.stringify({
    allowed_common_names: listed(role.commonNames),
    allowed_dns_sans: listed(role.dnsNames),
    allowed_email_sans: listed(role.emails),
    allowed_metadata_extensions: listed(role.metadataExtensions),
    allowed_names: listed(role.names),
    allowed_organizational_units: listed(role.organizationalUnits),
    allowed_uri_sans: listed(role.uris),
    certificate: role.certificate,
    display_name: role.displayName,
    ocsp_ca_certificates: '',
    ocsp_enabled: false,
    ocsp_fail_open: false,
    ocsp_query_all_servers: false,
    ocsp_servers_override: null,
    required_extensions: listed(role.requiredExtensions),
    ...tokenMembers(login.token),
  });
}
