import { type BinaryLike, createHash, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { STS, type STSClientConfig } from '@aws-sdk/client-sts';
import type { Env } from '../../harness.ts';
import type { Answer } from '../aws-kms/clients.ts';

export function stsClient(env: Env, config: STSClientConfig = {}): STS {
  return new STS({
    region: env.AWS_REGION!,
    endpoint: env.AWS_ENDPOINT_URL_STS!,
    credentials: { accessKeyId: env.AWS_ACCESS_KEY_ID!, secretAccessKey: env.AWS_SECRET_ACCESS_KEY! },
    requestHandler: { httpsAgent: new Agent({ ca: readFileSync(env.AWS_CA_BUNDLE!), keepAlive: true }) },
    ...config,
  });
}

/** SHA-256 or, with a secret, its HMAC: what the SDK's signers work with. */
export class Sha256 {
  readonly #hash: ReturnType<typeof createHash> | ReturnType<typeof createHmac>;

  constructor(secret?: unknown) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as BinaryLike);
  }

  update(data: unknown): void {
    this.#hash.update(typeof data === 'string' ? data : new Uint8Array(data as ArrayBuffer));
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
}

export interface Message {
  readonly method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly port: number;
  readonly path: string;
  readonly query: Record<string, string>;
  readonly headers: Record<string, string>;
  readonly body?: string;
}

export function messageTo(url: string, more: Partial<Message>): Message {
  const { hostname, port, protocol, host } = new URL(url);
  return {
    ...{ method: 'POST', protocol, hostname, port: Number(port), path: '/', query: {} },
    ...more,
    headers: { host, ...more.headers },
  };
}

/** Sends what a signer made, as it is. */
export function send(env: Env, { method, path, query, headers, body, hostname, port }: Message): Promise<Answer> {
  const pairs = Object.entries(query).map(
    ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`,
  );
  return new Promise((resolve, reject) => {
    const target = { hostname, port, method, path: pairs.length === 0 ? path : `${path}?${pairs.join('&')}` };
    const outgoing = request({ ...target, headers, ca: readFileSync(env.AWS_CA_BUNDLE!) }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => {
        const { statusCode, headers: answered } = incoming;
        resolve({ status: statusCode!, headers: answered, body: Buffer.concat(chunks).toString() });
      });
      incoming.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
