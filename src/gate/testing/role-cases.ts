/** What the native API and STS ask about roles and identity providers: a request that succeeds for each row of their tables. */
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { digestHex, hmac } from '#crypto/crypto.ts';
import { type CredentialSet, type Plaintext, type RoleTrust, SecretBytes } from '#domain/domain.ts';
import { toUtf8 } from '#encoding/encoding.ts';
import type { Request } from '#wire/wire.ts';
import type { Answer, Doors } from './doors.ts';
import { type House, textOf } from './house.ts';
import type { Cases } from './operations.ts';

let counted = 0;
const fresh = (word: string) => `${word}-${++counted}`;

/** What a client signs with: an access key of somebody's, or a session's. */
export interface Signer extends Pick<CredentialSet, 'accessKeyId' | 'secretAccessKey'> {
  readonly sessionToken?: Plaintext;
}

/** A form for STS, signed as AWS documents it (Signature Version 4, header form). */
export function signedForm(by: Signer, fields: Readonly<Record<string, string>>, at: number): Omit<Request, 'peer'> {
  const body = new URLSearchParams({ Version: '2011-06-15', ...fields }).toString();
  const time = new Date(at).toISOString().replace(/[-:]|\.[0-9]{3}/g, '');
  const type = 'application/x-www-form-urlencoded; charset=utf-8';
  const token = by.sessionToken === undefined ? [] : ['x-amz-security-token', textOf(by.sessionToken)];
  const headers = ['content-type', type, 'host', 'localhost', 'x-amz-date', time, ...token];
  const names = headers.filter((_, i) => i % 2 === 0).join(';');
  const lines = headers.map((text, i) => (i % 2 === 0 ? `${text}:` : `${text}\n`)).join('');
  const canonical = `POST\n/\n\n${lines}\n${names}\n${digestHex('sha256', body)}`;
  const scope = `${time.slice(0, 8)}/eu-central-1/sts/aws4_request`;
  let key: Uint8Array = toUtf8(`AWS4${textOf(by.secretAccessKey)}`);
  for (const part of scope.split('/')) key = hmac('sha256', new SecretBytes(key), part);
  const toSign = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${digestHex('sha256', canonical)}`;
  const signature = hmac('sha256', new SecretBytes(key), toSign).toString('hex');
  const authorization = `AWS4-HMAC-SHA256 Credential=${by.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
  return {
    method: 'POST',
    path: '/',
    query: '',
    headers: [...headers, 'authorization', authorization],
    body: toUtf8(body),
  };
}

export const sts = (doors: Doors, fields: Readonly<Record<string, string>>, by: Signer = doors.house.first) =>
  doors.send(signedForm(by, fields, doors.house.now));

/** A form that nobody signs. */
export const stsUnsigned = (doors: Doors, fields: Readonly<Record<string, string>>): Promise<Answer> =>
  doors.send({
    method: 'POST',
    path: '/',
    query: '',
    headers: ['content-type', 'application/x-www-form-urlencoded'],
    body: toUtf8(new URLSearchParams({ Version: '2011-06-15', ...fields }).toString()),
  });

export const roleArn = ({ realm }: House, name: string) => `arn:aws:iam::${realm}:role/${name}`;

export async function makeRole(house: House, trust: Partial<RoleTrust> = {}, name = fresh('role')): Promise<string> {
  const whole = { identities: [house.first.identity], groups: [], providers: [], ...trust };
  await house.perform({ kind: 'create-role', name, trust: whole });
  return name;
}

/** An OpenID Connect provider with keys of its own, made up for a test. */
export class Issuer {
  readonly issuer = `https://${fresh('issuer')}.example`;
  readonly audience = 'claviger';
  #keys!: Awaited<ReturnType<typeof generateKeyPair>>;
  #jwks!: { readonly keys: readonly object[] };

  static async make(alg = 'ES256', kid = 'one'): Promise<Issuer> {
    const made = new Issuer();
    await made.renew(alg, kid);
    return made;
  }

  /** Other keys from now on. */
  async renew(alg = 'ES256', kid = 'two'): Promise<void> {
    this.#keys = await generateKeyPair(alg, { extractable: true });
    this.#jwks = { keys: [{ ...(await exportJWK(this.#keys.publicKey)), kid, alg, use: 'sig' }] };
    this.header = { alg, kid };
  }

  header = { alg: 'ES256', kid: 'one' };

  get jwks(): string {
    return JSON.stringify(this.#jwks);
  }

  /** `at`: milliseconds since the epoch. Claims that are given replace the usual ones, undefined leaves one out. */
  token(at: number, claims: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const now = Math.floor(at / 1000);
    const usual = { iss: this.issuer, sub: 'repo:me/it', aud: this.audience, iat: now, exp: now + 300, ...claims };
    return new SignJWT(JSON.parse(JSON.stringify(usual))).setProtectedHeader(this.header).sign(this.#keys.privateKey);
  }

  register = (house: House) =>
    house.perform({
      ...{ kind: 'register-provider', issuer: this.issuer, audiences: [this.audience], keys: { jwks: this.jwks } },
    });
}

/** By the template of the row. */
export const roleCases: Cases = {
  'GET /roles': async (doors) => () => doors.native('GET', '/roles'),
  'POST /roles': async (doors) => {
    const { identity } = await doors.house.hire(fresh('taker'));
    return () => doors.native('POST', '/roles', { name: fresh('role'), role: 'auditor', identities: [identity] });
  },
  'DELETE /roles/{name}': async (doors) => {
    const name = await makeRole(doors.house);
    return () => doors.native('DELETE', `/roles/${name}`);
  },
  'POST /roles/{name}/sessions': async (doors) => {
    const name = await makeRole(doors.house);
    return () => doors.native('POST', `/roles/${name}/sessions`, { sessionName: 'it' });
  },
  'GET /providers': async (doors) => () => doors.native('GET', '/providers'),
  'POST /providers': async (doors) => () =>
    doors.native('POST', '/providers', {
      ...{ issuer: `https://${fresh('i')}.example`, audiences: ['a'], url: 'https://keys.example/jwks' },
    }),
  'DELETE /providers/{issuer}': async (doors) => {
    const issuer = await Issuer.make();
    await issuer.register(doors.house);
    return () => doors.native('DELETE', `/providers/${encodeURIComponent(issuer.issuer)}`);
  },
  'GET /caller': async (doors) => () => doors.native('GET', '/caller'),
};

/** By operation. AssumeRoleWithWebIdentity is asked by nobody of the house: `federation.test.ts` holds it to the same. */
export const stsCases: Cases = {
  AssumeRole: async (doors) => {
    const RoleArn = roleArn(doors.house, await makeRole(doors.house));
    return () => sts(doors, { Action: 'AssumeRole', RoleArn, RoleSessionName: 'it' });
  },
  GetCallerIdentity: async (doors) => () => sts(doors, { Action: 'GetCallerIdentity' }),
  GetSessionToken: async (doors) => () => sts(doors, { Action: 'GetSessionToken' }),
};
