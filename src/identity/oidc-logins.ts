import { digest, equalSecrets, type JwtClaims, randomBytes } from '#crypto/crypto.ts';
import type { Command, Outcome, Proof, Results } from '#domain/domain.ts';
import { fromUtf8, hasTwins, parseJson, toBase64, toBase64Url, toUtf8 } from '#encoding/encoding.ts';
import type { AuthMounts } from './auth-mounts.ts';
import type { AuthMountRecord, Directory } from './directory.ts';
import type { Identified } from './identified.ts';
import { checkIdToken } from './jwt-claims.ts';
import { configured, factsOf, type JwtLogins, type JwtMount, place } from './jwt-logins.ts';
import { type Discovered, type JwtSources, stateOf } from './jwt-sources.ts';
import { type LoginFacts, wrongLogin } from './login-facts.ts';
import { Recent } from './recent.ts';
import { isRedirectAllowed } from './redirects.ts';
import type { SealedWords } from './sealed-words.ts';

/** Milliseconds between being sent to the provider's page and coming back from it. */
const longestVisit = 10 * 60 * 1000;
const maxWord = 4096;

/** Somebody who was sent to the provider's page, by the state that he will come back with. */
interface Visit {
  /** As it was then: what one provider gave is not for another. */
  readonly mount: string;
  readonly role: string;
  readonly redirectUri: string;
  readonly nonce: string;
  /** Of PKCE (RFC 7636). */
  readonly verifier: string;
  readonly clientNonce: string;
  readonly until: number;
}

interface Rooms {
  readonly directory: Directory;
  readonly mounts: AuthMounts;
  readonly sources: JwtSources;
  readonly words: SealedWords;
  readonly jwt: JwtLogins;
  readonly clock: () => number;
}

type Return = Extract<Proof, { kind: 'oidc' }>;

const failed = (words: string) => wrongLogin(`Vault login failed. ${words}`);
const unknownState = () => failed('Expired or missing OAuth state.');
const newWord = () => toBase64Url(randomBytes(32));

