import { KmsError } from '#domain/domain.ts';
import { parseJson, toUtf8 } from '#encoding/encoding.ts';
import { wrongLogin } from './login-facts.ts';
import type { Outbound, OutboundAnswer, OutboundRequest } from './outbound.ts';
import type { ServiceAccount } from './service-account.ts';

/** Where a cluster is, and what it is asked with. */
export interface Cluster {
  readonly host: string;
  readonly ca: string;
  /** A bearer token. */
  readonly reviewer: string;
}

const unreachable = (why: string) =>
  new KmsError('unavailable', `The Kubernetes API could not be asked: ${why}; ask again later.`, 'kubernetes');

/** What is asked of a cluster. Rejects with 'invalid-proof' where it says no, and with 'unavailable' where it says nothing that counts. */
export class KubernetesApi {
  readonly #outbound: Outbound | undefined;

  constructor(outbound: Outbound | undefined) {
    this.#outbound = outbound;
  }

  /** Resolves where the cluster says that the token is this service account's, and is for one of these audiences, if there are any. */
  async review(cluster: Cluster, token: string, account: ServiceAccount, audiences: readonly string[]): Promise<void> {
    const spec = { token, ...(audiences.length > 0 && { audiences }) };
    const body = JSON.stringify({ kind: 'TokenReview', apiVersion: 'authentication.k8s.io/v1', spec });
    const answer = await this.#ask(cluster, '/apis/authentication.k8s.io/v1/tokenreviews', {
      post: { type: 'application/json', body },
    });
    if (answer.status === 401) {
      throw refused('service account unauthorized; this could mean it has been deleted or recreated with a new token');
    }
    if (answer.status === 403) throw refused('whoever asks for it may not create token reviews');
    if (answer.status !== 200 && answer.status !== 201) throw unreachable(`it answered ${answer.status}`);
    const review = objectOf(answer);
    if (review.kind !== 'TokenReview' || review.apiVersion !== 'authentication.k8s.io/v1') {
      throw unreachable('it answered something else than a token review');
    }
    const { error, authenticated, audiences: taken, user } = (review.status ?? {}) as Readonly<Record<string, unknown>>;
    // What is wrong in detail may name others, so it isn't told.
    if (typeof error === 'string' && error !== '') throw refused('the service account jwt is not valid');
    if (authenticated !== true) throw refused('service account jwt not valid');
    if (audiences.length > 0 && !(Array.isArray(taken) && audiences.some((one) => taken.includes(one)))) {
      throw refused('service account jwt not valid for the audience');
    }
    const { username, uid } = (user ?? {}) as Readonly<Record<string, unknown>>;
    if (username !== `system:serviceaccount:${account.namespace}:${account.name}`) {
      throw refused('the name is not the one in the jwt');
    }
    if (uid !== account.uid) throw refused('the uid is not the one in the jwt');
  }

  async labelsOf(cluster: Cluster, namespace: string): Promise<Readonly<Record<string, unknown>>> {
    const answer = await this.#ask(cluster, `/api/v1/namespaces/${namespace}`, {});
    if (answer.status === 401 || answer.status === 403 || answer.status === 404) {
      throw wrongLogin(`namespace not authorized: its labels could not be read (${answer.status})`);
    }
    if (answer.status !== 200) throw unreachable(`it answered ${answer.status}`);
    const { kind, metadata } = objectOf(answer);
    const { name, labels } = (metadata ?? {}) as Readonly<Record<string, unknown>>;
    if (kind !== 'Namespace' || name !== namespace) throw unreachable('it answered something else than a namespace');
    return (labels ?? {}) as Readonly<Record<string, unknown>>;
  }

  async #ask({ host, ca, reviewer }: Cluster, path: string, more: Pick<OutboundRequest, 'post'>) {
    if (this.#outbound === undefined) throw unreachable('this server asks nobody');
    const url = `${host.replace(/\/$/, '')}${path}`;
    try {
      return await this.#outbound({ url, ca, authorization: `Bearer ${reviewer}`, ...more });
    } catch {
      throw unreachable('there was no answer, or not of a server that kubernetes_ca_cert vouches for');
    }
  }
}

const refused = (why: string) => wrongLogin(`permission denied: token review: ${why}`);

function objectOf({ text }: OutboundAnswer): Readonly<Record<string, unknown>> {
  const value = parseJson(toUtf8(text));
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw unreachable('it answered no JSON');
  return value as Readonly<Record<string, unknown>>;
}
