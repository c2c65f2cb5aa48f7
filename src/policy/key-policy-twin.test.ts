import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command, GrantOperation, Key, KeyGrant, KeyGrants, Principal } from '#domain/domain.ts';
import { type Decision, decide, type Facts, parseKeyPolicy } from './policy.ts';

/*
 * A second evaluator of key policies and grants, written after AWS' documentation (IAM user guide: "Policy evaluation logic",
 * "Condition operators", "Multivalued context keys"; KMS developer guide: "Key policies", "Grants") and from nothing in this room:
 * it reads the JSON afresh for every request, makes regular expressions of patterns and a table of the request's whole context.
 *
 * 100,000 cases run with the other tests; for a million: KEY_POLICY_CASES=1000000 node --test src/policy/key-policy-twin.test.ts
 */

const account = '111122223333';
const keyId = '1234abcd-12ab-34cd-56ef-1234567890ab';
const now = Date.UTC(2026, 10, 25, 12, 0, 0);

type Values = string | number | boolean | ReadonlyArray<string | number | boolean>;
interface Doc {
  Version?: string;
  Statement: Array<{
    Effect: 'Allow' | 'Deny';
    Principal: '*' | { AWS: string | string[] };
    Action?: string | string[];
    NotAction?: string | string[];
    Resource: string | string[];
    Condition?: Record<string, Record<string, Values>>;
  }>;
}
type Context = Map<string, string[]>;

const listOf = <T>(value: T | readonly T[]): readonly T[] => (Array.isArray(value) ? value : [value as T]);

function patternOf(glob: string, flags = ''): RegExp {
  const source = glob
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '[^]*')
    .replaceAll('?', '[^]');
  return new RegExp(`^${source}$`, flags);
}

function ipv4(text: string): number | undefined {
  const parts = text.split('.').map(Number);
  return parts.length === 4 ? parts.reduce((sum, part) => sum * 256 + part, 0) : undefined;
}

function compareOne(operator: string, given: string, wanted: string): boolean {
  switch (operator) {
    case 'StringEquals':
    case 'StringNotEquals':
      return given === wanted;
    case 'StringEqualsIgnoreCase':
    case 'StringNotEqualsIgnoreCase':
      return given.toUpperCase() === wanted.toUpperCase();
    case 'StringLike':
    case 'StringNotLike':
      return patternOf(wanted).test(given);
    case 'ArnEquals':
    case 'ArnNotEquals':
    case 'ArnLike':
    case 'ArnNotLike': {
      // "Each of the six colon-delimited components of the ARN is checked separately and each can include wildcards."
      const cut = (text: string) => /^([^:]*):([^:]*):([^:]*):([^:]*):([^:]*):(.*)$/s.exec(text)?.slice(1);
      const [a, b] = [cut(wanted), cut(given)];
      return a !== undefined && b !== undefined && a.every((part, i) => patternOf(part).test(b[i]!));
    }
    case 'Bool':
      return given.toLowerCase() === wanted.toLowerCase();
    case 'IpAddress':
    case 'NotIpAddress': {
      const [base = '', bits = '32'] = wanted.split('/');
      const [a, b] = [ipv4(base), ipv4(given)];
      const size = 2 ** (32 - Number(bits));
      return a !== undefined && b !== undefined && Math.floor(a / size) === Math.floor(b / size);
    }
  }
  const date = operator.startsWith('Date');
  const number = (text: string) => (date && !/^\d+$/.test(text) ? Date.parse(text) / 1000 : Number(text));
  const [x, y] = [number(given), number(wanted)];
  switch (operator.replace(/^(Date|Numeric)/, '')) {
    case 'Equals':
    case 'NotEquals':
      return x === y;
    case 'LessThan':
      return x < y;
    case 'LessThanEquals':
      return x <= y;
    case 'GreaterThan':
      return x > y;
    case 'GreaterThanEquals':
      return x >= y;
  }
  throw new Error(`no operator ${operator}`);
}

