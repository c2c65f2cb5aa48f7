import {
  Authorities,
  type CertificateFault,
  type ChainLink,
  type ClientCertificate,
  digestHex,
  PresentedCertificate,
  type TrustedCertificate,
} from '#crypto/crypto.ts';
import { type CertificateConfig, KmsError, type Proof } from '#domain/domain.ts';
import { toHex } from '#encoding/encoding.ts';
import type { AuthMounts, Configured } from './auth-mounts.ts';
import { isAskedFor, trustedBy } from './certificate-role.ts';
import type { AuthMountRecord, CredentialRecord, Directory, LoginRecord } from './directory.ts';
import { checkMeta } from './issue-token.ts';
import { type LoginFacts, wrongLogin } from './login-facts.ts';
import { fold } from './names.ts';
import { Recent } from './recent.ts';
import type { RevocationLists } from './revocation-lists.ts';

interface Rooms {
  readonly directory: Directory;
  readonly mounts: AuthMounts;
  readonly lists: RevocationLists;
  readonly clock: () => number;
}

type CertificateLogin = LoginRecord & Required<Pick<LoginRecord, 'cert'>>;

/** What roles of a mount trust. */
interface Trust {
  readonly authorities: Authorities;
  readonly roles: ReadonlyArray<{ readonly login: CertificateLogin; readonly trusted: readonly TrustedCertificate[] }>;
}

/** Logins with the certificate of a TLS client, as at Vault's cert method. That the client has its key the handshake has shown. */
export class CertificateLogins {
  readonly #rooms: Rooms;
  /** Of all roles of a mount, read once for each state of them. */
  readonly #trust = new Recent<Trust & { readonly state: string }>(64);
  /** By the digest of the text that a role has: many roles trust the same. */
  readonly #trusted = new Recent<readonly TrustedCertificate[]>(1024);

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
  }

  /** Rejects with 'invalid-proof', and says what is wrong with the certificate: who brings it has its key. */
  async prove(
    { name, certificates }: Extract<Proof, { kind: 'certificate' }>,
    mount: AuthMountRecord,
  ): Promise<LoginFacts> {
    const presented = PresentedCertificate.read(certificates, this.#rooms.clock());
    if (typeof presented === 'string') throw refusals[presented]();
    const login = await this.#letIn(presented, mount, name);
    const { client } = presented;
    const meta = metaOf(login, client);
    return {
      mount,
      login,
      via: 'login',
      meta,
      label: login.cert.displayName,
      by: `the certificate ${client.serial} of ${client.commonName.replace(/\p{C}/gu, '').slice(0, 128)}`,
      certificate: digestHex('sha256', client.der),
    };
  }

  /** The first of the roles (of the one that is named) that trusts the certificate and asks for such a one. */
  async #letIn(
    presented: PresentedCertificate,
    mount: AuthMountRecord,
    name: string | undefined,
  ): Promise<CertificateLogin> {
    const { roles, authorities } = await this.#trustOf(mount, name);
    const asking = roles.filter(({ login }) => isAskedFor(login.cert, presented.client));
    const alone = asking.find(({ trusted: [own] }) => own !== undefined && !own.isAuthority && presented.is(own));
    if (alone !== undefined) {
      if (await this.#rooms.lists.holds(mount, presented.alone)) throw revoked();
      return alone.login;
    }
    const chains = presented.chainsTo(authorities);
    if (typeof chains === 'string') throw refusals[chains]();
    const standing = await this.#standing(mount, chains);
    if (standing.length === 0) throw revoked();
    const found = asking.find(({ trusted }) => trusted.some((one) => one.isAuthority && standing.some(holds(one))));
    if (found === undefined) {
      throw wrongLogin(noChain);
    }
    return found.login;
  }

  /** The chains of which nothing was taken back. */
  async #standing(mount: AuthMountRecord, chains: readonly (readonly ChainLink[])[]) {
    const standing: (readonly ChainLink[])[] = [];
    for (const chain of chains) if (!(await this.#rooms.lists.holds(mount, chain))) standing.push(chain);
    return standing;
  }

  async #trustOf(mount: AuthMountRecord, name: string | undefined): Promise<Trust> {
    if (name !== undefined) return this.#trustIn(await this.#named(mount, name));
    const logins = await this.#everyLogin(mount);
    const state = logins.map((login) => `${login.name}/${login.createdAt}/${login.revision}`).join();
    const known = this.#trust.get(mount.id);
    if (known?.state === state) return known;
    const trust = { state, ...this.#trustIn(logins) };
    this.#trust.set(mount.id, trust);
    return trust;
  }

  #trustIn(logins: readonly CertificateLogin[]): Trust {
    const roles = logins.map((login) => ({ login, trusted: this.#trustedBy(login) }));
    return { roles, authorities: new Authorities(roles.flatMap(({ trusted }) => trusted)) };
  }

  #trustedBy({ cert }: CertificateLogin): readonly TrustedCertificate[] {
    const digest = digestHex('sha256', cert.certificate);
    const known = this.#trusted.get(digest);
    if (known !== undefined) return known;
    const trusted = trustedBy(cert);
    this.#trusted.set(digest, trusted);
    return trusted;
  }

  async #named({ realm, id }: AuthMountRecord, name: string): Promise<readonly CertificateLogin[]> {
    const login = name.length > 64 ? undefined : await this.#rooms.directory.login(realm, id, fold(name));
    return [login].filter(isOfCertificate);
  }

  async #everyLogin({ realm, id }: AuthMountRecord): Promise<readonly CertificateLogin[]> {
    const all: CertificateLogin[] = [];
    for (let after: string | undefined = ''; after !== undefined; ) {
      const { items, next } = await this.#rooms.directory.logins(realm, id, after, 1000);
      all.push(...items.filter(isOfCertificate));
      after = next === undefined ? undefined : items.at(-1)?.name;
    }
    return all;
  }

  /**
   * Of a token that is to be renewed: the certificate that it was given for is there again, and still lets its identity in; unless the
   * mount says that this doesn't matter. Rejects with 'invalid-parameter'.
   */
  async assertShown({ realm, identity, mount: at, certificate }: CredentialRecord, shown: readonly Uint8Array[]) {
    const mount = at && (await this.#rooms.mounts.at(realm, at.path));
    if (mount?.config?.kind === 'cert' && mount.config.renewsUnbound === true) return;
    const presented = PresentedCertificate.read(shown, this.#rooms.clock());
    if (mount === undefined || typeof presented === 'string') throw notShown();
    if (digestHex('sha256', presented.client.der) !== certificate) throw notShown();
    await this.#letIn(presented, mount, identity).catch(() => {
      throw notShown();
    });
  }

  /** What is absent stays as it is. */
  async configure({ config }: AuthMountRecord, { renewsUnbound }: CertificateConfig): Promise<Configured> {
    const known = config?.kind === 'cert' ? config : undefined;
    return { config: { kind: 'cert', renewsUnbound: renewsUnbound ?? known?.renewsUnbound ?? false } };
  }
}

