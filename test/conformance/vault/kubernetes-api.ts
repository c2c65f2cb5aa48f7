/** As much of a Kubernetes API as reviews tokens and shows namespaces, with the bodies that Kubernetes 1.3x answers. */
import { generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createAuthority, issueServerCertificate } from '../../../src/crypto/crypto.ts';

const cluster = 'https://kubernetes.default.svc.cluster.local';
const uid = 'd77f89bc-9055-11e7-a068-0800276d99bf';
const b64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

interface Claims {
  readonly name?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly audience?: string | readonly string[];
  /** Seconds from now. */
  readonly expires?: number;
  readonly more?: object;
}

/** A mode of the API is the first step of its path: `https://HOST:PORT/hangs` never answers. */
type Mode =
  | 'usual'
  | 'unauthorized'
  | 'forbidden'
  | 'broken'
  | 'hangs'
  | 'moved'
  | 'huge'
  | 'garbage'
  | 'another'
  | 'other-uid'
  | 'unaware';

export class KubernetesApi {
  readonly #server: Server;
  readonly #keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  readonly #ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  readonly ca: string;
  /** Who may ask. */
  readonly reviewer: string;
  /** `METHOD PATH` of what was asked, newest last. */
  readonly asked: string[] = [];

  private constructor(server: Server, ca: string) {
    this.#server = server;
    this.ca = ca;
    this.reviewer = this.token({ name: 'reviewer', namespace: 'kube-system', uid: 'reviewer-uid' });
    server.on('request', (request, response) => this.#answer(request, response));
  }

  static async start(): Promise<KubernetesApi> {
    const now = Date.now();
    const authority = createAuthority('a cluster', now);
    const { certificate, key } = issueServerCertificate(authority, { hosts: ['127.0.0.1'], now, days: 2 });
    const server = createServer({ cert: certificate, key });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new KubernetesApi(server, authority.certificate);
  }

  stop(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  host(mode: Mode = 'usual'): string {
    const origin = `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return mode === 'usual' ? origin : `${origin}/${mode}`;
  }

  /** PEM: what the API server calls its service account key. */
  get publicKey(): string {
    return this.#keys.publicKey.export({ format: 'pem', type: 'spki' }) as string;
  }

  get otherPublicKey(): string {
    return this.#ec.publicKey.export({ format: 'pem', type: 'spki' }) as string;
  }

  /** As a pod finds it. */
  token(claims: Claims = {}, key: KeyObject = this.#keys.privateKey): string {
    const { name = 'app', namespace = 'vault', audience = cluster, expires = 3600, more = {} } = claims;
    const now = Math.floor(Date.now() / 1000);
    const account = { name, uid: claims.uid ?? uid };
    const body = {
      ...{ aud: [audience].flat(), exp: now + expires, iat: now - 7200, nbf: now - 7200, iss: cluster },
      'kubernetes.io': { namespace, pod: { name: 'app-0', uid: 'pod-uid' }, serviceaccount: account },
      sub: `system:serviceaccount:${namespace}:${name}`,
      ...more,
    };
    return this.signed({ alg: 'RS256', kid: 'a-key' }, body, key);
  }

  /** As a secret of the cluster holds it. */
  legacyToken(): string {
    const prefix = 'kubernetes.io/serviceaccount';
    return this.signed(
      { alg: 'RS256', kid: '' },
      {
        iss: 'kubernetes/serviceaccount',
        [`${prefix}/namespace`]: 'vault',
        [`${prefix}/secret.name`]: 'app-token-x7v2k',
        [`${prefix}/service-account.name`]: 'app',
        [`${prefix}/service-account.uid`]: uid,
        sub: 'system:serviceaccount:vault:app',
      },
    );
  }

  signed(header: object, body: object, key: KeyObject = this.#keys.privateKey): string {
    const text = `${b64(header)}.${b64(body)}`;
    return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const [, first = '', ...rest] = (request.url ?? '').split('/');
    const mode = (first === 'apis' || first === 'api' ? 'usual' : first) as Mode;
    const path = mode === 'usual' ? request.url! : `/${rest.join('/')}`;
    this.asked.push(`${request.method} ${request.url}`);
    const parts: Buffer[] = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      const bearer = request.headers.authorization?.replace('Bearer ', '') ?? '';
      if (mode === 'hangs') return;
      if (mode === 'moved') response.writeHead(307, { location: `${this.host()}${path}` }).end();
      else if (mode === 'huge') response.writeHead(201).end(Buffer.alloc(1024 * 1024, ' '));
      else if (mode === 'garbage') response.writeHead(201).end('<html>not a cluster</html>');
      else if (mode === 'broken') failure(response, 500, 'InternalError', 'etcdserver: request timed out');
      else if (mode === 'unauthorized' || this.#claimsOf(bearer) === undefined) {
        failure(response, 401, 'Unauthorized', 'Unauthorized');
      } else if (mode === 'forbidden') {
        const who = 'User "system:serviceaccount:vault:app" cannot create resource "tokenreviews" in API group';
        const words = `tokenreviews.authentication.k8s.io is forbidden: ${who} "authentication.k8s.io" at the cluster scope`;
        failure(response, 403, 'Forbidden', words);
      } else if (request.method === 'POST' && path === '/apis/authentication.k8s.io/v1/tokenreviews') {
        const { spec } = JSON.parse(Buffer.concat(parts).toString()) as { spec: Spec };
        const metadata = { creationTimestamp: null };
        json(response, 201, {
          kind: 'TokenReview',
          apiVersion: 'authentication.k8s.io/v1',
          metadata,
          spec,
          status: this.#review(spec, mode),
        });
      } else if (request.method === 'GET' && path.startsWith('/api/v1/namespaces/')) {
        const name = path.slice('/api/v1/namespaces/'.length);
        const labels = { 'kubernetes.io/metadata.name': name, team: name === 'vault' ? 'blue' : 'red' };
        json(response, 200, {
          kind: 'Namespace',
          apiVersion: 'v1',
          metadata: { name, uid: 'ns-uid', labels },
          spec: {},
          status: { phase: 'Active' },
        });
      } else failure(response, 404, 'NotFound', 'the server could not find the requested resource');
    });
  }

  #review({ token, audiences = [cluster] }: Spec, mode: Mode): object {
    const claims = this.#claimsOf(token);
    if (claims === undefined)
      return { user: {}, error: '[invalid bearer token, square/go-jose: error in cryptographic primitive]' };
    if (claims.exp !== undefined && claims.exp < Date.now() / 1000) {
      return { user: {}, error: '[invalid bearer token, service account token has expired]' };
    }
    const taken = audiences.filter((one) => (claims.aud ?? [cluster]).includes(one));
    if (taken.length === 0 && mode !== 'unaware') {
      const words = `token audiences ${JSON.stringify(claims.aud)} is invalid for the target audiences ${JSON.stringify(audiences)}`;
      return { user: {}, error: `[invalid bearer token, ${words}]` };
    }
    const [, , namespace, name] = claims.sub.split(':');
    return {
      authenticated: true,
      user: {
        username:
          mode === 'another'
            ? `system:serviceaccount:${namespace}:somebody`
            : `system:serviceaccount:${namespace}:${name}`,
        uid: mode === 'other-uid' ? 'another-uid' : claims.uid,
        groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
        extra: {
          'authentication.kubernetes.io/pod-name': ['app-0'],
          'authentication.kubernetes.io/pod-uid': ['pod-uid'],
        },
      },
      ...(mode !== 'unaware' && { audiences: taken }),
    };
  }

  /** Of a token that this cluster signed. */
  #claimsOf(token: string) {
    const [header = '', body = '', signature = ''] = token.split('.');
    const text = Buffer.from(`${header}.${body}`);
    if (!verify('sha256', text, this.#keys.publicKey, Buffer.from(signature, 'base64url'))) return undefined;
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString());
    const account = claims['kubernetes.io']?.serviceaccount;
    return { ...claims, uid: account?.uid ?? claims['kubernetes.io/serviceaccount/service-account.uid'] } as {
      readonly aud?: readonly string[];
      readonly exp?: number;
      readonly sub: string;
      readonly uid: string;
    };
  }
}

interface Spec {
  readonly token: string;
  readonly audiences?: readonly string[];
}

function json(response: ServerResponse, status: number, value: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

function failure(response: ServerResponse, code: number, reason: string, message: string): void {
  json(response, code, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code });
}