function conditionTrue(operator: string, key: string, values: Values, context: Context, effect: string): boolean {
  const present = [...context].filter(([name]) => name.toLowerCase() === key.toLowerCase()).flatMap(([, all]) => all);
  const wanted = listOf<string | number | boolean>(values as never).map(String);
  if (operator === 'Null') return wanted.some((value) => (value === 'true') === (present.length === 0));
  let name = operator;
  const ifExists = name.endsWith('IfExists');
  if (ifExists) name = name.slice(0, -'IfExists'.length);
  const [set, base] = name.includes(':') ? (name.split(':') as [string, string]) : ['', name];
  const negative = base.includes('Not');
  // Several values of the policy are an OR, of a negated operator a NOR.
  const matches = (given: string) => {
    const any = wanted.some((value) => compareOne(base, given, value));
    return negative ? !any : any;
  };
  if (present.length === 0) {
    if (ifExists) return true;
    if (set === 'ForAllValues') return true;
    if (set === 'ForAnyValue') return false;
    return negative;
  }
  if (set === 'ForAllValues') return present.filter(matches).length === present.length;
  if (set === 'ForAnyValue') return present.filter(matches).length > 0;
  // Keys whose names differ by case only are one key with several values, which AWS leaves open: the safe side of both effects.
  const held = present.filter(matches).length;
  return effect === 'Allow' ? held === present.length : held > 0;
}

function applies(statement: Doc['Statement'][number], action: string, context: Context): boolean {
  const named = statement.Action ?? statement.NotAction!;
  const hit = listOf(named).some((pattern) => patternOf(pattern, 'i').test(`kms:${action}`));
  if (statement.Action === undefined ? hit : !hit) return false;
  for (const [operator, keys] of Object.entries(statement.Condition ?? {})) {
    for (const [key, values] of Object.entries(keys)) {
      if (!conditionTrue(operator, key, values, context, statement.Effect)) return false;
    }
  }
  return true;
}

interface Asked {
  readonly principal: Principal;
  readonly action: string;
  readonly context: Context;
  readonly encryptionContext: ReadonlyArray<readonly [string, string]>;
  readonly doc: Doc | undefined;
  readonly grants: readonly KeyGrant[];
  readonly accountAllows: boolean;
}

function naive({ principal, action, context, encryptionContext, doc, grants, accountAllows }: Asked): boolean {
  const mine =
    principal.session === undefined
      ? [`arn:aws:iam::${account}:user/${principal.name}`]
      : [
          `arn:aws:sts::${account}:assumed-role/${principal.name}/${principal.session}`,
          `arn:aws:iam::${account}:role/${principal.name}`,
        ];
  const root = [`arn:aws:iam::${account}:root`, account];
  const who = (statement: Doc['Statement'][number]) =>
    statement.Principal === '*' ? ['*'] : listOf(statement.Principal.AWS);
  const me = (statement: Doc['Statement'][number]) => who(statement).some((arn) => arn === '*' || mine.includes(arn));
  const us = (statement: Doc['Statement'][number]) => who(statement).some((arn) => root.includes(arn));
  const standard: Doc['Statement'] = [{ Effect: 'Allow', Principal: { AWS: account }, Action: 'kms:*', Resource: '*' }];
  const statements = (doc?.Statement ?? standard).filter((statement) => applies(statement, action, context));

  // 1. An explicit deny overrides everything.
  if (statements.some((statement) => statement.Effect === 'Deny' && (me(statement) || us(statement)))) return false;
  // 2. The key policy allows the principal itself.
  if (statements.some((statement) => statement.Effect === 'Allow' && me(statement))) return true;
  // 3. A grant does.
  for (const grant of grants) {
    if (!mine.includes(grant.grantee) || !(grant.operations as readonly string[]).includes(action)) continue;
    const { equals, subset } = grant.constraints ?? {};
    const seen = Object.fromEntries(encryptionContext);
    const sorted = (pairs: object) => JSON.stringify(Object.entries(pairs).sort());
    if (action === 'DescribeKey') return true;
    if (equals !== undefined && sorted(equals) !== sorted(seen)) continue;
    if (subset !== undefined && Object.entries(subset).some(([key, value]) => seen[key] !== value)) continue;
    return true;
  }
  // 4. The key policy lets the account decide, and the account allows it.
  return accountAllows && statements.some((statement) => statement.Effect === 'Allow' && us(statement));
}