const notShown = () =>
  new KmsError('invalid-parameter', 'client identity during renewal not matching client identity used during login');

function isOfCertificate(login: LoginRecord | undefined): login is CertificateLogin {
  return login?.cert !== undefined;
}

function holds({ id }: TrustedCertificate): (chain: readonly ChainLink[]) => boolean {
  return (chain) => chain.some((link) => link.id === id);
}

function metaOf({ name, cert }: CertificateLogin, client: ClientCertificate): Readonly<Record<string, string>> {
  const extensions = cert.metadataExtensions.flatMap((oid) => {
    const value = client.extensions.get(oid);
    return value === undefined ? [] : [[oid.replaceAll('.', '-'), value] as const];
  });
  const meta = {
    ...Object.fromEntries(extensions),
    authority_key_id: withColons(client.authorityKeyIdentifier),
    cert_name: name,
    common_name: client.commonName,
    serial_number: client.serial,
    subject_key_id: withColons(client.subjectKeyIdentifier),
  };
  try {
    checkMeta(meta);
  } catch {
    throw wrongLogin('what the certificate says is longer than the metadata of a token may be');
  }
  return meta;
}

const withColons = (bytes: Uint8Array): string => (toHex(bytes).match(/../g) ?? []).join(':');

const notVerified = (why: string) => wrongLogin(`failed to verify client's certificate: ${why}`);

const noChain = 'no chain matching all constraints could be found for this login certificate';
const revoked = () => wrongLogin(`${noChain}: it, or one above it, was revoked`);

const refusals = {
  absent: () => wrongLogin('no client certificate found'),
  malformed: () => notVerified('it can not be read'),
  expired: () => notVerified('it, or one above it, has expired'),
  'not-yet-valid': () => notVerified('it, or one above it, is not yet valid'),
  authority: () => notVerified('it is an authority’s'),
  usage: () => notVerified('it is not for TLS clients'),
  weak: () => notVerified('a key in its chain is too short, or of a kind that is not relied on'),
  'not-understood': () =>
    notVerified('it, or one above it, has name constraints or another critical extension that is not understood'),
  untrusted: () => wrongLogin('invalid certificate or no client certificate supplied'),
} as const satisfies Record<CertificateFault, () => Error>;
