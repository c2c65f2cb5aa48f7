import type { Command, Context, Key } from '#domain/domain.ts';
import { addressOf } from '#domain/domain.ts';
import {
  defaultMacHash,
  encryptionWord,
  macWord,
  messageWord,
  signingWord,
  specWord,
  usageWordsOf,
  wrappingWord,
} from './aws-words.ts';
import type { Who } from './who.ts';

/** How a call came. */
export interface Arrival {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Address and port; '' for what came by no network. */
  readonly peer: string;
  /** The key is asked for by a service in the caller's name, which binds what it makes to these pairs. */
  readonly via?: { readonly service: string; readonly pairs: NonNullable<Context['pairs']> };
}

/** One call on one key, as a key policy sees it. */
export interface KeyRequest {
  readonly who: Who;
  readonly command: Command;
  readonly key: Key;
  /** Which of the command's keys it is. */
  readonly index: number;
  readonly subjects: readonly Key[];
  readonly arrival: Arrival;
}

export type ValueType = 'string' | 'arn' | 'bool' | 'number' | 'date' | 'ip';

export interface ConditionKey {
  readonly type: ValueType;
  /** Holds a set of values: operators need ForAllValues or ForAnyValue. */
  readonly many?: true;
  /** Undefined or empty: the request doesn't have it. `tail` is what follows the colon or slash of a key that has one. */
  readonly read: (request: KeyRequest, tail: string) => readonly string[] | undefined;
}

type Values = readonly string[] | undefined;

const just = (value: string | number | boolean | undefined): Values =>
  value === undefined ? undefined : [String(value)];

/** A member that some commands have. */
function member<T>(command: Command, name: string): T | undefined {
  return (command as unknown as Record<string, T | undefined>)[name];
}

/** What binds this key's part of the command; of a grant, what it is to be bound to. */
export function contextPairs({
  command,
  index,
  arrival,
}: Pick<KeyRequest, 'command' | 'index' | 'arrival'>): NonNullable<Context['pairs']> {
  switch (command.kind) {
    case 're-encrypt':
      return (index === 0 ? command.sourceContext : command.targetContext).pairs ?? [];
    case 'create-key-grant':
      return Object.entries({ ...command.constraints?.subset, ...command.constraints?.equals });
    default:
      return 'context' in command ? (command.context.pairs ?? []) : (arrival.via?.pairs ?? []);
  }
}

function encryptionAlgorithm({ command, key, index }: KeyRequest): Values {
  switch (command.kind) {
    case 'encrypt':
    case 'decrypt':
      return just(encryptionWord(command.scheme, key));
    case 're-encrypt':
      return just(encryptionWord(index === 0 ? command.sourceScheme : command.targetScheme, key));
    case 'generate-data-key':
    case 'generate-data-key-pair':
      return just('SYMMETRIC_DEFAULT');
    default:
      return undefined;
  }
}

function requestAlias({ command, index }: KeyRequest): Values {
  const ref =
    command.kind === 're-encrypt'
      ? index === 0
        ? command.source
        : command.target
      : 'key' in command
        ? command.key
        : undefined;
  return ref?.by === 'name' ? [`alias/${ref.name}`] : undefined;
}

function requestTags(command: Command): Readonly<Record<string, string>> {
  return member(command, 'tags') ?? {};
}

function signing({
  command,
  key,
}: KeyRequest): { readonly algorithm: string; readonly messageType: string } | undefined {
  if (command.kind !== 'sign' && command.kind !== 'verify') return undefined;
  const { scheme, messageType } = command;
  return { algorithm: signingWord(scheme, messageType, key), messageType: messageWord(messageType, scheme) };
}

const isAboutGrants = ({ kind }: Command) =>
  kind === 'create-key-grant' || kind === 'list-key-grants' || kind === 'revoke-key-grant';

const iso = (ms: number) => new Date(Math.floor(ms / 1000) * 1000).toISOString();

const specKey: ConditionKey = { type: 'string', read: ({ key }) => just(specWord(key.spec)) };
const usageKey: ConditionKey = { type: 'string', read: ({ key }) => usageWordsOf(key) };

