/** The door of identification: from what a request carries to who is asking, and the keeping of who there is. */
import {
  type AuthMountPlace,
  accountOf,
  type Change,
  type Command,
  type CredentialSet,
  type Grant,
  type Identity,
  type Outcome,
  type Principal,
  type Proof,
  type RecordChange,
  type RecordReader,
  type Results,
  type Role,
  type SecretBytes,
} from '#domain/domain.ts';
import { AclPolicies } from './acl-policies.ts';
import { AuthMounts, type Configure } from './auth-mounts.ts';
import { CertificateLogins } from './certificate-logins.ts';
import { Directory, put, type Replay } from './directory.ts';
import { Federation } from './federation.ts';
import { GrantBook } from './grant-book.ts';
import { type Holder, Holders } from './holders.ts';
import type { Identified } from './identified.ts';
import { Identities } from './identities.ts';
import { JwtLogins } from './jwt-logins.ts';
import { JwtSources } from './jwt-sources.ts';
import { KeyGrantBook } from './key-grants.ts';
import { KeySets } from './key-sets.ts';
import { KubernetesApi } from './kubernetes-api.ts';
import { KubernetesLogins, type ReadLocalServiceAccount } from './kubernetes-logins.ts';
import { LoginBook } from './login-book.ts';
import { Logins } from './logins.ts';
import { Mounts } from './mounts.ts';
import { OidcLogins } from './oidc-logins.ts';
import type { Outbound } from './outbound.ts';
import { Passwords } from './passwords.ts';
import { Providers } from './providers.ts';
import { Realms } from './realms.ts';
import { Regions } from './regions.ts';
import { RevocationLists } from './revocation-lists.ts';
import { Roles } from './roles.ts';
import { SealedWords } from './sealed-words.ts';
import { SecretIds } from './secret-ids.ts';
import { Sessions } from './sessions.ts';
import { Standings } from './standing.ts';
import { Sweep } from './sweep.ts';
import { TokenRoles } from './token-roles.ts';
import { Tokens } from './tokens.ts';
import { Wrappings } from './wrappings.ts';

export type { AclPolicyTexts } from './acl-policies.ts';
export type { Holder } from './holders.ts';
export type { Identified } from './identified.ts';
export { isWithin } from './issue-token.ts';
export type { LocalServiceAccount, ReadLocalServiceAccount } from './kubernetes-logins.ts';
export { isOutboundUrl, type Outbound, type OutboundAnswer, type OutboundRequest } from './outbound.ts';
export { signatureWindow } from './signed-request.ts';

/** What this room does for a command, by the command's kind. Nothing is written: the gate commits the change. */
export type IdentityAction =
  | 'create-realm'
  | 'create-region'
  | 'list-realms'
  | 'create-identity'
  | 'list-identities'
  | 'disable-identity'
  | 'create-credentials'
  | 'revoke-credential'
  | 'create-grant'
  | 'revoke-grant'
  | 'list-grants'
  | 'create-token'
  | 'lookup-token'
  | 'renew-token'
  | 'revoke-token'
  | 'create-orphan-token'
  | 'write-login'
  | 'read-login'
  | 'delete-login'
  | 'list-logins'
  | 'enable-auth-mount'
  | 'disable-auth-mount'
  | 'tune-auth-mount'
  | 'configure-auth-mount'
  | 'list-auth-mounts'
  | 'read-auth-mount'
  | 'write-revocation-list'
  | 'read-revocation-list'
  | 'delete-revocation-list'
  | 'list-revocation-lists'
  | 'create-secret-id'
  | 'read-secret-id'
  | 'list-secret-ids'
  | 'destroy-secret-id'
  | 'login'
  | 'begin-oidc-login'
  | 'wrap-answer'
  | 'unwrap-answer'
  | 'lookup-wrapping'
  | 'rewrap-answer'
  | 'create-role'
  | 'delete-role'
  | 'list-roles'
  | 'register-provider'
  | 'delete-provider'
  | 'list-providers'
  | 'assume-role'
  | 'assume-role-with-web-identity'
  | 'create-session'
  | 'get-caller-identity';

