import http from 'node:http';
import https from 'node:https';
import { setTimeout as pause } from 'node:timers/promises';
import { UnreachableError } from '#client/client.ts';
import { CliError } from '../command.ts';

export interface Endpoint {
  /** Such as 'https://vault.example:8200'. */
  readonly url: string;
  readonly token: string;
  /** Of Vault: X-Vault-Namespace. */
  readonly namespace?: string;
  /** PEM certificates that the server's must come from. */
  readonly ca?: readonly string[];
  /** Of Claviger: the region of the account. */
  readonly region?: string;
  /** Requests a second at most. */
  readonly rate?: number;
}

export interface Answer {
  readonly status: number;
  /** Whoever asked wipes it where it holds secrets. */
  readonly body: Buffer;
}

/** Bytes: more than any answer of these operations has. */
const mostBytes = 64 * 1024 * 1024;
const timeout = 60_000;
const tries = 5;
/** Milliseconds before the second try; each further one waits twice as long. */
const firstPause = 250;
/** Too many requests, and a server that is changing its leader, sealed for a moment, or behind a gate that is. */
const passing: ReadonlySet<number> = new Set([429, 472, 502, 503, 504]);

/** A server that speaks Vault's HTTP, whose answers stay bytes. What is asked of it may be asked twice. */
export class VaultHttp {
  readonly url: string;
  readonly #endpoint: Endpoint;
  readonly #agent: http.Agent;
  #free = 0;

  constructor(endpoint: Endpoint) {
    this.url = endpoint.url.replace(/\/+$/, '');
    this.#endpoint = endpoint;
    const options = { keepAlive: true, maxSockets: 4 };
    this.#agent = this.url.startsWith('https:')
      ? new https.Agent({ ...options, ...(endpoint.ca && { ca: [...endpoint.ca] }) })
      : new http.Agent(options);
  }

  /** `path` begins with a slash. Tries again what a passing trouble may have stopped. Rejects with UnreachableError. */
  async ask(method: string, path: string, body?: Uint8Array): Promise<Answer> {
    for (let attempt = 1, wait = firstPause; ; attempt++, wait *= 2) {
      await this.#turn();
      try {
        const answer = await this.#once(method, path, body);
        if (!passing.has(answer.status) || attempt === tries) return answer;
      } catch (error) {
        if (attempt === tries || error instanceof CliError) throw error;
      }
      await pause(wait);
    }
  }

  /** Releases the connections. */
  close(): void {
    this.#agent.destroy();
  }

  async #turn(): Promise<void> {
    const { rate } = this.#endpoint;
    if (rate === undefined) return;
    const now = performance.now();
    const at = Math.max(now, this.#free);
    this.#free = at + 1000 / rate;
    if (at > now) await pause(at - now);
  }

  #once(method: string, path: string, body: Uint8Array | undefined): Promise<Answer> {
    const { token, namespace, region } = this.#endpoint;
    // Vault's own API takes the one, Claviger's the other.
    const headers: Record<string, string> = {
      ...{ 'x-vault-token': token, authorization: `Bearer ${token}`, 'x-vault-request': 'true' },
      ...(namespace !== undefined && { 'x-vault-namespace': namespace }),
      ...(region !== undefined && { 'x-claviger-region': region }),
    };
    if (body !== undefined) {
      headers['content-type'] = 'application/json';
      headers['content-length'] = String(body.length);
    }
    const { request } = this.url.startsWith('https:') ? https : http;
    return new Promise((resolve, reject) => {
      const fail = (error: unknown) =>
        reject(error instanceof CliError ? error : new UnreachableError(this.url, error));
      const asked = request(this.url + path, { method, headers, agent: this.#agent, timeout }, (answer) => {
        const chunks: Buffer[] = [];
        let length = 0;
        answer.on('data', (chunk: Buffer) => {
          length += chunk.length;
          if (length > mostBytes) asked.destroy(new CliError(`${this.url}${path} answered more than 64 MiB.`));
          else chunks.push(chunk);
        });
        answer.on('error', fail);
        answer.on('end', () => {
          // A cut-off answer ends with 'aborted' instead.
          if (!answer.complete) return fail(new Error('the answer was cut off'));
          const whole = Buffer.concat(chunks);
          for (const chunk of chunks) chunk.fill(0);
          resolve({ status: answer.statusCode ?? 0, body: whole });
        });
      });
      asked.on('timeout', () => asked.destroy(new Error('it did not answer in time')));
      asked.on('error', fail);
      asked.end(body);
    });
  }
}

export interface Servers {
  readonly source: VaultHttp;
  /** As who administers keys. */
  readonly target: VaultHttp;
  /** As who writes secrets and uses keys: where duties are separate, somebody else. */
  readonly user: VaultHttp;
}
