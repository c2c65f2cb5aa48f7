/** The door of shares for whoever holds one: away from the server, with a copy of its seal file at most. Bytes stay their owner's. */
import { KmsError, SecretBytes } from '#domain/domain.ts';
import { fromUtf8 } from '#encoding/encoding.ts';
import { readDocument } from '../document.ts';
import { acknowledge, type SealOfShares } from './acknowledgement.ts';
import { commitmentTo, readOwnShare, receiptOf } from './commitment.ts';
import { openEnvelope } from './recipient.ts';
import { custodianOf, issueOf, readSettings } from './settings.ts';
import { shamirKind } from './shamir.ts';
import { readShare, shareText } from './share-text.ts';

export { duties, type SealOfShares } from './acknowledgement.ts';
export { encryptionOf, type RecipientKind } from './recipient.ts';

/** What is written on a share. */
export interface ShareFacts {
  /** 16 hexadecimal digits. */
  readonly set: string;
  readonly number: number;
  readonly threshold: number;
  readonly total: number;
  /** 8 hexadecimal digits that two people can compare aloud: they tell nothing of the share. */
  readonly fingerprint: string;
}

export interface CheckedShare extends ShareFacts {
  readonly seal: string;
  readonly custodian: string;
  /** 'former': superseded, and opens the seal until the new shares are known to have arrived. 'superseded': it opens nothing. */
  readonly state: 'in force' | 'former' | 'superseded';
}

/** The seals of a seal file that take shares: each, and as it was before while that opens it too. Throws 'tampered'. */
export function sealsOfShares(sealFile: string): ReadonlyArray<SealOfShares & { readonly former?: SealOfShares }> {
  return readDocument(sealFile)
    .seals.filter(({ kind }) => kind === shamirKind.kind)
    .map(({ name, settings, former }) => ({
      name,
      settings: readSettings(settings),
      ...(former !== undefined && { former: { name, settings: readSettings(former.settings) } }),
    }));
}

/** Throws 'invalid-unseal', which says what is wrong with it and no letter of it. */
export function shareFacts(share: Uint8Array): ShareFacts {
  return withSecret(share, (secret) => {
    const { point, ...facts } = readShare(secret);
    using _ = point;
    return { ...facts, fingerprint: commitmentTo(receiptOf({ ...facts, point })).slice(0, 8) };
  });
}

/** As it was made: capitals, nothing between. */
export function plainShare(share: Uint8Array): Uint8Array {
  return withSecret(share, (secret) => {
    const read = readShare(secret);
    using _ = read.point;
    using text = shareText(read);
    return Uint8Array.from(text.expose());
  });
}

/** Of the seals that it might be of: the one that it is of, told from this one share alone. Throws 'invalid-unseal'. */
export function checkShare(seals: ReturnType<typeof sealsOfShares>, share: Uint8Array): CheckedShare {
  const facts = shareFacts(share);
  for (const seal of seals) {
    const ways = [
      ['in force', seal],
      ['former', seal.former],
    ] as const;
    for (const [state, way] of ways) {
      if (way === undefined || issueOf(way.settings).set !== facts.set) continue;
      withSecret(share, (secret) => readOwnShare(way.settings, secret).point.dispose());
      return { ...facts, seal: seal.name, custodian: custodianOf(way.settings, facts.number).name, state };
    }
    // What was committed to then is not kept, so no more is known of it.
    if (seal.settings.superseded?.includes(facts.set))
      return { ...facts, seal: seal.name, custodian: '', state: 'superseded' };
  }
  for (const { settings } of seals) withSecret(share, (secret) => readOwnShare(settings, secret).point.dispose());
  throw new KmsError('not-found', 'The seal file holds no seal that shares open.');
}

/** The text of the acknowledgement. `date`: ISO 8601, to the second, in UTC. Throws as `checkShare`, and 'invalid-parameter'. */
export function acknowledgeShare(
  seals: readonly SealOfShares[],
  share: Uint8Array,
  signing: { readonly key: Uint8Array; readonly passphrase: Uint8Array | undefined } | undefined,
  date: string,
): string {
  const { set } = shareFacts(share);
  const seal = seals.find(({ settings }) => issueOf(settings).set === set) ?? seals[0];
  if (seal === undefined) throw new KmsError('not-found', 'There is no seal that shares open.');
  using key = SecretBytes.copyOf(signing?.key ?? new Uint8Array(0));
  using passphrase = signing?.passphrase && SecretBytes.copyOf(signing.passphrase);
  return withSecret(share, (secret) => acknowledge(seal, secret, signing && { key, passphrase }, date));
}

/** What was encrypted to an ML-KEM key. Undefined when it isn't for this one. */
export function openEncrypted(text: Uint8Array, privatePem: Uint8Array): Uint8Array | undefined {
  return withSecret(privatePem, (key) => {
    using opened = openEnvelope(fromUtf8(text) ?? '', key);
    return opened && Uint8Array.from(opened.expose());
  });
}

function withSecret<T>(bytes: Uint8Array, act: (secret: SecretBytes) => T): T {
  using secret = SecretBytes.copyOf(bytes);
  return act(secret);
}
