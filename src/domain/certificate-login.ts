/** Of an auth mount of type `cert`. What is absent stays as it is. */
export interface CertificateConfig {
  readonly kind: 'cert';
  /** Whether a token is renewed over connections of other clients too. */
  readonly renewsUnbound?: boolean;
}

/** Whom a role of a `cert` mount lets in. In every pattern `*` stands for any text; of each list that isn't empty one must fit. */
export interface CertificateRole {
  /** PEM: a client's own certificate, or authorities. */
  readonly certificate: string;
  /** What tokens are called. */
  readonly displayName: string;
  /** Common names, DNS names or e-mail addresses. */
  readonly names: readonly string[];
  readonly commonNames: readonly string[];
  readonly dnsNames: readonly string[];
  readonly emails: readonly string[];
  readonly uris: readonly string[];
  readonly organizationalUnits: readonly string[];
  /** `OID:PATTERN`, of which each must be there. */
  readonly requiredExtensions: readonly string[];
  /** OIDs of extensions that go into the token's metadata. */
  readonly metadataExtensions: readonly string[];
}
