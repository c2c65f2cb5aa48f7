import { type Json, parseJson } from '#encoding/encoding.ts';

type Members = { readonly [name: string]: Json };

const isObject = (value: Json | undefined): value is Members =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

/** A policy may write one value as itself or as a list of one. */
function only(value: Json | undefined): Json | undefined {
  return Array.isArray(value) && value.length === 1 ? (value[0] as Json) : value;
}

/**
 * Whether a key policy says what AWS KMS' default one does: the account's root may do everything and so passes on to what the
 * account allows, which here are grants. Undefined when it isn't a JSON object.
 */
export function isDefaultPolicy(bytes: Uint8Array): boolean | undefined {
  const policy = parseJson(bytes);
  if (!isObject(policy)) return undefined;
  const statement = only(policy.Statement);
  if (!isObject(statement)) return false;
  const { Effect, Principal, Action, Resource, Sid, ...more } = statement;
  const root = isObject(Principal) && Object.keys(Principal).length === 1 ? only(Principal.AWS) : undefined;
  return (
    Object.keys(more).length === 0 &&
    (Sid === undefined || typeof Sid === 'string') &&
    Effect === 'Allow' &&
    only(Action) === 'kms:*' &&
    only(Resource) === '*' &&
    typeof root === 'string' &&
    /^(arn:aws:iam::[0-9]{12}:root|[0-9]{12})$/.test(root)
  );
}
