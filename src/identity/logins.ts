import {
  addressOf,
  type IssuedToken,
  KmsError,
  type LoginMethod,
  type Outcome,
  type Proof,
  type TokenSettings,
} from '#domain/domain.ts';
import type { AuthMounts } from './auth-mounts.ts';
import type { CertificateLogins } from './certificate-logins.ts';
import type { AuthMountRecord, Directory } from './directory.ts';
import type { Identified } from './identified.ts';
import { isSubset, issueToken, isWithin } from './issue-token.ts';
import type { JwtLogins } from './jwt-logins.ts';
import type { KubernetesLogins } from './kubernetes-logins.ts';
import { isRoleId, maxPassword } from './login-book.ts';
import { type LoginFacts, wrongLogin } from './login-facts.ts';
import { fold } from './names.ts';
import type { OidcLogins } from './oidc-logins.ts';
import type { Passwords } from './passwords.ts';
import type { SecretIds } from './secret-ids.ts';

interface Rooms {
  readonly directory: Directory;
  readonly mounts: AuthMounts;
  readonly passwords: Passwords;
  readonly secretIds: SecretIds;
  readonly jwt: JwtLogins;
  readonly oidc: OidcLogins;
  readonly kubernetes: KubernetesLogins;
  readonly certificates: CertificateLogins;
  readonly clock: () => number;
}

type LoginProof = Extract<Proof, { kind: 'approle' | 'password' | 'jwt' | 'oidc' | 'kubernetes' | 'certificate' }>;

