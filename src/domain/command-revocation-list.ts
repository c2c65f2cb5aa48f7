interface OfMount {
  /** The path of an auth mount of type `cert`; absent: the one that is called after it. */
  readonly mount?: string;
}

interface Named extends OfMount {
  readonly name: string;
}

/** Certificates that their authorities took back, as somebody told a `cert` mount: nobody logs in with one of them. */
export interface RevocationListCommands {
  /** In place of a former one of the name. `list` is DER (RFC 5280 section 5). */
  'write-revocation-list': Named & { readonly list: Uint8Array };
  'read-revocation-list': Named;
  'delete-revocation-list': Named;
  'list-revocation-lists': OfMount;
}

export interface RevocationListResults {
  'write-revocation-list': Record<never, never>;
  /** Serial numbers, decimal. */
  'read-revocation-list': { readonly serials: readonly string[] };
  'delete-revocation-list': Record<never, never>;
  'list-revocation-lists': { readonly names: readonly string[] };
}
