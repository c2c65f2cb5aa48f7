import { hmac, isSigV4aSignature, type KeyHandle, openMaterial, sigV4aPublicKey } from '#crypto/crypto.ts';
import { SecretBytes } from '#domain/domain.ts';
import { fromHex, toUtf8 } from '#encoding/encoding.ts';
import { Recent } from './recent.ts';
import type { SignedRequest } from './signed-request.ts';
import { isSignedBy } from './sigv4.ts';

const base64Alphabet = toUtf8('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');

/**
 * The secret access key of an access key id: 40 base64 characters, as bytes, so that no string ever holds them. It follows from
 * the room's key, so nothing secret is stored and an id that was never issued has a secret too: verifying takes the same time.
 */
export function secretAccessKey(root: SecretBytes, accessKeyId: string): Uint8Array {
  const bits = hmac('sha256', root, `sigv4:${accessKeyId}`);
  const text = new Uint8Array(40);
  for (let i = 0, o = 0; i < 30; i += 3, o += 4) {
    const three = (bits[i]! << 16) | (bits[i + 1]! << 8) | bits[i + 2]!;
    for (let part = 0; part < 4; part++) text[o + part] = base64Alphabet[(three >> (18 - 6 * part)) & 63]!;
  }
  bits.fill(0);
  return text;
}

/** The key that signs one day's requests to one service in one region (AWS, "Calculate the signature"). Takes `secret` over. */
export function signingKey(secret: Uint8Array, date: string, region: string, service: string): KeyHandle {
  let bytes: Uint8Array = new Uint8Array(4 + secret.length);
  bytes.set(toUtf8('AWS4'));
  bytes.set(secret, 4);
  secret.fill(0);
  for (const part of [date, region, service, 'aws4_request']) {
    using key = new SecretBytes(bytes);
    bytes = hmac('sha256', key, part);
  }
  using last = new SecretBytes(bytes);
  return openMaterial('hmac-sha256', last);
}

/** The key that verifies what `secret` signs by version 4A, whatever the day, region and service. Takes `secret` over. */
export function verifyingKey(secret: Uint8Array, accessKeyId: string): KeyHandle {
  const bytes = new Uint8Array(5 + secret.length);
  bytes.set(toUtf8('AWS4A'));
  bytes.set(secret, 5);
  secret.fill(0);
  using key = new SecretBytes(bytes);
  return sigV4aPublicKey(key, accessKeyId);
}

/** Keys by scope. Only those that have verified something are kept, so that strangers can't fill the cache. */
export class SigningKeys {
  readonly #root: SecretBytes;
  readonly #keys = new Recent<KeyHandle>(2048);

  constructor(root: SecretBytes) {
    this.#root = root;
  }

  verify(request: SignedRequest): boolean {
    return request.algorithm === 'AWS4-HMAC-SHA256' ? this.#verifyMac(request) : this.#verifySignature(request);
  }

  #verifyMac(request: SignedRequest): boolean {
    const { accessKeyId, date, region, service } = request;
    const scope = `${accessKeyId}/${date}/${region}/${service}`;
    const known = this.#keys.get(scope);
    if (known !== undefined) return isSignedBy(known, request);
    const key = signingKey(secretAccessKey(this.#root, accessKeyId), date, region, service);
    const signed = isSignedBy(key, request);
    if (signed) this.#keys.set(scope, key);
    return signed;
  }

  #verifySignature({ accessKeyId, stringToSign, signature }: SignedRequest): boolean {
    const known = this.#keys.get(accessKeyId);
    const key = known ?? verifyingKey(secretAccessKey(this.#root, accessKeyId), accessKeyId);
    const signed = isSigV4aSignature(key, stringToSign, fromHex(signature)!);
    if (signed && known === undefined) this.#keys.set(accessKeyId, key);
    return signed;
  }
}
