/** What the SDKs' own models say of every member of every operation, held against the door. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { before, test } from 'node:test';
import * as sdk from '@aws-sdk/client-kms';
import { awsCases } from '#gate/testing/aws-cases.ts';
import { operations } from '#wire/aws-kms/operations.ts';
import { type Answer, Doors } from '../../../src/gate/testing/doors.ts';
import { House } from '../../../src/gate/testing/house.ts';

type Body = Readonly<Record<string, unknown>>;

/** Keeps what would be sent. */
class Catcher extends Doors {
  caught: Body = {};

  override async aws(_operation: string, body: object): Promise<Answer> {
    this.caught = JSON.parse(JSON.stringify(body)) as Body;
    return { status: 200, text: '', json: {} };
  }
}

const store = { CustomKeyStoreId: 'cks-1234567890abcdef0' };
/** Of operations that can't succeed: bodies that are refused for nothing but that. */
const neverDone: Readonly<Record<string, Body>> = {
  CreateCustomKeyStore: {
    CustomKeyStoreName: 'store',
    CloudHsmClusterId: 'cluster-2a23b4cdefg',
    TrustAnchorCertificate: 'PEM',
    KeyStorePassword: 'kmsuser password',
  },
  UpdateCustomKeyStore: store,
  DeleteCustomKeyStore: store,
  ConnectCustomKeyStore: store,
  DisconnectCustomKeyStore: store,
};

let house: House;
let doors: Doors;
let catcher: Catcher;
before(async () => {
  house = await House.open();
  doors = new Doors(house);
  catcher = new Catcher(house);
});

/** A body that the operation takes. */
async function soundBody(operation: string): Promise<Body> {
  const never = neverDone[operation];
  if (never !== undefined) return never;
  catcher.caught = {};
  await (await awsCases[operation]!(catcher))();
  return catcher.caught;
}

const typeOf = ({ json }: Answer): string => (json as { readonly __type?: string }).__type ?? '';

/** The names and types of a structure's members, as the SDK's schema has them. */
function membersOf(operation: string, side: 4 | 5): ReadonlyArray<readonly [name: string, type: unknown]> {
  const schemas = sdk as unknown as Readonly<Record<string, readonly unknown[]>>;
  return partsOf(schemas[`${operation}$`]![side]);
}

/** Of what is no structure: none. */
function partsOf(type: unknown): ReadonlyArray<readonly [name: string, type: unknown]> {
  const bare = Array.isArray(type) && typeof type[0] === 'function' ? type[0] : type;
  const shape = typeof bare === 'function' ? bare() : bare;
  if (!Array.isArray(shape) || shape[0] !== 3) return [];
  const [names, types] = [shape[4] as readonly string[], shape[5] as readonly unknown[]];
  return names.map((name, i) => [name, types[i]]);
}

/** Numbers that stand for a text in the schema are 0; a text is wrong for all else. */
const ofWrongType = (type: unknown) => (type === 0 || type === 21 || Array.isArray(type) ? 7 : 'text');

for (const operation of Object.keys(operations)) {
  test(`${operation} reads every member of its request`, async () => {
    for (const [member, type] of membersOf(operation, 4)) {
      const parts = partsOf(type).map(([part, of]) => [`${member}.${part}`, { [part]: ofWrongType(of) }] as const);
      for (const [what, value] of [[member, ofWrongType(type)] as const, ...parts]) {
        const answer = await doors.aws(operation, { ...(await soundBody(operation)), [member]: value });
        assert.equal(answer.status, 400, `${what}: ${answer.text}`);
        const types = ['SerializationException', 'ValidationException', 'TagException'];
        assert.ok(types.includes(typeOf(answer)), `${what}: ${answer.text}`);
      }
    }
  });
}

/** Never told, or told of other keys and requests than the table's cases make. DIVERGENCES.md says which are never told. */
const maybe: Readonly<Record<string, readonly string[]>> = {
  Decrypt: ['CiphertextForRecipient'],
  DeriveSharedSecret: ['CiphertextForRecipient'],
  GenerateDataKey: ['CiphertextForRecipient'],
  GenerateDataKeyPair: ['CiphertextForRecipient'],
  GenerateRandom: ['CiphertextForRecipient'],
  GetKeyRotationStatus: ['NextRotationDate', 'RotationPeriodInDays', 'OnDemandRotationStartDate'],
  GetPublicKey: ['EncryptionAlgorithms', 'KeyAgreementAlgorithms', 'EncapsulationAlgorithms'],
};
/** The mark of the next page is there where there is one. */
const always = ['NextMarker'];

for (const operation of Object.keys(operations).filter((name) => !(name in neverDone))) {
  test(`${operation} tells every member of its answer, and no other`, async () => {
    const answer = await doors.aws(operation, await soundBody(operation));
    assert.equal(answer.status, 200, answer.text);
    const known = membersOf(operation, 5).map(([name]) => name);
    const told = Object.keys(answer.json);
    assert.deepEqual(
      told.filter((name) => !known.includes(name)),
      [],
    );
    const absent = known.filter((name) => !told.includes(name) && !always.includes(name));
    const unexplained = absent.filter((name) => !(maybe[operation] ?? []).includes(name));
    assert.deepEqual(unexplained, [], `${operation} answered ${answer.text.slice(0, 300)}`);
  });
}

