import type { JsonObject } from '../common/common.ts';
import { bytes, ciphertext, refuseExtras, requiredChoice, text } from './fields.ts';
import type { Names } from './names.ts';
import type { Asked } from './row.ts';

/** KeyAgreementAlgorithmSpec and EncapsulationAlgorithmSpec: one each, which the key's spec says anyway. */
export const agreementAlgorithms: ReadonlyMap<string, true> = new Map([['ECDH', true]]);
export const encapsulationAlgorithms: ReadonlyMap<string, true> = new Map([['ML_KEM', true]]);

const maxPublicKey = 8192;

export function decodeDeriveSharedSecret(fields: JsonObject, names: Names): Asked<'derive-shared-secret'> {
  refuseExtras(fields);
  requiredChoice(fields, 'KeyAgreementAlgorithm', agreementAlgorithms);
  return {
    command: {
      kind: 'derive-shared-secret',
      key: names.keyRef(text(fields, 'KeyId'), 'KeyId'),
      publicKey: bytes(fields, 'PublicKey', 1, maxPublicKey),
    },
  };
}

export function decodeEncapsulate(fields: JsonObject, names: Names): Asked<'encapsulate'> {
  refuseExtras(fields);
  requiredChoice(fields, 'EncapsulationAlgorithm', encapsulationAlgorithms);
  return { command: { kind: 'encapsulate', key: names.keyRef(text(fields, 'KeyId'), 'KeyId') } };
}

export function decodeDecapsulate(fields: JsonObject, names: Names): Asked<'decapsulate'> {
  refuseExtras(fields);
  requiredChoice(fields, 'EncapsulationAlgorithm', encapsulationAlgorithms);
  return {
    command: {
      kind: 'decapsulate',
      key: names.keyRef(text(fields, 'KeyId'), 'KeyId'),
      ciphertext: ciphertext(fields, 'SharedSecretCiphertextBlob'),
    },
  };
}
