import { type JwtClaims, type JwtFault, jwtAlgorithms, keyOfPem, verifyJwt } from '#crypto/crypto.ts';
import { type JwtConfig, type JwtKeySource, KmsError, type Proof, type ShownJwtConfig } from '#domain/domain.ts';
import type { Configured } from './auth-mounts.ts';
import type { AuthMountRecord, Directory, LoginRecord } from './directory.ts';
import { checkMeta } from './issue-token.ts';
import { checkBoundClaims, checkRegisteredClaims, whoOf } from './jwt-claims.ts';
import type { JwtSources } from './jwt-sources.ts';
import { type LoginFacts, wrongLogin } from './login-facts.ts';
import { fold } from './names.ts';
import { isOutboundUrl, isPemOfCertificates } from './outbound.ts';
import type { Realms } from './realms.ts';
import type { SealedWords } from './sealed-words.ts';

/** Characters. */
const maxToken = 20_000;
const maxPem = 64 * 1024;
const maxKeys = 100;

interface Rooms {
  readonly directory: Directory;
  readonly realms: Realms;
  readonly sources: JwtSources;
  readonly words: SealedWords;
  readonly clock: () => number;
}

export type JwtMount = AuthMountRecord & { readonly config: ShownJwtConfig };
type JwtLogin = LoginRecord & Required<Pick<LoginRecord, 'jwt'>>;

