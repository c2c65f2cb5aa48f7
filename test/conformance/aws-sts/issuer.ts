import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { createAuthority, issueServerCertificate } from '#crypto/crypto.ts';

/** An OpenID Connect provider on this machine: publishes its keys over HTTPS, and says what it is asked to. */
export class LocalIssuer {
  readonly issuer = 'https://issuer.example/local';
  readonly audience = 'claviger';
  /** PEM: what must be trusted to reach it. */
  readonly ca: string;
  asked = 0;
  /** What it answers instead of its keys. */
  broken: 'refuses' | 'redirects' | 'hangs' | 'floods' | undefined;
  readonly #server: Server;
  #key!: Awaited<ReturnType<typeof generateKeyPair>>;
  #kid = '';
  jwks: { keys: object[] } = { keys: [] };

  private constructor() {
    const now = Date.now();
    const authority = createAuthority('Test issuer authority', now);
    this.ca = authority.certificate;
    const { certificate, key } = issueServerCertificate(authority, { hosts: ['127.0.0.1'], now, days: 1 });
    this.#server = createServer({ cert: certificate, key }, (_, answer) => {
      this.asked++;
      if (this.broken === 'hangs') return;
      if (this.broken === 'refuses') answer.writeHead(500).end();
      else if (this.broken === 'redirects') answer.writeHead(302, { location: '/elsewhere' }).end();
      else if (this.broken === 'floods') answer.end('x'.repeat(1024 * 1024));
      else answer.setHeader('content-type', 'application/json').end(JSON.stringify(this.jwks));
    });
  }

  static async start(): Promise<LocalIssuer> {
    const made = new LocalIssuer();
    await made.rotate('first');
    await new Promise<void>((resolve) => made.#server.listen(0, '127.0.0.1', resolve));
    return made;
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}/keys`;
  }

  /** A new key pair; the former public key stays published. */
  async rotate(kid: string, alg = 'RS256'): Promise<void> {
    this.#key = await generateKeyPair(alg, { extractable: true });
    this.#kid = kid;
    this.jwks = { keys: [...this.jwks.keys, { ...(await exportJWK(this.#key.publicKey)), kid, alg, use: 'sig' }] };
    this.alg = alg;
  }

  alg = 'RS256';

  /** Claims that are given replace the usual ones. */
  token(claims: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const usual = { iss: this.issuer, sub: 'workload-1', aud: this.audience, iat: now, exp: now + 600 };
    return new SignJWT({ ...usual, ...claims })
      .setProtectedHeader({ alg: this.alg, kid: this.#kid })
      .sign(this.#key.privateKey);
  }

  stop(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}
