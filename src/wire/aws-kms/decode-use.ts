import { type EncryptionScheme, noContext, Plaintext } from '#domain/domain.ts';
import { invalid, missing, unsupported } from '../common/aws-errors.ts';
import { choice, integer } from '../common/aws-fields.ts';
import { type JsonObject, optionalString } from '../common/common.ts';
import { macByAwsName, type SigningAlgorithm, schemeByAwsName, signingByAwsName, specByAwsName } from './algorithms.ts';
import { keyStoreOf } from './decode-key-stores.ts';
import { ignoresCiphertext } from './dry-run.ts';
import { bytes, ciphertext, context, plaintext, refuseExtras, requiredChoice, text } from './fields.ts';
import type { Names } from './names.ts';
import type { Asked } from './row.ts';

/** In place of a ciphertext that is not to be judged. */
const nothing = new Uint8Array(0);

const keyOf = (fields: JsonObject, names: Names) => names.keyRef(text(fields, 'KeyId'), 'KeyId');

function scheme(fields: JsonObject, name: string): EncryptionScheme {
  const given = optionalString(fields, name);
  if (given === undefined) return 'envelope';
  if (given === 'SM2PKE') throw unsupported('SM2');
  return requiredChoice(fields, name, schemeByAwsName);
}

/** RSA has nowhere to bind a context to. */
function contextFor(fields: JsonObject, name: string, scheme: EncryptionScheme) {
  const given = context(fields, name);
  if (scheme !== 'envelope' && given.pairs !== undefined) {
    throw invalid(name, 'Member is for symmetric keys only');
  }
  return given;
}

export function decodeEncrypt(fields: JsonObject, names: Names): Asked<'encrypt'> {
  refuseExtras(fields);
  const how = scheme(fields, 'EncryptionAlgorithm');
  return {
    command: {
      kind: 'encrypt',
      key: keyOf(fields, names),
      plaintext: plaintext(fields, 'Plaintext'),
      context: contextFor(fields, 'EncryptionContext', how),
      scheme: how,
    },
  };
}

export function decodeDecrypt(fields: JsonObject, names: Names): Asked<'decrypt'> {
  refuseExtras(fields);
  const how = scheme(fields, 'EncryptionAlgorithm');
  const keyId = optionalString(fields, 'KeyId');
  const rightsOnly = ignoresCiphertext(fields);
  if (keyId === undefined && (how !== 'envelope' || rightsOnly)) throw missing('KeyId');
  return {
    command: {
      kind: 'decrypt',
      ...(keyId !== undefined && { key: names.keyRef(keyId, 'KeyId') }),
      ciphertext: rightsOnly ? nothing : ciphertext(fields, 'CiphertextBlob'),
      ...(rightsOnly && { rightsOnly }),
      context: contextFor(fields, 'EncryptionContext', how),
      scheme: how,
    },
  };
}

export function decodeReEncrypt(fields: JsonObject, names: Names): Asked<'re-encrypt'> {
  refuseExtras(fields);
  const sourceScheme = scheme(fields, 'SourceEncryptionAlgorithm');
  const targetScheme = scheme(fields, 'DestinationEncryptionAlgorithm');
  const source = optionalString(fields, 'SourceKeyId');
  const rightsOnly = ignoresCiphertext(fields);
  if (source === undefined && (sourceScheme !== 'envelope' || rightsOnly)) throw missing('SourceKeyId');
  return {
    command: {
      kind: 're-encrypt',
      ...(source !== undefined && { source: names.keyRef(source, 'SourceKeyId') }),
      sourceScheme,
      sourceContext: contextFor(fields, 'SourceEncryptionContext', sourceScheme),
      ciphertext: rightsOnly ? nothing : ciphertext(fields, 'CiphertextBlob'),
      ...(rightsOnly && { rightsOnly }),
      target: names.keyRef(text(fields, 'DestinationKeyId'), 'DestinationKeyId'),
      targetScheme,
      targetContext: contextFor(fields, 'DestinationEncryptionContext', targetScheme),
    },
  };
}

const dataKeyBytes: ReadonlyMap<string, number> = new Map([
  ['AES_128', 16],
  ['AES_256', 32],
]);

function dataKey(fields: JsonObject, names: Names, withPlaintext: boolean): Asked<'generate-data-key'> {
  refuseExtras(fields);
  const bySpec = choice(fields, 'KeySpec', dataKeyBytes, undefined);
  const byLength = integer(fields, 'NumberOfBytes', 1, 1024);
  const length = bySpec ?? byLength;
  if (length === undefined || (bySpec !== undefined && byLength !== undefined)) {
    throw invalid('KeySpec', 'Exactly one of keySpec and numberOfBytes must be given');
  }
  return {
    command: {
      kind: 'generate-data-key',
      key: keyOf(fields, names),
      bytes: length,
      context: context(fields, 'EncryptionContext'),
      withPlaintext,
    },
  };
}

