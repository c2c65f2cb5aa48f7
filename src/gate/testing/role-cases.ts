/** What the native API and STS ask about roles and identity providers: a request that succeeds for each row of their tables. */
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { RoleTrust } from '#domain/domain.ts';
import { toUtf8 } from '#encoding/encoding.ts';
import type { Request } from '#wire/wire.ts';
import { type Cases, fresh } from './cases.ts';
import type { Answer, Doors } from './doors.ts';
import { type House, textOf } from './house.ts';
import { type Signer, signedPost } from './signed-post.ts';

/** A form for STS, signed. */
export function signedForm(by: Signer, fields: Readonly<Record<string, string>>, at: number): Omit<Request, 'peer'> {
  const body = new URLSearchParams({ Version: '2011-06-15', ...fields }).toString();
  const token = by.sessionToken === undefined ? [] : ['x-amz-security-token', textOf(by.sessionToken)];
  const headers = ['content-type', 'application/x-www-form-urlencoded; charset=utf-8', ...token];
  return signedPost(by, { service: 'sts', headers, body, at });
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
