/** What the tests of this room stand on: a room over the memory store, whose changes the rig commits, and a signing client. */
import assert from 'node:assert/strict';
import { digestHex, hmac } from '#crypto/crypto.ts';
import {
  type Command,
  type CredentialSet,
  type ErrorCode,
  KmsError,
  type Outcome,
  type Plaintext,
  type Proof,
  type RecordReader,
  type RecordWrite,
  type Role,
  SecretBytes,
} from '#domain/domain.ts';
import { canonicalJson, parseJson, toUtf8, view } from '#encoding/encoding.ts';
import { memoryStore, type Store } from '#store/store.ts';
import { identityRoom } from './identity.ts';

const noMac = new Uint8Array(32);

function readerOf(store: Store): RecordReader {
  const decoded = (body: Uint8Array): unknown => parseJson(body);
  return {
    async read(kind, id) {
      const record = await store.read(kind, id);
      return record && { revision: record.revision, value: decoded(record.body) };
    },
    async list(kind, prefix, after, limit) {
      const records = await store.list(kind, prefix, after, limit);
      return records.map(({ id, revision, body }) => ({ id, revision, value: decoded(body) }));
    },
  };
}

export const start = Date.UTC(2026, 10, 24, 12, 0, 0);

export class Rig {
  now = start;
  reads = 0;
  readonly store = memoryStore();
  /** Awaited after each read, so that a test can put something in between. */
  afterRead: (() => Promise<void>) | undefined;
  /** Awaited after each list. */
  afterList: (() => Promise<void>) | undefined;
  readonly mode: 'development' | 'production';
  readonly records: RecordReader;
  room: ReturnType<typeof identityRoom>;

  constructor(mode: 'development' | 'production' = 'production') {
    this.mode = mode;
    const inner = readerOf(this.store);
    this.records = {
      read: async (kind, id) => {
        this.reads++;
        const result = await inner.read(kind, id);
        await this.afterRead?.();
        return result;
      },
      list: async (...args) => {
        const result = await inner.list(...args);
        await this.afterList?.();
        return result;
      },
    };
    this.room = this.open();
  }

  /** A room that remembers nothing, over the same store and key: what a restart gives. */
  open() {
    const key = new SecretBytes(new Uint8Array(32).fill(7));
    this.room = identityRoom({
      records: this.records,
      key,
      region: 'eu-central-1',
      clock: () => this.now,
      mode: this.mode,
    });
    return this.room;
  }

  /** Makes an outcome durable, as the gate would. */
  async commit<T>(proposed: Outcome<T> | Promise<Outcome<T>>): Promise<T> {
    const { result, change } = await proposed;
    if (change === undefined) return result;
    const writes = change.records.map(
      ({ kind, id, expect, value }): RecordWrite => ({
        kind,
        id,
        expect,
        next: value && { kind, id, revision: expect + 1, body: toUtf8(canonicalJson(value)), mac: noMac },
      }),
    );
    await this.store.commit({ changes: [writes], block: undefined, head: noMac, anchor: undefined });
    change.applied?.();
    return result;
  }

  /** A rig with a first realm and a security officer in it. */
  static async withOfficer(): Promise<{ rig: Rig; officer: Member }> {
    const rig = new Rig();
    const set = await rig.commit(rig.room.bootstrap('main', 'olga', 'security-officer'));
    return { rig, officer: new Member(rig, set) };
  }
}

/** Somebody with credentials. */
export class Member {
  readonly rig: Rig;
  readonly set: CredentialSet;

  constructor(rig: Rig, set: CredentialSet) {
    this.rig = rig;
    this.set = set;
  }

  get token(): Proof {
    return tokenProof(this.set.token);
  }

  async byToken() {
    return this.rig.room.identify(this.token, false);
  }

  async bySignature(request: Partial<Request> = {}, mutating = false) {
    return this.rig.room.identify(sign(this.set, { at: this.rig.now, ...request }), mutating);
  }

