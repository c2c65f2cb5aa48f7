import type { Key, KeyVersion, WrappedMaterial } from '#domain/domain.ts';
import { fromBase64, toBase64 } from '#encoding/encoding.ts';

/** How keys and versions stand in their records: JSON, with bytes as base64. The record's MAC vouches for the shape. */

interface StoredVersion
  extends Omit<KeyVersion, 'wrapped' | 'wrappedMac' | 'publicKey' | 'certificates' | 'fingerprint'> {
  readonly wrapped?: string;
  readonly wrappedMac?: string;
  readonly publicKey?: string;
  readonly certificates?: readonly string[];
  readonly fingerprint?: string;
}

type StoredKey = Omit<Key, 'revision' | 'current' | 'next'> & {
  readonly current: StoredVersion;
  readonly next?: StoredVersion;
};

export function encodeVersion({
  wrapped,
  wrappedMac,
  publicKey,
  certificates,
  fingerprint,
  ...facts
}: KeyVersion): object {
  return {
    ...facts,
    ...(wrapped && { wrapped: toBase64(wrapped) }),
    ...(wrappedMac && { wrappedMac: toBase64(wrappedMac) }),
    ...(publicKey && { publicKey: toBase64(publicKey) }),
    ...(certificates && { certificates: certificates.map(toBase64) }),
    ...(fingerprint && { fingerprint: toBase64(fingerprint) }),
  };
}

export function decodeVersion(value: unknown): KeyVersion {
  const { wrapped, wrappedMac, publicKey, certificates, fingerprint, ...facts } = value as StoredVersion;
  return Object.freeze({
    ...facts,
    ...(wrapped && { wrapped: fromBase64(wrapped) as WrappedMaterial }),
    ...(wrappedMac && { wrappedMac: fromBase64(wrappedMac) as WrappedMaterial }),
    ...(publicKey && { publicKey: fromBase64(publicKey)! }),
    ...(certificates && { certificates: certificates.map((one) => fromBase64(one)!) }),
    ...(fingerprint && { fingerprint: fromBase64(fingerprint)! }),
  });
}

export function encodeKey({ revision: _, current, next, ...facts }: Key): object {
  return { ...facts, current: encodeVersion(current), ...(next && { next: encodeVersion(next) }) };
}

export function decodeKey(revision: number, value: unknown): Key {
  const { current, next, ...facts } = value as StoredKey;
  return Object.freeze({
    ...facts,
    revision,
    current: decodeVersion(current),
    ...(next && { next: decodeVersion(next) }),
  });
}

export const keyRecordId = (key: { realm: string; id: string }): string => `${key.realm}/${key.id}`;
export const nameRecordId = (realm: string, name: string): string => `${realm}/${name}`;
/** Eight digits keep versions in numeric order. */
export const versionRecordId = (key: { realm: string; id: string }, version: number): string =>
  `${key.realm}/${key.id}/${String(version).padStart(8, '0')}`;
