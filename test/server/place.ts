/** Requests by hand. */
import { readFileSync } from 'node:fs';
import { Agent, type RequestOptions, request } from 'node:https';

export interface Answer {
  readonly status: number;
  readonly body: string;
}

export interface Caller {
  send(method: string, path: string, body?: string | Buffer, headers?: Record<string, string>): Promise<Answer>;
  close(): void;
}

/** Requests by hand to a server whose CA is in `data`. */
export function caller(url: string, data: string): Caller {
  const agent = new Agent({ ca: readFileSync(`${data}/tls/ca.pem`), keepAlive: true, maxSockets: 32 });
  return {
    send(method, path, body, headers = {}) {
      const options: RequestOptions = { method, agent, headers };
      return new Promise((resolve, reject) => {
        const asking = request(`${url}${path}`, options, (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () => resolve({ status: response.statusCode!, body: Buffer.concat(chunks).toString() }));
          response.on('error', reject);
        });
        asking.on('error', reject);
        asking.end(body);
      });
    },
    close: () => agent.destroy(),
  };
}

export const identityOf = (data: string, name = 'developer') =>
  JSON.parse(readFileSync(`${data}/identities/${name}.json`, 'utf8')) as Record<
    'token' | 'accessKeyId' | 'secretAccessKey',
    string
  >;

export const base64 = (text: string) => Buffer.from(text).toString('base64');
