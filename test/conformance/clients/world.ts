/** What a request needs around it: keys and what they made, each made by the client that is tried. */
import type { Ask, Fields } from './clients.ts';

export const absentKey = '00000000-0000-4000-8000-000000000000';
export const message = Buffer.from('message');

let counted = 0;
const run = Math.floor(performance.timeOrigin).toString(36);
/** A name that no other run of the tests has on the same server. */
export const fresh = (word: string) => `${word}-${run}-${++counted}`;

export interface Kind {
  readonly KeySpec?: string;
  readonly KeyUsage?: string;
  readonly Origin?: string;
  readonly MultiRegion?: boolean;
  readonly Tags?: ReadonlyArray<{ TagKey: string; TagValue: string }>;
}

export const kinds = {
  symmetric: {},
  rsa: { KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' },
  signing: { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' },
  mac: { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' },
  agreement: { KeySpec: 'ECC_NIST_P256', KeyUsage: 'KEY_AGREEMENT' },
  encapsulation: { KeySpec: 'ML_KEM_768', KeyUsage: 'ENCAPSULATE_DECAPSULATE' },
  external: { Origin: 'EXTERNAL' },
  multiRegion: { MultiRegion: true },
} as const satisfies Record<string, Kind>;

/** What is there before any request: place.ts makes it. */
export interface Surroundings {
  /** Another region of the same account. */
  readonly otherRegion: string;
  /** The alias of a key that gives the bare cipher, which no AWS client can make. */
  readonly rawKey: string;
  /** A role that the developer may take on, and whoever the issuer speaks for. */
  readonly role: string;
  /** A token of that issuer, with claims of its own in place of those that are right. */
  webIdentity(claims?: Fields): string;
}

export class World {
  readonly ask: Ask;
  readonly place: Surroundings;
  /** The key that a request is about, for who wants it in another state. */
  subject = '';
  /** What the request's key is made with, in place of what the request would choose. */
  wanted: Kind | undefined;

  constructor(ask: Ask, place: Surroundings) {
    this.ask = ask;
    this.place = place;
  }

  kms = (operation: string, input?: Fields) => this.ask('kms', operation, input);
  secrets = (operation: string, input?: Fields) => this.ask('secretsmanager', operation, input);

  async otherKey(kind: Kind = {}): Promise<string> {
    return (await this.kms('CreateKey', kind)).KeyMetadata.Arn;
  }

  /** The key that the request is about. */
  async key(kind: Kind = {}): Promise<string> {
    this.subject = await this.otherKey(this.wanted ?? kind);
    return this.subject;
  }

  async alias(key: string): Promise<string> {
    const AliasName = `alias/${fresh('conformance')}`;
    await this.kms('CreateAlias', { AliasName, TargetKeyId: key });
    return AliasName;
  }

  encrypted = async (KeyId: string): Promise<Buffer> =>
    (await this.kms('Encrypt', { KeyId, Plaintext: message })).CiphertextBlob;

  account = async (): Promise<string> =>
    (await this.kms('DescribeKey', { KeyId: 'alias/first' })).KeyMetadata.AWSAccountId;

  async secret(more: Fields = {}): Promise<string> {
    return (await this.secrets('CreateSecret', { Name: fresh('secret'), SecretString: 'first', ...more })).ARN;
  }
}
