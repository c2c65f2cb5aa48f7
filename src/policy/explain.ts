import { type Action, type Command, type Key, KmsError, type Principal } from '#domain/domain.ts';
import { type Decision, decide } from './decide.ts';
import { isAction, rules } from './duties.ts';
import type { Facts } from './facts.ts';
import { actionNamed, type KmsAction, kmsActions, possibleNames } from './kms-actions.ts';

/** What somebody would ask for. */
export interface AskedAccess {
  readonly key: Key;
  /** An action of Claviger, or one of AWS KMS with or without `kms:`. */
  readonly action: string;
  readonly pairs: ReadonlyArray<readonly [key: string, value: string]>;
}

/** The members that tell one action of AWS from another of the same command. */
const particulars: Partial<Record<KmsAction, object>> = {
  GetKeyRotationStatus: { aspect: 'rotation' },
  ListKeyRotations: { aspect: 'rotations' },
  ListResourceTags: { aspect: 'tags' },
  EnableKeyRotation: { patch: { rotationPeriodDays: 365 } },
  DisableKeyRotation: { patch: { rotationPeriodDays: null } },
  UpdateKeyDescription: { patch: { description: '' } },
  GenerateDataKey: { withPlaintext: true },
  GenerateDataKeyPair: { withPlaintext: true, spec: 'rsa-2048' },
  GenerateDataKeyPairWithoutPlaintext: { spec: 'rsa-2048' },
  ListKeyPolicies: { listing: true },
};

/** Decides as it would be decided if it were asked. Throws 'invalid-parameter' for what is no action on a key. */
export function explainAccess(facts: Facts, principal: Principal, asked: AskedAccess): Decision {
  const name = kmsActions.find((one) => one.toLowerCase() === asked.action.replace(/^kms:/i, '').toLowerCase());
  const action = isAction(asked.action) ? asked.action : name && actionNamed(name);
  if (action === undefined || possibleNames(action).length === 0 || rules[action][1] === 'secret') {
    throw new KmsError('invalid-parameter', `"${asked.action}" is no action on a key.`);
  }
  const subjects = rules[action][1] === 'two-keys' ? [asked.key, asked.key] : [asked.key];
  return decide(facts, principal, hypothetical(action, name, asked), subjects);
}

/** Just enough of a command for a decision: nobody performs it. */
function hypothetical(action: Action, name: KmsAction | undefined, { key, pairs }: AskedAccess): Command {
  const ref = { by: 'id', id: key.id };
  const context = pairs.length === 0 ? {} : { pairs };
  return {
    kind: action,
    key: ref,
    source: ref,
    target: ref,
    name: key.names[0] ?? '',
    context,
    sourceContext: context,
    targetContext: context,
    scheme: 'natural',
    sourceScheme: 'natural',
    targetScheme: 'natural',
    messageType: 'raw',
    patch: {},
    operations: [],
    tags: {},
    names: [],
    spec: key.spec,
    ...(action === 'sign' || action === 'verify' ? { scheme: signing } : {}),
    ...(name === undefined ? {} : particulars[name]),
  } as unknown as Command;
}

const signing = { family: 'natural', hash: 'sha256', rsa: 'pss', saltLength: 'digest', encoding: 'der' } as const;
