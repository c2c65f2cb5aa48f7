import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { setTimeout as wait } from 'node:timers/promises';
import { KmsError } from '#domain/domain.ts';
import { networkFault, outOfReach } from '../service/service-seal.ts';

export interface VaultPlace {
  readonly address: string;
  readonly namespace: string | undefined;
  readonly ca: string | undefined;
  readonly token: string;
}

/** What Vault's API answers, of a call that reached it. */
export interface VaultAnswer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: read with care where it is used
  readonly body: any;
}

const longestWait = 4000;
const largest = 64 * 1024;
const pauses = [200, 600];

/** Asks one Vault with one token. */
export class VaultCaller {
  readonly #place: VaultPlace;

  constructor(place: VaultPlace) {
    this.#place = place;
  }

  /** Where it asks with whose token: two callers that answer the same renew the same. */
  get identity(): string {
    const { address, namespace = '', token } = this.#place;
    return `${address} ${namespace} ${token}`;
  }

  get address(): string {
    return this.#place.address;
  }

  /** Tries again where that may help. Rejects with 'unavailable' where no answer comes, or one that is about the server alone. */
  async post(path: string, body: object, signal: AbortSignal): Promise<VaultAnswer> {
    for (let tries = 0; ; tries++) {
      const fault = await this.#once(path, body, signal).then(
        (answer) => (isBusy(answer.status) ? busy(answer.status) : answer),
        (error: unknown) => new KmsError('unavailable', outOfReach('Vault', networkFault(error) ?? 'no proper answer')),
      );
      if (!(fault instanceof KmsError)) return fault;
      const pause = pauses[tries];
      if (pause === undefined || signal.aborted) throw fault;
      await wait(pause, undefined, { signal }).catch(() => {});
    }
  }

  #once(path: string, body: object, signal: AbortSignal): Promise<VaultAnswer> {
    const { address, namespace, ca, token } = this.#place;
    const { promise, resolve, reject } = Promise.withResolvers<VaultAnswer>();
    const text = JSON.stringify(body);
    const url = new URL(`/v1/${path}`, address);
    const options = {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(text),
        'x-vault-request': 'true',
        'x-vault-token': token,
        ...(namespace !== undefined && { 'x-vault-namespace': namespace }),
      },
      // Of the whole exchange: an answer that trickles in is none.
      signal: AbortSignal.any([signal, AbortSignal.timeout(longestWait)]),
      agent: false as const,
    };
    const asking =
      url.protocol === 'https:'
        ? // Whatever NODE_TLS_REJECT_UNAUTHORIZED says.
          requestHttps(url, { ...options, ...(ca !== undefined && { ca }), rejectUnauthorized: true })
        : requestHttp(url, options);
    asking.on('error', reject);
    asking.on('close', () => reject(new Error('no answer')));
    asking.on('response', (answer) => {
      const parts: Buffer[] = [];
      let length = 0;
      answer.on('error', reject);
      answer.on('data', (part: Buffer) => {
        length += part.length;
        if (length > largest) asking.destroy(new Error('too long an answer'));
        else parts.push(part);
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: parsed(Buffer.concat(parts)) }));
    });
    asking.end(text);
    return promise;
  }
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8')) ?? {};
  } catch {
    return {};
  } finally {
    bytes.fill(0);
  }
}

const isBusy = (status: number) => status >= 500 || status === 429 || status === 412 || status < 200;

function busy(status: number): KmsError {
  if (status === 503) return new KmsError('unavailable', 'Vault is sealed, or in maintenance (503): unseal it.');
  return new KmsError('unavailable', `Vault has a fault of its own or too much to do (${status}).`);
}
