import { type Action, type Gate, KmsError, type Origin, type Proof, type Result } from '#domain/domain.ts';
import type { CarrierFault, Door, Request, RequestHead, Response, Route } from '#wire/wire.ts';
import { header, type JsonObject, json, readObject } from '../common/common.ts';
import { errorResponse } from './errors.ts';
import { operations } from './operations.ts';
import { router } from './router.ts';
import type { Operation } from './row.ts';

export interface NativeOptions {
  readonly newRequestId: () => string;
  /** Claviger's own, as the index of operations says it. */
  readonly version: string;
}

const base = '/claviger/v1';
const find = router(Object.keys(operations));

/**
 * Our own API, which the command line, the client and the console use. `GET /claviger/v1/` lists its operations; an error is
 * `{"error": {"code", "message", "requestId"}}` with a code of the domain.
 */
export function nativeDoor(gate: Gate, options: NativeOptions): Door {
  return {
    name: 'native',
    match(head) {
      if (head.path === '/metrics') return routeTo(gate, options, head, '/metrics');
      if (!head.path.startsWith(`${base}/`)) return undefined;
      return routeTo(gate, options, head, head.path.slice(base.length));
    },
  };
}

function routeTo(gate: Gate, options: NativeOptions, head: RequestHead, path: string): Route {
  const match = find(head.method, path);
  const row = match === undefined ? undefined : (operations[match.template as keyof typeof operations] as Operation);
  const requestId = options.newRequestId();
  const origin: Origin = {
    protocol: 'native',
    operation: match?.template ?? '',
    peer: head.peer,
    requestId,
  };
  const refuse = async (at: RequestHead, error: KmsError, proof = proofOf(at)): Promise<Response> => {
    try {
      return await gate.refuse(proof, row?.action ?? '', error, origin);
    } catch (refusal) {
      return errorResponse(asKmsError(refusal), requestId);
    }
  };
  return {
    maxBody: row?.maxBody ?? 0,
    async handle(request) {
      if (head.method === 'GET' && path === '/') return json(200, JSON.stringify(index(options.version)));
      if (row === undefined || match === undefined) return refuse(request, unknownOperation(head));
      // Alive, sealed, version: what anyone may know is not asked of the gate, so it leaves no line.
      if (row.action === 'read-status') return answer(row, gate.status());
      let command: object;
      try {
        command = row.decode({ path: match.values, query: readQuery(request, row), body: readBody(request, row) });
      } catch (error) {
        return refuse(request, asKmsError(error));
      }
      try {
        const kind = row.action;
        return answer(row, await gate.perform(proofOf(request), { kind, ...command } as never, origin));
      } catch (error) {
        return errorResponse(asKmsError(error), requestId);
      }
    },
    refuse: (at, fault) => {
      const proof = proofOf(at);
      return refuse(
        at,
        carrierError(fault, row?.maxBody ?? 0),
        proof.kind === 'none' ? { kind: 'none', unread: true } : proof,
      );
    },
  };
}

function answer(row: Operation, result: Result): Response {
  const body = row.encode(result as never);
  const noStore = ['cache-control', 'no-store'];
  if (typeof body === 'string') return json(200, body, noStore, 'text/plain; version=0.0.4; charset=utf-8');
  return json(200, JSON.stringify(body), noStore);
}

function proofOf(head: RequestHead): Proof {
  const token = /^Bearer +([^ ]+)$/i.exec(header(head.headers, 'authorization') ?? '')?.[1];
  if (token === undefined) return { kind: 'none' };
  const region = header(head.headers, 'x-claviger-region');
  return region === undefined ? { kind: 'token', token } : { kind: 'token', token, region };
}

function readQuery(request: Request, row: Operation): ReadonlyMap<string, string> {
  const query = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(request.query)) {
    if (query.has(name)) throw new KmsError('malformed', `"${name}" is there twice.`);
    query.set(name, value);
  }
  onlyKnown([...query.keys()], row.query ?? [], 'query parameter');
  return query;
}

function readBody(request: Request, row: Operation): JsonObject {
  const type = header(request.headers, 'content-type');
  if (request.body.length > 0 && type?.split(';')[0]?.trim().toLowerCase() !== 'application/json')
    throw new KmsError('malformed', 'The body must be JSON, with content-type: application/json.');
  const body = readObject(request.body);
  onlyKnown(Object.keys(body), row.body ?? [], 'field');
  return body;
}

function onlyKnown(given: readonly string[], known: readonly string[], what: string): void {
  const stranger = given.find((name) => !known.includes(name));
  if (stranger === undefined) return;
  const takes = known.length === 0 ? 'takes none' : `takes ${known.join(', ')}`;
  throw new KmsError(
    'invalid-parameter',
    `Unknown ${what} ${JSON.stringify(stranger.slice(0, 64))}: the operation ${takes}.`,
  );
}

function unknownOperation(head: RequestHead): KmsError {
  const asked = `${head.method} ${head.path}`.slice(0, 200);
  return new KmsError('unknown-operation', `There is no ${asked}; GET ${base}/ lists the operations.`);
}

function carrierError(fault: CarrierFault, maxBody: number): KmsError {
  switch (fault) {
    case 'too-large':
      return new KmsError('too-large', `The body is over the limit of ${maxBody} bytes for this operation.`);
    case 'timeout':
      return new KmsError('malformed', 'The body did not arrive in time.');
    case 'malformed':
      return new KmsError('malformed', 'The request is not well-formed HTTP.');
  }
}

/** Whatever isn't told to callers stays in here. */
function asKmsError(error: unknown): KmsError {
  return error instanceof KmsError ? error : new KmsError('internal', 'The server failed; its log says why.');
}

function index(version: string): object {
  const rows = Object.entries(operations) as ReadonlyArray<[string, Operation]>;
  return {
    version,
    operations: rows.map(([template, { action, body, query, maxBody }]) => ({
      operation: template.replace(' /', ` ${template.endsWith(' /metrics') ? '' : base}/`),
      action: action satisfies Action,
      body,
      query,
      maxBody,
    })),
  };
}
