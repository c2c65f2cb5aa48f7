/** Requests signed as AWS documents it (Signature Version 4, header form). */
import { digestHex, hmac } from '#crypto/crypto.ts';
import { type CredentialSet, type Plaintext, SecretBytes } from '#domain/domain.ts';
import { toUtf8 } from '#encoding/encoding.ts';
import type { Request } from '#wire/wire.ts';
import { textOf } from './house.ts';

/** What a client signs with: an access key of somebody's, or a session's. */
export interface Signer extends Pick<CredentialSet, 'accessKeyId' | 'secretAccessKey'> {
  readonly sessionToken?: Plaintext;
}

interface Post {
  readonly service: string;
  readonly region?: string;
  /** Names in lower case and values in turn. The host and the time are added. */
  readonly headers: readonly string[];
  readonly body: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export function signedPost(by: Signer, post: Post): Omit<Request, 'peer'> {
  const { service, region = 'eu-central-1', body, at } = post;
  const time = new Date(at).toISOString().replace(/[-:]|\.[0-9]{3}/g, '');
  const headers = ['host', 'localhost', 'x-amz-date', time, ...post.headers];
  const pairs = headers.flatMap((name, i) => (i % 2 === 0 ? [[name, headers[i + 1]!] as const] : []));
  pairs.sort(([a], [b]) => (a < b ? -1 : 1));
  const names = pairs.map(([name]) => name).join(';');
  const lines = pairs.map(([name, value]) => `${name}:${value}\n`).join('');
  const canonical = `POST\n/\n\n${lines}\n${names}\n${digestHex('sha256', body)}`;
  const scope = `${time.slice(0, 8)}/${region}/${service}/aws4_request`;
  let key: Uint8Array = toUtf8(`AWS4${textOf(by.secretAccessKey)}`);
  for (const part of scope.split('/')) key = hmac('sha256', new SecretBytes(key), part);
  const toSign = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${digestHex('sha256', canonical)}`;
  const signature = hmac('sha256', new SecretBytes(key), toSign).toString('hex');
  const authorization = `AWS4-HMAC-SHA256 Credential=${by.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
  const sent = [...headers, 'authorization', authorization];
  return { method: 'POST', path: '/', query: '', headers: sent, body: toUtf8(body) };
}
