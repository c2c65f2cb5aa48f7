import { digestHex, equalSecrets } from '#crypto/crypto.ts';
import { accountOf, type Identity, KmsError, type Proof, type SecretBytes } from '#domain/domain.ts';
import { fromHex } from '#encoding/encoding.ts';
import { type Abroad, abroadOf, placed } from './abroad.ts';
import type { AuthMounts } from './auth-mounts.ts';
import type { SigV4Proof } from './canonical-request.ts';
import { isToken, tokenAccessor } from './credential-id.ts';
import type { CredentialRecord, Directory } from './directory.ts';
import type { Federation } from './federation.ts';
import type { Identified } from './identified.ts';
import type { Logins } from './logins.ts';
import type { OidcLogins } from './oidc-logins.ts';
import { Recent } from './recent.ts';
import { SessionTokens } from './session-tokens.ts';
import { assertTimely, type SignedRequest } from './signed-request.ts';
import { SigningKeys } from './signing-keys.ts';
import { parseSigV4 } from './sigv4.ts';
import type { Wrappings } from './wrappings.ts';

/** A credential that holds, as far as its own record, its parents' and its identity's say. */
interface Standing {
  readonly principal: Identified;
  /** Milliseconds since the epoch: the first end in the chain of parents. */
  readonly until: number;
  readonly abroad: Abroad<Identified>;
}

/** More tokens above one another than anybody needs; fewer than would be costly to walk. */
export const maxChain = 8;

/** Of an 'invalid-proof' the subject says which half failed, of an 'expired-proof' what is over. Doors may tell, the message doesn't. */
const invalid = (subject: 'credential' | 'signature' | 'wrapping') =>
  new KmsError('invalid-proof', 'The credential is unknown, wrong or no longer valid.', subject);
const expired = () => new KmsError('expired-proof', 'The credential has expired; ask for a new one.', 'credential');

interface StandingRooms {
  readonly directory: Directory;
  readonly federation: Federation;
  readonly logins: Logins;
  readonly oidc: OidcLogins;
  readonly mounts: AuthMounts;
  readonly wrappings: Wrappings;
  readonly root: SecretBytes;
  readonly home: string;
  readonly clock: () => number;
}

/** From proof to principal. Remembers what it has read until `forget`, which any revocation calls. */
export class Standings {
  readonly #directory: Directory;
  readonly #home: string;
  readonly #clock: () => number;
  readonly #federation: Federation;
  readonly #logins: Logins;
  readonly #oidc: OidcLogins;
  readonly #mounts: AuthMounts;
  readonly #wrappings: Wrappings;
  readonly #signingKeys: SigningKeys;
  readonly #sessionTokens: SessionTokens;
  readonly #tokens = new Recent<Standing>(8192);
  readonly #accessKeys = new Recent<Standing>(8192);
  /** By account. They never change. */
  readonly #realmNames = new Recent<string>(1024);
  #epoch = 0;

  constructor({ directory, federation, logins, oidc, mounts, wrappings, root, home, clock }: StandingRooms) {
    this.#directory = directory;
    this.#home = home;
    this.#clock = clock;
    this.#federation = federation;
    this.#logins = logins;
    this.#oidc = oidc;
    this.#mounts = mounts;
    this.#wrappings = wrappings;
    this.#signingKeys = new SigningKeys(root);
    this.#sessionTokens = new SessionTokens(root);
  }

  /** What was read before is not believed any more, nor what is being read now. */
  forget(): void {
    this.#epoch++;
    this.#tokens.clear();
    this.#accessKeys.clear();
  }

  identify(proof: Proof, mutating: boolean): Identified | Promise<Identified> {
    switch (proof.kind) {
      case 'token':
        return this.#within(proof.realm, this.#identifyToken(proof.token, proof.region));
      case 'sigv4':
        return this.#identifySignature(proof, mutating);
      case 'approle':
      case 'password':
      case 'jwt':
      case 'oidc':
      case 'kubernetes':
      case 'certificate':
        return this.#logins.identify(proof);
      case 'oidc-visit':
        return this.#oidc.visitor(proof);
      case 'wrapping':
        return this.#within(proof.realm, this.#wrappings.identify(proof.token));
      case 'web-identity':
        return this.#federation.identify(proof);
      case 'system':
        return { realm: '', name: proof.name, kind: 'system', groups: [], credential: '' };
      case 'none':
        throw new KmsError('unauthenticated', 'The request carries no credential.');
    }
  }

