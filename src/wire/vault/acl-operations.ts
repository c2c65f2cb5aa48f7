import { KmsError } from '#domain/domain.ts';
import { fromBase64, fromUtf8 } from '#encoding/encoding.ts';
import type { JsonObject } from '#wire/common/common.ts';
import { encodeNothing } from './encode-keys.ts';
import { integer, refuseFields, text, words } from './fields.ts';
import { type Input, type Row, row, small } from './row.ts';

/** `sys/policies/acl`, the older `sys/policy`, and `sys/capabilities` (Vault HTTP API, "/sys/policies" and the pages after it). */

/** A policy in base64 or JSON is longer than the policy. */
const large = 512 * 1024;

/** Vault takes the policy in base64 too; no policy is base64 by itself. */
function policyOf({ body, path }: Input, older: boolean): { readonly name: string; readonly text: string } {
  const given = text(body, 'policy') ?? (older ? text(body, 'rules') : undefined);
  if (given === undefined) throw new KmsError('invalid-parameter', "'policy' parameter not supplied or empty");
  refuseFields(body, ['expiration', 'ttl', 'cas_required']);
  const bytes = fromBase64(given);
  const decoded = bytes === undefined ? given : fromUtf8(bytes);
  if (decoded === undefined) throw new KmsError('malformed-policy', 'failed to parse policy: it is not UTF-8');
  return { name: path.policy ?? '', text: decoded };
}

function written(older: boolean) {
  return (input: Input) => {
    const cas = integer(input.body, 'cas');
    if (cas !== undefined && cas < -1) throw new KmsError('invalid-parameter', '"cas" is -1 or more.');
    // Vault means with -1 that there must not be any.
    const expect = cas === undefined ? {} : { expect: Math.max(cas, 0) };
    return { kind: 'write-acl-policy', ...policyOf(input, older), ...expect } as const;
  };
}

function pathsOf(body: JsonObject): readonly string[] {
  const paths = words(body, 'paths') ?? words(body, 'path') ?? [];
  if (paths.length === 0) throw new KmsError('invalid-parameter', 'paths must be supplied');
  if (paths.length > 1000) throw new KmsError('too-large', 'At most 1000 paths are asked for at once.');
  return paths;
}

function capabilitiesRow(operation: string, whose: (body: JsonObject) => { accessor?: string; token?: string }): Row {
  return row({
    operation,
    method: 'POST',
    paths: [operation],
    action: 'read-capabilities',
    maxBody: small,
    decode: ({ body }) => ({ kind: 'read-capabilities', paths: pathsOf(body), ...whose(body) }),
    encode: ({ capabilities }, { body }) => {
      const paths = pathsOf(body);
      const answer = Object.fromEntries(paths.map((path, i) => [path, capabilities[i]]));
      return JSON.stringify(paths.length === 1 ? { ...answer, capabilities: capabilities[0] } : answer);
    },
    as: 'both',
  });
}

function needed(body: JsonObject, name: 'accessor' | 'token'): string {
  const value = text(body, name);
  if (value === undefined) throw new KmsError('invalid-parameter', `missing ${name}`);
  return value;
}

/** Both forms of one operation: what differs is where the text of the policy stands. */
function policyRows(base: string, older: boolean): readonly Row[] {
  return [
    row({
      operation: `${base}:list`,
      method: 'LIST',
      paths: [base],
      action: 'list-acl-policies',
      maxBody: small,
      decode: () => ({ kind: 'list-acl-policies' }),
      encode: ({ names }) => JSON.stringify(older ? { keys: names, policies: names } : { keys: names }),
      as: older ? 'both' : 'data',
    }),
    row({
      operation: `${base}:read`,
      method: 'GET',
      paths: [`${base}/:policy`],
      folds: true,
      action: 'read-acl-policy',
      maxBody: small,
      decode: ({ path }) => ({ kind: 'read-acl-policy', name: path.policy ?? '' }),
      encode: ({ policy: { name, text: policy, revision, modifiedAt } }) =>
        JSON.stringify({
          ...(older ? { rules: policy } : { policy }),
          name,
          version: revision,
          cas_required: false,
          ...(modifiedAt !== undefined && { modified: new Date(modifiedAt).toISOString() }),
        }),
      as: older ? 'both' : 'data',
    }),
    row({
      operation: `${base}:write`,
      method: 'POST',
      paths: [`${base}/:policy`],
      folds: true,
      action: 'write-acl-policy',
      maxBody: large,
      decode: written(older),
      encode: encodeNothing,
    }),
    row({
      operation: `${base}:delete`,
      method: 'DELETE',
      paths: [`${base}/:policy`],
      folds: true,
      action: 'delete-acl-policy',
      maxBody: small,
      decode: ({ path }) => ({ kind: 'delete-acl-policy', name: path.policy ?? '' }),
      encode: encodeNothing,
    }),
  ];
}

export const aclOperations: readonly Row[] = [
  ...policyRows('sys/policies/acl', false),
  ...policyRows('sys/policy', true),
  row({
    operation: 'sys/policy:list',
    method: 'GET',
    paths: ['sys/policy'],
    action: 'list-acl-policies',
    maxBody: small,
    decode: () => ({ kind: 'list-acl-policies' }),
    encode: ({ names }) => JSON.stringify({ keys: names, policies: names }),
    as: 'both',
  }),
  capabilitiesRow('sys/capabilities-self', () => ({})),
  capabilitiesRow('sys/capabilities', (body) => ({ token: needed(body, 'token') })),
  capabilitiesRow('sys/capabilities-accessor', (body) => ({ accessor: needed(body, 'accessor') })),
];
