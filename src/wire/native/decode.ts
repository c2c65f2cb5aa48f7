import {
  type Commands,
  type Context,
  type GrantScope,
  isKeyId,
  type KeyRef,
  type KeySpec,
  type KeyUsage,
  KmsError,
  keySpecs,
  Plaintext,
  roles,
  specFacts,
} from '#domain/domain.ts';
import {
  type JsonObject,
  optionalArray,
  optionalBoolean,
  optionalBytes,
  optionalInteger,
  optionalObject,
  optionalString,
  optionalStringMap,
  requiredBytes,
  requiredString,
} from '../common/common.ts';

/** A request after the door: the names in its path, its query and its body, of the fields that the row allows. */
export interface Input {
  /** Values of the `{...}` segments, in order, percent-decoded. */
  readonly path: readonly string[];
  readonly query: ReadonlyMap<string, string>;
  readonly body: JsonObject;
}

/** An id, or a name with or without `alias/`. */
export function keyRef(text: string): KeyRef {
  if (isKeyId(text)) return { by: 'id', id: text };
  const name = text.startsWith('alias/') ? text.slice('alias/'.length) : text;
  if (name === '') throw new KmsError('invalid-parameter', 'The name of the key is empty.');
  return { by: 'name', name };
}

export const onKey = ({ path }: Input): { readonly key: KeyRef } => ({ key: keyRef(path[0]!) });

export function onVersion(input: Input): { readonly key: KeyRef; readonly version: number } {
  return { ...onKey(input), version: pathNumber({ ...input, path: input.path.slice(1) }) };
}

export function page({ query }: Input): { readonly after: string; readonly limit: number } {
  const limit = wholeNumber(query, 'limit') ?? 100;
  if (limit < 1 || limit > 1000) throw new KmsError('invalid-parameter', '"limit" must be 1 to 1000.');
  return { after: query.get('after') ?? '', limit };
}

export function wholeNumber(query: ReadonlyMap<string, string>, name: string): number | undefined {
  const text = query.get(name);
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new KmsError('malformed', `"${name}" must be a whole number.`);
  return Number(text);
}

export function pathNumber({ path }: Input): number {
  if (!/^\d{1,15}$/.test(path[0]!)) throw new KmsError('malformed', 'The path must name a whole number.');
  return Number(path[0]);
}

/** Leaves out what is undefined, as exact optional members want it. */
export function present<T extends object>(members: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as never;
}

export function oneOf<T extends string>(name: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((candidate) => candidate === value);
  if (found === undefined) throw new KmsError('invalid-parameter', `"${name}" must be one of: ${allowed.join(', ')}.`);
  return found;
}

export function optionalStrings(body: JsonObject, name: string): readonly string[] | undefined {
  return optionalArray(body, name)?.map((item) => {
    if (typeof item !== 'string') throw new KmsError('malformed', `"${name}" must be an array of strings.`);
    return item;
  });
}

/** `ttlSeconds` as milliseconds. */
export function ttl(body: JsonObject, name = 'ttlSeconds'): number | undefined {
  const seconds = optionalInteger(body, name);
  if (seconds === undefined) return undefined;
  if (seconds < 1 || seconds > 100 * 366 * 86_400)
    throw new KmsError('invalid-parameter', `"${name}" is out of range.`);
  return seconds * 1000;
}

export function context(body: JsonObject): Context {
  const pairs = optionalStringMap(body, 'context');
  return pairs === undefined || pairs.length === 0 ? {} : { pairs };
}

/** Raw keys bind `associatedData` as it is. */
function boundTo(body: JsonObject): Context {
  return { ...context(body), ...present({ associatedData: optionalBytes(body, 'associatedData') }) };
}

function stringMap(body: JsonObject, name: string): Readonly<Record<string, string>> | undefined {
  const pairs = optionalStringMap(body, name);
  return pairs && Object.fromEntries(pairs);
}

export function createKey({ body }: Input): Commands['create-key'] {
  const spec = oneOf('spec', optionalString(body, 'spec') ?? 'aes-256', Object.keys(keySpecs) as KeySpec[]);
  const possible = specFacts(spec).usages;
  const usages = optionalStrings(body, 'usages')?.map((usage) => oneOf<KeyUsage>('usages', usage, possible));
  const protection = oneOf('protection', optionalString(body, 'protection') ?? 'software', [
    'software',
    'hsm',
  ] as const);
  // RSA keys are for encryption first, elsewhere.
  const usual = protection === 'hsm' ? possible.filter((usage) => usage === 'sign') : possible.slice(0, 1);
  return {
    spec,
    usages: usages ?? (usual.length > 0 ? usual : possible.slice(0, 1)),
    class: oneOf('class', optionalString(body, 'class') ?? 'enveloped', ['enveloped', 'raw'] as const),
    ...present({
      name: optionalString(body, 'name'),
      description: optionalString(body, 'description'),
      tags: stringMap(body, 'tags'),
      exportable: optionalBoolean(body, 'exportable'),
      deletionAllowed: optionalBoolean(body, 'deletionAllowed'),
      multiRegion: optionalBoolean(body, 'multiRegion'),
      protection: protection === 'hsm' ? protection : undefined,
      rotationPeriodDays: optionalInteger(body, 'rotationPeriodDays'),
    }),
  };
}