/** From the proof of a login to a token. Each way of logging in finds out for itself who it is; all else is alike. */
export class Logins {
  readonly #rooms: Rooms;

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
  }

  /** Who logs in. It may do nothing but that: the principal counts as nobody for all else. */
  async identify(proof: LoginProof): Promise<Identified> {
    const facts = await this.#proven(proof);
    const { realm, name, token } = facts.login;
    const identity = await this.#rooms.directory.identity(realm, name);
    if (identity === undefined || !identity.enabled || !isWithin(token.cidrs, proof.peer)) throw wrongLogin();
    const credential = facts.secretId?.accessor ?? facts.login.roleId ?? facts.mount.path;
    return { realm, name, kind: 'anonymous', groups: [], credential, login: facts, peer: proof.peer };
  }

  async #proven(proof: LoginProof): Promise<LoginFacts> {
    switch (proof.kind) {
      case 'approle':
        return this.#byRole(proof);
      case 'password':
        return this.#byPassword(proof);
      case 'oidc':
        return this.#rooms.oidc.prove(proof, await this.#mountOf(proof, 'jwt'));
      case 'jwt':
        return this.#rooms.jwt.prove(proof, await this.#mountOf(proof, 'jwt'));
      case 'kubernetes':
        return this.#rooms.kubernetes.prove(proof, await this.#mountOf(proof, 'kubernetes'));
      case 'certificate':
        return this.#rooms.certificates.prove(proof, await this.#mountOf(proof, 'cert'));
    }
  }

  async #mountOf({ realm: named, mount }: LoginProof, method: LoginMethod): Promise<AuthMountRecord> {
    const realm = await this.#rooms.directory.realmMeant(named);
    if (realm === undefined) throw wrongLogin();
    try {
      return await this.#rooms.mounts.of(realm, method, mount);
    } catch (error) {
      throw error instanceof KmsError && error.code === 'not-found' ? wrongLogin() : error;
    }
  }

  async #byRole(proof: Extract<Proof, { kind: 'approle' }>): Promise<LoginFacts> {
    const { roleId, secretId, peer } = proof;
    const { directory, secretIds } = this.#rooms;
    const index = isRoleId(roleId) ? await directory.roleOf(roleId) : undefined;
    if (index === undefined) throw wrongLogin();
    // Where nothing else is said, the role id says its realm.
    const mount = await this.#mountOf(
      proof.realm === undefined && proof.mount === undefined ? { ...proof, realm: index.realm } : proof,
      'approle',
    );
    if (mount.realm !== index.realm || mount.id !== index.mount) throw wrongLogin();
    const login = await directory.login(index.realm, mount.id, index.name);
    if (login?.secretId === undefined || login.roleId !== roleId) throw wrongLogin();
    if (!isWithin(login.secretId.cidrs, peer)) throw wrongLogin();
    const facts = { mount, login, via: 'login', meta: { role_name: login.name } };
    if (!login.secretId.bound) {
      if (secretId !== undefined) throw wrongLogin();
      return facts;
    }
    const found = secretId === undefined ? undefined : await secretIds.proven(login, secretId);
    if (found === undefined || !isWithin(found.cidrs, peer)) throw wrongLogin();
    // The role may have been bound more closely since.
    if (!isSubset(found.tokenCidrs, login.token.cidrs)) throw wrongLogin();
    return { ...facts, meta: { ...found.meta, ...facts.meta }, secretId: found, by: `secret id ${found.accessor}` };
  }

  async #byPassword(proof: Extract<Proof, { kind: 'password' }>): Promise<LoginFacts> {
    const { directory, passwords } = this.#rooms;
    const { name, password } = proof;
    const mount = await this.#mountOf(proof, 'userpass').catch(() => undefined);
    const sound = /^[A-Za-z0-9._@-]{1,64}$/.test(name) && password.length <= maxPassword;
    const login = mount === undefined || !sound ? undefined : await directory.login(mount.realm, mount.id, name);
    const account = `${mount?.realm}/${mount?.id}/${fold(name.slice(0, 64))}`;
    const right = await passwords.check(account, password, login?.password);
    if (mount === undefined || login === undefined || !right) throw wrongLogin();
    return { mount, login, via: `login/${login.name}`, meta: { username: login.name }, label: login.name };
  }

  /** A token of the identity, for whoever has proven it just now. */
  async login(principal: Identified): Promise<Outcome<IssuedToken>> {
    const facts = principal.login;
    if (facts === undefined) throw new KmsError('denied', 'Only a login makes a token of its own.');
    const { login, mount, secretId, meta, label, via, by, certificate } = facts;
    const { realm, name, token: settings } = login;
    const { period, uses, explicitMaxTtl } = settings;
    const policies = policiesOf(settings);
    const ttl = settings.ttl ?? (mount.defaultTtl || undefined);
    const maxTtl = shorter(shorter(settings.maxTtl, explicitMaxTtl), mount.maxTtl || undefined);
    const ranges = secretId === undefined || secretId.tokenCidrs.length === 0 ? settings.cidrs : secretId.tokenCidrs;
    const cidrs = settings.bindsAddress === true ? [hostOf(principal.peer)] : ranges;
    const issued = issueToken(
      {
        realm,
        identity: name,
        until: Number.POSITIVE_INFINITY,
        mount: { path: mount.path, id: mount.id },
        path: `auth/${mount.path}/${via}`,
        label: labelOf(mount.path, label),
        meta,
        cidrs,
        ...(certificate !== undefined && { certificate }),
        ...(policies !== undefined && { policies }),
        ...(ttl !== undefined && { ttl }),
        ...(maxTtl !== undefined && { maxTtl }),
        ...(explicitMaxTtl !== undefined && { explicitMaxTtl }),
        ...(period !== undefined && { period }),
        ...(uses !== undefined && { uses }),
      },
      this.#rooms.clock(),
    );
    const { digest: _, ...credential } = issued.record;
    return {
      result: {
        credential,
        policies: credential.policies ?? ['default'],
        ...(uses !== undefined && { usesLeft: uses }),
        token: issued.token,
      },
      change: {
        records: [...issued.records, ...(secretId === undefined ? [] : this.#rooms.secretIds.used(secretId))],
        summary: `token ${credential.id} of ${name}, by ${mount.path}${by === undefined ? '' : ` with ${by}`}`,
      },
    };
  }
}

/** Undefined where the role says nothing of policies: then the token is not narrowed. */
function policiesOf({ policies, withoutDefault }: TokenSettings): readonly string[] | undefined {
  if (withoutDefault === true) return [...new Set(policies)].sort();
  return policies.length === 0 ? undefined : [...new Set(['default', ...policies])].sort();
}

/** Throws 'invalid-proof' where who asks has no address. */
function hostOf(peer: string | undefined): string {
  const host = peer === undefined ? undefined : addressOf(peer);
  if (host === undefined) throw wrongLogin();
  return host;
}

/** As Vault calls tokens: by the path of the mount, and who it was. */
function labelOf(path: string, name: string | undefined): string {
  const whole = name === undefined ? path : `${path}-${name}`;
  return whole.replaceAll('/', '-').replace(/\p{C}/gu, '').slice(0, 128);
}

function shorter(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
}