export const decodeGenerateDataKey = (fields: JsonObject, names: Names) => dataKey(fields, names, true);
export const decodeGenerateDataKeyWithoutPlaintext = (fields: JsonObject, names: Names) =>
  dataKey(fields, names, false);

/** DataKeyPairSpec: the key specs that are key pairs and not for signing with ML-DSA. */
const pairSpecs: typeof specByAwsName = new Map(
  [...specByAwsName].filter(([name]) => /^(RSA_|ECC_|ML_KEM_|SM2$)/.test(name)),
);

function dataKeyPair(fields: JsonObject, names: Names, withPlaintext: boolean): Asked<'generate-data-key-pair'> {
  refuseExtras(fields);
  return {
    command: {
      kind: 'generate-data-key-pair',
      key: keyOf(fields, names),
      spec: requiredChoice(fields, 'KeyPairSpec', pairSpecs),
      context: context(fields, 'EncryptionContext'),
      withPlaintext,
    },
  };
}

export const decodeGenerateDataKeyPair = (fields: JsonObject, names: Names) => dataKeyPair(fields, names, true);
export const decodeGenerateDataKeyPairWithoutPlaintext = (fields: JsonObject, names: Names) =>
  dataKeyPair(fields, names, false);

export function decodeGenerateRandom(fields: JsonObject): Asked<'generate-random'> {
  refuseExtras(fields);
  const length = integer(fields, 'NumberOfBytes', 1, 1024);
  if (length === undefined) throw missing('NumberOfBytes');
  const keyStore = keyStoreOf(fields);
  return { command: { kind: 'generate-random', bytes: length, ...(keyStore !== undefined && { keyStore }) } };
}

const messageTypes: ReadonlyMap<string, 'RAW' | 'DIGEST' | 'EXTERNAL_MU'> = new Map([
  ['RAW', 'RAW'],
  ['DIGEST', 'DIGEST'],
  ['EXTERNAL_MU', 'EXTERNAL_MU'],
]);

function signingAlgorithm(fields: JsonObject): SigningAlgorithm {
  return requiredChoice(fields, 'SigningAlgorithm', signingByAwsName);
}

/** What Sign and Verify have in common. */
function message(fields: JsonObject, names: Names) {
  refuseExtras(fields);
  const algorithm = signingAlgorithm(fields);
  const given = choice(fields, 'MessageType', messageTypes, 'RAW');
  const messageType = algorithm.messageTypes[given];
  if (messageType === undefined) {
    throw invalid(
      'MessageType',
      `Member must be ${Object.keys(algorithm.messageTypes).join(' or ')} for ${algorithm.name}`,
    );
  }
  const content = bytes(fields, 'Message', 1, 4096);
  if (given !== 'RAW' && content.length !== algorithm.digestBytes) {
    throw invalid('Message', `Member must have length ${algorithm.digestBytes} for ${given} and ${algorithm.name}`);
  }
  return {
    key: keyOf(fields, names),
    message: new Plaintext(content),
    messageType,
    scheme: algorithm.scheme,
    context: noContext,
    boundHash: true as const,
  };
}

export function decodeSign(fields: JsonObject, names: Names): Asked<'sign'> {
  return { command: { kind: 'sign', ...message(fields, names) } };
}

export function decodeVerify(fields: JsonObject, names: Names): Asked<'verify'> {
  return { command: { kind: 'verify', ...message(fields, names), signature: ciphertext(fields, 'Signature') } };
}

export function decodeGetPublicKey(fields: JsonObject, names: Names): Asked<'get-public-key'> {
  refuseExtras(fields);
  return { command: { kind: 'get-public-key', key: keyOf(fields, names) } };
}

function mac(fields: JsonObject, names: Names) {
  refuseExtras(fields);
  return {
    key: keyOf(fields, names),
    hash: requiredChoice(fields, 'MacAlgorithm', macByAwsName),
    message: plaintext(fields, 'Message'),
    boundHash: true as const,
  };
}

export function decodeGenerateMac(fields: JsonObject, names: Names): Asked<'generate-mac'> {
  return { command: { kind: 'generate-mac', ...mac(fields, names) } };
}

export function decodeVerifyMac(fields: JsonObject, names: Names): Asked<'verify-mac'> {
  return { command: { kind: 'verify-mac', ...mac(fields, names), mac: ciphertext(fields, 'Mac') } };
}
