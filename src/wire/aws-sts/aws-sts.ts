import { type Action, type Command, type Gate, KmsError, type Origin, type Proof } from '#domain/domain.ts';
import type { CarrierFault, Door, Request, RequestHead, Response, Route } from '#wire/wire.ts';
import { header, signatureProof, unread } from '../common/common.ts';
import { webIdentityProof } from './decode.ts';
import { answerXml, errorXml } from './encode.ts';
import { type StsError, stsError } from './errors.ts';
import { type Form, readForm } from './form.ts';
import { operations, type Row } from './operations.ts';

export interface AwsStsOptions {
  readonly newRequestId: () => string;
}

const protocol = 'aws-sts';
const version = '2011-06-15';
const maxBody = 64 * 1024;
const services: readonly string[] = ['sts'];

/**
 * AWS STS, API version 2011-06-15, in the AWS Query protocol: an operation is named by `Action`, in a form that is posted or, as presigned
 * requests have it, in the query.
 */
export function awsStsDoor(gate: Gate, { newRequestId }: AwsStsOptions): Door {
  const walk = { gate, newRequestId };
  const route: Route = {
    maxBody,
    handle: (request) => handle(walk, request),
    refuse: (head, fault) => refuseUnread(walk, head, fault),
  };
  return { name: protocol, match: (head) => (isQueryProtocol(head) ? route : undefined) };
}

interface Walk {
  readonly gate: Gate;
  readonly newRequestId: () => string;
}

function isQueryProtocol({ method, path, query, headers }: RequestHead): boolean {
  if (path !== '/' || (method !== 'POST' && method !== 'GET')) return false;
  if (/(?:^|&)Action=/.test(query)) return true;
  const type = method === 'POST' ? header(headers, 'content-type') : undefined;
  return type?.split(';', 1)[0]?.trim().toLowerCase() === 'application/x-www-form-urlencoded';
}

/** What a request turned out to be; a part that can't be read is absent, and the error says why. */
interface Reading {
  readonly operation: string;
  readonly row?: Row;
  readonly proof: Proof;
  readonly command?: Command;
  readonly error?: KmsError;
}

/** With AWS nobody signs it, so nobody is asked to. */
const unsignedElsewhere: ReadonlySet<string> = new Set(['AssumeRoleWithSAML']);

async function handle({ gate, newRequestId }: Walk, request: Request): Promise<Response> {
  const { operation, row, proof, command, error } = read(request);
  const origin: Origin = { protocol, operation, peer: request.peer, requestId: newRequestId() };
  try {
    if (row === undefined || command === undefined) {
      return await gate.refuse(proof, row?.action ?? '', error ?? unreadable(), origin);
    }
    const result = await gate.perform(proof, command, origin);
    return answer(200, answerXml(operation, row.encode(result as never), origin.requestId), origin);
  } catch (verdict) {
    return failure(stsError(verdict, proof), origin);
  }
}

const unreadable = () => new KmsError('internal', 'The request could not be read.');

function read(request: Request): Reading {
  const signed = signatureProof(request, request.body, services);
  let form: Form;
  try {
    form = readForm(request.query, request.body);
  } catch (error) {
    return { operation: '', proof: signed, error: asKmsError(error) };
  }
  const name = form.get('Action') ?? '';
  const known = form.get('Version') === version && Object.hasOwn(operations, name);
  if (!known) {
    const proof = unsignedElsewhere.has(name) ? unread : signed;
    return { operation: '', proof, error: unknownAction(name, form.get('Version')) };
  }
  const row: Row = operations[name as keyof typeof operations] as Row;
  let proof = signed;
  try {
    if (row.proof === 'web-identity') {
      // What the token is to prove is in the form, so of a form that is wrong nobody is the sender.
      proof = unread;
      proof = webIdentityProof(form);
    }
    assertMembers(form, row);
    return { operation: name, row, proof, command: { kind: row.action, ...row.decode(form) } as Command };
  } catch (error) {
    return { operation: name, row, proof, error: asKmsError(error) };
  }
}

/** Clients write an empty list as a member without a value. */
function assertMembers(form: Form, { members }: Row): void {
  for (const [name, value] of form) {
    if (value === '' || name === 'Action' || name === 'Version' || members.includes(name)) continue;
    const shown = /^[A-Za-z]{1,64}/.exec(name)?.[0] ?? 'A member of the request';
    throw new KmsError('unsupported', `${shown} is not supported.`);
  }
}

function unknownAction(name: string, asked: string | undefined): KmsError {
  const shown = /^[A-Za-z]{1,64}$/.test(name) ? name : 'the action';
  const at = asked === undefined ? 'NO_VERSION_SPECIFIED' : /^[0-9-]{1,16}$/.test(asked) ? asked : 'that';
  return new KmsError('unknown-operation', `Could not find operation ${shown} for version ${at}`);
}

const asKmsError = (error: unknown): KmsError => (error instanceof KmsError ? error : unreadable());

const carrierFaults = {
  'too-large': {
    status: 413,
    code: 'RequestEntityTooLarge',
    message: 'The request body is larger than this operation takes.',
  },
  timeout: { status: 408, code: 'RequestTimeout', message: 'The request body did not arrive in time.' },
  malformed: { status: 400, code: 'MalformedQueryString', message: 'The request body is not sound HTTP.' },
} as const satisfies Record<CarrierFault, StsError>;

/** The signature is over the body: of one that wasn't read nobody can be shown to be the sender. */
async function refuseUnread({ gate, newRequestId }: Walk, head: RequestHead, fault: CarrierFault): Promise<Response> {
  const answered = carrierFaults[fault];
  const code = fault === 'too-large' ? 'too-large' : 'malformed';
  const origin: Origin = { protocol, operation: '', peer: head.peer, requestId: newRequestId() };
  const action: Action | '' = '';
  try {
    return await gate.refuse(unread, action, new KmsError(code, answered.message), origin);
  } catch (verdict) {
    const recorded = verdict instanceof KmsError && verdict.code === code;
    return failure(recorded ? answered : stsError(verdict, unread), origin);
  }
}

function answer(status: number, body: string, { requestId }: Origin): Response {
  return { status, headers: ['x-amzn-requestid', requestId], contentType: 'text/xml', body };
}

function failure(error: StsError, origin: Origin): Response {
  return answer(error.status, errorXml(error, origin.requestId), origin);
}