/** mulberry32: small, seeded, good enough to choose cases. */
function randomSource(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const stringKeys: Readonly<Record<string, readonly string[]>> = {
  'kms:EncryptionContext:dept': ['it', 'IT', 'i*', 'hr', '*'],
  'kms:EncryptionContext:Dept': ['it', 'hr'],
  'KMS:encryptioncontext:App': ['a', 'b', '?', 'ab'],
  'kms:CallerAccount': [account, '999999999999', '1111*'],
  'aws:username': ['ann', 'bob', 'ANN', 'a*'],
  'aws:userid': ['ann', 'bob', 'ops:*', 'ops:one'],
  'aws:PrincipalType': ['User', 'AssumedRole', 'user'],
  'kms:KeySpec': ['SYMMETRIC_DEFAULT', 'RSA_2048', 'symmetric_default'],
  'kms:KeyUsage': ['ENCRYPT_DECRYPT', 'SIGN_VERIFY'],
  'kms:KeyOrigin': ['AWS_KMS', 'EXTERNAL'],
  'kms:ViaService': ['s3.eu-central-1.amazonaws.com', '*'],
  'kms:EncryptionAlgorithm': ['SYMMETRIC_DEFAULT', 'RSAES_OAEP_SHA_1', 'SYM*'],
  'kms:RequestAlias': ['alias/a', 'alias/b', 'alias/*'],
  'aws:ResourceTag/team': ['red', 'blue', 'r*'],
  'aws:RequestTag/team': ['red', 'blue'],
};
const setKeys: Readonly<Record<string, readonly string[]>> = {
  'kms:EncryptionContextKeys': ['dept', 'Dept', 'app', 'd*'],
  'kms:ResourceAliases': ['alias/a', 'alias/b', 'alias/*'],
  'kms:GrantOperations': ['Decrypt', 'Encrypt', 'CreateGrant'],
  'aws:TagKeys': ['team', 'cost', '*'],
};
const arns = [
  `arn:aws:iam::${account}:user/ann`,
  `arn:aws:iam::${account}:user/bob`,
  `arn:aws:iam::${account}:role/ops`,
  `arn:aws:sts::${account}:assumed-role/ops/one`,
];
const arnPatterns = [...arns, `arn:aws:iam::${account}:user/*`, 'arn:aws:iam::*:*', `arn:*:iam::${account}:r?le/o*`];
const dates = ['2026-11-25T12:00:00Z', '2026-11-25T11:59:59Z', '2026-11-25T14:00:01+02:00', '2026-11-26', '1795608000'];
const ranges = ['10.0.0.0/8', '10.1.2.3', '10.1.2.0/24', '192.168.0.0/16', '0.0.0.0/0'];
const kmsNames = [
  'Encrypt',
  'Decrypt',
  'GenerateDataKey',
  'GenerateDataKeyWithoutPlaintext',
  'DescribeKey',
  'ScheduleKeyDeletion',
  'CreateGrant',
  'TagResource',
  'EnableKeyRotation',
] as const;
const actionPatterns = [
  ...kmsNames.map((name) => `kms:${name}`),
  'kms:*',
  '*',
  'kms:Generate*',
  'kms:?ncrypt',
  'KMS:DECRYPT',
  'kms:*Key*',
  'kms:GetPublicKey',
];
const stringOperators = ['StringEquals', 'StringLike', 'StringEqualsIgnoreCase'];
const negations: Readonly<Record<string, string>> = {
  StringEquals: 'StringNotEquals',
  StringLike: 'StringNotLike',
  StringEqualsIgnoreCase: 'StringNotEqualsIgnoreCase',
};
const orders = ['Equals', 'NotEquals', 'LessThan', 'LessThanEquals', 'GreaterThan', 'GreaterThanEquals'];

function world(random: () => number) {
  const chance = (p: number) => random() < p;
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const few = <T>(from: readonly T[]): T | T[] =>
    chance(0.5) ? pick(from) : Array.from({ length: 1 + Math.floor(random() * 3) }, () => pick(from));
  const exists = (operator: string) => (chance(0.15) ? `${operator}IfExists` : operator);
  const set = (operator: string) => `${pick(['ForAllValues', 'ForAnyValue'])}:${operator}`;
  const stringOperator = () => {
    const operator = pick(stringOperators);
    return chance(0.35) ? negations[operator]! : operator;
  };

  const condition = (): [operator: string, key: string, values: Values] =>
    pick<() => [string, string, Values]>([
      () => {
        const key = pick(Object.keys(stringKeys));
        const operator = chance(0.15) ? set(stringOperator()) : stringOperator();
        return [exists(operator), key, few(stringKeys[key]!)];
      },
      () => {
        const key = pick(Object.keys(stringKeys));
        return [exists(stringOperator()), key, few(stringKeys[key]!)];
      },
      () => {
        const key = pick(Object.keys(setKeys));
        return [exists(set(stringOperator())), key, few(setKeys[key]!)];
      },
      () => [
        exists(pick(['ArnEquals', 'ArnLike', 'ArnNotEquals', 'ArnNotLike'])),
        pick(['aws:PrincipalArn', 'kms:GranteePrincipal', 'kms:RetiringPrincipal']),
        few(arnPatterns),
      ],
      () => [
        exists('Bool'),
        pick(['kms:MultiRegion', 'aws:SecureTransport', 'kms:GrantIsForAWSResource', 'aws:ViaAWSService']),
        pick<Values>([true, false, 'true', 'False']),
      ],
      () => [exists(pick(['IpAddress', 'NotIpAddress'])), 'aws:SourceIp', few(ranges)],
      () => [exists(`Date${pick(orders)}`), pick(['aws:CurrentTime', 'aws:EpochTime']), few(dates)],
      () => [
        exists(`Numeric${pick(orders)}`),
        pick(['kms:ScheduleKeyDeletionPendingWindowInDays', 'kms:RotationPeriodInDays']),
        few<string | number>([7, '30', 180, 365]),
      ],
      () => [
        'Null',
        pick([...Object.keys(stringKeys), ...Object.keys(setKeys), 'aws:SourceIp']),
        pick([true, 'false']),
      ],
    ])();

  const statement = (): Doc['Statement'][number] => {
    const conditions: NonNullable<Doc['Statement'][number]['Condition']> = {};
    for (let i = Math.floor(random() * 3); i > 0; i--) {
      const [operator, key, values] = condition();
      conditions[operator] = { ...conditions[operator], [key]: values };
    }
    return {
      Effect: chance(0.7) ? 'Allow' : 'Deny',
      Principal: chance(0.25)
        ? '*'
        : { AWS: few([...arns, `arn:aws:iam::${account}:root`, account, ...(chance(0.1) ? ['*'] : [])]) },
      ...(chance(0.85) ? { Action: few(actionPatterns) } : { NotAction: few(actionPatterns) }),
      Resource: '*',
      ...(Object.keys(conditions).length > 0 && { Condition: conditions }),
    };
  };

  return {
    doc: (): Doc | undefined =>
      chance(0.1)
        ? undefined
        : {
            ...(chance(0.8) && { Version: pick(['2012-10-17', '2008-10-17']) }),
            Statement: Array.from({ length: 1 + Math.floor(random() * 4) }, statement),
          },
    grants: (): KeyGrant[] =>
      Array.from({ length: Math.floor(random() * 3) }, (_, index) => ({
        realm: account,
        keyId,
        id: `grant-${index}`,
        revision: 1,
        grantee: pick(arns),
        operations: listOf(few<GrantOperation>(['Encrypt', 'Decrypt', 'GenerateDataKey', 'DescribeKey'])),
        ...(chance(0.5) && {
          constraints: {
            [pick(['equals', 'subset'])]: chance(0.7) ? { dept: pick(['it', 'hr']) } : { dept: 'it', app: 'a' },
          },
        }),
        createdAt: 0,
      })),
    request(): Omit<Asked, 'doc' | 'grants'> & { command: Command; key: Key; facts: Facts } {
      const principal: Principal = {
        realm: account,
        kind: 'person',
        groups: [],
        credential: 'c',
        ...pick([{ name: 'ann' }, { name: 'bob' }, { name: 'ops', session: 'one' }, { name: 'ops', session: 'two' }]),
      };
      const action = pick(kmsNames);
      const pairs: Array<readonly [string, string]> = [
        ...(chance(0.5) ? [['dept', pick(['it', 'hr', 'IT'])] as const] : []),
        ...(chance(0.1) ? [['Dept', pick(['it', 'hr'])] as const] : []),
        ...(chance(0.4) ? [['app', pick(['a', 'b', 'ab'])] as const] : []),
      ];
      const alias = chance(0.3) ? pick(['a', 'b']) : undefined;
      const names = pick([[], ['a'], ['a', 'b'], ['c']]);
      const team = pick([undefined, 'red', 'blue']);
      const asked = pick([undefined, 'red', 'blue']);
      const peer = pick(['10.1.2.3:5', '192.168.1.1:443', '[::1]:9', '[::ffff:10.1.2.3]:9', '']);
      const accountAllows = chance(0.5);
      const [days, period] = [pick([7, 30]), pick([180, 365])];
      const operations = listOf(few<GrantOperation>(['Decrypt', 'Encrypt', 'CreateGrant']));
      const [grantee, retiring] = [pick(arns), pick([undefined, ...arns])];
      const crypto = ['Encrypt', 'Decrypt', 'GenerateDataKey', 'GenerateDataKeyWithoutPlaintext'].includes(action);
      const encryptionContext = crypto ? pairs : [];

      const context: Context = new Map();
      const put = (name: string, ...values: Array<string | undefined>) =>
        context.set(
          name,
          values.filter((value) => value !== undefined),
        );
      for (const [name, value] of encryptionContext) put(`kms:EncryptionContext:${name}`, value);
      put('kms:EncryptionContextKeys', ...encryptionContext.map(([name]) => name));
      put('kms:CallerAccount', account);
      put('aws:PrincipalArn', principal.session ? arns[2] : `arn:aws:iam::${account}:user/${principal.name}`);
      put('aws:PrincipalType', principal.session ? 'AssumedRole' : 'User');
      put('aws:username', principal.session ? undefined : principal.name);
      put('aws:userid', principal.session ? `ops:${principal.session}` : principal.name);
      put('kms:KeySpec', 'SYMMETRIC_DEFAULT');
      put('kms:KeyUsage', 'ENCRYPT_DECRYPT');
      put('kms:KeyOrigin', 'AWS_KMS');
      put('kms:MultiRegion', 'false');
      put('aws:SecureTransport', 'true');
      put('aws:ViaAWSService', 'false');
      put('aws:SourceIp', peer.match(/\d+\.\d+\.\d+\.\d+/)?.[0] ?? (peer === '' ? undefined : '::1'));
      put('aws:CurrentTime', new Date(now).toISOString());
      put('aws:EpochTime', String(now / 1000));
      put('kms:ResourceAliases', ...names.map((name) => `alias/${name}`));
      put('kms:RequestAlias', alias === undefined ? undefined : `alias/${alias}`);
      put('aws:ResourceTag/team', team);
      if (crypto) put('kms:EncryptionAlgorithm', 'SYMMETRIC_DEFAULT');
      if (action === 'ScheduleKeyDeletion') put('kms:ScheduleKeyDeletionPendingWindowInDays', String(days));
      if (action === 'EnableKeyRotation') put('kms:RotationPeriodInDays', String(period));
      if (action === 'TagResource') put('aws:RequestTag/team', asked);
      if (action === 'TagResource') put('aws:TagKeys', asked && 'team');
      if (action === 'CreateGrant') {
        put('kms:GrantOperations', ...operations);
        put('kms:GranteePrincipal', grantee);
        put('kms:RetiringPrincipal', retiring);
        put('kms:GrantIsForAWSResource', 'false');
      }

      const key = alias === undefined ? { by: 'id', id: keyId } : { by: 'name', name: alias };
      const bodies = {
        Encrypt: { kind: 'encrypt', scheme: 'envelope' },
        Decrypt: { kind: 'decrypt', scheme: 'natural' },
        GenerateDataKey: { kind: 'generate-data-key', withPlaintext: true },
        GenerateDataKeyWithoutPlaintext: { kind: 'generate-data-key', withPlaintext: false },
        DescribeKey: { kind: 'describe-key' },
        ScheduleKeyDeletion: { kind: 'schedule-destruction', days },
        CreateGrant: { kind: 'create-key-grant', operations, grantee, ...(retiring && { retiring }) },
        TagResource: { kind: 'tag-key', tags: asked === undefined ? {} : { team: asked } },
        EnableKeyRotation: { kind: 'update-key', patch: { rotationPeriodDays: period } },
      };
      return {
        principal,
        action,
        context,
        encryptionContext,
        accountAllows,
        command: { ...bodies[action], key, ...(crypto && { context: { pairs } }) } as unknown as Command,
        key: {
          ...{ realm: account, id: keyId, names, spec: 'aes-256', usages: ['encrypt'] },
          tags: team === undefined ? {} : { team },
        } as unknown as Key,
        facts: {
          mode: 'development',
          now,
          peer,
          grants: accountAllows
            ? [
                {
                  ...{
                    id: 'g',
                    realm: account,
                    revision: 1,
                    role: 'developer',
                    scope: { kind: 'realm' },
                    createdAt: 0,
                  },
                  grantee: { kind: 'principal', name: principal.name },
                },
              ]
            : [],
        } as Facts,
      };
    },
  };
}

function held(grants: readonly KeyGrant[]): KeyGrants {
  const byGrantee = new Map<string, Set<KeyGrant>>();
  for (const grant of grants) byGrantee.set(grant.grantee, (byGrantee.get(grant.grantee) ?? new Set()).add(grant));
  return { byId: new Map(grants.map((grant) => [grant.id, grant])), byGrantee };
}

const said = (decision: Decision) => (decision.allow ? 'allow' : `deny (${decision.reason})`);

const total = Number(process.env.KEY_POLICY_CASES ?? 100_000);

test(`decides on keys as the naive second evaluator does, in ${total.toLocaleString('en')} random cases`, () => {
  const make = world(randomSource(20261125));
  const seen = { allow: 0, deny: 0 };
  for (let done = 0; done < total; ) {
    const doc = make.doc();
    const grants = make.grants();
    const text = doc && JSON.stringify(doc);
    if (text !== undefined) parseKeyPolicy(text, { realm: account, keyId });
    for (let i = 0; i < 10 && done < total; i++, done++) {
      const { command, key, facts, ...asked } = make.request();
      const carried = {
        ...key,
        ...(text !== undefined && { policy: text }),
        ...(grants.length > 0 && { grantsRevision: 1 }),
      };
      const expected = naive({ ...asked, doc, grants });
      const decision = decide({ ...facts, keyGrants: [held(grants)] }, asked.principal, command, [carried]);
      if (decision.allow !== expected) {
        const shown = { doc, grants, command, principal: asked.principal, facts, context: [...asked.context] };
        assert.fail(`${said(decision)}, not ${expected}: ${JSON.stringify(shown)}`);
      }
      seen[expected ? 'allow' : 'deny']++;
    }
  }
  // Cases that nearly all end alike would compare nothing.
  assert.ok(seen.allow > total / 10 && seen.deny > total / 10, JSON.stringify(seen));
});