/** Logins through the page of an OpenID Connect provider (Core 1.0 section 3.1): the authorization code flow, with PKCE. */
export class OidcLogins {
  readonly #rooms: Rooms;
  /** In memory only: whoever is under way when the server starts again begins again. */
  readonly #visits = new Recent<Visit>(8192);
  /** What the provider said for a code, which it says once; the gate may decide on it again. */
  readonly #answers = new WeakMap<Return, Promise<{ readonly visit: Visit; readonly claims: JwtClaims }>>();

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
  }

  /** Nobody yet: somebody at a mount. Rejects with 'invalid-proof' where there is none. */
  async visitor(proof: Extract<Proof, { kind: 'oidc-visit' }>): Promise<Identified> {
    const realm = await this.#rooms.directory.realmMeant(proof.realm);
    const mount = realm && (await this.#rooms.mounts.of(realm, 'jwt', proof.mount).catch(() => undefined));
    if (!mount) throw wrongLogin();
    return { realm: mount.realm, name: 'anonymous', kind: 'anonymous', groups: [], credential: mount.path };
  }

  /** Where to send somebody. Says nothing of why not: whoever asks is nobody. */
  async begin(
    { realm }: Identified,
    command: Command<'begin-oidc-login'>,
  ): Promise<Outcome<Results['begin-oidc-login']>> {
    const { sources, mounts, jwt, clock } = this.#rooms;
    const mount = configured(await mounts.of(realm, 'jwt', command.mount));
    const { clientId } = mount.config;
    if (clientId === undefined) throw wrongLogin('OIDC login is not configured for this mount');
    const login = await jwt.roleOf(mount, command.role);
    const { redirectUri, clientNonce = '' } = command;
    if (redirectUri === '') throw wrongLogin('missing redirect_uri');
    const { scopes, redirects, maxAge, type } = login.jwt;
    if (type !== 'oidc' || clientNonce.length > 256 || !isRedirectAllowed(redirectUri, redirects)) {
      return { result: { url: '' } };
    }
    const discovered = await sources.of(mount).then(
      (it) => it.discovered,
      () => undefined,
    );
    if (discovered?.authorizationUrl === undefined) return { result: { url: '' } };
    const [state, nonce, verifier] = [newWord(), newWord(), newWord()];
    const until = clock() + longestVisit;
    const visit = { role: login.name, redirectUri, nonce, verifier, clientNonce, until };
    this.#visits.set(state, { mount: stateOf(mount), ...visit });
    const url = new URL(discovered.authorizationUrl);
    const asked = {
      client_id: clientId,
      code_challenge: toBase64Url(digest('sha256', toUtf8(verifier))),
      code_challenge_method: 'S256',
      nonce,
      redirect_uri: redirectUri,
      response_type: 'code',
      scope: [...new Set(['openid', ...scopes])].join(' '),
      state,
      ...(maxAge > 0 && { max_age: String(maxAge) }),
    };
    for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value);
    return { result: { url: url.href } };
  }

  /** Who comes back. Rejects with 'invalid-proof'; the state is used up, whatever comes of it. */
  async prove(proof: Return, at: AuthMountRecord): Promise<LoginFacts> {
    const mount = configured(at);
    let answer = this.#answers.get(proof);
    if (answer === undefined) {
      answer = this.#claimsOf(proof, mount);
      this.#answers.set(proof, answer);
    }
    const { visit, claims } = await answer;
    // It may have changed while the provider was asked.
    if (visit.mount !== stateOf(mount)) throw unknownState();
    const login = await this.#rooms.jwt.roleOf(mount, visit.role);
    if (login.jwt.type !== 'oidc') throw failed('Role could not be found');
    const discovered = await this.#discovered(mount);
    const expected = { issuer: discovered.issuer, clientId: mount.config.clientId ?? '', nonce: visit.nonce };
    checkIdToken(claims, expected, login.jwt, this.#rooms.clock());
    return factsOf(mount, login, claims, 'oidc/callback');
  }

  async #claimsOf(proof: Return, mount: JwtMount): Promise<{ readonly visit: Visit; readonly claims: JwtClaims }> {
    const visit = this.#take(proof.state);
    if (visit === undefined || visit.mount !== stateOf(mount)) throw unknownState();
    if (proof.refusal !== undefined) throw failed(proof.refusal);
    if (visit.clientNonce !== '' && !sameWord(visit.clientNonce, proof.clientNonce ?? '')) {
      throw wrongLogin('invalid client_nonce');
    }
    if (proof.code === '' || proof.code.length > maxWord) throw failed('No code or id_token received.');
    const discovered = await this.#discovered(mount);
    const { idToken, accessToken } = await this.#exchanged(mount, discovered, visit, proof.code);
    const { algorithms } = mount.config;
    // What providers sign with that say nothing of it (Core 1.0 section 3.1.3.7).
    const claims = await this.#rooms.jwt.verified(mount, idToken, algorithms.length === 0 ? ['RS256'] : algorithms);
    const more = accessToken === undefined ? {} : await this.#userInfo(mount, discovered, accessToken, claims.sub);
    // What was verified stands; the user's page adds to it.
    return { visit, claims: { ...more, ...claims } };
  }

  /** A state leads back once. */
  #take(state: string): Visit | undefined {
    const visit = this.#visits.get(state);
    this.#visits.delete(state);
    return visit !== undefined && visit.until > this.#rooms.clock() ? visit : undefined;
  }

  async #discovered(mount: JwtMount): Promise<Discovered> {
    const { discovered } = await this.#rooms.sources.of(mount);
    if (discovered === undefined) throw wrongLogin('OIDC login is not configured for this mount');
    return discovered;
  }

  /** Trades the code for tokens (RFC 6749 section 4.1.3). */
  async #exchanged(mount: JwtMount, { tokenUrl, secretInBody }: Discovered, visit: Visit, code: string) {
    const wrong = failed('Error exchanging oidc code.');
    const { clientId, source } = mount.config;
    const sealed = mount.sealed?.secret;
    if (tokenUrl === undefined || clientId === undefined || sealed === undefined || source.kind !== 'discovery') {
      throw wrong;
    }
    const secret = fromUtf8(this.#rooms.words.open(place(mount), sealed).release()) ?? '';
    const body = new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      redirect_uri: visit.redirectUri,
      code_verifier: visit.verifier,
      ...(secretInBody && { client_id: clientId, client_secret: secret }),
    });
    const { ca } = source;
    const answer = await this.#rooms.sources.ask(
      {
        url: tokenUrl,
        post: { type: 'application/x-www-form-urlencoded', body: body.toString() },
        ...(ca !== undefined && { ca }),
        ...(!secretInBody && { authorization: basic(clientId, secret) }),
      },
      "The provider's tokens",
    );
    const said = answer.status === 200 ? objectOf(answer.text) : undefined;
    if (typeof said?.id_token !== 'string') throw wrong;
    return {
      idToken: said.id_token,
      accessToken: typeof said.access_token === 'string' ? said.access_token : undefined,
    };
  }

  /** What the provider tells of the user besides (Core 1.0 section 5.3); nothing where that can't be had, or is of somebody else. */
  async #userInfo(mount: JwtMount, { userInfoUrl: url }: Discovered, token: string, sub: unknown): Promise<JwtClaims> {
    if (url === undefined || !/^[\x21-\x7e]{1,8192}$/.test(token) || mount.config.source.kind !== 'discovery')
      return {};
    const { ca } = mount.config.source;
    const request = { url, authorization: `Bearer ${token}`, ...(ca !== undefined && { ca }) };
    const answer = await this.#rooms.sources.ask(request, 'The user').catch(() => undefined);
    const said = answer?.status === 200 ? objectOf(answer.text) : undefined;
    return said !== undefined && typeof sub === 'string' && said.sub === sub ? said : {};
  }
}

function objectOf(text: string): JwtClaims | undefined {
  const value = parseJson(toUtf8(text));
  const sound = value !== undefined && value !== null && typeof value === 'object' && !Array.isArray(value);
  return sound && !hasTwins(text) ? (value as JwtClaims) : undefined;
}

/** RFC 6749 section 2.3.1. */
function basic(id: string, secret: string): string {
  const word = (text: string) => new URLSearchParams({ x: text }).toString().slice(2);
  return `Basic ${toBase64(toUtf8(`${word(id)}:${word(secret)}`))}`;
}

function sameWord(one: string, other: string): boolean {
  return equalSecrets(digest('sha256', toUtf8(one)), digest('sha256', toUtf8(other)));
}
