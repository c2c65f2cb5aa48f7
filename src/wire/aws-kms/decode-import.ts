import { type ImportWrapping, KmsError, type WrappingSpec } from '#domain/domain.ts';
import { invalid, unsupported } from '../common/aws-errors.ts';
import { choice } from '../common/aws-fields.ts';
import { type JsonObject, optionalString } from '../common/common.ts';
import { ciphertext, requiredChoice, text } from './fields.ts';
import type { Names } from './names.ts';
import type { Asked } from './row.ts';

const keyIdOf = (fields: JsonObject, names: Names) => names.keyIdRef(text(fields, 'KeyId'), 'KeyId');

/** AlgorithmSpec; undefined: AWS KMS no longer takes the one, and the other exists in its China regions only. */
const wrappings: ReadonlyMap<string, ImportWrapping | undefined> = new Map([
  ['RSAES_PKCS1_V1_5', undefined],
  ['RSAES_OAEP_SHA_1', 'rsa-oaep-sha1'],
  ['RSAES_OAEP_SHA_256', 'rsa-oaep-sha256'],
  ['RSA_AES_KEY_WRAP_SHA_1', 'rsa-aes-kwp-sha1'],
  ['RSA_AES_KEY_WRAP_SHA_256', 'rsa-aes-kwp-sha256'],
  ['SM2PKE', undefined],
]);

const wrappingSpecs: ReadonlyMap<string, WrappingSpec | undefined> = new Map([
  ['RSA_2048', 'rsa-2048'],
  ['RSA_3072', 'rsa-3072'],
  ['RSA_4096', 'rsa-4096'],
  ['SM2', undefined],
]);

function offered<T>(fields: JsonObject, name: string, values: ReadonlyMap<string, T | undefined>): T {
  const wrapped = new Map([...values].map(([known, value]) => [known, { value }]));
  const { value } = requiredChoice(fields, name, wrapped);
  if (value === undefined) throw unsupported(`${name} ${text(fields, name)}`);
  return value;
}

export const decodeGetParametersForImport = (fields: JsonObject, names: Names): Asked<'get-import-parameters'> => ({
  command: {
    kind: 'get-import-parameters',
    key: keyIdOf(fields, names),
    wrapping: offered(fields, 'WrappingAlgorithm', wrappings),
    wrappingSpec: offered(fields, 'WrappingKeySpec', wrappingSpecs),
  },
});

const expirationModels: ReadonlyMap<string, boolean> = new Map([
  ['KEY_MATERIAL_EXPIRES', true],
  ['KEY_MATERIAL_DOES_NOT_EXPIRE', false],
]);

const importTypes: ReadonlyMap<string, 'new' | 'existing'> = new Map([
  ['NEW_KEY_MATERIAL', 'new'],
  ['EXISTING_KEY_MATERIAL', 'existing'],
]);

/** Seconds since the epoch, with a fraction. */
function validTo(fields: JsonObject): number | undefined {
  const value = Object.hasOwn(fields, 'ValidTo') ? (fields.ValidTo ?? undefined) : undefined;
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isSafeInteger(Math.round(value * 1000))) {
    throw new KmsError('malformed', '"ValidTo" must be a number of seconds.');
  }
  return Math.round(value * 1000);
}

/** Undefined: it stays. */
function expiresAt(fields: JsonObject): number | undefined {
  const at = validTo(fields);
  const expires = choice(fields, 'ExpirationModel', expirationModels, true);
  if (expires && at === undefined) throw invalid('ValidTo', 'Member must not be null for KEY_MATERIAL_EXPIRES');
  if (!expires && at !== undefined) throw invalid('ValidTo', 'Member must be null for KEY_MATERIAL_DOES_NOT_EXPIRE');
  return at;
}

/** KeyMaterialDescriptionType of the service model. */
function materialLabel(fields: JsonObject): string | undefined {
  const label = optionalString(fields, 'KeyMaterialDescription');
  if (label !== undefined && !/^[a-zA-Z0-9:/_\s.-]{0,256}$/.test(label)) {
    throw invalid('KeyMaterialDescription', 'Member must be at most 256 letters, digits, spaces or : / _ . -');
  }
  return label;
}

/** BackingKeyIdType of the service model. */
function materialId(fields: JsonObject): string | undefined {
  const id = optionalString(fields, 'KeyMaterialId');
  if (id !== undefined && !/^[a-f0-9]{64}$/.test(id)) {
    throw invalid('KeyMaterialId', 'Member must satisfy regular expression pattern: ^[a-f0-9]{64}$');
  }
  return id;
}

export function decodeImportKeyMaterial(fields: JsonObject, names: Names): Asked<'import-key-material'> {
  const material = choice(fields, 'ImportType', importTypes, undefined);
  const [ends, label, id] = [expiresAt(fields), materialLabel(fields), materialId(fields)];
  return {
    command: {
      kind: 'import-key-material',
      key: keyIdOf(fields, names),
      token: ciphertext(fields, 'ImportToken'),
      wrapped: ciphertext(fields, 'EncryptedKeyMaterial'),
      ...(ends !== undefined && { expiresAt: ends }),
      ...(material !== undefined && { material }),
      ...(label !== undefined && { materialLabel: label }),
      ...(id !== undefined && { materialId: id }),
    },
  };
}

export function decodeDeleteImportedKeyMaterial(fields: JsonObject, names: Names): Asked<'delete-imported-material'> {
  const id = materialId(fields);
  return {
    command: {
      kind: 'delete-imported-material',
      key: keyIdOf(fields, names),
      ...(id !== undefined && { materialId: id }),
    },
  };
}
