import type { Command, KeySpec } from '#domain/domain.ts';
import { invalid, missing, unsupported } from '../common/aws-errors.ts';
import { choice } from '../common/aws-fields.ts';
import { type JsonObject, optionalObject, optionalString } from '../common/common.ts';
import { page } from './fields.ts';
import type { Asked } from './row.ts';

/** A member's length, and what it looks like, as the service's model has them. */
interface Form {
  readonly min: number;
  readonly max: number;
  readonly pattern?: RegExp;
}

const forms = {
  CustomKeyStoreId: { min: 1, max: 64 },
  CustomKeyStoreName: { min: 1, max: 256 },
  NewCustomKeyStoreName: { min: 1, max: 256 },
  CloudHsmClusterId: { min: 19, max: 24, pattern: /^cluster-[2-7a-zA-Z]{11,16}$/ },
  TrustAnchorCertificate: { min: 1, max: 5000 },
  KeyStorePassword: { min: 7, max: 32 },
  XksKeyId: { min: 1, max: 128, pattern: /^[a-zA-Z0-9\-_.]+$/ },
  XksProxyUriEndpoint: { min: 10, max: 128, pattern: /^https:\/\/[a-zA-Z0-9.-]+$/ },
  XksProxyUriPath: { min: 10, max: 128, pattern: /^(\/[a-zA-Z0-9/_-]+)?\/kms\/xks\/v\d{1,2}$/ },
  XksProxyVpcEndpointServiceName: {
    min: 20,
    max: 64,
    pattern: /^(com|eu)\.amazonaws\.vpce\.([a-z]+-){2,3}\d+\.vpce-svc-[0-9a-z]+$/,
  },
  XksProxyVpcEndpointServiceOwner: { min: 12, max: 12, pattern: /^[0-9]{12}$/ },
  AccessKeyId: { min: 20, max: 30, pattern: /^[A-Z2-7]+$/ },
  RawSecretAccessKey: { min: 43, max: 64, pattern: /^[a-zA-Z0-9/+=]+$/ },
} as const satisfies Record<string, Form>;

type Member = keyof typeof forms;

function formed(fields: JsonObject, member: Member): string | undefined {
  const value = optionalString(fields, member);
  if (value === undefined) return undefined;
  const { min, max, pattern }: Form = forms[member];
  if (value.length < min || value.length > max) throw invalid(member, `Member must have length from ${min} to ${max}`);
  if (pattern !== undefined && !pattern.test(value)) {
    throw invalid(member, `Member must satisfy regular expression pattern: ${pattern.source}`);
  }
  return value;
}

function required(fields: JsonObject, member: Member): string {
  const value = formed(fields, member);
  if (value === undefined) throw missing(member);
  return value;
}

const kinds: ReadonlyMap<string, 'cluster' | 'external'> = new Map([
  ['AWS_CLOUDHSM', 'cluster'],
  ['EXTERNAL_KEY_STORE', 'external'],
]);
const connectivities: ReadonlyMap<string, 'external' | 'external-by-private-link'> = new Map([
  ['PUBLIC_ENDPOINT', 'external'],
  ['VPC_ENDPOINT_SERVICE', 'external-by-private-link'],
]);

const ofCluster = ['CloudHsmClusterId', 'TrustAnchorCertificate', 'KeyStorePassword'] as const;
const ofProxy = [
  'XksProxyUriEndpoint',
  'XksProxyUriPath',
  'XksProxyVpcEndpointServiceName',
  'XksProxyVpcEndpointServiceOwner',
] as const;

/** Judged and let go: nothing of the credential goes any further. */
function judgeCredential(fields: JsonObject): boolean {
  const credential = optionalObject(fields, 'XksProxyAuthenticationCredential');
  if (credential === undefined) return false;
  required(credential, 'AccessKeyId');
  required(credential, 'RawSecretAccessKey');
  return true;
}

