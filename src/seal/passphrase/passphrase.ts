import { aeadOpen, aeadSeal, argon2id, nonceLength, randomBytes, tagLength } from '#crypto/crypto.ts';
import { KmsError, SecretBytes } from '#domain/domain.ts';
import { toUtf8 } from '#encoding/encoding.ts';
import { maxWrapped, type Seal, type SealKind } from '../contract.ts';

/** Argon2id parameters (RFC 9106 section 3.1). */
export interface PassphraseCost {
  readonly memoryKiB: number;
  readonly passes: number;
  readonly parallelism: number;
}

/** RFC 9106 section 4, second recommended option: 64 MiB, three passes, four lanes. */
export const strongCost: PassphraseCost = { memoryKiB: 64 * 1024, passes: 3, parallelism: 4 };

/** Bytes of a passphrase that is set from now on. */
const minPassphrase = 12;

// format 1 | memory KiB 4 | passes 4 | lanes 4 | salt 16 | nonce 12 | secret and tag
const formatByte = 1;
const saltAt = 13;
const nonceAt = saltAt + 16;
const bodyAt = nonceAt + nonceLength;

// What a wrapped secret may ask of the machine, so that a forged file can't exhaust it: no more memory than Argon2id gets here.
const costLimit: PassphraseCost = { memoryKiB: strongCost.memoryKiB, passes: 64, parallelism: 64 };

/**
 * Holds secrets under a passphrase that somebody knows. There is nothing to set: each wrapped secret names the cost that it was wrapped
 * at. `cost`: of what is wrapped from now on.
 */
export function passphraseKind(cost: PassphraseCost = strongCost): SealKind {
  const given = (secret: SecretBytes | undefined) => {
    if (secret === undefined) throw new KmsError('invalid-unseal', 'The passphrase seal needs its passphrase.');
    return new PassphraseSeal(SecretBytes.copyOf(secret.expose()), cost);
  };
  return {
    kind: 'passphrase',
    asks: 'passphrase',
    settings(settings) {
      const [unknown] = Object.keys(settings);
      if (unknown !== undefined)
        throw new KmsError('invalid-parameter', `A passphrase seal has no setting "${unknown}".`);
      return {};
    },
    async create(settings, secret) {
      if (secret !== undefined && secret.length < minPassphrase) {
        throw new KmsError(
          'invalid-parameter',
          `The passphrase must have at least ${minPassphrase} bytes: everything hangs from it.`,
        );
      }
      return { settings, seal: given(secret) };
    },
    open: async (_settings, secret) => given(secret),
  };
}

class PassphraseSeal implements Seal {
  readonly kind = 'passphrase';
  readonly #passphrase: SecretBytes;
  readonly #cost: PassphraseCost;

  /** Takes `passphrase`. */
  constructor(passphrase: SecretBytes, cost: PassphraseCost) {
    this.#passphrase = passphrase;
    this.#cost = cost;
  }

  async wrap(secret: SecretBytes): Promise<Uint8Array> {
    if (secret.length > maxWrapped) throw new KmsError('too-large', `A seal wraps at most ${maxWrapped} bytes.`);
    const { memoryKiB, passes, parallelism } = this.#cost;
    const header = Buffer.alloc(bodyAt);
    header[0] = formatByte;
    header.writeUInt32BE(memoryKiB, 1);
    header.writeUInt32BE(passes, 5);
    header.writeUInt32BE(parallelism, 9);
    randomBytes(bodyAt - saltAt).copy(header, saltAt);
    using key = await argon2id(this.#passphrase, header.subarray(saltAt, nonceAt), this.#cost, 32);
    const nonce = header.subarray(nonceAt);
    return Buffer.concat([header, aeadSeal('aes-256-gcm', key, nonce, aadOf(header), secret.expose())]);
  }

  async unwrap(wrapped: Uint8Array): Promise<SecretBytes> {
    const bytes = Buffer.from(wrapped);
    const stored = readCost(bytes);
    if (stored === undefined) throw wrong();
    using key = await argon2id(this.#passphrase, bytes.subarray(saltAt, nonceAt), stored, 32);
    const nonce = bytes.subarray(nonceAt, bodyAt);
    const secret = aeadOpen('aes-256-gcm', key, nonce, aadOf(bytes), bytes.subarray(bodyAt));
    if (secret === undefined) throw wrong();
    return new SecretBytes(secret);
  }

  async close(): Promise<void> {
    this.#passphrase.dispose();
  }
}

const wrong = () => new KmsError('invalid-unseal', 'The passphrase does not open the seal.');

function aadOf(bytes: Buffer): Uint8Array {
  return Buffer.concat([toUtf8('claviger/v1/seal/passphrase'), bytes.subarray(0, nonceAt)]);
}

function readCost(bytes: Buffer): PassphraseCost | undefined {
  const length = bytes.length - bodyAt - tagLength;
  if (length < 0 || length > maxWrapped || bytes[0] !== formatByte) return undefined;
  const cost = { memoryKiB: bytes.readUInt32BE(1), passes: bytes.readUInt32BE(5), parallelism: bytes.readUInt32BE(9) };
  const sane =
    cost.passes >= 1 &&
    cost.parallelism >= 1 &&
    cost.memoryKiB >= 8 * cost.parallelism &&
    cost.memoryKiB <= costLimit.memoryKiB &&
    cost.passes <= costLimit.passes &&
    cost.parallelism <= costLimit.parallelism;
  return sane ? cost : undefined;
}