  async hire(
    name: string,
    more: { role?: Role; groups?: string[]; realm?: string; ttl?: number } = {},
  ): Promise<Member> {
    const command = { kind: 'create-identity', name, ...more } as const;
    return new Member(
      this.rig,
      await this.rig.commit(this.rig.room.verbs['create-identity'](await this.byToken(), command)),
    );
  }
}

export const textOf = (secret: Plaintext) => view(secret.release()).toString('latin1');
export const tokenProof = (secret: Plaintext): Proof => ({ kind: 'token', token: textOf(secret) });

export type Signed = Extract<Proof, { kind: 'sigv4' }>;

export interface Request {
  readonly at: number;
  readonly body: string;
  readonly headers: readonly string[];
  readonly region: string;
  readonly service: string;
  readonly path: string;
  /** In canonical form already. */
  readonly query: string;
  /** For clients that sign properly what they should not have: the day of the scope, the list of signed headers. */
  readonly day: string;
  /** A header of the usual ones with another value. */
  readonly replace: readonly [name: string, value: string];
  readonly signed: (names: readonly string[]) => readonly string[];
}

/** Signs as AWS documents it, in one go and for canonical paths and queries only: shares nothing with the verifier. */
export function sign(set: CredentialSet, request: Partial<Request>): Signed {
  const {
    at = start,
    body = '{"KeyId":"alias/first"}',
    region = 'eu-central-1',
    service = 'kms',
    path = '/',
    query = '',
  } = request;
  const time = new Date(at).toISOString().replace(/[-:]|\.[0-9]{3}/g, '');
  const headers = [
    ...['host', 'localhost:8200', 'content-type', 'application/x-amz-json-1.1', 'x-amz-target', 'TrentService.Encrypt'],
    ...['x-amz-date', time, 'content-length', String(body.length)],
    ...(request.headers ?? []),
  ];
  if (request.replace !== undefined) headers[headers.indexOf(request.replace[0]) + 1] = request.replace[1];
  const every = headers.filter((_, i) => i % 2 === 0).sort();
  const signed = request.signed?.(every) ?? every;
  const names = signed.join(';');
  const lines = signed.map((name) => `${name}:${headers[headers.indexOf(name) + 1]}\n`).join('');
  const canonical = `POST\n${path}\n${query}\n${lines}\n${names}\n${digestHex('sha256', body)}`;
  const scope = `${request.day ?? time.slice(0, 8)}/${region}/${service}/aws4_request`;
  let key: Uint8Array = toUtf8(`AWS4${textOf(set.secretAccessKey)}`);
  for (const part of scope.split('/')) key = hmac('sha256', new SecretBytes(key), part);
  const toSign = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${digestHex('sha256', canonical)}`;
  const signature = hmac('sha256', new SecretBytes(key), toSign).toString('hex');
  const authorization = `AWS4-HMAC-SHA256 Credential=${set.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
  return {
    kind: 'sigv4',
    method: 'POST',
    path,
    query,
    headers: [...headers, 'user-agent', 'rig/1', 'authorization', authorization],
    body: toUtf8(body),
    services: ['kms'],
  };
}

export async function rejectsWith(code: ErrorCode, act: () => unknown, message?: string): Promise<void> {
  await assert.rejects(
    async () => act(),
    (error: unknown) => {
      if (!(error instanceof KmsError)) throw error;
      assert.equal(error.code, code, message ?? error.message);
      return true;
    },
  );
}

export async function makeToken(rig: Rig, proof: Proof, more: Partial<Command<'create-token'>> = {}) {
  const principal = await rig.room.identify(proof, true);
  const { token, credential } = await rig.commit(
    rig.room.verbs['create-token'](principal, { kind: 'create-token', ...more }),
  );
  return { proof: tokenProof(token), credential };
}

export const works = async (rig: Rig, proof: Proof) => (await rig.room.identify(proof, false)).credential;
export const fails = (rig: Rig, proof: Proof, code: 'invalid-proof' | 'expired-proof' = 'invalid-proof') =>
  rejectsWith(code, () => rig.room.identify(proof, false));
