import { createHash } from 'node:crypto';
import { inflateSync } from 'node:zlib';
import { readVectors } from '../vectors.ts';

export const chunkVectorsPath = 'wycheproof/c2sp_chunked_encryption_aes_256_gcm_test.json.gz';

export interface ChunkVector {
  readonly tcId: number;
  readonly comment: string;
  readonly key: Uint8Array;
  readonly context: Uint8Array;
  readonly ciphertext: Uint8Array;
  readonly valid: boolean;
  /** Of the plaintext, or of what may be given out before the failure is met. */
  readonly sha512: string | undefined;
}

/** Wycheproof's vectors of C2SP chunked-encryption; [] where they are absent. Their ciphertexts are compressed (zlib). */
export function chunkVectors(): readonly ChunkVector[] {
  const bytes = readVectors(chunkVectorsPath);
  if (bytes === undefined) return [];
  const { testGroups } = JSON.parse(bytes.toString()) as { testGroups: ReadonlyArray<{ tests: readonly RawVector[] }> };
  return testGroups.flatMap(({ tests }) =>
    tests.map((test) => ({
      tcId: test.tcId,
      comment: test.comment,
      key: Buffer.from(test.key, 'hex'),
      context: Buffer.from(test.ctx, 'hex'),
      ciphertext: inflateSync(Buffer.from(test.ct, 'hex')),
      valid: test.result === 'valid',
      sha512: test.msgSha512,
    })),
  );
}

interface RawVector {
  readonly tcId: number;
  readonly comment: string;
  readonly key: string;
  readonly ctx: string;
  readonly ct: string;
  readonly result: 'valid' | 'invalid';
  readonly msgSha512?: string;
}

export function sha512(bytes: Uint8Array): string {
  return createHash('sha512').update(bytes).digest('hex');
}
