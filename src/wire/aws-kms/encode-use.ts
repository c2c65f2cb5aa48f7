import { KmsError, type Plaintext, type Result, type Used } from '#domain/domain.ts';
import { toBase64 } from '#encoding/encoding.ts';
import { awsAlgorithms, awsMacName, awsSchemeNames, awsSigningName, awsSpecName, awsUsageName } from './algorithms.ts';
import type { Names } from './names.ts';
import type { Asked } from './row.ts';

/*
 * Answers are joined as text: what goes between the quotes is base64, an ARN of checked parts or a name of a table, none of
 * which JSON would escape.
 */

export const blob = (name: string, bytes: Uint8Array) => `"${name}":"${toBase64(bytes)}"`;
export const secret = (name: string, plaintext: Plaintext) => blob(name, plaintext.release());
export const keyId = (names: Names, { realm, keyId }: Used) => `"KeyId":"${names.keyArn(realm, keyId)}"`;

const materialId = (name: string, id: string | undefined) => (id === undefined ? '' : `,"${name}":"${id}"`);

export function encodeEncrypt(result: Result<'encrypt'>, { command }: Asked<'encrypt'>, names: Names): string {
  return `{${blob('CiphertextBlob', result.ciphertext)},"EncryptionAlgorithm":"${awsSchemeNames[command.scheme]}",${keyId(names, result)}}`;
}

export function encodeDecrypt(result: Result<'decrypt'>, { command }: Asked<'decrypt'>, names: Names): string {
  return `{"EncryptionAlgorithm":"${awsSchemeNames[command.scheme]}",${keyId(names, result)}${materialId('KeyMaterialId', result.materialId)},${secret('Plaintext', result.plaintext)}}`;
}

export function encodeReEncrypt(result: Result<'re-encrypt'>, { command }: Asked<'re-encrypt'>, names: Names): string {
  return (
    `{${blob('CiphertextBlob', result.ciphertext)},${keyId(names, result)}` +
    `,"DestinationEncryptionAlgorithm":"${awsSchemeNames[command.targetScheme]}"` +
    `,"SourceEncryptionAlgorithm":"${awsSchemeNames[command.sourceScheme]}"` +
    materialId('SourceKeyMaterialId', result.source.materialId) +
    materialId('DestinationKeyMaterialId', result.materialId) +
    `,"SourceKeyId":"${names.keyArn(result.source.realm, result.source.keyId)}"}`
  );
}

export function encodeGenerateDataKey(
  result: Result<'generate-data-key'>,
  _asked: Asked<'generate-data-key'>,
  names: Names,
): string {
  const plaintext = result.plaintext === undefined ? '' : `,${secret('Plaintext', result.plaintext)}`;
  const material = materialId('KeyMaterialId', result.materialId);
  return `{${blob('CiphertextBlob', result.ciphertext)},${keyId(names, result)}${material}${plaintext}}`;
}

export function encodeGenerateDataKeyPair(
  result: Result<'generate-data-key-pair'>,
  { command }: Asked<'generate-data-key-pair'>,
  names: Names,
): string {
  const plaintext = result.privateKey === undefined ? '' : `,${secret('PrivateKeyPlaintext', result.privateKey)}`;
  return (
    `{${keyId(names, result)}${materialId('KeyMaterialId', result.materialId)},"KeyPairSpec":"${awsSpecName(command.spec)}"` +
    `,${blob('PrivateKeyCiphertextBlob', result.privateKeyCiphertext)}${plaintext},${blob('PublicKey', result.publicKey)}}`
  );
}

export function encodeGenerateRandom(result: Result<'generate-random'>): string {
  return `{${secret('Plaintext', result.bytes)}}`;
}

export function encodeSign(result: Result<'sign'>, { command }: Asked<'sign'>, names: Names): string {
  return `{${keyId(names, result)},${blob('Signature', result.signature)},"SigningAlgorithm":"${awsSigningName(command.scheme)}"}`;
}

/** AWS answers a signature that doesn't fit with an exception, never with false. */
export function encodeVerify(result: Result<'verify'>, { command }: Asked<'verify'>, names: Names): string {
  if (!result.valid) throw new KmsError('invalid-signature', 'The signature does not fit the message.');
  return `{${keyId(names, result)},"SignatureValid":true,"SigningAlgorithm":"${awsSigningName(command.scheme)}"}`;
}

export function encodeGetPublicKey(
  result: Result<'get-public-key'>,
  _asked: Asked<'get-public-key'>,
  names: Names,
): string {
  const spec = awsSpecName(result.key.spec);
  return JSON.stringify({
    KeyId: names.keyArn(result.realm, result.keyId),
    PublicKey: toBase64(result.publicKey),
    CustomerMasterKeySpec: spec,
    KeySpec: spec,
    KeyUsage: awsUsageName(result.key.usages),
    ...awsAlgorithms(result.key),
  });
}

export function encodeGenerateMac(result: Result<'generate-mac'>, _asked: Asked<'generate-mac'>, names: Names): string {
  return `{${keyId(names, result)},${blob('Mac', result.mac)},"MacAlgorithm":"${awsMacName(result.hash)}"}`;
}

export function encodeVerifyMac(result: Result<'verify-mac'>, _asked: Asked<'verify-mac'>, names: Names): string {
  if (!result.valid) throw new KmsError('invalid-mac', 'The MAC does not fit the message.');
  return `{${keyId(names, result)},"MacAlgorithm":"${awsMacName(result.hash)}","MacValid":true}`;
}
