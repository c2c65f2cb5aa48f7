import { issuerNamedBy, type TokenFault, verifyIdToken } from '#crypto/crypto.ts';
import { type IdentityProvider, KmsError, type Principal, type Proof } from '#domain/domain.ts';
import { claimTexts } from './claims.ts';
import { type Directory, isAccount } from './directory.ts';
import type { KeySets } from './key-sets.ts';

const maxToken = 20_000;
const maxIssuer = 512;
const subjectForm = /^[\x20-\x7e]{1,255}$/;

/** From an identity provider's token to whom it vouches for. */
export class Federation {
  readonly #directory: Directory;
  readonly #keySets: KeySets;
  readonly #clock: () => number;

  constructor(directory: Directory, keySets: KeySets, clock: () => number) {
    this.#directory = directory;
    this.#keySets = keySets;
    this.#clock = clock;
  }

  /** Rejects with 'invalid-assertion', 'expired-proof' or, where the provider's keys can't be had, 'unavailable'. */
  async identify({ realm, token }: Extract<Proof, { kind: 'web-identity' }>): Promise<Principal> {
    const issuer = token.length <= maxToken ? issuerNamedBy(token) : undefined;
    if (issuer === undefined) throw refusals.malformed();
    const known = isAccount(realm) && issuer.length <= maxIssuer;
    const provider = known ? await this.#directory.provider(realm, issuer) : undefined;
    if (provider === undefined) {
      throw new KmsError('invalid-assertion', 'The realm knows no identity provider of the name in the token.');
    }
    const claims = await this.#verified(provider, token);
    if (typeof claims === 'string') throw refusals[claims]();
    if (!subjectForm.test(claims.sub)) throw refusals.claim();
    const given = [claims.aud].flat();
    return Object.freeze({
      realm,
      // No identity of the realm has such a name.
      name: `${claims.sub} (${issuer})`,
      kind: 'federated',
      groups: [],
      credential: provider.id,
      federation: {
        issuer,
        providerId: provider.id,
        subject: claims.sub,
        audience: provider.audiences.find((audience) => given.includes(audience))!,
        claims: claimTexts(claims),
      },
    });
  }

  async #verified(provider: IdentityProvider, token: string) {
    const { issuer, audiences } = provider;
    const now = this.#clock();
    const verdict = await verifyIdToken(token, { keys: await this.#keySets.of(provider), issuer, audiences, now });
    if (verdict !== 'unknown-key') return verdict;
    return verifyIdToken(token, { keys: await this.#keySets.again(provider), issuer, audiences, now });
  }
}

const refusals = {
  malformed: () => new KmsError('invalid-assertion', 'The token is not one that the identity provider signed.'),
  'unknown-key': () => new KmsError('invalid-assertion', 'No key of the identity provider verifies the token.'),
  audience: () => new KmsError('invalid-assertion', 'Incorrect token audience'),
  claim: () => new KmsError('invalid-assertion', 'A claim of the token is absent or does not hold.', 'claim'),
  expired: () => new KmsError('expired-proof', 'Token expired: ask the identity provider for a new one.', 'assertion'),
} as const satisfies Record<TokenFault, () => KmsError>;