interface Shape {
  readonly type: string;
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: string;
  readonly enum?: readonly string[];
  readonly members?: Readonly<Record<string, { readonly shape: string }>>;
  readonly member?: { readonly shape: string };
}
interface Model {
  readonly operations: Readonly<Record<string, { readonly input?: { readonly shape: string } }>>;
  readonly shapes: Readonly<Record<string, Shape>>;
}

function botocoreModel(): Model | undefined {
  const script =
    'import json, botocore.session as s; print(json.dumps(s.get_session().get_service_data("kms"), default=str))';
  try {
    const stdio: ['ignore', 'pipe', 'ignore'] = ['ignore', 'pipe', 'ignore'];
    return JSON.parse(
      execFileSync('python3', ['-c', script], { encoding: 'utf8', maxBuffer: 1 << 26, stdio }),
    ) as Model;
  } catch {
    return undefined;
  }
}

const model = botocoreModel();
const noModel = model === undefined && 'skipped: boto3 is not there; tools/setup installs it';
const base64 = (length: number) => Buffer.alloc(length, 7).toString('base64');

/** Values that the shape does not allow, and no others. */
function* forbidden({
  type,
  min,
  max,
  pattern,
  enum: names,
}: Shape): Generator<readonly [what: string, value: unknown]> {
  if (type === 'string') {
    if (names !== undefined) yield ['none of its names', 'NOT_ONE_OF_THEM'];
    if (names === undefined && min !== undefined && min > 0) yield ['too short', 'a'.repeat(min - 1)];
    if (names === undefined && max !== undefined) yield ['too long', 'a'.repeat(max + 1)];
    const strange = `${'a'.repeat(Math.max(0, (min ?? 1) - 1))}\u0001`;
    if (pattern !== undefined && !new RegExp(`^(?:${pattern})$`).test(strange))
      yield ['of strange characters', strange];
  } else if (type === 'integer' || type === 'long') {
    if (min !== undefined) yield ['too small', min - 1];
    if (max !== undefined) yield ['too large', max + 1];
    yield ['no whole number', 1.5];
  } else if (type === 'blob') {
    if (min !== undefined && min > 0) yield ['too short', base64(min - 1)];
    if (max !== undefined) yield ['too long', base64(max + 1)];
    yield ['no base64', '*'];
  }
}

/** Of structures within a request: members that it allows. */
const soundParts: Readonly<Record<string, Body>> = {
  Tag: { TagKey: 'key', TagValue: 'value' },
  RecipientInfo: { KeyEncryptionAlgorithm: 'RSAES_OAEP_SHA_256', AttestationDocument: base64(100) },
  XksProxyAuthenticationCredentialType: {
    AccessKeyId: 'ABCDEFGHIJKLMNOPQRST',
    RawSecretAccessKey: 'x'.repeat(43),
  },
};

/** The same of a shape and of what it is made of. */
function* forbiddenWithin(name: string): Generator<readonly [what: string, value: unknown]> {
  const shape = model!.shapes[name]!;
  yield* forbidden(shape);
  if (shape.member !== undefined) {
    for (const [what, value] of forbiddenWithin(shape.member.shape)) yield [`with one ${what}`, [value]];
  }
  const sound = soundParts[name];
  if (shape.members === undefined || sound === undefined) return;
  for (const [part, { shape: of }] of Object.entries(shape.members)) {
    for (const [what, value] of forbiddenWithin(of)) yield [`whose ${part} is ${what}`, { ...sound, [part]: value }];
  }
}

/** What AWS documents in place of ValidationException, by member. */
const ownExceptions: Readonly<Record<string, readonly string[]>> = {
  Marker: ['InvalidMarkerException'],
  AliasName: ['InvalidAliasNameException'],
  Policy: ['MalformedPolicyDocumentException', 'LimitExceededException'],
  GrantId: ['InvalidGrantIdException'],
  GrantToken: ['InvalidGrantTokenException'],
  PolicyName: ['NotFoundException'],
  KeyId: ['NotFoundException'],
  TargetKeyId: ['NotFoundException'],
  SourceKeyId: ['NotFoundException'],
  DestinationKeyId: ['NotFoundException'],
  Tags: ['TagException'],
  TagKeys: ['TagException'],
  GrantTokens: ['InvalidGrantTokenException'],
};

for (const operation of Object.keys(operations)) {
  const input = model?.operations[operation]?.input?.shape;
  test(`${operation} refuses what the model of the service does not allow`, { skip: noModel }, async () => {
    // Newer than the installed boto3: there is nothing to compare with.
    if (input === undefined) return;
    let tried = 0;
    for (const [member, { shape }] of Object.entries(model!.shapes[input]!.members ?? {})) {
      for (const [what, value] of forbiddenWithin(shape)) {
        tried++;
        const answer = await doors.aws(operation, { ...(await soundBody(operation)), [member]: value });
        const at = `${member} ${what}: ${answer.status} ${answer.text.slice(0, 200)}`;
        // A body over the operation's limit isn't read, whatever is in it.
        if (answer.status === 413 && member === 'Recipient') continue;
        assert.equal(answer.status, 400, at);
        const documented = ['ValidationException', 'SerializationException', ...(ownExceptions[member] ?? [])];
        assert.ok(documented.includes(typeOf(answer)), at);
      }
    }
    assert.ok(tried > 0);
  });
}
