import { type Gate, KmsError, mountAt, type Origin, type Proof } from '#domain/domain.ts';
import { empty, json } from '#wire/common/common.ts';
import type { CarrierFault, Door, Request, RequestHead, Response, Route } from '#wire/wire.ts';
import { asKmsError, errorResponse, noStore, PlacedError } from './errors.ts';
import { seconds } from './fields.ts';
import { askedNowhere, Exchange, unreadProof } from './handler.ts';
import { operations } from './operations.ts';
import { type Elsewhere, type Found, Router } from './route.ts';
import type { OpenRow, Row } from './row.ts';
import { openOperations } from './system.ts';

export { openOperations, operations };

export interface VaultOptions {
  /** A UUID, as Vault's clients expect. */
  readonly newRequestId: () => string;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** What `sys/health` and `sys/seal-status` call the version. */
  readonly version: string;
}

/** HashiCorp Vault's HTTP API: everything below /v1/. */
export function vaultDoor(gate: Gate, options: VaultOptions): Door {
  const router = new Router(operations, openOperations);
  return {
    name: 'vault',
    match: (head) =>
      head.path.startsWith('/v1/') ? new VaultRoute(gate, options, router, head, placeOf(router, head)) : undefined,
  };
}

/** Where a request head leads, or why it leads nowhere. */
type Place = Found | Elsewhere | KmsError;

const nothingAt = () => new KmsError('unknown-operation', 'no handler for route: nothing is at this path');

function placeOf(router: Router, { method, path, query }: RequestHead): Place {
  try {
    return supported(router.find(method, path, query), method);
  } catch (error) {
    return asKmsError(error);
  }
}

function supported<P extends Found | Elsewhere>(found: P | undefined, method: string): P | KmsError {
  if (found === undefined) return nothingAt();
  if ('elsewhere' in found || found.leaf !== undefined || found.open !== undefined) return found;
  return new PlacedError(405, 'unknown-operation', `unsupported operation: ${method.slice(0, 16)}`);
}

/** What paths of logins begin with. */
const ofLogins = 'auth/';

/** Where nothing is, little is read before saying so. */
const maxBodyOfNothing = 64 * 1024;

class VaultRoute implements Route {
  readonly maxBody: number;
  readonly #gate: Gate;
  readonly #options: VaultOptions;
  readonly #router: Router;
  #place: Place;
  #row: Row | undefined;

  constructor(gate: Gate, options: VaultOptions, router: Router, { method, query }: RequestHead, place: Place) {
    this.#gate = gate;
    this.#options = options;
    this.#router = router;
    this.#place = place;
    this.#row = rowOf(place);
    // Whether anything is elsewhere is for nobody to see by what is read before it is known who asks.
    const unknown =
      'elsewhere' in place && !place.elsewhere.startsWith(ofLogins) ? router.largestBody(method, query) : 0;
    this.maxBody = this.#row?.maxBody ?? Math.max(unknown, maxBodyOfNothing);
  }

