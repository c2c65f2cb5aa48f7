import { KmsError, type Result } from '#domain/domain.ts';
import { listed, tokenMembers } from './encode-login.ts';

/** Throws 'not-found' where nothing was configured yet. */
export function encodeConfig({ mount }: Result<'read-auth-mount'>): string {
  const { config } = mount;
  if (config?.kind !== 'jwt') throw new KmsError('not-found', 'The mount is not configured.');
  const { source } = config;
  const discovery = source.kind === 'discovery' ? source : undefined;
  const jwks = source.kind === 'jwks' ? source : undefined;
  return JSON.stringify({
    bound_issuer: config.boundIssuer ?? '',
    default_role: config.defaultRole ?? '',
    jwks_ca_pem: jwks?.ca ?? '',
    jwks_url: jwks?.url ?? '',
    jwt_supported_algs: config.algorithms,
    jwt_validation_pubkeys: source.kind === 'keys' ? source.keys : [],
    namespace_in_state: config.namespaceInState,
    oidc_client_id: config.clientId ?? '',
    oidc_discovery_ca_pem: discovery?.ca ?? '',
    oidc_discovery_url: discovery?.url ?? '',
    oidc_response_mode: config.responseMode ?? '',
    oidc_response_types: config.responseTypes,
    override_allowed_server_names: [],
    provider_config: {},
    status: 'valid',
  });
}

export function encodeJwtRole({ login }: Result<'read-login'>): string {
  const role = login.jwt!;
  const { boundClaims, claimMappings } = role;
  return JSON.stringify({
    allowed_redirect_uris: listed(role.redirects),
    bound_audiences: listed(role.boundAudiences),
    bound_claims: Object.keys(boundClaims).length === 0 ? null : boundClaims,
    bound_claims_type: role.boundClaimsType,
    bound_subject: role.boundSubject,
    callback_mode: 'client',
    claim_mappings: Object.keys(claimMappings).length === 0 ? null : claimMappings,
    clock_skew_leeway: role.clockSkewLeeway,
    expiration_leeway: role.expirationLeeway,
    groups_claim: role.groupsClaim,
    max_age: role.maxAge,
    not_before_leeway: role.notBeforeLeeway,
    oauth2_metadata: null,
    oidc_disable_confirmation: false,
    oidc_scopes: listed(role.scopes),
    role_type: role.type,
    token_policies_template_claims: false,
    user_claim: role.userClaim,
    user_claim_json_pointer: role.userClaimIsPointer,
    verbose_oidc_logging: false,
    ...tokenMembers(login.token),
  });
}
