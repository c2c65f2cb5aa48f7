import { digest, equalSecrets } from '#crypto/crypto.ts';
import { KmsError, type SecretBytes } from '#domain/domain.ts';
import { fromHex, toHex, toUtf8 } from '#encoding/encoding.ts';
import { issueOf, type ShamirSettings } from './settings.ts';
import { looksLikeShare, readShare, type Share, shareText } from './share-text.ts';

const receiptLabel = toUtf8('claviger/v1/share-receipt\n');
const commitmentLabel = toUtf8('claviger/v1/share-commitment\n');

/**
 * Only somebody who has read the share can tell it: SHA-256 over 33 bytes of which 32 are random to whoever hasn't. Shown to the server, it
 * tells that the share has arrived, and nothing of the share.
 */
export function receiptOf(share: Share): Uint8Array {
  using text = shareText(share);
  return labelled(receiptLabel, text.expose());
}

/** What the settings keep of it: no receipt can be made from that. */
export function commitmentTo(receipt: Uint8Array): string {
  return toHex(labelled(commitmentLabel, receipt));
}

/**
 * Whether this very share was handed out for the seal, before any others are there. The caller owns its point. Throws 'invalid-unseal'; each
 * reason has its own words: mistyped, superseded, of another set or server, never handed out.
 */
export function readOwnShare(settings: ShamirSettings, typed: SecretBytes): Share {
  const { set, threshold, commitments } = issueOf(settings);
  const share = readShare(typed);
  try {
    if (share.set !== set) throw new KmsError('invalid-unseal', foreign(settings, share, set));
    const expected = fromHex(commitments[share.number - 1] ?? '');
    const found = fromHex(commitmentTo(receiptOf(share)));
    const same = expected !== undefined && found !== undefined && equalSecrets(expected, found);
    if (!same || share.threshold !== threshold || share.total !== commitments.length) {
      throw new KmsError('invalid-unseal', `No such share ${share.number} was ever handed out for this seal.`);
    }
    return share;
  } catch (error) {
    share.point.dispose();
    throw error;
  }
}

/** What it says that it is; nothing but its first letters and its checksum were looked at. */
export function claimedBy(settings: ShamirSettings, typed: SecretBytes): 'this seal' | 'another' | 'no share' {
  if (!looksLikeShare(typed)) return 'no share';
  try {
    const { set, point } = readShare(typed);
    point.dispose();
    const known = set === issueOf(settings).set || settings.superseded?.includes(set);
    return known === true ? 'this seal' : 'another';
  } catch {
    return 'another';
  }
}

function foreign({ superseded = [] }: ShamirSettings, { set, number }: Share, own: string): string {
  return superseded.includes(set)
    ? `Share ${number} of the set ${set} was superseded: the shares of the set ${own} are in force.`
    : `Share ${number} is of the set ${set}, of another seal or another server: this seal takes shares of the set ${own}.`;
}

function labelled(label: Uint8Array, bytes: Uint8Array): Uint8Array {
  const message = new Uint8Array(label.length + bytes.length);
  message.set(label);
  message.set(bytes, label.length);
  const hash = digest('sha256', message);
  message.fill(0);
  return hash;
}
