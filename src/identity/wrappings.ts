import { aeadOpen, aeadSeal, digestHex, equalSecrets, hkdf, nonceLength } from '#crypto/crypto.ts';
import {
  type Command,
  KmsError,
  type Outcome,
  Plaintext,
  type Principal,
  type Results,
  SecretBytes,
  type Wrapping,
} from '#domain/domain.ts';
import { fromBase64, fromHex, toBase64, toUtf8 } from '#encoding/encoding.ts';
import { isToken, newToken, tokenAccessor } from './credential-id.ts';
import { type Directory, put, remove, type WrappingRecord } from './directory.ts';
import type { Identified } from './identified.ts';
import { checkTtl } from './names.ts';

const nonce = new Uint8Array(nonceLength);
const info = toUtf8('claviger wrapped answer');

/** Answers kept for whoever holds a token. Each is encrypted under a key made from its token, which is stored nowhere. */
export class Wrappings {
  readonly #directory: Directory;
  readonly #clock: () => number;

  constructor(directory: Directory, clock: () => number) {
    this.#directory = directory;
    this.#clock = clock;
  }

  /** Who brings the token may open what it stands for, and do nothing else. */
  async identify(token: string): Promise<Identified> {
    const { realm, accessor } = await this.#existing(token);
    return { realm, name: 'anonymous', kind: 'anonymous', groups: [], credential: accessor };
  }

  async wrap({ realm }: Principal, { answer, ttl, path }: Command<'wrap-answer'>): Promise<Outcome<Wrapping>> {
    checkTtl(ttl);
    const { result, record } = this.#sealed(realm, answer, ttl, path);
    return {
      result,
      change: {
        records: [put('wrapping', record.accessor, record)],
        summary: `wrapped the answer of ${path} as ${record.accessor}`,
      },
    };
  }

  async unwrap(_: Principal, { token }: Command<'unwrap-answer'>): Promise<Outcome<Results['unwrap-answer']>> {
    const { record, answer } = await this.#opened(token);
    return {
      result: { answer },
      change: { records: [remove('wrapping', record.accessor, record)], summary: `unwrapped ${record.accessor}` },
    };
  }

  async lookup(_: Principal, { token }: Command<'lookup-wrapping'>): Promise<Outcome<Results['lookup-wrapping']>> {
    const { createdAt, ttl, path } = await this.#existing(token);
    return { result: { createdAt, ttl, path } };
  }

  async rewrap(_: Principal, { token }: Command<'rewrap-answer'>): Promise<Outcome<Wrapping>> {
    const { record: former, answer } = await this.#opened(token);
    const { result, record } = this.#sealed(former.realm, answer, former.ttl, former.path);
    return {
      result,
      change: {
        records: [remove('wrapping', former.accessor, former), put('wrapping', record.accessor, record)],
        summary: `wrapped ${former.accessor} again as ${record.accessor}`,
      },
    };
  }

  #sealed(realm: string, answer: Plaintext, ttl: number, path: string) {
    const createdAt = this.#clock();
    const token = newToken();
    const digest = digestHex('sha256', token);
    const accessor = tokenAccessor(digest);
    using key = keyOf(token);
    const sealed = toBase64(aeadSeal('aes-256-gcm', key, nonce, toUtf8(accessor), answer.release()));
    const record: WrappingRecord = {
      ...{ accessor, realm, revision: 0, createdAt, expiresAt: createdAt + ttl, ttl, path, digest, sealed },
    };
    return { record, result: { token: new Plaintext(toUtf8(token)), accessor, createdAt, ttl, path } };
  }

  async #opened(token: string): Promise<{ readonly record: WrappingRecord; readonly answer: Plaintext }> {
    const record = await this.#existing(token);
    using key = keyOf(token);
    const answer = aeadOpen('aes-256-gcm', key, nonce, toUtf8(record.accessor), fromBase64(record.sealed)!);
    if (answer === undefined) throw new KmsError('tampered', 'A wrapped answer does not open with its own token.');
    return { record, answer: new Plaintext(answer) };
  }

  /** Rejects with 'invalid-proof', whatever is wrong with it. */
  async #existing(token: string): Promise<WrappingRecord> {
    const digest = digestHex('sha256', token.slice(0, 128));
    const record = isToken(token) ? await this.#directory.wrapping(tokenAccessor(digest)) : undefined;
    if (
      record === undefined ||
      !equalSecrets(fromHex(record.digest)!, fromHex(digest)!) ||
      record.expiresAt <= this.#clock()
    ) {
      throw new KmsError('invalid-proof', 'wrapping token is not valid or does not exist', 'wrapping');
    }
    return record;
  }
}

/** Of 256 random bits. It encrypts one answer, so the nonce may be the same for all. */
function keyOf(token: string): SecretBytes {
  using secret = new SecretBytes(toUtf8(token));
  return hkdf('sha256', secret, new Uint8Array(), info, 32);
}
