import { type Command, KmsError, type KubernetesRole, type Proof } from '#domain/domain.ts';
import type { JsonObject } from '#wire/common/common.ts';
import { boolean, refuseOthers, text, words } from './fields.ts';
import { list, loginAt, mountOf, present, required, secret, tokenSettings, word, writing } from './login-fields.ts';
import type { Input } from './row.ts';

const configMembers = [
  'kubernetes_host',
  'kubernetes_ca_cert',
  'token_reviewer_jwt',
  'pem_keys',
  'issuer',
  'disable_iss_validation',
  'disable_local_ca_jwt',
];

/** In place of all that was configured before, as at Vault's. */
export function decodeConfig({ path, body }: Input): Command<'configure-auth-mount'> {
  refuseOthers(body, configMembers);
  const host = text(body, 'kubernetes_host');
  if (host === undefined) throw new KmsError('invalid-parameter', 'no host provided');
  const ca = text(body, 'kubernetes_ca_cert');
  const reviewer = text(body, 'token_reviewer_jwt');
  return {
    kind: 'configure-auth-mount',
    path: mountOf({ path }),
    config: {
      kind: 'kubernetes',
      host,
      keys: words(body, 'pem_keys') ?? [],
      issuer: text(body, 'issuer') ?? '',
      checkIssuer: !(boolean(body, 'disable_iss_validation') ?? true),
      local: !(boolean(body, 'disable_local_ca_jwt') ?? false),
      ...(ca !== undefined && { ca }),
      ...(reviewer !== undefined && { reviewer: secret(reviewer) }),
    },
  };
}

const roleMembers = [
  'name',
  'bound_service_account_names',
  'bound_service_account_namespaces',
  'bound_service_account_namespace_selector',
  'audience',
  'alias_name_source',
  'num_uses',
  'bound_cidrs',
];

const aliasSources = ['serviceaccount_uid', 'serviceaccount_name'] as const;

/** What is left out stays as it is, except the selector, as at Vault's. */
export function decodeWriteRole(input: Input): Command<'write-login'> {
  const { body } = input;
  const token = tokenSettings(body, roleMembers);
  const aliasSource = aliasSources.find((source) => source === text(body, 'alias_name_source'));
  if (aliasSource === undefined && text(body, 'alias_name_source') !== undefined) {
    throw new KmsError('invalid-parameter', `invalid alias_name_source, must be one of: ${aliasSources.join(', ')}`);
  }
  return {
    ...writing('kubernetes', input),
    token,
    kubernetes: present<KubernetesRole>({
      names: list(body, 'bound_service_account_names'),
      namespaces: list(body, 'bound_service_account_namespaces'),
      namespaceSelector: selectorOf(body),
      audience: word(body, 'audience'),
      aliasSource,
    }),
  };
}

/** JSON text, or the object itself. */
function selectorOf(body: JsonObject): string {
  const given = body.bound_service_account_namespace_selector;
  return given !== null && typeof given === 'object'
    ? JSON.stringify(given)
    : (text(body, 'bound_service_account_namespace_selector') ?? '');
}

export function kubernetesProof(input: Input, peer: string): Proof {
  const { body } = input;
  refuseOthers(body, ['role', 'jwt']);
  return { kind: 'kubernetes', ...loginAt(input), role: required(body, 'role'), token: required(body, 'jwt'), peer };
}
