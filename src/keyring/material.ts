import { generateMaterial, randomBytes } from '#crypto/crypto.ts';
import type { Key, KeyVersion, SecretBytes } from '#domain/domain.ts';
import { toHex } from '#encoding/encoding.ts';
import type { Parts } from './change.ts';
import { bindingOf, macBindingOf } from './open.ts';
import { assertNotResident } from './resident.ts';
import { wrapMaterial } from './root.ts';

/** New material, wrapped for exactly this key and version under its `versionKey`. */
export async function makeVersion(
  versionKey: SecretBytes,
  key: Pick<Key, 'realm' | 'id' | 'spec' | 'usages' | 'class'>,
  version: number,
  now: number,
): Promise<KeyVersion> {
  const { material, publicKey } = await generateMaterial(key.spec);
  try {
    const wrapped = wrapMaterial(versionKey, bindingOf(key, version), material);
    const materialId = toHex(randomBytes(32));
    const facts = { version, state: 'active', createdAt: now, materialId, wrapped } as const;
    return Object.freeze({ ...facts, ...(publicKey && { publicKey }) });
  } finally {
    material.dispose();
  }
}

/**
 * The version with what material it has wrapped for the same version of another key, under that one's key. Not of keys in an HSM: no two
 * share an object.
 */
export async function rewrapped(
  parts: Parts,
  from: Key,
  version: KeyVersion,
  to: Parameters<typeof bindingOf>[0],
  versionKey: SecretBytes,
): Promise<KeyVersion> {
  assertNotResident(from, 'copied');
  if (version.wrapped === undefined) return version;
  using material = await parts.versions.material(from, version);
  using mac = await parts.versions.macKey(from, version);
  return Object.freeze({
    ...version,
    wrapped: wrapMaterial(versionKey, bindingOf(to, version.version), material),
    ...(mac && { wrappedMac: wrapMaterial(versionKey, macBindingOf(to, version.version), mac) }),
  });
}
