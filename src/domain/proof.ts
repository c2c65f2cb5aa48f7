import type { AclRequest } from './command-acl-policy.ts';
import type { Plaintext } from './secret-bytes.ts';

/** Of a login: where, and from where. */
interface AtMount {
  /** By name or account; absent: the one that the server was made with. */
  readonly realm?: string;
  /** The path of an auth mount; absent: the one that is called after the method. */
  readonly mount?: string;
  readonly peer: string;
}

/** What a door hands to `identity/`, unverified. */
export type Proof =
  | {
      readonly kind: 'none';
      /** The request was refused before all of it was read that its proof stands on. */
      readonly unread?: true;
    }
  /** A Claviger token, from X-Vault-Token or an Authorization: Bearer header. */
  | {
      readonly kind: 'token';
      readonly token: string;
      /** Which region of its account is meant; absent: the home region. A signature names its own. */
      readonly region?: string;
      /** What its realm must be called, by name or account. */
      readonly realm?: string;
    }
  /** An identity provider's token (OpenID Connect), brought to take on a role of the realm (12 digits). */
  | { readonly kind: 'web-identity'; readonly realm: string; readonly token: string }
  /** A login with a role id of AppRole, and a secret id where the role asks for one. */
  | (AtMount & { readonly kind: 'approle'; readonly roleId: string; readonly secretId?: Plaintext })
  /** A login by name and password. */
  | (AtMount & { readonly kind: 'password'; readonly name: string; readonly password: Plaintext })
  /** A login with a token that somebody signed whom the mount believes. The role may be the mount's default one. */
  | (AtMount & { readonly kind: 'jwt'; readonly role?: string; readonly token: string })
  /** Somebody at a mount of type `oidc`, who has nothing to show yet. */
  | (AtMount & { readonly kind: 'oidc-visit' })
  /** Somebody who comes back from the provider's page, with its code or its refusal. */
  | (AtMount & {
      readonly kind: 'oidc';
      readonly state: string;
      readonly code: string;
      readonly clientNonce?: string;
      readonly refusal?: string;
    })
  /** A login with the token of a service account, which its cluster is asked about. */
  | (AtMount & { readonly kind: 'kubernetes'; readonly role: string; readonly token: string })
  /** A login with the certificate of the connection's client (DER, its own first). Absent: whichever role lets it in. */
  | (AtMount & { readonly kind: 'certificate'; readonly name?: string; readonly certificates: readonly Uint8Array[] })
  /** The token of a wrapped answer, which opens that and nothing else. */
  | { readonly kind: 'wrapping'; readonly token: string; readonly realm?: string }
  /** AWS Signature Version 4 or 4A, in a header or in the query. */
  | {
      readonly kind: 'sigv4';
      readonly method: string;
      /** Raw path and query as sent. */
      readonly path: string;
      readonly query: string;
      /** Flat list: name, value, name, value; names in lower case, in the order sent. */
      readonly headers: readonly string[];
      readonly body: Uint8Array;
      /** Service names that the door accepts in the credential scope, such as 'kms'. */
      readonly services: readonly string[];
    }
  /** A job of the server itself. Only `assemble.ts` makes one. */
  | { readonly kind: 'system'; readonly name: string };

/** Where a request came from, for the ledger. */
export interface Origin {
  /** 'aws-kms', 'vault', 'native', 'job' ... */
  readonly protocol: string;
  /** The protocol's own name of the operation, such as 'TrentService.Encrypt'. */
  readonly operation: string;
  /** Address and port of the peer. */
  readonly peer: string;
  readonly requestId: string;
  /** At Vault's door: what is asked, for the policies of the token. Absent elsewhere, where such tokens may do nothing. */
  readonly asked?: AclRequest;
}
