import {
  type Context,
  type GrantConstraints,
  type GrantOperation,
  grantOperations,
  KmsError,
  readGrantToken,
} from '#domain/domain.ts';
import { invalid, missing } from '../common/aws-errors.ts';
import { type JsonObject, optionalArray, optionalBoolean, optionalObject, optionalString } from '../common/common.ts';
import { AwsFault } from './errors.ts';
import { context, page, text } from './fields.ts';
import type { Names } from './names.ts';
import type { Asked } from './row.ts';

const keyIdOf = (fields: JsonObject, names: Names) => names.keyIdRef(text(fields, 'KeyId'), 'KeyId');

/** PolicyType: 1 to 131072 characters; what the domain takes of that is less. */
export function policyText(fields: JsonObject): string | undefined {
  const policy = optionalString(fields, 'Policy');
  if (policy !== undefined && (policy.length < 1 || policy.length > 131072)) {
    throw invalid('Policy', 'Member must have length from 1 to 131072');
  }
  return policy;
}

export function bypassesLockoutCheck(fields: JsonObject): { readonly bypassLockoutCheck?: true } {
  return optionalBoolean(fields, 'BypassPolicyLockoutSafetyCheck') === true ? { bypassLockoutCheck: true } : {};
}

/** "The only valid value is default." */
function assertDefaultName(fields: JsonObject): void {
  const name = optionalString(fields, 'PolicyName') ?? 'default';
  if (name !== 'default') throw new KmsError('not-found', 'No such policy exists', 'policy');
}

export function decodePutKeyPolicy(fields: JsonObject, names: Names): Asked<'put-key-policy'> {
  assertDefaultName(fields);
  const policy = policyText(fields);
  if (policy === undefined) throw missing('Policy');
  return {
    command: { kind: 'put-key-policy', key: keyIdOf(fields, names), policy, ...bypassesLockoutCheck(fields) },
  };
}

export function decodeGetKeyPolicy(fields: JsonObject, names: Names): Asked<'read-key-policy'> {
  assertDefaultName(fields);
  return { command: { kind: 'read-key-policy', key: keyIdOf(fields, names) } };
}

export function decodeListKeyPolicies(fields: JsonObject, names: Names): Asked<'read-key-policy'> {
  return { command: { kind: 'read-key-policy', key: keyIdOf(fields, names), listing: true }, page: page(fields, 100) };
}

/** PrincipalIdType of the service model. */
function principal(fields: JsonObject, name: string): string | undefined {
  const arn = optionalString(fields, name);
  if (arn !== undefined && !/^[\w+=,.@:/-]{1,256}$/.test(arn)) {
    throw invalid(name, 'Member must satisfy regular expression pattern: ^[\\w+=,.@:/-]+$');
  }
  return arn;
}

/** Services of AWS are nobody here. What a grant to one would be bound by must not be dropped from a grant to somebody else. */
function refuseServices(fields: JsonObject, ...names: readonly string[]): void {
  for (const name of names) {
    if (optionalString(fields, name) !== undefined) throw invalid(name, 'Member must name a service of this server');
  }
}

function operations(fields: JsonObject): readonly GrantOperation[] {
  const given = optionalArray(fields, 'Operations');
  if (given === undefined) throw missing('Operations');
  if (given.length === 0) throw invalid('Operations', 'Member must not be empty');
  return given.map((operation) => {
    const known = grantOperations.find((one) => one === operation);
    if (known !== undefined) return known;
    throw invalid('Operations', `Member must satisfy enum value set: [${grantOperations.join(', ')}]`);
  });
}

const maxConstraintPairs = 8;
const maxConstraint = 384;

function constraint(fields: JsonObject, name: string): Readonly<Record<string, string>> | undefined {
  const pairs: NonNullable<Context['pairs']> = context(fields, name).pairs ?? [];
  if (pairs.length === 0) return undefined;
  const size = pairs.reduce((sum, [key, value]) => sum + key.length + value.length, 0);
  if (pairs.length > maxConstraintPairs || size > maxConstraint) {
    throw invalid(name, `Member must have at most ${maxConstraintPairs} pairs and ${maxConstraint} characters`);
  }
  return Object.fromEntries(pairs);
}

