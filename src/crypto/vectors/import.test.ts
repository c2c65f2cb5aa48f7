import { type KeyHandle, openMaterial, unwrapImport } from '#crypto/crypto.ts';
import { SecretBytes, type WrappingSpec } from '#domain/domain.ts';
import { bytes, type Group, wycheproof } from './wycheproof.ts';

const opened = new WeakMap<Group, KeyHandle>();

function wrappingKeyOf(group: Group): KeyHandle {
  const spec = `rsa-${group.keySize}` as WrappingSpec;
  const key = opened.get(group) ?? openMaterial(spec, new SecretBytes(bytes(group, 'privateKeyPkcs8')));
  opened.set(group, key);
  return key;
}

for (const [bits, hash] of [
  [2048, 'sha1'],
  [2048, 'sha256'],
  [3072, 'sha256'],
  [4096, 'sha256'],
] as const) {
  wycheproof(`rsa_oaep_${bits}_${hash}_mgf1${hash}`, 20, (vector, group) => {
    if (vector.label !== '') return { declined: 'labels' };
    const material = unwrapImport(wrappingKeyOf(group), `rsa-oaep-${hash}`, bytes(vector, 'ct'));
    if (material === undefined) return 'refused';
    return bytes(vector, 'msg').equals(material.expose()) ? 'taken' : 'wrong';
  });
}
