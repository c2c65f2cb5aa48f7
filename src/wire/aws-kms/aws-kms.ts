import { type Action, type Command, type Gate, KmsError, type Origin, type Proof } from '#domain/domain.ts';
import type { CarrierFault, Door, Request, RequestHead, Response, Route } from '#wire/wire.ts';
import { header, json, readObject, signatureProof } from '../common/common.ts';
import { inManner } from './dry-run.ts';
import { type AwsError, awsError } from './errors.ts';
import { type Names, namesOf, refText } from './names.ts';
import { operations } from './operations.ts';
import type { Row } from './row.ts';

export interface AwsKmsOptions {
  /** What ARNs name as the region, such as 'us-east-1'. */
  readonly region: string;
  readonly newRequestId: () => string;
}

const protocol = 'aws-kms';
const mediaType = 'application/x-amz-json-1.1';
const service = 'TrentService.';
const KiB = 1024;

/** AWS KMS, API version 2014-11-01, as JSON 1.1: every operation is `POST /` and is named by a header. */
export function awsKmsDoor(gate: Gate, options: AwsKmsOptions): Door {
  const names = namesOf(options.region);
  const walk = { gate, names, newRequestId: options.newRequestId };
  const routes = new Map<string, Route>(
    Object.entries(operations).map(([name, row]) => [service + name, routeOf(walk, service + name, row)]),
  );
  const nothing = refusingRoute(walk, service, 'The request names no operation of KMS.');
  return {
    name: protocol,
    match(head) {
      if (head.method !== 'POST' || head.path !== '/') return undefined;
      const target = header(head.headers, 'x-amz-target');
      if (target === undefined) return isJson11(head) ? nothing : undefined;
      return routes.get(target) ?? (target.startsWith(service) ? unknownRoute(walk, target) : undefined);
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
  return {
    maxBody: row.maxBody,
    async handle(request) {
      const origin = originOf(walk, operation, request);
      const proof = proofOf(request, request.body);
      let key: string | undefined;
      try {
        const asked = await decoded(gate, row, names, request, proof, origin);
        key = keyOf(asked.command);
        const result = await gate.perform(proof, asked.command, origin);
        return json(200, row.encode(result, asked, names), ['x-amzn-requestid', origin.requestId], mediaType);
      } catch (error) {
        return failure(awsError(error, proof, key), origin);
      }
    },
    refuse: (head, fault) => refuseUnread(walk, operation, row.action, head, fault),
  };
}

/** What the request asks for. Rejects once the refusal of one that can't be understood is on the record. */
async function decoded(gate: Gate, row: Row, names: Names, request: Request, proof: Proof, origin: Origin) {
  try {
    if (!isJson11(request)) throw new KmsError('malformed', `The content type must be ${mediaType}.`);
    const fields = readObject(request.body);
    return inManner(fields, row, row.decode(fields, names));
  } catch (error) {
    const known = error instanceof KmsError ? error : new KmsError('internal', 'The request could not be read.');
    return gate.refuse(proof, row.action, known, origin);
  }
}

/** Every operation of KMS has its row: what has none is no operation. */
function unknownRoute(walk: Walk, target: string): Route {
  const name = target.slice(service.length);
  // The name goes into the ledger, so only what can be an operation's name does.
  const operation = /^[A-Za-z]{1,64}$/.test(name) ? target : service;
  return refusingRoute(walk, operation, 'KMS has no such operation.');
}

function refusingRoute(walk: Walk, operation: string, message: string): Route {
  return {
    maxBody: 64 * KiB,
    async handle(request) {
      const origin = originOf(walk, operation, request);
      const proof = proofOf(request, request.body);
      try {
        return await walk.gate.refuse(proof, '', new KmsError('unknown-operation', message), origin);
      } catch (verdict) {
        return failure(awsError(verdict, proof, undefined), origin);
      }
    },
    refuse: (head, fault) => refuseUnread(walk, operation, '', head, fault),
  };
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
    return failure(recorded ? answer : awsError(verdict, unread, undefined), origin);
  }
}

function originOf(walk: Walk, operation: string, head: RequestHead): Origin {
  return { protocol, operation, peer: head.peer, requestId: walk.newRequestId() };
}

const services: readonly string[] = ['kms'];

const proofOf = (head: RequestHead, body: Uint8Array): Proof => signatureProof(head, body, services);

function isJson11(head: RequestHead): boolean {
  const type = header(head.headers, 'content-type');
  if (type === mediaType || type === undefined) return type !== undefined;
  return type.split(';', 1)[0]!.trim().toLowerCase() === mediaType;
}

/** How the request named the key that an error is about; undefined where it named none or two. */
function keyOf(command: Command): string | undefined {
  return 'key' in command && command.key !== undefined ? refText(command.key) : undefined;
}

function failure({ type, status, message }: AwsError, { requestId }: Origin): Response {
  return json(status, JSON.stringify({ __type: type, message }), ['x-amzn-requestid', requestId], mediaType);
}