/** Logins with tokens that somebody signed whom the mount believes (RFC 7519), as at Vault's JWT method. */
export class JwtLogins {
  readonly #rooms: Rooms;

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
  }

  /** Rejects with 'invalid-proof', or where keys can't be had 'unavailable'. */
  async prove({ role, token }: Extract<Proof, { kind: 'jwt' }>, at: AuthMountRecord): Promise<LoginFacts> {
    const mount = configured(at);
    const login = await this.roleOf(mount, role);
    if (login.jwt.type === 'oidc') throw wrongLogin('role with oidc role_type is not allowed');
    if (token === '') throw wrongLogin('missing token');
    const { algorithms } = mount.config;
    const claims = await this.verified(mount, token, algorithms.length === 0 ? jwtAlgorithms : algorithms);
    checkRegisteredClaims(claims, await this.#issuerOf(mount), login.jwt, this.#rooms.clock());
    return factsOf(mount, login, claims, 'login');
  }

  /** Of a mount that asks a provider, its tokens are that provider's, unless it is told of another issuer. */
  async #issuerOf(mount: JwtMount): Promise<string | undefined> {
    return mount.config.boundIssuer ?? (await this.#rooms.sources.of(mount)).discovered?.issuer;
  }

  /** The role that is named, or the mount's default one. */
  async roleOf(mount: JwtMount, named: string | undefined): Promise<JwtLogin> {
    const name = fold(named || (mount.config.defaultRole ?? ''));
    if (name === '') throw wrongLogin('missing role');
    const login = name.length > 64 ? undefined : await this.#rooms.directory.login(mount.realm, mount.id, name);
    if (login?.jwt === undefined) throw wrongLogin(`role "${name.slice(0, 64)}" could not be found`);
    return login as JwtLogin;
  }

  /** What a token says whose signature one of the mount's keys verifies. */
  async verified(mount: JwtMount, token: string, algorithms: readonly string[]): Promise<JwtClaims> {
    if (token.length > maxToken) throw refusals.malformed();
    const { sources } = this.#rooms;
    let verdict = await verifyJwt(token, (await sources.of(mount)).keys, algorithms);
    // Keys of one name may have been exchanged.
    if (verdict === 'unknown-key' || verdict === 'signature') {
      verdict = await verifyJwt(token, (await sources.again(mount)).keys, algorithms);
    }
    if (typeof verdict === 'string') throw refusals[verdict]();
    return verdict;
  }

  async configure(mount: AuthMountRecord, config: JwtConfig): Promise<Configured> {
    const { unchecked, client, ...settings } = config;
    await this.#checkSource(settings.source, mount.realm);
    checkSettings(config);
    const warnings: string[] = [];
    try {
      await this.#rooms.sources.read(settings.source);
    } catch {
      const words =
        settings.source.kind === 'discovery' ? 'error checking oidc discovery URL' : 'error checking jwks URL';
      if (unchecked !== true) throw new KmsError('invalid-parameter', words);
      warnings.push(words);
    }
    return {
      config: { ...settings, ...(client !== undefined && { clientId: client.id }) },
      ...(client !== undefined && { sealed: { secret: this.#rooms.words.seal(place(mount), client.secret) } }),
      ...(warnings.length > 0 && { warnings }),
    };
  }

  async #checkSource(source: JwtKeySource, realm: string): Promise<void> {
    if (source.kind === 'keys') {
      const unread = source.keys.some((pem) => pem.length > maxPem || keyOfPem(pem) === undefined);
      if (unread || source.keys.length > maxKeys) {
        throw new KmsError(
          'invalid-parameter',
          'error parsing public key: data does not contain any valid public keys',
        );
      }
      return;
    }
    // What a tenant makes the server ask for might be a neighbour of the server's.
    if (!(await this.#rooms.realms.isFirst(realm))) {
      throw new KmsError('denied', 'Only the first realm may have keys read from a URL; give the keys themselves.');
    }
    if (!isOutboundUrl(source.url)) {
      throw new KmsError('invalid-parameter', 'A URL is asked over https, or over http on this machine itself.');
    }
    if (source.kind === 'discovery' && source.url.includes('.well-known')) {
      throw new KmsError('invalid-parameter', "'oidc_discovery_url' contains '.well-known' component");
    }
    if (source.ca !== undefined && !isPemOfCertificates(source.ca)) {
      throw new KmsError('invalid-parameter', 'error checking the CA: it is no certificate in PEM');
    }
  }
}

/** Where the client's secret is at home. */
export const place = ({ realm, id }: AuthMountRecord) => `${realm}/${id}/secret`;

export function configured(mount: AuthMountRecord): JwtMount {
  if (mount.config?.kind !== 'jwt') throw wrongLogin('could not load configuration');
  return mount as JwtMount;
}

/** Whom verified claims make of the role's. Throws 'invalid-proof'. */
export function factsOf(mount: JwtMount, login: JwtLogin, claims: JwtClaims, via: string): LoginFacts {
  const { name, meta } = whoOf(claims, login.jwt);
  checkBoundClaims(claims, login.jwt);
  const said = { ...meta, role: login.name };
  try {
    checkMeta(said);
  } catch {
    throw wrongLogin('a claim that the role maps is longer than the metadata of a token may be');
  }
  return {
    mount,
    login,
    via,
    meta: said,
    label: name,
    by: `the token of ${name.replace(/\p{C}/gu, '').slice(0, 128)}`,
  };
}

function checkSettings({ algorithms, client, source, defaultRole, boundIssuer }: JwtConfig): void {
  const unknown = algorithms.find((alg) => !jwtAlgorithms.includes(alg));
  if (unknown !== undefined) {
    throw new KmsError(
      'invalid-parameter',
      `invalid jwt_supported_algs: unsupported signing algorithm "${unknown.slice(0, 32)}"`,
    );
  }
  if (client !== undefined && source.kind !== 'discovery') {
    throw new KmsError('invalid-parameter', "'oidc_discovery_url' must be set for OIDC");
  }
  const texts = [defaultRole ?? '', boundIssuer ?? '', client?.id ?? ''];
  if (texts.some((text) => text.length > 1024) || (client !== undefined && client.secret.length > 4096)) {
    throw new KmsError('invalid-parameter', 'A setting has at most 1024 characters.');
  }
}

const refusals = {
  malformed: () => wrongLogin('error validating token: error verifying token signature: malformed token'),
  'unknown-key': () =>
    wrongLogin(
      'error validating token: error verifying token signature: no known key successfully validated the token signature',
    ),
  signature: () =>
    wrongLogin(
      'error validating token: error verifying token signature: no known key successfully validated the token signature',
    ),
  algorithm: () =>
    wrongLogin(
      'error validating token: invalid algorithm (alg) header parameter: token signed with unexpected algorithm',
    ),
} as const satisfies Record<JwtFault, () => KmsError>;
