/** The kinds of row that decide something. Each carries a MAC under a key of the root, bound to its kind, id and revision. */
export const recordKinds = [
  'key',
  'version', // versions older than the current one: id `${realm}/${key id}/${version, 8 digits}`
  'name', // id `${realm}/${name}`, body {key}
  'identity',
  'credential',
  'grant',
  'realm',
  'replay', // signed mutating calls already answered, until their window closes
  'acl-policy', // id `${account}/${name}`: policies in Vault's language
  'setting',
  'last-use', // id `${realm}/${key id}`: when a key was last used, and by what
  'key-grant', // id `${realm}/${key id}/${grant id}`: rights that AWS clients give on one key
  'role', // id `${realm}/${name}`: who may take on an identity for a while
  'provider', // id `${realm}/${issuer}`: identity providers whose tokens are believed
  'secret', // id `${realm}/${secret id}`
  'secret-name', // id `${realm}/${name}`, body {secret}
  'token-use', // id: a token's accessor, body {left}: requests that it may still make
  'auth-mount', // id `${realm}/${path}`
  'revocation-list', // id `${realm}/${auth mount's id}/${name}`
  'login', // id `${realm}/${auth mount's id}/${name}`; of AppRole also `role-id/${role id}`, body {realm, mount, name}
  'secret-id', // id `${realm}/${auth mount's id}/${role}/${accessor}`
  'mount', // id: an account; where its clients reach the keys or secrets of a folder (Vault)
  'wrapping', // id: its token's accessor; an answer that its token opens
  'token-role', // id `${realm}/${name}`: what tokens may be that are made by one
  'share-acknowledgement', // id `${set}/${number, 3 digits}`, body {share, statement}
  'secret-version', // id `${realm}/${secret id}/${version id}`
] as const;
export type RecordKind = (typeof recordKinds)[number];

/** A row as the store holds it. `body` is canonical JSON; key material in it is wrapped. */
export interface StoredRecord {
  readonly kind: RecordKind;
  readonly id: string;
  readonly revision: number;
  readonly body: Uint8Array;
  /** 32 bytes. */
  readonly mac: Uint8Array;
}

/** A row to write: the store compares `expect` with the row's revision (0: must not exist) and refuses the batch if it differs. */
export interface RecordWrite {
  readonly kind: RecordKind;
  readonly id: string;
  readonly expect: number;
  /** Undefined deletes the row. */
  readonly next: StoredRecord | undefined;
}

/** A change as a working room proposes it, before it is encoded and MAC'd. The new revision is `expect + 1`. */
export interface RecordChange {
  readonly kind: RecordKind;
  readonly id: string;
  readonly expect: number;
  /** JSON-serialisable; undefined deletes the row. */
  readonly value: object | undefined;
  /** What the row says stays, and its revision with it: only its MAC is made anew. */
  readonly renewed?: true;
}

/** Everything that one command changes, in one transaction with its ledger line. */
export interface Change {
  readonly records: readonly RecordChange[];
  /** A few words for the ledger: what changed, without secrets. */
  readonly summary: string;
  /** Called once the change is durable and before the answer leaves; updates what memory holds. Never throws. */
  readonly applied?: () => void;
  /** What must be done besides, once the change is durable and before the answer leaves. Where it fails, the next run of the schedule does it. */
  readonly finish?: () => Promise<void>;
}

/** Verified reads of stored records: a row whose MAC is wrong rejects with 'tampered'. */
export interface RecordReader {
  /** The decoded body and revision, or undefined. */
  read(kind: RecordKind, id: string): Promise<{ readonly revision: number; readonly value: unknown } | undefined>;
  /** Rows of a kind whose id starts with `prefix` and is greater than `after`, in bytewise id order. */
  list(
    kind: RecordKind,
    prefix: string,
    after: string,
    limit: number,
  ): Promise<ReadonlyArray<{ readonly id: string; readonly revision: number; readonly value: unknown }>>;
}

/** What a working room did: the answer, and what must become durable before the answer leaves. */
export interface Outcome<T> {
  readonly result: T;
  readonly change?: Change;
}