export type IdentityVerbs = {
  readonly [A in IdentityAction]: (principal: Principal, command: Command<A>) => Promise<Outcome<Results[A]>>;
};

export interface IdentityRoom {
  /**
   * Synchronous for a credential that is in memory. Throws or rejects with 'unauthenticated' (no proof), 'invalid-proof' (unknown,
   * wrong, disabled or revoked), 'incomplete-proof', 'expired-proof', 'invalid-assertion'. For a `mutating` call that signs an id of its own the principal carries
   * `replayDigest`: commit `replayRecord` with the change, where a conflict means 'replayed'.
   */
  identify(proof: Proof, mutating: boolean): Identified | Promise<Identified>;
  /** Counts one use of the principal's token: to be made durable before anything is done with it. Rejects where none is left. */
  spend(principal: Identified): Promise<Change>;
  /** Of a token whose use has been counted: rejects as `identify` where it, or what it hangs from, stands no longer. */
  confirm(principal: Identified): Promise<void>;
  replayRecord(principal: Principal): RecordChange | undefined;
  seenBefore(replayDigest: string): Promise<boolean>;
  /**
   * Every grant of the principal and of its groups, ended ones too. The same array while no grant of the realm changes and another
   * one after, so that what was decided by it can be kept by its identity.
   */
  grantsOf(principal: Principal): readonly Grant[] | Promise<readonly Grant[]>;
  /** Whom a grant to this grantee reaches, with all that each holds. */
  holdersOf(realm: string, grantee: Grant['grantee']): Promise<readonly Holder[]>;
  /** Everybody of the realm's account, with all that each holds and the roles that each may take on. */
  everybody(realm: string): Promise<readonly (Holder & { readonly roles: readonly string[] })[]>;
  /** The identity or role of that name, in whatever realm of the account. */
  named(realm: string, name: string): Promise<Identity | undefined>;
  /** Policies in Vault's language. */
  readonly aclPolicies: AclPolicies;
  /** What is mounted at the path below `auth/`, or above it. The realm by name or account; absent: the one that the server was made with. */
  authMountAt(realm: string | undefined, path: string): Promise<AuthMountPlace | undefined>;
  /** Paths of Vault's at which folders of keys and secrets are reached. */
  readonly mounts: Mounts;
  /** For what takes more than the asking token's own: principals of the account, as everywhere in this room. */
  readonly tokens: Tokens;
  readonly tokenRoles: TokenRoles;
  /** The grants that keys carry. */
  readonly keyGrants: KeyGrantBook;
  /** The identity that the command asks for, with all that it would hold. */
  prospect(principal: Principal, command: Command<'create-identity'>): Promise<Holder>;
  /** Who could take on the role that the command asks for, with all that each would hold. */
  takersOf(principal: Principal, command: Command<'create-role'>): Promise<readonly Holder[]>;
  /** Whether the realm's account is the one that the server was made with. */
  isFirstRealm(realm: string): boolean | Promise<boolean>;
  /** The realm that the account of `realm` has or would have in a region. */
  realmIn(realm: string, region: string): string;
  /** The same, of the principal's account. Rejects with 'unsupported' where it has no such region. */
  region(principal: Principal, region: string): Promise<string>;
  /** The very first realm and identity, for an empty store: committed on another, it is a conflict. */
  bootstrap(realmName: string, identityName: string, role: Role): Outcome<CredentialSet>;
  /** Proposes to delete some of what is over: how many. Each call goes on where the last one stopped. */
  sweep(): Promise<Outcome<number>>;
  readonly verbs: IdentityVerbs;
}

export interface IdentityDeps {
  readonly records: RecordReader;
  /** 32 bytes from the root, for this room only: secret access keys follow from it. Stays the caller's to dispose. */
  readonly key: SecretBytes;
  /** What the home region of every account is called. */
  readonly region: string;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly mode: 'development' | 'production';
  /** Absent: nobody is asked, and tokens and logins that need it are refused. */
  readonly outbound?: Outbound;
  /** Absent: this server runs in no pod of a cluster. */
  readonly localServiceAccount?: ReadLocalServiceAccount;
}

