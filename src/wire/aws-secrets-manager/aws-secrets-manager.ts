import { type Action, type Gate, KmsError, type Origin, type Proof } from '#domain/domain.ts';
import type { CarrierFault, Door, Request, RequestHead, Response, Route } from '#wire/wire.ts';
import { header, json, readObject, signatureProof } from '../common/common.ts';
import { batch, performBatch } from './batch.ts';
import { decodeBatchGetSecretValue } from './decode.ts';
import { type AwsError, awsError } from './errors.ts';
import { type Names, namesOf } from './names.ts';
import { operations } from './operations.ts';
import type { Row } from './row.ts';

export interface AwsSecretsManagerOptions {
  /** What ARNs name as the home region, such as 'us-east-1'. */
  readonly region: string;
  readonly newRequestId: () => string;
}

const protocol = 'aws-secrets-manager';
const mediaType = 'application/x-amz-json-1.1';
const service = 'secretsmanager.';
const KiB = 1024;

/** AWS Secrets Manager, API version 2017-10-17, as JSON 1.1: every operation is `POST /` and is named by a header. */
export function awsSecretsManagerDoor(gate: Gate, options: AwsSecretsManagerOptions): Door {
  const names = namesOf(options.region);
  const walk = { gate, names, newRequestId: options.newRequestId };
  const routes = new Map<string, Route>(
    Object.entries(operations).map(([name, row]) => [service + name, routeOf(walk, service + name, row)]),
  );
  routes.set(service + batch.name, batchRoute(walk));
  return {
    name: protocol,
    match(head) {
      if (head.method !== 'POST' || head.path !== '/') return undefined;
      const target = header(head.headers, 'x-amz-target');
      if (target === undefined || !target.startsWith(service)) return undefined;
      return routes.get(target) ?? unknownRoute(walk, target);
    },
  };
}

interface Walk {
  readonly gate: Gate;
  readonly names: Names;
  readonly newRequestId: () => string;
}

/** The one way of every operation: read, ask the gate, answer. */
function routeOf(walk: Walk, operation: string, row: Row): Route {
  const { gate, names } = walk;
  return route(walk, operation, row, async (request, proof, origin) => {
    const asked = await understood(gate, row.action, request, proof, origin, (fields) => row.decode(fields, names));
    return row.encode(await gate.perform(proof, asked.command, origin), asked, names);
  });
}

function batchRoute(walk: Walk): Route {
  const { gate, names } = walk;
  return route(walk, service + batch.name, batch, async (request, proof, origin) => {
    const asked = await understood(gate, batch.action, request, proof, origin, (fields) =>
      decodeBatchGetSecretValue(fields, names),
    );
    return performBatch(gate, proof, origin, asked, names);
  });
}

function route(
  walk: Walk,
  operation: string,
  { action, maxBody, faults }: Pick<Row, 'maxBody' | 'faults'> & { readonly action: Action | '' },
  answer: (request: Request, proof: Proof, origin: Origin) => Promise<string>,
): Route {
  return {
    maxBody,
    async handle(request) {
      const origin = originOf(walk, operation, request);
      const proof = proofOf(request, request.body);
      try {
        const body = await answer(request, proof, origin);
        return json(200, body, ['x-amzn-requestid', origin.requestId], mediaType);
      } catch (error) {
        return failure(awsError(error, proof, faults), origin);
      }
    },
    refuse: (head, fault) => refuseUnread(walk, operation, action, head, fault),
  };
}

/** What the request asks for. Rejects once the refusal of one that can't be understood is on the record. */
async function understood<T>(
  gate: Gate,
  action: Action,
  request: Request,
  proof: Proof,
  origin: Origin,
  decode: (fields: ReturnType<typeof readObject>) => T,
): Promise<T> {
  try {
    if (!isJson11(request)) throw new KmsError('malformed', `The content type must be ${mediaType}.`);
    return decode(readObject(request.body));
  } catch (error) {
    const known = error instanceof KmsError ? error : new KmsError('internal', 'The request could not be read.');
    return gate.refuse(proof, action, known, origin);
  }
}

function unknownRoute(walk: Walk, target: string): Route {
  // The name goes into the ledger, so only what can be an operation's name does.
  const operation = /^[A-Za-z]{1,64}$/.test(target.slice(service.length)) ? target : service;
  const refusal = () => new KmsError('unknown-operation', 'Secrets Manager has no such operation.');
  return route(walk, operation, { action: '', maxBody: 64 * KiB }, (_, proof, origin) =>
    walk.gate.refuse(proof, '', refusal(), origin),
  );
}

const carrierFaults = {
  'too-large': {
    status: 413,
    type: 'RequestEntityTooLargeException',
    code: 'too-large',
    message: 'The request body is larger than this operation takes.',
  },
  timeout: {
    status: 408,
    type: 'RequestTimeout',
    code: 'malformed',
    message: 'The request body did not arrive in time.',
  },
  malformed: {
    status: 400,
    type: 'SerializationException',
    code: 'malformed',
    message: 'The request body is not sound HTTP.',
  },
} as const satisfies Record<CarrierFault, AwsError & { code: 'too-large' | 'malformed' }>;

const unread: Proof = Object.freeze({ kind: 'none', unread: true });

/** The signature is over the body: of one that wasn't read nobody can be shown to be the sender. */
async function refuseUnread(
  walk: Walk,
  operation: string,
  action: Action | '',
  head: RequestHead,
  fault: CarrierFault,
): Promise<Response> {
  const { code, ...answer } = carrierFaults[fault];
  const origin = originOf(walk, operation, head);
  try {
    return await walk.gate.refuse(unread, action, new KmsError(code, answer.message), origin);
  } catch (verdict) {
    const recorded = verdict instanceof KmsError && verdict.code === code;
    return failure(recorded ? answer : awsError(verdict, unread), origin);
  }
}

function originOf(walk: Walk, operation: string, head: RequestHead): Origin {
  return { protocol, operation, peer: head.peer, requestId: walk.newRequestId() };
}

const services: readonly string[] = ['secretsmanager'];

const proofOf = (head: RequestHead, body: Uint8Array): Proof => signatureProof(head, body, services);

function isJson11(head: RequestHead): boolean {
  const type = header(head.headers, 'content-type');
  return type !== undefined && type.split(';', 1)[0]!.trim().toLowerCase() === mediaType;
}

function failure({ type, status, message }: AwsError, { requestId }: Origin): Response {
  const body = JSON.stringify({ __type: type, Message: message });
  return json(status, body, ['x-amzn-requestid', requestId], mediaType);
}