  handle(request: Request): Promise<Response> {
    const place = this.#place;
    if ('open' in place && place.open !== undefined) {
      return Promise.resolve(this.#answerOpen(place.open, request));
    }
    const asking = readHeaders(request.headers);
    const answer = 'elsewhere' in place ? this.#answerElsewhere(place, request, asking) : this.#answer(request, asking);
    return answer.catch((error) => errorResponse(asKmsError(error), asking.proof, this.#reads));
  }

  #answer(request: Request, { proof, trouble, wrapTtl }: Asking): Promise<Response> {
    const place = this.#place;
    const origin = this.#origin(request);
    if (place instanceof KmsError) return this.#gate.refuse(proof, '', place, origin);
    if ('elsewhere' in place || place.leaf === undefined) return this.#gate.refuse(proof, '', nothingAt(), origin);
    const exchange = new Exchange(this.#gate, place, place.leaf, proof, origin, wrapTtl);
    const refused = trouble ?? (request.method === 'PATCH' ? troubleOfPatch(request.headers) : undefined);
    if (refused !== undefined) return exchange.refuse(refused);
    return exchange.answer(request, this.#options.clock);
  }

  /** First who asks, then what is there for him. */
  async #answerElsewhere({ elsewhere }: Elsewhere, request: Request, asking: Asking): Promise<Response> {
    const { proof } = asking;
    const origin = { ...this.#origin(request), asked: askedNowhere(request, elsewhere) };
    let place: Place;
    try {
      const found = elsewhere.startsWith(ofLogins)
        ? await this.#findLogin(elsewhere, request, proof)
        : await this.#findAt(elsewhere, request, proof, origin);
      place = supported(found, request.method);
    } catch (error) {
      place = asKmsError(error);
    }
    this.#place = place;
    this.#row = rowOf(place);
    if (place instanceof KmsError) return this.#gate.refuse(proof, '', place, origin);
    if (request.body.length > (this.#row?.maxBody ?? 0)) {
      return this.#gate.refuse(proof, this.#row?.action ?? '', faults['too-large'](), this.#origin(request));
    }
    return this.#answer(request, asking);
  }

  async #findAt(path: string, { method, query }: RequestHead, proof: Proof, origin: Origin) {
    const { mounts } = await this.#gate.paths(proof, origin);
    const mount = mountAt(mounts, path);
    return mount && this.#router.findAt(mount, method, path, query);
  }

  async #findLogin(path: string, { method, query }: RequestHead, proof: Proof) {
    const mount = await this.#gate.authMountAt(proof, undefined, path.slice(ofLogins.length));
    return mount && this.#router.findLogin(mount, method, path, query);
  }

  async refuse(head: RequestHead, fault: CarrierFault): Promise<Response> {
    const { proof: given } = readHeaders(head.headers);
    const proof: Proof = given.kind === 'none' ? unreadProof : given;
    try {
      return await this.#gate.refuse(proof, this.#row?.action ?? '', faults[fault](), this.#origin(head));
    } catch (error) {
      return errorResponse(asKmsError(error), proof, this.#reads);
    }
  }

  #answerOpen({ open }: OpenRow, { method, query }: Request): Response {
    const { status, body } = open(this.#gate.status(), query, this.#options.version);
    return method === 'HEAD' ? empty(status, noStore) : json(status, body, noStore);
  }

  get #reads(): boolean {
    return this.#row?.method === 'GET' || this.#row?.method === 'LIST';
  }

  #origin(head: RequestHead): Origin {
    return {
      protocol: 'vault',
      operation: this.#row?.operation ?? 'unknown',
      peer: head.peer,
      requestId: this.#options.newRequestId(),
    };
  }
}

function rowOf(place: Place): Row | undefined {
  return 'leaf' in place ? place.leaf?.row : undefined;
}

const faults = {
  'too-large': () => new KmsError('too-large', 'The body is too large.'),
  timeout: () => new PlacedError(408, 'malformed', 'the request did not arrive in time'),
  malformed: () => new KmsError('malformed', 'The request is not valid HTTP.'),
} as const satisfies Record<CarrierFault, () => KmsError>;

interface Asking {
  readonly proof: Proof;
  /** What the request asks for by header and doesn't get. */
  readonly trouble: KmsError | undefined;
  /** Milliseconds for which the answer is kept for whoever holds its token; 0: it is given at once. */
  readonly wrapTtl: number;
}

const noProof: Proof = Object.freeze({ kind: 'none' });

/** X-Vault-Token, else a bearer token. Of a header sent twice the first counts. */
function readHeaders(headers: readonly string[]): Asking {
  let token: string | undefined;
  let bearer: string | undefined;
  let trouble: KmsError | undefined;
  let wrapTtl: number | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    const value = headers[i + 1] ?? '';
    switch (headers[i]) {
      case 'x-vault-token':
        token ??= value;
        break;
      case 'authorization':
        if (/^bearer /i.test(value)) bearer ??= value.slice(7).trim();
        break;
      case 'x-vault-namespace':
        if (value !== '' && value !== 'root' && value !== 'root/' && value !== '/') trouble = noNamespaces();
        break;
      case 'x-vault-wrap-ttl':
        if (wrapTtl !== undefined) break;
        wrapTtl = wrapTtlOf(value);
        if (wrapTtl === undefined) trouble = badWrapping();
        wrapTtl ??= 0;
        break;
    }
  }
  const given = token || bearer;
  return { proof: given ? { kind: 'token', token: given } : noProof, trouble, wrapTtl: wrapTtl ?? 0 };
}

const patchType = 'application/merge-patch+json';

/** A patch says what it is (RFC 7396), so that no other kind is taken for one. */
function troubleOfPatch(headers: readonly string[]): KmsError | undefined {
  const at = headers.findIndex((name, i) => i % 2 === 0 && name === 'content-type');
  const type = at < 0 ? '' : headers[at + 1]!.split(';')[0]!.trim().toLowerCase();
  if (type === patchType) return undefined;
  return new PlacedError(415, 'malformed', `PATCH requires Content-Type of ${patchType}`);
}

const noNamespaces = () =>
  new PlacedError(404, 'not-found', 'there are no namespaces here: the realm comes from the token');

/** 100 years, as of any token: more is refused before there is an answer to lose. */
const longestWrap = 100 * 366 * 24 * 3600;

/** Milliseconds; undefined: it is no duration that an answer is kept for. */
function wrapTtlOf(value: string): number | undefined {
  try {
    const given = seconds({ ttl: value }, 'ttl') ?? 0;
    return given <= longestWrap ? given * 1000 : undefined;
  } catch {
    return undefined;
  }
}

const badWrapping = () => new KmsError('malformed', 'X-Vault-Wrap-TTL must be a duration such as 60, "5m" or "1h".');