export function identityRoom({
  records,
  key,
  region: home,
  clock,
  mode,
  outbound,
  localServiceAccount: local,
}: IdentityDeps): IdentityRoom {
  const directory = new Directory(records);
  const federation = new Federation(directory, new KeySets(outbound, clock), clock);
  const realms = new Realms(directory, home, clock);
  const authMounts = new AuthMounts(directory, clock);
  const secretIds = new SecretIds(directory, authMounts, key, clock);
  const passwords = new Passwords(key, clock);
  const sources = new JwtSources(outbound, clock);
  const words = new SealedWords(key);
  const jwt = new JwtLogins({ directory, realms, sources, words, clock });
  const oidc = new OidcLogins({ directory, mounts: authMounts, sources, words, jwt, clock });
  const api = new KubernetesApi(outbound);
  const kubernetes = new KubernetesLogins({ directory, realms, api, words, local, clock });
  const lists = new RevocationLists(directory, authMounts);
  const certificates = new CertificateLogins({ directory, mounts: authMounts, lists, clock });
  const logins = new Logins({
    directory,
    mounts: authMounts,
    passwords,
    secretIds,
    jwt,
    oidc,
    kubernetes,
    certificates,
    clock,
  });
  const book = new LoginBook({ directory, mounts: authMounts, passwords, secretIds, clock });
  const configure: Configure = (mount, config) => {
    switch (config.kind) {
      case 'jwt':
        return jwt.configure(mount, config);
      case 'kubernetes':
        return kubernetes.configure(mount, config);
      case 'cert':
        return certificates.configure(mount, config);
    }
  };
  const wrappings = new Wrappings(directory, clock);
  const standings = new Standings({
    directory,
    federation,
    logins,
    oidc,
    mounts: authMounts,
    wrappings,
    root: key,
    home,
    clock,
  });
  const grants = new GrantBook(directory, clock);
  const regions = new Regions(directory, realms, standings, home, clock);
  const holders = new Holders(directory, grants);
  const identities = new Identities({ directory, realms, grants, holders, standings, root: key, clock, mode });
  const roles = new Roles({ directory, grants, standings, clock, mode });
  const providers = new Providers(directory, realms, standings, clock);
  const sessions = new Sessions({ directory, standings, root: key, clock });
  const tokens = new Tokens({ directory, grants, standings, mounts: authMounts, certificates, clock });
  const sweep = new Sweep(directory, authMounts, grants, clock);
  return {
    identify: (proof, mutating) => standings.identify(proof, mutating),
    spend: (principal) => tokens.spend(principal),
    confirm: (principal) => standings.confirm(principal),
    replayRecord,
    seenBefore: async (replayDigest) => (await directory.replay(replayDigest)) !== undefined,
    grantsOf: (principal) => grants.of(principal),
    realmIn: (realm, region) => regions.realmIn(realm, region),
    region: (principal, region) => regions.existing(principal, region),
    holdersOf: (realm, grantee) => holders.reachedBy(realm, grantee),
    everybody: (realm) => holders.everybody(accountOf(realm)),
    named: (realm, name) => directory.identity(accountOf(realm), name),
    authMountAt: async (named, path) => {
      const realm = await directory.realmMeant(named);
      return realm === undefined ? undefined : authMounts.leading(accountOf(realm), path);
    },
    aclPolicies: new AclPolicies(records, clock),
    mounts: new Mounts(records, directory),
    tokens,
    tokenRoles: new TokenRoles(directory),
    keyGrants: new KeyGrantBook(records, key),
    takersOf: (principal, command) => holders.takers(ofAccount(principal), command),
    prospect: (principal, command) => identities.prospect(ofAccount(principal), command),
    isFirstRealm: (realm) => realms.isFirst(accountOf(realm)),
    bootstrap: (realmName, identityName, role) => identities.bootstrap(realmName, identityName, role),
    sweep: () => sweep.next(),
    verbs: ofAccounts({
      'create-realm': (principal, command) => realms.create(principal, command),
      'create-region': (principal, command) => regions.create(principal, command),
      'list-realms': (principal, command) => realms.list(principal, command),
      'create-identity': (principal, command) => identities.create(principal, command),
      'list-identities': (principal, command) => identities.list(principal, command),
      'disable-identity': (principal, command) => identities.disable(principal, command),
      'create-credentials': (principal, command) => identities.createCredentials(principal, command),
      'revoke-credential': (principal, command) => identities.revokeCredential(principal, command),
      'create-grant': (principal, command) => grants.create(principal, command),
      'revoke-grant': (principal, command) => grants.revoke(principal, command),
      'list-grants': (principal, command) => grants.list(principal, command),
      'create-token': (principal, command) => tokens.create(principal, command),
      'lookup-token': (principal, command) => tokens.lookup(principal, command),
      'renew-token': (principal, command) => tokens.renew(principal, command),
      'revoke-token': (principal, command) => tokens.revoke(principal, command),
      'create-orphan-token': (principal, command) => tokens.createOrphan(principal, command),
      'write-login': (principal, command) => book.write(principal, command),
      'read-login': (principal, command) => book.read(principal, command),
      'delete-login': (principal, command) => book.delete(principal, command),
      'list-logins': (principal, command) => book.list(principal, command),
      'enable-auth-mount': (principal, command) => authMounts.enable(principal, command),
      'disable-auth-mount': (principal, command) => authMounts.disable(principal, command, () => standings.forget()),
      'tune-auth-mount': (principal, command) => authMounts.tune(principal, command),
      'configure-auth-mount': (principal, command) => authMounts.configure(principal, command, configure),
      'list-auth-mounts': (principal) => authMounts.list(principal),
      'read-auth-mount': (principal, command) => authMounts.read(principal, command),
      'write-revocation-list': (principal, command) => lists.write(principal, command, clock()),
      'read-revocation-list': (principal, command) => lists.read(principal, command),
      'delete-revocation-list': (principal, command) => lists.delete(principal, command),
      'list-revocation-lists': (principal, command) => lists.list(principal, command),
      'create-secret-id': (principal, command) => secretIds.create(principal, command),
      'read-secret-id': (principal, command) => secretIds.read(principal, command),
      'list-secret-ids': (principal, command) => secretIds.list(principal, command),
      'destroy-secret-id': (principal, command) => secretIds.destroy(principal, command),
      login: (principal) => logins.login(principal),
      'begin-oidc-login': (principal, command) => oidc.begin(principal, command),
      'wrap-answer': (principal, command) => wrappings.wrap(principal, command),
      'unwrap-answer': (principal, command) => wrappings.unwrap(principal, command),
      'lookup-wrapping': (principal, command) => wrappings.lookup(principal, command),
      'rewrap-answer': (principal, command) => wrappings.rewrap(principal, command),
      'create-role': (principal, command) => roles.create(principal, command),
      'delete-role': (principal, command) => roles.delete(principal, command),
      'list-roles': (principal, command) => roles.list(principal, command),
      'register-provider': (principal, command) => providers.register(principal, command),
      'delete-provider': (principal, command) => providers.delete(principal, command),
      'list-providers': (principal, command) => providers.list(principal, command),
      'assume-role': (principal, command) => sessions.assume(principal, command),
      'assume-role-with-web-identity': (principal, command) => sessions.assumeWithWebIdentity(principal, command),
      'create-session': (principal, command) => sessions.create(principal, command),
      'get-caller-identity': (principal) => sessions.callerIdentity(principal),
    }),
  };
}

/** People, rights and credentials belong to the account: whichever of its regions was asked, the answer is the same. */
function ofAccounts(verbs: IdentityVerbs): IdentityVerbs {
  const at = Object.entries(verbs).map(([action, verb]) => {
    const of = verb as (principal: Principal, command: never) => unknown;
    return [action, (principal: Principal, command: never) => of(ofAccount(principal), command)];
  });
  return Object.fromEntries(at) as IdentityVerbs;
}

function ofAccount(principal: Principal): Principal {
  const realm = accountOf(principal.realm);
  return realm === principal.realm ? principal : { ...principal, realm };
}

function replayRecord({ replayDigest, replayUntil }: Principal): RecordChange | undefined {
  if (replayDigest === undefined || replayUntil === undefined) return undefined;
  const replay: Replay = { digest: replayDigest, until: replayUntil, revision: 0 };
  return put('replay', replayDigest, replay);
}
