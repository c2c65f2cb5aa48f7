/** A small OpenID Connect provider on this machine, which believes everybody: for tests of who believes it. */
import { createHash, KeyObject, randomUUID, sign } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after } from 'node:test';
import { exportJWK, generateKeyPair } from 'jose';

type Claims = Readonly<Record<string, unknown>>;

interface Visit {
  readonly redirectUri: string;
  readonly challenge: string;
  readonly nonce: string;
}

interface Key {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly jwk: object;
}

export const client = { id: 'claviger', secret: 'p+ss w%rd' };

const encode = (part: object | string) =>
  Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');

/** Texts that say what their parts say, signed with RSA and SHA-256. */
export function signed(header: object | string, claims: object | string, key: KeyObject): string {
  const text = `${encode(header)}.${encode(claims)}`;
  return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`;
}

export class IdentityProvider {
  readonly #server: Server;
  readonly #visits = new Map<string, Visit>();
  #key: Key;
  /** Of the next id tokens, over what they would say. */
  says: Claims = {};
  /** What its user page says. */
  user: Claims = {};
  /** Requests for its keys so far. */
  keysAsked = 0;

  private constructor(server: Server, key: Key) {
    this.#server = server;
    this.#key = key;
    server.on('request', (request, response) => void this.#answer(request, response));
  }

  /** Ends with the tests of the file. */
  static async start(): Promise<IdentityProvider> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    after(() => {
      server.closeAllConnections();
      server.close();
    });
    return new IdentityProvider(server, await newKey());
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Publishes another key in place of the one it has. */
  async exchangeKey(): Promise<void> {
    this.#key = await newKey();
  }

  get key(): Key {
    return this.#key;
  }

  /** A token of its own for whoever it is said to be. Undefined claims are left out. */
  token(claims: Claims, header: object = {}): string {
    const now = Math.floor(Date.now() / 1000);
    const { kid, privateKey } = this.#key;
    const all = { iss: this.url, iat: now, exp: now + 300, ...claims };
    return signed({ alg: 'RS256', kid, ...header }, all, privateKey);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
    const url = new URL(request.url ?? '/', this.url);
    switch (url.pathname) {
      case '/.well-known/openid-configuration':
        return json(response, 200, {
          issuer: this.url,
          jwks_uri: `${this.url}/keys`,
          authorization_endpoint: `${this.url}/authorize`,
          token_endpoint: `${this.url}/token`,
          userinfo_endpoint: `${this.url}/user`,
        });
      case '/keys':
        this.keysAsked++;
        return json(response, 200, { keys: [this.#key.jwk] });
      case '/authorize':
        return this.#authorize(url.searchParams, response);
      case '/token':
        return this.#trade(request, response);
      case '/user':
        return json(response, request.headers.authorization === 'Bearer open' ? 200 : 401, this.user);
      default:
        return json(response, 404, {});
    }
  }

  /** Nobody is asked who he is: it leads back at once. */
  #authorize(asked: URLSearchParams, response: ServerResponse): unknown {
    const sound = asked.get('client_id') === client.id && asked.get('code_challenge_method') === 'S256';
    if (!sound || asked.get('response_type') !== 'code') return json(response, 400, {});
    const code = randomUUID();
    const redirectUri = asked.get('redirect_uri')!;
    const [challenge, nonce] = [asked.get('code_challenge')!, asked.get('nonce')!];
    this.#visits.set(code, { redirectUri, challenge, nonce });
    const back = new URL(redirectUri);
    back.searchParams.set('code', code);
    back.searchParams.set('state', asked.get('state')!);
    return response.writeHead(302, { location: back.href }).end();
  }

  async #trade(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
    let body = '';
    for await (const part of request) body += part;
    const form = new URLSearchParams(body);
    const visit = this.#visits.get(form.get('code') ?? '');
    this.#visits.delete(form.get('code') ?? '');
    const word = (text: string) => new URLSearchParams({ x: text }).toString().slice(2);
    const known = `Basic ${Buffer.from(`${word(client.id)}:${word(client.secret)}`).toString('base64')}`;
    const proven =
      request.headers.authorization === known &&
      form.get('grant_type') === 'authorization_code' &&
      form.get('redirect_uri') === visit?.redirectUri &&
      createHash('sha256')
        .update(form.get('code_verifier') ?? '')
        .digest('base64url') === visit?.challenge;
    if (!proven) return json(response, 400, { error: 'invalid_grant' });
    const claims = { sub: 'alice', aud: client.id, nonce: visit?.nonce, ...this.says };
    return json(response, 200, { access_token: 'open', token_type: 'Bearer', id_token: this.token(claims) });
  }
}

async function newKey(): Promise<Key> {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true });
  const kid = randomUUID();
  return { kid, privateKey: KeyObject.from(privateKey), jwk: { ...(await exportJWK(publicKey)), kid, use: 'sig' } };
}

function json(response: ServerResponse, status: number, body: object): unknown {
  return response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
