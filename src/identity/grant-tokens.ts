import { equalSecrets, hmac, randomBytes } from '#crypto/crypto.ts';
import { type KeyGrant, KmsError, readGrantToken, type SecretBytes } from '#domain/domain.ts';
import { fromHex, toHex } from '#encoding/encoding.ts';

/** Tokens that say of a grant that it was given, each another one. Nothing of them is stored: the MAC vouches. */
export class GrantTokens {
  readonly #root: SecretBytes;

  constructor(root: SecretBytes) {
    this.#root = root;
  }

  issue({ realm, keyId, id }: Pick<KeyGrant, 'realm' | 'keyId' | 'id'>): string {
    const claims = `${realm}!${keyId}!${id}!${toHex(randomBytes(16))}`;
    return `${claims}!${toHex(this.#mac(claims))}`;
  }

  /** What a token of this server says. Throws 'invalid-grant'. */
  read(token: string): Pick<KeyGrant, 'realm' | 'keyId'> & { readonly grantId: string } {
    const claims = readGrantToken(token);
    const end = token.lastIndexOf('!');
    const mac = fromHex(token.slice(end + 1));
    if (claims === undefined || mac === undefined || !equalSecrets(mac, this.#mac(token.slice(0, end)))) {
      throw new KmsError('invalid-grant', 'The grant token is not one that this server gave.');
    }
    return claims;
  }

  #mac(claims: string): Uint8Array {
    return hmac('sha256', this.#root, `grant-token:${claims}`);
  }
}