/** By their names in lower case, as IAM compares them. A name that ends in ':' or '/' is followed by one of the policy's own. */
const conditionKeys: Readonly<Record<string, ConditionKey>> = {
  'aws:currenttime': { type: 'date', read: ({ arrival }) => just(iso(arrival.now)) },
  'aws:epochtime': { type: 'date', read: ({ arrival }) => just(Math.floor(arrival.now / 1000)) },
  'aws:principalaccount': { type: 'string', read: ({ who }) => just(who.account) },
  'aws:principalarn': { type: 'arn', read: ({ who }) => just(who.principalArn) },
  'aws:principaltype': { type: 'string', read: ({ who }) => just(who.type) },
  'aws:requesttag/': {
    type: 'string',
    read: ({ command }, tail) =>
      Object.entries(requestTags(command)).flatMap(([name, value]) => (name.toLowerCase() === tail ? [value] : [])),
  },
  'aws:resourcetag/': {
    type: 'string',
    read: ({ key }, tail) =>
      Object.entries(key.tags).flatMap(([name, value]) => (name.toLowerCase() === tail ? [value] : [])),
  },
  // Listeners of a server speak TLS; what comes by no network is the server itself.
  'aws:securetransport': { type: 'bool', read: () => just(true) },
  'aws:sourceip': { type: 'ip', read: ({ arrival }) => just(addressOf(arrival.peer)) },
  'aws:tagkeys': {
    type: 'string',
    many: true,
    read: ({ command }) => (command.kind === 'untag-key' ? command.names : Object.keys(requestTags(command))),
  },
  'aws:userid': { type: 'string', read: ({ who }) => just(who.userId) },
  'aws:username': { type: 'string', read: ({ who }) => just(who.username) },
  'aws:viaawsservice': { type: 'bool', read: ({ arrival }) => just(arrival.via !== undefined) },
  'kms:bypasspolicylockoutsafetycheck': {
    type: 'bool',
    read: ({ command }) => (command.kind === 'put-key-policy' ? just(command.bypassLockoutCheck === true) : undefined),
  },
  'kms:calleraccount': { type: 'string', read: ({ who }) => just(who.account) },
  'kms:customermasterkeyspec': specKey,
  'kms:customermasterkeyusage': usageKey,
  'kms:datakeypairspec': {
    type: 'string',
    read: ({ command }) => (command.kind === 'generate-data-key-pair' ? just(specWord(command.spec)) : undefined),
  },
  'kms:encryptionalgorithm': { type: 'string', read: encryptionAlgorithm },
  'kms:encryptioncontext:': {
    type: 'string',
    read: (request, tail) =>
      contextPairs(request).flatMap(([name, value]) => (name.toLowerCase() === tail ? [value] : [])),
  },
  'kms:encryptioncontextkeys': {
    type: 'string',
    many: true,
    read: (request) => contextPairs(request).map(([name]) => name),
  },
  'kms:expirationmodel': {
    type: 'string',
    read: ({ command }) =>
      command.kind === 'import-key-material'
        ? just(command.expiresAt === undefined ? 'KEY_MATERIAL_DOES_NOT_EXPIRE' : 'KEY_MATERIAL_EXPIRES')
        : undefined,
  },
  'kms:grantconstrainttype': {
    type: 'string',
    read: ({ command }) =>
      command.kind === 'create-key-grant'
        ? [
            ...(command.constraints?.equals === undefined ? [] : ['EncryptionContextEquals']),
            ...(command.constraints?.subset === undefined ? [] : ['EncryptionContextSubset']),
          ]
        : undefined,
  },
  'kms:grantisforawsresource': {
    type: 'bool',
    read: ({ command }) => (isAboutGrants(command) ? just(false) : undefined),
  },
  'kms:grantoperations': {
    type: 'string',
    many: true,
    read: ({ command }) => (command.kind === 'create-key-grant' ? command.operations : undefined),
  },
  'kms:granteeprincipal': {
    type: 'arn',
    read: ({ command }) => (command.kind === 'create-key-grant' ? just(command.grantee) : undefined),
  },
  'kms:keyagreementalgorithm': {
    type: 'string',
    read: ({ command }) => (command.kind === 'derive-shared-secret' ? just('ECDH') : undefined),
  },
  'kms:keyorigin': { type: 'string', read: ({ key }) => just(originOf(key)) },
  'kms:keyspec': specKey,
  'kms:keyusage': usageKey,
  'kms:macalgorithm': {
    type: 'string',
    read: ({ command, key }) =>
      command.kind === 'generate-mac' || command.kind === 'verify-mac'
        ? just(macWord(command.hash ?? defaultMacHash(key)))
        : undefined,
  },
  'kms:messagetype': { type: 'string', read: (request) => just(signing(request)?.messageType) },
  'kms:multiregion': { type: 'bool', read: ({ key }) => just(key.multiRegion !== undefined) },
  'kms:multiregionkeytype': {
    type: 'string',
    read: ({ key }) =>
      key.multiRegion === undefined ? undefined : just(key.multiRegion.primary === key.realm ? 'PRIMARY' : 'REPLICA'),
  },
  'kms:primaryregion': {
    type: 'string',
    read: ({ command }) => (command.kind === 'update-primary-region' ? just(command.region) : undefined),
  },
  'kms:reencryptonsamekey': {
    type: 'bool',
    read: ({ command, subjects }) =>
      command.kind === 're-encrypt' ? just(subjects[0]?.id === subjects[1]?.id) : undefined,
  },
  'kms:replicaregion': {
    type: 'string',
    read: ({ command }) => (command.kind === 'replicate-key' ? just(command.region) : undefined),
  },
  'kms:requestalias': { type: 'string', read: requestAlias },
  'kms:resourcealiases': { type: 'string', many: true, read: ({ key }) => key.names.map((name) => `alias/${name}`) },
  'kms:retiringprincipal': {
    type: 'arn',
    read: ({ command }) => (command.kind === 'create-key-grant' ? just(command.retiring) : undefined),
  },
  'kms:rotationperiodindays': {
    type: 'number',
    read: ({ command }) =>
      command.kind === 'update-key' ? just(command.patch.rotationPeriodDays ?? undefined) : undefined,
  },
  'kms:schedulekeydeletionpendingwindowindays': {
    type: 'number',
    read: ({ command }) => (command.kind === 'schedule-destruction' ? just(command.days) : undefined),
  },
  'kms:signingalgorithm': { type: 'string', read: (request) => just(signing(request)?.algorithm) },
  'kms:validto': {
    type: 'date',
    read: ({ command }) =>
      command.kind === 'import-key-material' && command.expiresAt !== undefined
        ? just(iso(command.expiresAt))
        : undefined,
  },
  'kms:viaservice': { type: 'string', read: ({ arrival }) => just(arrival.via?.service) },
  'kms:wrappingalgorithm': {
    type: 'string',
    read: ({ command }) =>
      command.kind === 'get-import-parameters' ? just(wrappingWord(command.wrapping)) : undefined,
  },
  'kms:wrappingkeyspec': {
    type: 'string',
    read: ({ command }) =>
      command.kind === 'get-import-parameters' ? just(specWord(command.wrappingSpec)) : undefined,
  },
};

function originOf(key: Key): string {
  return key.origin === 'external' ? 'EXTERNAL' : 'AWS_KMS';
}

export const conditionKeyNames: readonly string[] = Object.keys(conditionKeys);

/** The key of this name and what follows it, or undefined. IAM compares both without regard to case. */
export function findConditionKey(name: string): { readonly key: ConditionKey; readonly tail: string } | undefined {
  const folded = name.toLowerCase();
  if (Object.hasOwn(conditionKeys, folded) && !/[:/]$/.test(folded)) return { key: conditionKeys[folded]!, tail: '' };
  const [, stem, tail] = /^(aws:requesttag\/|aws:resourcetag\/|kms:encryptioncontext:)(.+)$/s.exec(folded) ?? [];
  return stem === undefined || tail === undefined ? undefined : { key: conditionKeys[stem]!, tail };
}
