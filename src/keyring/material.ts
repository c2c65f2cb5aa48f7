import { generateMaterial, randomBytes } from '#crypto/crypto.ts';
import type { Key, KeyVersion, SecretBytes } from '#domain/domain.ts';
import { toHex } from '#encoding/encoding.ts';
import { bindingOf } from './open.ts';
import { wrapMaterial } from './root.ts';

/** New material, wrapped for exactly this key and version. */
export async function makeVersion(
  realmKey: SecretBytes,
  key: Pick<Key, 'realm' | 'id' | 'spec' | 'usages' | 'class'>,
  version: number,
  now: number,
): Promise<KeyVersion> {
  const { material, publicKey } = await generateMaterial(key.spec);
  try {
    const wrapped = wrapMaterial(realmKey, bindingOf(key, version), material);
    const materialId = toHex(randomBytes(32));
    const facts = { version, state: 'active', createdAt: now, materialId, wrapped } as const;
    return Object.freeze({ ...facts, ...(publicKey && { publicKey }) });
  } finally {
    material.dispose();
  }
}
