import { digestHex } from '#crypto/crypto.ts';
import {
  addressOf,
  inRange,
  KmsError,
  Plaintext,
  parseIpRange,
  type RecordChange,
  type TokenRequest,
} from '#domain/domain.ts';
import { toUtf8 } from '#encoding/encoding.ts';
import { newToken, tokenAccessor } from './credential-id.ts';
import { type CredentialRecord, put, type TokenUse } from './directory.ts';
import { checkTtl } from './names.ts';

const day = 24 * 3600 * 1000;
/** What a token lives if nobody says: 32 days, as Vault's. */
const defaultTtl = 32 * day;
const maxUses = 1_000_000;

export interface Issue extends TokenRequest {
  readonly realm: string;
  readonly identity: string;
  readonly parent?: string;
  readonly path?: string;
  readonly role?: string;
  readonly explicitMaxTtl?: number;
  /** The auth mount that gives it. */
  readonly mount?: { readonly path: string; readonly id: string };
  /** SHA-256 of the certificate that it was given for. */
  readonly certificate?: string;
  /** Milliseconds since the epoch at which what it hangs from ends. */
  readonly until: number;
}

/** A new token's record, beside the token itself, which is nowhere else. */
export function issueToken(issue: Issue, createdAt: number) {
  const {
    realm,
    identity,
    parent,
    path,
    role,
    mount,
    until,
    label,
    actions,
    policies,
    uses,
    maxTtl,
    period,
    meta,
    certificate,
    cidrs,
  } = issue;
  const asked = period ?? issue.ttl ?? defaultTtl;
  const ttl = Math.min(asked, maxTtl ?? asked, until - createdAt);
  const token = newToken();
  const digest = digestHex('sha256', token);
  const record: CredentialRecord = {
    id: tokenAccessor(digest),
    kind: 'token',
    realm,
    identity,
    revision: 0,
    createdAt,
    expiresAt: createdAt + ttl,
    ttl,
    renewable: issue.renewable ?? true,
    enabled: true,
    digest,
    ...(parent !== undefined && { parent }),
    ...(path !== undefined && { path }),
    ...(role !== undefined && { role }),
    ...(mount !== undefined && { mount }),
    ...(label !== undefined && { label }),
    ...(actions !== undefined && { actions }),
    ...(policies !== undefined && { policies }),
    ...(uses !== undefined && { uses }),
    ...(maxTtl !== undefined && { maxTtl }),
    ...(issue.explicitMaxTtl !== undefined && { explicitMaxTtl: issue.explicitMaxTtl }),
    ...(period !== undefined && { period }),
    ...(meta !== undefined && { meta }),
    ...(certificate !== undefined && { certificate }),
    ...(cidrs !== undefined && cidrs.length > 0 && { cidrs }),
  };
  const records: RecordChange[] = [put('credential', record.id, record)];
  if (uses !== undefined) records.push(put<TokenUse>('token-use', record.id, { left: uses, revision: 0 }));
  return { record, records, token: new Plaintext(toUtf8(token)) };
}

/** Throws 'invalid-parameter'. */
export function checkRequest({ ttl, maxTtl, period, label, uses, policies, meta, cidrs }: TokenRequest): void {
  for (const length of [ttl, maxTtl, period]) checkTtl(length);
  if (label !== undefined && !/^[^\p{C}]{1,128}$/u.test(label)) {
    throw new KmsError('invalid-parameter', 'A label has 1 to 128 printable characters.');
  }
  checkUses(uses);
  checkPolicyNames(policies ?? []);
  checkMeta(meta);
  checkCidrs(cidrs ?? []);
}

export function checkUses(uses: number | undefined): void {
  if (uses !== undefined && !(Number.isSafeInteger(uses) && uses >= 1 && uses <= maxUses)) {
    throw new KmsError('invalid-parameter', `A number of uses is a whole number from 1 to ${maxUses}.`);
  }
}

export function checkPolicyNames(policies: readonly string[]): void {
  if (policies.length > 100 || !policies.every((name) => /^[^\p{C}\s]{1,128}$/u.test(name))) {
    throw new KmsError('invalid-parameter', 'A token carries at most 100 policies, named by 1 to 128 characters.');
  }
}

/** Whether a peer, an address and a port, is within one of the ranges; none: all are. */
export function isWithin(cidrs: readonly string[], peer: string): boolean {
  if (cidrs.length === 0) return true;
  const address = addressOf(peer);
  return address !== undefined && cidrs.some((cidr) => inRange(parseIpRange(cidr)!, address));
}

/** Whether each range is within one of the others; where there are no others, all are. */
export function isSubset(cidrs: readonly string[], of: readonly string[]): boolean {
  const outer = of.map((cidr) => parseIpRange(cidr)!);
  return (
    outer.length === 0 ||
    cidrs.every((cidr) => {
      const { bits, head, open } = parseIpRange(cidr)!;
      return outer.some((it) => it.bits === bits && it.open >= open && (head << open) >> it.open === it.head);
    })
  );
}

export function checkMeta(meta: Readonly<Record<string, string>> | undefined): void {
  const pairs = Object.entries(meta ?? {});
  if (pairs.length > 64 || pairs.some(([key, value]) => key === '' || key.length > 128 || value.length > 512)) {
    throw new KmsError('invalid-parameter', 'Metadata has at most 64 members, of 128 and 512 characters.');
  }
}

export function checkCidrs(cidrs: readonly string[]): void {
  if (cidrs.length > 64 || cidrs.some((cidr) => parseIpRange(cidr) === undefined)) {
    throw new KmsError('invalid-parameter', 'A use is bound to at most 64 addresses or ranges such as "10.0.0.0/8".');
  }
}
