import { type JwtClaims, type JwtFault, keyOfPem, unverifiedJwt, verifyJwt } from '#crypto/crypto.ts';
import {
  KmsError,
  type KubernetesConfig,
  type KubernetesRole,
  type Proof,
  type ShownKubernetesConfig,
} from '#domain/domain.ts';
import { fromUtf8 } from '#encoding/encoding.ts';
import type { Configured } from './auth-mounts.ts';
import { fits } from './claims.ts';
import type { AuthMountRecord, Directory } from './directory.ts';
import type { Cluster, KubernetesApi } from './kubernetes-api.ts';
import { labelsOf } from './kubernetes-role.ts';
import { type LoginFacts, noSuchLogin, wrongLogin } from './login-facts.ts';
import { fold } from './names.ts';
import { isOutboundUrl, isPemOfCertificates } from './outbound.ts';
import type { Realms } from './realms.ts';
import type { SealedWords } from './sealed-words.ts';
import { type ServiceAccount, serviceAccountOf } from './service-account.ts';

/** What the pod knows that this server runs in. */
export interface LocalServiceAccount {
  readonly token: string;
  /** PEM. */
  readonly ca: string;
}

/** Undefined where this server runs in no pod. */
export type ReadLocalServiceAccount = () => LocalServiceAccount | undefined;

interface Rooms {
  readonly directory: Directory;
  readonly realms: Realms;
  readonly api: KubernetesApi;
  readonly words: SealedWords;
  readonly local: ReadLocalServiceAccount | undefined;
  readonly clock: () => number;
}

type KubernetesMount = AuthMountRecord & { readonly config: ShownKubernetesConfig };

/** Characters. */
const maxToken = 20_000;
const maxPem = 64 * 1024;
const maxKeys = 20;
/** Seconds by which the cluster's clock may differ from ours. */
const skew = 60;
const usualIssuer = 'kubernetes/serviceaccount';
/** Signatures that clusters make; of a token whose signature is the cluster's to verify too. */
const algorithms = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512'];