  /** Only if it is of that realm: what is of another one is unknown there. */
  #within(realm: string | undefined, found: Identified | Promise<Identified>): Identified | Promise<Identified> {
    if (realm === undefined) return found;
    if (found instanceof Promise) return found.then((principal) => this.#within(realm, principal));
    const account = accountOf(found.realm);
    if (realm === account || realm === this.#realmNames.get(account)) return found;
    return this.#readWithin(realm, account, found);
  }

  async #readWithin(realm: string, account: string, found: Identified): Promise<Identified> {
    const name = (await this.#directory.realm(account))?.name;
    if (name !== undefined) this.#realmNames.set(account, name);
    if (name !== realm) throw invalid(found.kind === 'anonymous' ? 'wrapping' : 'credential');
    return found;
  }

  #identifyToken(token: string, region: string | undefined): Identified | Promise<Identified> {
    // Hashed whatever it is, so that what is no token takes as long as what is; no token is longer than 128 characters.
    const digest = digestHex('sha256', token.length > 128 ? token.slice(0, 128) : token);
    const known = this.#known(this.#tokens, digest);
    return known === undefined ? this.#readToken(token, digest, region) : placed(known, region, this.#home);
  }

  async #readToken(token: string, digest: string, region: string | undefined): Promise<Identified> {
    if (!isToken(token)) throw invalid('credential');
    const standing = await this.#read(tokenAccessor(digest), this.#tokens, digest, (record) => {
      return record.digest !== undefined && equalSecrets(fromHex(record.digest)!, fromHex(digest)!);
    });
    return placed(standing, region, this.#home);
  }

  #identifySignature(proof: SigV4Proof, mutating: boolean): Identified | Promise<Identified> {
    const request = parseSigV4(proof);
    assertTimely(request, this.#clock());
    if (!this.#signingKeys.verify(request)) return this.#refuseSignature(request.accessKeyId);
    if (!this.#sessionTokens.accompany(request)) throw invalid('credential');
    const known = this.#known(this.#accessKeys, request.accessKeyId);
    if (known !== undefined) return answered(known, request, mutating);
    return this.#readAccessKey(request, mutating);
  }

  /** AWS tells an access key that isn't there from a secret that is wrong; both take a signature and a look-up to find out. */
  async #refuseSignature(id: string): Promise<never> {
    const record = await this.#directory.credential(id);
    throw invalid(record !== undefined && record.kind !== 'token' && record.enabled ? 'signature' : 'credential');
  }

  async #readAccessKey(request: SignedRequest, mutating: boolean): Promise<Identified> {
    const id = request.accessKeyId;
    const standing = await this.#read(id, this.#accessKeys, id, (record) => record.kind !== 'token');
    return answered(standing, request, mutating);
  }

  #known(cache: Recent<Standing>, key: string): Standing | undefined {
    const standing = cache.get(key);
    if (standing === undefined || standing.until > this.#clock()) return standing;
    // A renewal of a parent may have moved the end: the records know.
    cache.delete(key);
    return undefined;
  }

  async #read(
    id: string,
    cache: Recent<Standing>,
    key: string,
    matches: (record: CredentialRecord) => boolean,
  ): Promise<Standing> {
    for (;;) {
      const epoch = this.#epoch;
      const record = await this.#directory.credential(id);
      if (record === undefined || !matches(record)) throw invalid('credential');
      const standing = await this.standingOf(record);
      if (record.uses !== undefined && !((await this.#directory.tokenUse(id))?.left ?? 0)) throw invalid('credential');
      // Something was revoked while we read: it may have been this.
      if (epoch !== this.#epoch) continue;
      // How often it may still be used is on record only.
      if (standing.principal.counted !== true) cache.set(key, standing);
      return standing;
    }
  }

  /** The same again, of a token whose use has been counted. Rejects where it stands no longer. */
  async confirm({ credential }: Identified): Promise<void> {
    const record = await this.#directory.credential(credential);
    if (record === undefined) throw invalid('credential');
    await this.standingOf(record);
  }

  /** Whether it could be used now, as far as uses aren't counted. */
  async stands(record: CredentialRecord): Promise<boolean> {
    try {
      await this.standingOf(record);
      return true;
    } catch (error) {
      if (error instanceof KmsError && /^(?:invalid|expired)-proof$/.test(error.code)) return false;
      throw error;
    }
  }

  /** Walks to the topmost parent. Rejects with 'invalid-proof' or 'expired-proof'. Uses that are left are not looked at. */
  async standingOf(record: CredentialRecord): Promise<Standing> {
    const { realm } = record;
    const identity = await this.#holderOf(record);
    let until = Number.POSITIVE_INFINITY;
    let holder = identity;
    for (let link = record, depth = 0; ; depth++) {
      if (!link.enabled || link.realm !== realm || link.identity !== holder.name || depth >= maxChain)
        throw invalid('credential');
      if (link.mount !== undefined && !(await this.#mounts.stands(realm, link.mount))) throw invalid('credential');
      until = Math.min(until, link.expiresAt ?? until);
      if (link.parent === undefined) break;
      const parent = await this.#directory.credential(link.parent);
      // What has a number of uses makes nothing that would outlive them.
      if (parent === undefined || parent.uses !== undefined) throw invalid('credential');
      // A session is a role's, what it was asked for with is somebody else's.
      if (link.kind === 'session') holder = await this.#holderOf(parent);
      link = parent;
    }
    if (until <= this.#clock()) throw expired();
    const principal = principalOf(record, identity.groups);
    return { principal, until, abroad: await abroadOf(this.#directory, this.#home, principal) };
  }

  /** Whose the credential is, with the provider whose word was taken for it: both must be there still. */
  async #holderOf({ realm, identity: name, roleId, provider }: CredentialRecord): Promise<Identity> {
    const identity = await this.#directory.identity(realm, name);
    if (identity === undefined || !identity.enabled || identity.roleId !== roleId) throw invalid('credential');
    if (provider !== undefined && (await this.#directory.provider(realm, provider.issuer))?.id !== provider.id)
      throw invalid('credential');
    return identity;
  }
}

function principalOf(record: CredentialRecord, groups: readonly string[]): Identified {
  return Object.freeze({
    realm: record.realm,
    name: record.identity,
    kind: 'person',
    groups: Object.freeze(groups),
    credential: record.id,
    ...(record.session === undefined ? {} : { session: record.session }),
    ...(record.kind === 'token' ? { token: record.id } : {}),
    ...(record.actions === undefined ? {} : { limitedTo: Object.freeze(record.actions) }),
    ...(record.policies === undefined ? {} : { policies: Object.freeze(record.policies) }),
    ...(record.cidrs === undefined ? {} : { cidrs: Object.freeze(record.cidrs) }),
    ...(record.uses === undefined ? {} : { counted: true as const }),
  });
}

/** A mutating call that signed an id of its own is recognisable when it comes again, as long as its signature holds. */
function answered(standing: Standing, request: SignedRequest, mutating: boolean): Identified {
  // The region is signed. One that the account doesn't have means the home region, whatever clients call that.
  const principal = standing.abroad?.get(request.region) ?? standing.principal;
  if (!mutating || !request.signsUniqueId) return principal;
  // An ECDSA signature can be written in two ways, what it is over in one.
  const { algorithm, accessKeyId, signature, stringToSign } = request;
  const unique = algorithm === 'AWS4-HMAC-SHA256' ? signature : `${accessKeyId} ${stringToSign}`;
  const replayDigest = digestHex('sha256', unique).slice(0, 32);
  return { ...principal, replayDigest, replayUntil: request.signedAt + request.lifetime };
}