function constraints(fields: JsonObject): GrantConstraints | undefined {
  const given = optionalObject(fields, 'Constraints');
  if (given === undefined) return undefined;
  refuseServices(given, 'SourceArn');
  const equals = constraint(given, 'EncryptionContextEquals');
  const subset = constraint(given, 'EncryptionContextSubset');
  if (equals === undefined && subset === undefined) return undefined;
  return { ...(equals && { equals }), ...(subset && { subset }) };
}

function grantName(fields: JsonObject): string | undefined {
  const name = optionalString(fields, 'Name');
  if (name !== undefined && !/^[a-zA-Z0-9:/_-]{1,256}$/.test(name)) {
    throw invalid('Name', 'Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$');
  }
  return name;
}

export function decodeCreateGrant(fields: JsonObject, names: Names): Asked<'create-key-grant'> {
  refuseServices(fields, 'GranteeServicePrincipal', 'RetiringServicePrincipal');
  const grantee = principal(fields, 'GranteePrincipal');
  if (grantee === undefined) throw missing('GranteePrincipal');
  const retiring = principal(fields, 'RetiringPrincipal');
  const bound = constraints(fields);
  const name = grantName(fields);
  return {
    command: {
      kind: 'create-key-grant',
      key: keyIdOf(fields, names),
      grantee,
      operations: operations(fields),
      ...(retiring !== undefined && { retiring }),
      ...(bound !== undefined && { constraints: bound }),
      ...(name !== undefined && { name }),
    },
  };
}

function grantId(fields: JsonObject): string | undefined {
  const id = optionalString(fields, 'GrantId');
  if (id !== undefined && (id.length < 1 || id.length > 128)) {
    throw invalid('GrantId', 'Member must have length from 1 to 128');
  }
  if (id !== undefined && !/^[0-9a-f]{64}$/.test(id)) {
    throw new AwsFault('InvalidGrantIdException', 'The grant id is not one that this server gives.');
  }
  return id;
}

export function decodeListGrants(fields: JsonObject, names: Names): Asked<'list-key-grants'> {
  refuseServices(fields, 'GranteeServicePrincipal');
  const grant = grantId(fields);
  const grantee = principal(fields, 'GranteePrincipal');
  return {
    command: {
      kind: 'list-key-grants',
      key: keyIdOf(fields, names),
      ...page(fields, 50, 100),
      ...(grant !== undefined && { grant }),
      ...(grantee !== undefined && { grantee }),
    },
  };
}

export function decodeListRetirableGrants(fields: JsonObject): Asked<'list-retirable-key-grants'> {
  refuseServices(fields, 'RetiringServicePrincipal');
  const retiring = principal(fields, 'RetiringPrincipal');
  if (retiring === undefined) throw missing('RetiringPrincipal');
  if (!/^(?:[0-9]{12}|arn:aws:(?:iam|sts)::[0-9]{12}:.+)$/.test(retiring)) {
    throw new AwsFault('InvalidArnException', `Not the ARN of a principal: ${retiring}`);
  }
  return { command: { kind: 'list-retirable-key-grants', retiring, ...page(fields, 50, 100) } };
}

/** By a grant token, or by the key's ARN and the grant's id. What a token says is believed once its MAC is checked. */
export function decodeRetireGrant(fields: JsonObject, names: Names): Asked<'retire-key-grant'> {
  const token = optionalString(fields, 'GrantToken');
  const keyId = optionalString(fields, 'KeyId');
  const id = grantId(fields);
  if (token !== undefined) {
    if (keyId !== undefined || id !== undefined) {
      throw invalid('GrantToken', 'Either a grant token or a key and a grant id may be given');
    }
    const claims = readGrantToken(token);
    if (claims === undefined) {
      throw new KmsError('invalid-grant', 'The grant token is not one that this server gave.');
    }
    const key = { by: 'id', id: claims.keyId, realm: claims.realm } as const;
    return { command: { kind: 'retire-key-grant', key, grant: claims.grantId, grantTokens: [token] } };
  }
  if (id === undefined) throw missing('GrantId');
  return { command: { kind: 'retire-key-grant', key: keyIdOf(fields, names), grant: id } };
}

export function decodeRevokeGrant(fields: JsonObject, names: Names): Asked<'revoke-key-grant'> {
  const grant = grantId(fields);
  if (grant === undefined) throw missing('GrantId');
  return { command: { kind: 'revoke-key-grant', key: keyIdOf(fields, names), grant } };
}
