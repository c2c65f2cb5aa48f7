import type { Result } from '#domain/domain.ts';
import { listed, tokenMembers } from './encode-login.ts';

/** '' where nothing was configured yet. */
export function encodeConfig({ mount }: Result<'read-auth-mount'>): string {
  const { config } = mount;
  if (config?.kind !== 'kubernetes') return '';
  return JSON.stringify({
    disable_iss_validation: !config.checkIssuer,
    disable_local_ca_jwt: !config.local,
    issuer: config.issuer,
    kubernetes_ca_cert: config.ca ?? '',
    kubernetes_host: config.host,
    pem_keys: config.keys,
    token_reviewer_jwt_set: config.reviewerSet,
  });
}

export function encodeRole({ login }: Result<'read-login'>): string {
  const { names, namespaces, namespaceSelector, audience, aliasSource } = login.kubernetes!;
  return JSON.stringify({
    alias_name_source: aliasSource,
    ...(audience !== '' && { audience }),
    bound_service_account_names: names,
    bound_service_account_namespace_selector: namespaceSelector,
    bound_service_account_namespaces: listed(namespaces),
    ...tokenMembers(login.token),
  });
}
