/** What a grant on one key may allow, in the words of AWS KMS. */
export const grantOperations = [
  'Decrypt',
  'Encrypt',
  'GenerateDataKey',
  'GenerateDataKeyWithoutPlaintext',
  'ReEncryptFrom',
  'ReEncryptTo',
  'Sign',
  'Verify',
  'GetPublicKey',
  'CreateGrant',
  'RetireGrant',
  'DescribeKey',
  'GenerateDataKeyPair',
  'GenerateDataKeyPairWithoutPlaintext',
  'GenerateMac',
  'VerifyMac',
  'DeriveSharedSecret',
] as const;
export type GrantOperation = (typeof grantOperations)[number];

/** Encryption contexts that a grant is bound to: exactly these pairs, or at least these. */
export interface GrantConstraints {
  readonly equals?: Readonly<Record<string, string>>;
  readonly subset?: Readonly<Record<string, string>>;
}

/** A right on one key that AWS clients give by CreateGrant. It only ever allows. */
export interface KeyGrant {
  readonly realm: string;
  readonly keyId: string;
  /** 64 hexadecimal digits. */
  readonly id: string;
  readonly revision: number;
  /** ARN of a user, a role or a role's session of the same account. */
  readonly grantee: string;
  readonly retiring?: string;
  readonly operations: readonly GrantOperation[];
  readonly constraints?: GrantConstraints;
  /** Makes asking for the same grant twice harmless. */
  readonly name?: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

/** The grants of one key, as decisions look for them. */
export interface KeyGrants {
  readonly byId: ReadonlyMap<string, KeyGrant>;
  readonly byGrantee: ReadonlyMap<string, ReadonlySet<KeyGrant>>;
}

export const maxKeyGrants = 50_000;

/** What a grant token says before anyone has looked at its MAC. */
export interface GrantTokenClaims {
  readonly realm: string;
  readonly keyId: string;
  readonly grantId: string;
}

/** `realm!key!grant!nonce!mac`, as text; undefined for what has another form. Who believes it checks the MAC first. */
export function readGrantToken(token: string): GrantTokenClaims | undefined {
  const [, realm, keyId, grantId] =
    /^([0-9]{12}(?:\.[a-z0-9-]{1,32})?)!([a-z0-9-]{36})!([0-9a-f]{64})![0-9a-f]{32}![0-9a-f]{64}$/.exec(token) ?? [];
  return grantId === undefined ? undefined : { realm: realm!, keyId: keyId!, grantId };
}
