import { argon2, getFips } from 'node:crypto';
import { KmsError, SecretBytes } from '#domain/domain.ts';
import { mostForArgon2, withArgon2Memory } from './secure-heap.ts';

/** Costs of Argon2id (RFC 9106 section 4 recommends 2 GiB and 1 pass, or 64 MiB and 3 passes, with 4 lanes). */
export interface Argon2Costs {
  /** At least 8 for each lane, and at most 65,536: OpenSSL takes it from the secure heap. */
  readonly memoryKiB: number;
  readonly passes: number;
  /** Lanes. */
  readonly parallelism: number;
}

/**
 * Argon2id (RFC 9106) on the thread pool: `length` bytes, at least 4, that the caller owns. The caller still owns `passphrase`;
 * `salt` is at least 8 bytes. Rejects with 'invalid-parameter' where the costs are out of range, and with
 * 'unsupported' on a FIPS module.
 */
export async function argon2id(
  passphrase: SecretBytes,
  salt: Uint8Array,
  costs: Argon2Costs,
  length: number,
): Promise<SecretBytes> {
  const { memoryKiB: memory, passes, parallelism } = costs;
  const bytes = memory * 1024;
  if (getFips() !== 0) {
    const instead = 'seals of another kind, and logins without passwords';
    throw new KmsError('unsupported', `This server runs on a FIPS module, which has no Argon2id: use ${instead}.`);
  }
  if (!(bytes > 0 && bytes <= mostForArgon2)) throw outOfRange();
  return withArgon2Memory(bytes, () => {
    const message = passphrase.expose();
    const given = { message, nonce: salt, memory, passes, parallelism, tagLength: length };
    return new Promise((resolve, reject) => {
      try {
        argon2('argon2id', given, (error, derived) => {
          if (error) reject(outOfRange());
          else resolve(new SecretBytes(derived));
        });
      } catch {
        reject(outOfRange());
      }
    });
  });
}

const outOfRange = () => new KmsError('invalid-parameter', 'The Argon2id salt, costs or length are out of range.');
