import { combine, split } from 'shamir-secret-sharing';
import { aeadOpen, aeadSeal, equalSecrets, nonceLength, randomBytes, tagLength } from '#crypto/crypto.ts';
import { type Handout, KmsError, Plaintext, SecretBytes } from '#domain/domain.ts';
import { toHex, toUtf8 } from '#encoding/encoding.ts';
import { maxWrapped, type Seal, type SealKind } from '../contract.ts';
import { linesOf } from '../share-progress.ts';
import { claimedBy, commitmentTo, readOwnShare, receiptOf } from './commitment.ts';
import { encryptTo } from './recipient.ts';
import { custodianOf, issueOf, mostSuperseded, readSettings, type ShamirSettings } from './settings.ts';
import { type Share, setLength, shareText } from './share-text.ts';

const keyLength = 32;
const formatByte = 1;
const bodyAt = 1 + nonceLength;

/**
 * Holds secrets under a random key that is split among custodians: any `threshold` of them open it together, fewer know nothing. The key is
 * made anew with each set of shares, so that other shares need no other root.
 */
export const shamirKind: SealKind<ShamirSettings> = {
  kind: 'shamir',
  asks: 'shares',
  settings: readSettings,
  async create(settings) {
    using key = new SecretBytes(randomBytes(keyLength));
    const set = toHex(randomBytes(setLength));
    const shares = await splitKey(key, set, settings);
    const handouts: Handout[] = [];
    try {
      const commitments = shares.map((share) => commitmentTo(receiptOf(share)));
      for (const share of shares) handouts.push(await handoutOf(settings, share));
      const { superseded = [], issued, ...rest } = settings;
      const former = issued === undefined ? superseded : [issued.set, ...superseded].slice(0, mostSuperseded);
      return {
        settings: {
          ...rest,
          issued: { set, threshold: settings.threshold, commitments },
          ...(former.length > 0 && { superseded: former }),
        },
        seal: new ShamirSeal(SecretBytes.copyOf(key.expose()), set),
        handouts,
      };
    } catch (error) {
      for (const { text } of handouts) text.wipe();
      throw error;
    } finally {
      for (const { point } of shares) point.dispose();
    }
  },
  async open(settings, secret) {
    const { set, threshold } = issueOf(settings);
    const shares = new Map<number, Share>();
    try {
      for (const line of secret === undefined ? [] : linesOf(secret)) {
        using text = line;
        const share = readOwnShare(settings, text);
        if (!shares.has(share.number)) shares.set(share.number, share);
        else {
          share.point.dispose();
          throw new KmsError('invalid-unseal', `Share ${share.number} was brought twice.`);
        }
      }
      if (shares.size < threshold)
        throw new KmsError('invalid-unseal', `The seal takes ${threshold} shares; ${shares.size} were brought.`);
      const enough = [...shares.values()].slice(0, threshold);
      return new ShamirSeal(await joinPoints(enough.map(({ point }) => point)), set);
    } finally {
      for (const { point } of shares.values()) point.dispose();
    }
  },
  shares: {
    quorum(settings) {
      const { threshold, commitments } = issueOf(settings);
      return { threshold, total: commitments.length };
    },
    claim(settings, typed) {
      return claimedBy(settings, typed);
    },
    numberOf(settings, typed) {
      const { number, point } = readOwnShare(settings, typed);
      point.dispose();
      return number;
    },
  },
};

class ShamirSeal implements Seal {
  readonly kind = 'shamir';
  readonly #key: SecretBytes;
  readonly #bound: Uint8Array;

  /** Takes `key`. */
  constructor(key: SecretBytes, set: string) {
    this.#key = key;
    this.#bound = toUtf8(`claviger/v1/seal/shamir/${set}`);
  }

  async wrap(secret: SecretBytes): Promise<Uint8Array> {
    if (secret.length > maxWrapped) throw new KmsError('too-large', `A seal wraps at most ${maxWrapped} bytes.`);
    const nonce = randomBytes(nonceLength);
    const body = aeadSeal('aes-256-gcm', this.#key, nonce, this.#bound, secret.expose());
    return Buffer.concat([Uint8Array.of(formatByte), nonce, body]);
  }

  async unwrap(wrapped: Uint8Array): Promise<SecretBytes> {
    const sound = wrapped[0] === formatByte && wrapped.length <= bodyAt + maxWrapped + tagLength;
    const [nonce, body] = [wrapped.subarray(1, bodyAt), wrapped.subarray(bodyAt)];
    const secret =
      sound && body.length >= tagLength ? aeadOpen('aes-256-gcm', this.#key, nonce, this.#bound, body) : undefined;
    if (secret === undefined) throw new KmsError('invalid-unseal', 'The shares do not open the seal.');
    return new SecretBytes(secret);
  }

  async close(): Promise<void> {
    this.#key.dispose();
  }
}

/** The library takes and gives plain arrays, and so they are wiped. What it divides by is tried before anybody relies on it. */
async function splitKey(key: SecretBytes, set: string, { shares: total, threshold }: ShamirSettings): Promise<Share[]> {
  const bytes = Uint8Array.from(key.expose());
  const points = (await split(bytes, total, threshold)).map((point) => new SecretBytes(point));
  bytes.fill(0);
  using joined = await joinPoints(points.slice(-threshold));
  if (!equalSecrets(joined.expose(), key.expose())) throw new Error('the shares do not give the key that they are of');
  return points.map((point, i) => ({ set, number: i + 1, threshold, total, point }));
}

async function joinPoints(points: readonly SecretBytes[]): Promise<SecretBytes> {
  const copies = points.map((point) => Uint8Array.from(point.expose()));
  try {
    return new SecretBytes(await combine(copies));
  } finally {
    for (const copy of copies) copy.fill(0);
  }
}

async function handoutOf(settings: ShamirSettings, share: Share): Promise<Handout> {
  const { name, recipient } = custodianOf(settings, share.number);
  using text = shareText(share);
  return {
    custodian: name,
    text: new Plaintext(
      recipient === undefined ? Uint8Array.from(text.expose()) : await encryptTo(recipient, text, name),
    ),
  };
}