/** Every member that is there is well-formed, whichever kind of store it is for. */
function judge(fields: JsonObject) {
  for (const member of [...ofCluster, ...ofProxy]) formed(fields, member);
  const credential = judgeCredential(fields);
  return { credential, connectivity: choice(fields, 'XksProxyConnectivity', connectivities, undefined) };
}

export function decodeCreateCustomKeyStore(fields: JsonObject): Asked<'create-key-store'> {
  const name = required(fields, 'CustomKeyStoreName');
  const kind = choice(fields, 'CustomKeyStoreType', kinds, 'cluster');
  const { credential, connectivity } = judge(fields);
  if (kind === 'cluster') {
    for (const member of ofCluster) required(fields, member);
    return { command: { kind: 'create-key-store', name, storeKind: 'hsm-cluster' } };
  }
  required(fields, 'XksProxyUriEndpoint');
  required(fields, 'XksProxyUriPath');
  if (!credential) throw missing('XksProxyAuthenticationCredential');
  if (connectivity === undefined) throw missing('XksProxyConnectivity');
  if (connectivity === 'external-by-private-link') required(fields, 'XksProxyVpcEndpointServiceName');
  return { command: { kind: 'create-key-store', name, storeKind: connectivity } };
}

export function decodeDescribeCustomKeyStores(fields: JsonObject): Asked<'list-key-stores'> {
  const id = formed(fields, 'CustomKeyStoreId');
  const name = formed(fields, 'CustomKeyStoreName');
  if (id !== undefined && name !== undefined) {
    throw invalid('CustomKeyStoreName', 'Only one of customKeyStoreId and customKeyStoreName may be given');
  }
  page(fields, 100);
  return {
    command: { kind: 'list-key-stores', ...(id !== undefined && { id }), ...(name !== undefined && { name }) },
  };
}

const changing =
  (change: Command<'change-key-store'>['change']) =>
  (fields: JsonObject): Asked<'change-key-store'> => ({
    command: { kind: 'change-key-store', id: required(fields, 'CustomKeyStoreId'), change },
  });

export const decodeDeleteCustomKeyStore = changing('delete');
export const decodeConnectCustomKeyStore = changing('connect');
export const decodeDisconnectCustomKeyStore = changing('disconnect');

export function decodeUpdateCustomKeyStore(fields: JsonObject): Asked<'change-key-store'> {
  formed(fields, 'NewCustomKeyStoreName');
  judge(fields);
  return changing('update')(fields);
}

/** GenerateRandom: whose generator is asked. */
export const keyStoreOf = (fields: JsonObject): string | undefined => formed(fields, 'CustomKeyStoreId');

const origins: ReadonlyMap<string, 'own' | 'import' | 'cluster' | 'external'> = new Map([
  ['AWS_KMS', 'own'],
  ['EXTERNAL', 'import'],
  ['AWS_CLOUDHSM', 'cluster'],
  ['EXTERNAL_KEY_STORE', 'external'],
]);

/** CreateKey: the store that is to hold the key; undefined for one that this server holds. */
export function keyStoreOfNew(fields: JsonObject, spec: KeySpec): string | undefined {
  const origin = choice(fields, 'Origin', origins, 'own');
  const [store, foreignKey] = [formed(fields, 'CustomKeyStoreId'), formed(fields, 'XksKeyId')];
  if (foreignKey !== undefined && origin !== 'external') {
    throw invalid('XksKeyId', 'Member is for the origin EXTERNAL_KEY_STORE only');
  }
  if (origin === 'own' || origin === 'import') {
    if (store === undefined) return undefined;
    throw invalid('CustomKeyStoreId', 'Member is for the origins AWS_CLOUDHSM and EXTERNAL_KEY_STORE only');
  }
  if (store === undefined) throw missing('CustomKeyStoreId');
  if (origin === 'external' && foreignKey === undefined) throw missing('XksKeyId');
  if (spec !== 'aes-256') throw unsupported('A key store for this keySpec');
  return store;
}
