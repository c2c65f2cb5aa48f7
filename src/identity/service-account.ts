import type { JwtClaims } from '#crypto/crypto.ts';

/** Whom a service account's token speaks of, by its own word. */
export interface ServiceAccount {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Of tokens that a secret of the cluster holds; '' for others. */
  readonly secret: string;
  readonly audiences: readonly string[];
}

/** As Kubernetes allows them: RFC 1123 labels, and subdomains of those. */
const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const subdomain = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;
const uidForm = /^[\x21-\x7e]{1,128}$/;

const legacy = 'kubernetes.io/serviceaccount/';

/**
 * Undefined where the claims are no service account's. A token that was made for a pod says who it is below `kubernetes.io`, one that a
 * secret holds in claims of their own.
 */
export function serviceAccountOf(claims: JwtClaims): ServiceAccount | undefined {
  const bound = objectOf(claims['kubernetes.io']);
  const account = objectOf(bound?.serviceaccount);
  const [namespace, name, uid] =
    bound === undefined
      ? [claims[`${legacy}namespace`], claims[`${legacy}service-account.name`], claims[`${legacy}service-account.uid`]]
      : [bound.namespace, account?.name, account?.uid];
  const secret = bound === undefined ? (claims[`${legacy}secret.name`] ?? '') : '';
  const audiences: readonly unknown[] = claims.aud === undefined ? [] : [claims.aud].flat();
  if (!fits(namespace, label) || !fits(name, subdomain) || !fits(uid, uidForm)) return undefined;
  if (typeof secret !== 'string' || secret.length > 253 || !audiences.every((one) => typeof one === 'string')) {
    return undefined;
  }
  return { namespace, name, uid, secret, audiences };
}

function fits(value: unknown, form: RegExp): value is string {
  return typeof value === 'string' && form.test(value);
}

function objectOf(value: unknown): JwtClaims | undefined {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as JwtClaims) : undefined;
}
