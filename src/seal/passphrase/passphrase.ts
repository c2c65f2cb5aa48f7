import { aeadOpen, aeadSeal, argon2id, nonceLength, randomBytes } from '#crypto/crypto.ts';
import { KmsError, SecretBytes } from '#domain/domain.ts';
import { toUtf8 } from '#encoding/encoding.ts';
import type { Seal } from '../contract.ts';

/** Argon2id parameters (RFC 9106 section 3.1). */
export interface PassphraseCost {
  readonly memoryKiB: number;
  readonly passes: number;
  readonly parallelism: number;
}

/** RFC 9106 section 4, second recommended option: 64 MiB, three passes, four lanes. */
export const strongCost: PassphraseCost = { memoryKiB: 64 * 1024, passes: 3, parallelism: 4 };

// format 1 | memory KiB 4 | passes 4 | lanes 4 | salt 16 | nonce 12 | root key and tag
const formatByte = 1;
const saltAt = 13;
const nonceAt = saltAt + 16;
const bodyAt = nonceAt + nonceLength;
const rootLength = 32;

// What a wrapped root may ask of the machine, so that a forged file can't exhaust it.
const costLimit: PassphraseCost = { memoryKiB: 4 * 1024 * 1024, passes: 64, parallelism: 64 };

/** Holds the root key under a passphrase. The caller still owns `passphrase`, which must outlive the seal. */
export function passphraseSeal(passphrase: SecretBytes, cost: PassphraseCost = strongCost): Seal {
  return {
    kind: 'passphrase',

    async wrap(root) {
      const header = Buffer.alloc(bodyAt);
      header[0] = formatByte;
      header.writeUInt32BE(cost.memoryKiB, 1);
      header.writeUInt32BE(cost.passes, 5);
      header.writeUInt32BE(cost.parallelism, 9);
      randomBytes(bodyAt - saltAt).copy(header, saltAt);
      using key = await argon2id(passphrase, header.subarray(saltAt, nonceAt), cost, 32);
      const aad = aadOf(header);
      return Buffer.concat([header, aeadSeal('aes-256-gcm', key, header.subarray(nonceAt), aad, root.expose())]);
    },

    async unwrap(wrapped) {
      const bytes = Buffer.from(wrapped);
      const stored = readCost(bytes);
      if (stored === undefined) throw new KmsError('invalid-unseal', 'The seal file is damaged.');
      using key = await argon2id(passphrase, bytes.subarray(saltAt, nonceAt), stored, 32);
      const nonce = bytes.subarray(nonceAt, bodyAt);
      const root = aeadOpen('aes-256-gcm', key, nonce, aadOf(bytes), bytes.subarray(bodyAt));
      if (root === undefined) throw new KmsError('invalid-unseal', 'The passphrase does not open the seal.');
      return new SecretBytes(root);
    },
  };
}

function aadOf(bytes: Buffer): Uint8Array {
  return Buffer.concat([toUtf8('claviger/v1/seal/passphrase'), bytes.subarray(0, nonceAt)]);
}

function readCost(bytes: Buffer): PassphraseCost | undefined {
  if (bytes.length !== bodyAt + rootLength + 16 || bytes[0] !== formatByte) return undefined;
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
