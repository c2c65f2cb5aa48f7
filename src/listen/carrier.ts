import type { Door, Request, RequestHead, Response, Route } from '#wire/wire.ts';
import { doorFault, type Fault, faultAnswer, internalError, neutralAnswer } from './fault.ts';
import type { Limits } from './limits.ts';

export interface CarrierOptions {
  readonly doors: readonly Door[];
  /** True, or what it waits for. */
  readonly ready: () => true | string;
  readonly limits: Limits;
  readonly clock: () => number;
  readonly onError: (error: unknown) => void;
}

/** Counts since the start, and what is open now. */
export interface ListenerStats {
  readonly connections: number;
  readonly accepted: number;
  readonly requests: number;
  readonly underWay: number;
  /** Messages that were answered without a handler: malformed, too large, too slow. */
  readonly refused: number;
}

/** A body that no door wants may still be this long without costing the connection. */
const maxUnwantedBody = 16 * 1024;

function fixedRoute(answer: () => Response): Route {
  return {
    maxBody: maxUnwantedBody,
    handle: async () => answer(),
    refuse: async (_head, fault) =>
      faultAnswer(fault === 'too-large' ? 'body-too-large' : fault === 'timeout' ? 'body-timeout' : 'chunk'),
  };
}

const nothingHere = fixedRoute(() => neutralAnswer(404, 'no such path'));
const broken = fixedRoute(() => internalError);
const alive = fixedRoute(() => ({
  status: 200,
  headers: ['cache-control', 'no-store'],
  contentType: 'text/plain',
  body: 'ok\n',
}));

/** What all connections of one listener share: where requests go, the time, and the counts. */
export class Carrier {
  readonly limits: Limits;
  readonly #doors: readonly Door[];
  readonly #clock: () => number;
  readonly #readiness: Route;
  readonly onError: (error: unknown) => void;
  /** Coarse milliseconds that only ever grow, for timeouts. */
  now = 0;
  /** For the Date field, right to the second give or take a sweep. */
  date = '';
  accepted = 0;
  requests = 0;
  underWay = 0;
  refused = 0;

  constructor(options: CarrierOptions) {
    this.limits = options.limits;
    this.#doors = options.doors;
    this.#clock = options.clock;
    this.onError = options.onError;
    const { ready } = options;
    this.#readiness = fixedRoute(() => {
      const readiness = ready();
      if (readiness !== true) return neutralAnswer(503, readiness);
      return { status: 200, headers: ['cache-control', 'no-store'], contentType: 'text/plain', body: 'ready\n' };
    });
    this.advance(0);
  }

  advance(elapsed: number): void {
    this.now += elapsed;
    this.date = new Date(this.#clock()).toUTCString();
  }

  /** Always answers: what no door takes goes to a route that says so. */
  route(head: RequestHead): Route {
    if (head.path === '/healthz') return alive;
    if (head.path === '/readyz') return this.#readiness;
    try {
      for (const door of this.#doors) {
        const route = door.match(head);
        if (route !== undefined) return route;
      }
      return nothingHere;
    } catch (error) {
      this.onError(error);
      return broken;
    }
  }

  /** Calls back once: what a handler throws is told to `onError`, and to the peer only that something went wrong. */
  handle(route: Route, request: Request, answered: (answer: Response) => void): void {
    this.requests++;
    this.#settle(() => route.handle(request), answered);
  }

  /** As `handle`, for a request that its carrier gave up. */
  refuse(route: Route, head: RequestHead, fault: Fault, answered: (answer: Response) => void): void {
    this.refused++;
    this.#settle(() => route.refuse(head, doorFault(fault)), answered);
  }

  #settle(start: () => Promise<Response>, answered: (answer: Response) => void): void {
    this.underWay++;
    const failed = (error: unknown) => {
      this.underWay--;
      this.onError(error);
      answered(internalError);
    };
    try {
      start().then((answer) => {
        this.underWay--;
        answered(answer);
      }, failed);
    } catch (error) {
      failed(error);
    }
  }
}