export function updateKey(input: Input): Commands['update-key'] {
  const { body } = input;
  if (optionalBoolean(body, 'exportable') === false)
    throw new KmsError('invalid-parameter', 'A key that is exportable stays so: "exportable" can only be set to true.');
  const endRotation = Object.hasOwn(body, 'rotationPeriodDays') && body.rotationPeriodDays === null;
  const patch = present({
    description: optionalString(body, 'description'),
    minDecryptionVersion: optionalInteger(body, 'minDecryptionVersion'),
    minEncryptionVersion: optionalInteger(body, 'minEncryptionVersion'),
    exportable: optionalBoolean(body, 'exportable') ? (true as const) : undefined,
    deletionAllowed: optionalBoolean(body, 'deletionAllowed'),
    rotationPeriodDays: endRotation ? null : optionalInteger(body, 'rotationPeriodDays'),
  });
  return { ...onKey(input), patch };
}

export function scheduleDestruction(input: Input): Commands['schedule-destruction'] {
  return { ...onKey(input), days: optionalInteger(input.body, 'days') ?? 30 };
}

export function aliasName({ path }: Input): string {
  const reference = keyRef(path[0]!);
  if (reference.by === 'id') throw new KmsError('invalid-parameter', 'A name must not look like a key id.');
  return reference.name;
}

export function encrypt(input: Input): Commands['encrypt'] {
  return {
    ...onKey(input),
    plaintext: new Plaintext(requiredBytes(input.body, 'plaintext')),
    context: boundTo(input.body),
    scheme: 'natural',
    ...present({ version: optionalInteger(input.body, 'version') }),
  };
}

export function decrypt({ body }: Input): Commands['decrypt'] {
  const key = optionalString(body, 'key');
  return {
    ciphertext: requiredBytes(body, 'ciphertext'),
    context: boundTo(body),
    scheme: 'natural',
    ...present({
      key: key === undefined ? undefined : keyRef(key),
      version: optionalInteger(body, 'version'),
    }),
  };
}

export function dataKey(input: Input): Commands['generate-data-key'] {
  return {
    ...onKey(input),
    bytes: optionalInteger(input.body, 'bytes') ?? 32,
    context: context(input.body),
    withPlaintext: optionalBoolean(input.body, 'withPlaintext') ?? true,
  };
}

export function createIdentity({ body }: Input): Commands['create-identity'] {
  const role = optionalString(body, 'role');
  return {
    name: requiredString(body, 'name'),
    ...present({
      role: role === undefined ? undefined : oneOf('role', role, roles),
      groups: optionalStrings(body, 'groups'),
      realm: optionalString(body, 'realm'),
      ttl: ttl(body),
    }),
  };
}

export function onIdentity(input: Input): { readonly name: string; readonly realm?: string } {
  return { name: input.path[0]!, ...present({ realm: optionalString(input.body, 'realm') }) };
}

export function createCredentials(input: Input): Commands['create-credentials'] {
  return { ...onIdentity(input), ...present({ ttl: ttl(input.body) }) };
}

export function createRealm({ body }: Input): Commands['create-realm'] {
  return { name: requiredString(body, 'name') };
}

/** A decision is the same through every protocol: which one is asked about is checked, and changes nothing. */
const protocols = ['aws-kms', 'aws-secrets-manager', 'vault', 'native'] as const;

export function explainAccess(input: Input): Commands['explain-access'] {
  const { body } = input;
  const given = stringMap(body, 'context');
  const protocol = optionalString(body, 'protocol');
  return {
    ...onKey(input),
    principal: requiredString(body, 'principal'),
    action: requiredString(body, 'action'),
    ...present({
      pairs: given && Object.entries(given),
      source: optionalString(body, 'source'),
      protocol: protocol && oneOf('protocol', protocol, protocols),
    }),
  };
}

export function createGrant({ body }: Input): Commands['create-grant'] {
  const condition = optionalObject(body, 'condition');
  return {
    grantee: {
      kind: oneOf('granteeKind', optionalString(body, 'granteeKind') ?? 'principal', ['principal', 'group'] as const),
      name: requiredString(body, 'grantee'),
    },
    role: oneOf('role', requiredString(body, 'role'), roles),
    scope: grantScope(body),
    ...present({
      actions: optionalStrings(body, 'actions'),
      ttl: ttl(body),
      condition: condition && {
        kind: oneOf('kind', requiredString(condition, 'kind'), ['context-includes', 'context-equals'] as const),
        pairs: stringMap(condition, 'pairs') ?? {},
      },
    }),
  };
}

/** `keyId` or `names` ('payments', 'payments/*'); without either, the whole realm. */
function grantScope(body: JsonObject): GrantScope {
  const id = optionalString(body, 'keyId');
  const pattern = optionalString(body, 'names');
  if (id !== undefined && pattern !== undefined)
    throw new KmsError('invalid-parameter', 'A grant covers either "keyId" or "names", not both.');
  if (id !== undefined) {
    if (!isKeyId(id)) throw new KmsError('invalid-parameter', '"keyId" must be the id of a key, a UUID.');
    return { kind: 'key', id };
  }
  return pattern === undefined ? { kind: 'realm' } : { kind: 'names', pattern };
}

export function createToken({ body }: Input): Commands['create-token'] {
  return present({
    ttl: ttl(body),
    renewable: optionalBoolean(body, 'renewable'),
    label: optionalString(body, 'label'),
    actions: optionalStrings(body, 'actions'),
  });
}

/** `self` is the token that asks. */
export function onToken({ path }: Input): { readonly accessor?: string } {
  return path[0] === 'self' ? {} : { accessor: path[0]! };
}

export function renewToken(input: Input): Commands['renew-token'] {
  return { ...onToken(input), ...present({ increment: ttl(input.body, 'incrementSeconds') }) };
}
