import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { KMS, type KMSClientConfig } from '@aws-sdk/client-kms';
import type { Env } from '../../harness.ts';

/**
 * The SDK as `claviger env` configures it. NODE_EXTRA_CA_CERTS is read when a process starts, so here the same certificate is
 * handed over; encryption-sdk.test.ts runs a child process with nothing but the environment.
 */
export function kmsClient(env: Env, config: KMSClientConfig = {}): KMS {
  return new KMS({
    region: env.AWS_REGION!,
    endpoint: env.AWS_ENDPOINT_URL_KMS!,
    credentials: { accessKeyId: env.AWS_ACCESS_KEY_ID!, secretAccessKey: env.AWS_SECRET_ACCESS_KEY! },
    requestHandler: { httpsAgent: new Agent({ ca: readFileSync(env.AWS_CA_BUNDLE!), keepAlive: true, maxSockets: 8 }) },
    ...config,
  });
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** A request by hand, without any client's help. */
export function raw(
  env: Env,
  headers: Record<string, string>,
  body: string | Buffer,
  method = 'POST',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      `${env.AWS_ENDPOINT_URL_KMS}/`,
      { method, headers, ca: readFileSync(env.AWS_CA_BUNDLE!) },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('end', () => {
          const { statusCode, headers } = incoming;
          resolve({ status: statusCode!, headers, body: Buffer.concat(chunks).toString() });
        });
        incoming.on('error', reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