/** Logins with the token of a service account that its own cluster vouches for, as at Vault's Kubernetes method. */
export class KubernetesLogins {
  readonly #rooms: Rooms;

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
  }

  /** Rejects with 'invalid-proof', or where the cluster can't be asked 'unavailable'. Which part failed is no secret to who brings a token. */
  async prove({ role, token }: Extract<Proof, { kind: 'kubernetes' }>, at: AuthMountRecord): Promise<LoginFacts> {
    const name = fold(role);
    const login = name.length > 64 ? undefined : await this.#rooms.directory.login(at.realm, at.id, name);
    if (login?.kubernetes === undefined) throw noSuchLogin(`invalid role name "${role.slice(0, 64)}"`);
    const mount = configured(at);
    const claims = await this.#claimsOf(token, mount.config);
    const account = this.#accountOf(claims, mount.config, login.kubernetes);
    const cluster = this.#cluster(mount, token);
    if (!login.kubernetes.names.some((pattern) => fits(pattern, account.name))) {
      throw wrongLogin('service account name not authorized');
    }
    const { audience, namespaces, namespaceSelector } = login.kubernetes;
    const listed = namespaces.some((pattern) => fits(pattern, account.namespace));
    if (!listed && namespaceSelector === '') throw wrongLogin('namespace not authorized');
    await this.#rooms.api.review(cluster, token, account, audience === '' ? account.audiences : [audience]);
    // Nobody but who is there has a namespace looked up.
    if (!listed) await this.#assertSelected(cluster, token, namespaceSelector, account);
    return {
      mount,
      login,
      via: 'login',
      meta: {
        role: login.name,
        service_account_name: account.name,
        service_account_namespace: account.namespace,
        service_account_secret_name: account.secret,
        service_account_uid: account.uid,
      },
      label: `${account.namespace}-${account.name}`,
      by: `the token of service account ${account.namespace}/${account.name} (${account.uid})`,
    };
  }

  async #claimsOf(token: string, { keys }: ShownKubernetesConfig): Promise<JwtClaims> {
    if (token.length > maxToken) throw refusals.malformed();
    const read =
      keys.length === 0
        ? unverifiedJwt(token, algorithms)
        : await verifyJwt(token, { keys: keys.map((pem) => keyOfPem(pem)!) }, algorithms);
    if (typeof read !== 'string') return read;
    throw refusals[read]();
  }

  #accountOf(claims: JwtClaims, { checkIssuer, issuer }: ShownKubernetesConfig, role: KubernetesRole): ServiceAccount {
    const now = this.#rooms.clock() / 1000;
    const { exp, nbf, iat, iss } = claims;
    for (const time of [exp, nbf, iat]) {
      if (time !== undefined && !Number.isFinite(time)) throw refusals.malformed();
    }
    if (exp !== undefined && (exp as number) + skew <= now)
      throw wrongLogin('invalid expiration time (exp) claim: token is expired');
    if (nbf !== undefined && (nbf as number) - skew > now)
      throw wrongLogin('invalid not before (nbf) claim: token not yet valid');
    if (iat !== undefined && (iat as number) - skew > now)
      throw wrongLogin('invalid issued at (iat) claim: token issued in the future');
    if (checkIssuer && iss !== (issuer === '' ? usualIssuer : issuer)) throw wrongLogin('invalid issuer (iss) claim');
    const account = serviceAccountOf(claims);
    if (account === undefined) throw wrongLogin('the jwt is not of a service account');
    if (role.audience !== '' && !account.audiences.includes(role.audience)) {
      throw wrongLogin('invalid audience (aud) claim: audience claim does not match any expected audience');
    }
    return account;
  }

  async #assertSelected(cluster: Cluster, token: string, selector: string, account: ServiceAccount): Promise<void> {
    const wanted = labelsOf(selector);
    if (wanted === undefined) throw wrongLogin('namespace not authorized');
    // What a namespace is labelled with is not asked for with the word of whom that is to let in.
    if (cluster.reviewer === token) {
      throw wrongLogin('namespace not authorized: TokenReviewer JWT needs to be configured to use namespace selectors');
    }
    const labels = await this.#rooms.api.labelsOf(cluster, account.namespace);
    if (!wanted.every(([name, value]) => Object.hasOwn(labels, name) && labels[name] === value)) {
      throw wrongLogin('namespace not authorized');
    }
  }

  #cluster(mount: KubernetesMount, token: string): Cluster {
    const { host, ca, local } = mount.config;
    // The pod's own token goes to the pod's own cluster only, which its authority knows; wherever else the host leads.
    const own = local && ca === undefined ? this.#rooms.local?.() : undefined;
    const authority = ca ?? own?.ca;
    if (authority === undefined)
      throw new KmsError('unavailable', 'The pod that this server ran in is gone.', 'kubernetes');
    const sealed = mount.sealed?.reviewer;
    const reviewer =
      sealed === undefined ? undefined : fromUtf8(this.#rooms.words.open(place(mount), sealed).release());
    return { host, ca: authority, reviewer: reviewer ?? own?.token ?? token };
  }

  async configure(mount: AuthMountRecord, { reviewer, ...config }: KubernetesConfig): Promise<Configured> {
    const { host, ca, keys, issuer, local } = config;
    // What a tenant makes the server ask for might be a neighbour of the server's.
    if (!(await this.#rooms.realms.isFirst(mount.realm))) {
      throw new KmsError('denied', 'Only the first realm may have a Kubernetes API asked.');
    }
    if (!isOutboundUrl(host) || /[?#]/.test(host)) {
      throw wrong('"kubernetes_host" is a URL that is asked over https, or over http on this machine itself.');
    }
    if (ca === undefined && !local) throw wrong('kubernetes_ca_cert must be given when disable_local_ca_jwt is true');
    if (ca === undefined && this.#rooms.local?.() === undefined) {
      throw wrong('kubernetes_ca_cert must be given: this server runs in no pod that has one');
    }
    if (ca !== undefined && !isPemOfCertificates(ca)) throw wrong('kubernetes_ca_cert is no certificate in PEM');
    if (keys.length > maxKeys || keys.some((pem) => pem.length > maxPem || keyOfPem(pem) === undefined)) {
      throw wrong('data does not contain any valid public keys');
    }
    if (issuer.length > 1024) throw wrong('A setting has at most 1024 characters.');
    const token = reviewer && fromUtf8(reviewer.release());
    if (reviewer !== undefined && !/^[\x21-\x7e]{1,20000}$/.test(token ?? '')) {
      throw wrong('token_reviewer_jwt is no bearer token');
    }
    return {
      config: { ...config, reviewerSet: reviewer !== undefined },
      ...(reviewer !== undefined && { sealed: { reviewer: this.#rooms.words.seal(place(mount), reviewer) } }),
    };
  }
}

const refusals = {
  malformed: () => wrongLogin('permission denied: malformed jwt'),
  algorithm: () => wrongLogin('permission denied: the jwt is not signed in a way that is taken'),
  'unknown-key': () => wrongLogin('permission denied: the signature of the jwt does not verify'),
  signature: () => wrongLogin('permission denied: the signature of the jwt does not verify'),
} as const satisfies Record<JwtFault, () => KmsError>;

const wrong = (words: string) => new KmsError('invalid-parameter', words);

const place = ({ realm, id }: AuthMountRecord) => `${realm}/${id}/reviewer`;

function configured(mount: AuthMountRecord): KubernetesMount {
  if (mount.config?.kind !== 'kubernetes') throw noSuchLogin('could not load backend configuration');
  return mount as KubernetesMount;
}
