import type { Plaintext } from './secret-bytes.ts';

interface KubernetesSettings {
  readonly kind: 'kubernetes';
  /** https: the base of the cluster's API. */
  readonly host: string;
  /** PEM: the authorities of the API's certificate. Absent: the one that this server's own pod knows. */
  readonly ca?: string;
  /** PEM: keys that the cluster signs its service accounts' tokens with. None: only the cluster says whether a token holds. */
  readonly keys: readonly string[];
  /** '': Vault's usual one. */
  readonly issuer: string;
  readonly checkIssuer: boolean;
  /** Whether what this server's own pod knows of its cluster stands in for what isn't said here. */
  readonly local: boolean;
}

/** Of an auth mount of type `kubernetes`. */
export interface KubernetesConfig extends KubernetesSettings {
  /** What the API is asked with. Absent: the pod's own, or else the very token that is to be reviewed. */
  readonly reviewer?: Plaintext;
}

export interface ShownKubernetesConfig extends KubernetesSettings {
  readonly reviewerSet: boolean;
}

/** Which service accounts a role of a `kubernetes` mount lets in. `*` in a name stands for any text. */
export interface KubernetesRole {
  readonly names: readonly string[];
  readonly namespaces: readonly string[];
  /** Labels of namespaces that are let in too, as JSON `{"matchLabels":{}}`; '': none. */
  readonly namespaceSelector: string;
  /** '': any. */
  readonly audience: string;
  readonly aliasSource: 'serviceaccount_uid' | 'serviceaccount_name';
}
