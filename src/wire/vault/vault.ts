import { type Gate, KmsError, type Origin, type Proof } from '#domain/domain.ts';
import { empty, json } from '#wire/common/common.ts';
import type { CarrierFault, Door, Request, RequestHead, Response, Route } from '#wire/wire.ts';
import { type Asking, readHeaders, troubleOfPatch } from './asking.ts';
import { findElsewhere } from './elsewhere.ts';
import { asKmsError, errorResponse, noStore, nothingBelow, PlacedError } from './errors.ts';
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
    return supported(router.find(method, path, query) ?? nothingBelow(), method);
  } catch (error) {
    return asKmsError(error);
  }
}

function supported<P extends Found | Elsewhere>(found: P | KmsError, method: string): P | KmsError {
  if (found instanceof KmsError) return found;
  if ('elsewhere' in found || found.leaf !== undefined || found.open !== undefined) return found;
  return new PlacedError(405, 'unknown-operation', `unsupported operation: ${method.slice(0, 16)}`);
}

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
    const unknown = 'elsewhere' in place ? router.largestBody(method, place, query) : 0;
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

  #answer(request: Request, asking: Asking): Promise<Response> {
    const { proof, trouble } = asking;
    const place = this.#place;
    const origin = this.#origin(request);
    if (place instanceof KmsError) return this.#gate.refuse(proof, '', place, origin);
    if ('elsewhere' in place || place.leaf === undefined) return this.#gate.refuse(proof, '', nothingAt(), origin);
    const exchange = new Exchange(this.#gate, place, place.leaf, asking, origin);
    const refused = trouble ?? (request.method === 'PATCH' ? troubleOfPatch(request.headers) : undefined);
    if (refused !== undefined) return exchange.refuse(refused);
    return exchange.answer(request, this.#options.clock);
  }

  /** First who asks, then what is there for him. */
  async #answerElsewhere({ elsewhere }: Elsewhere, request: Request, asking: Asking): Promise<Response> {
    const { proof } = asking;
    const origin = { ...this.#origin(request), asked: askedNowhere(request, elsewhere) };
    let { namespace } = asking;
    let place: Place;
    try {
      const found = await findElsewhere(this.#gate, this.#router, elsewhere, request, asking, origin);
      namespace = found?.namespace ?? namespace;
      place = supported(found?.place ?? nothingAt(), request.method);
    } catch (error) {
      place = asKmsError(error);
    }
    this.#place = place;
    this.#row = rowOf(place);
    if (place instanceof KmsError) return this.#gate.refuse(proof, '', place, origin);
    if (request.body.length > (this.#row?.maxBody ?? 0)) {
      const who = this.#row?.proof === undefined ? proof : unreadProof;
      const asked = askedNowhere(request, 'path' in place ? place.path : elsewhere);
      return this.#gate.refuse(who, this.#row?.action ?? '', faults['too-large'](), {
        ...this.#origin(request),
        asked,
      });
    }
    return this.#answer(request, { ...asking, namespace });
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
