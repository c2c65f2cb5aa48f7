import {
  type Action,
  type Command,
  type Gate,
  KmsError,
  type Origin,
  type Proof,
  type Result,
} from '#domain/domain.ts';
import type { CarrierFault, Door, Request, RequestHead, Response, Route } from '#wire/wire.ts';
import type { AwsError } from './aws-errors.ts';
import { type JsonObject, readObject } from './fields.ts';
import { header, json } from './respond.ts';
import { signatureProof, unread } from './signature-proof.ts';

/** A row of a service's table: everything that is particular to an operation. `Asked` is a command, and what only the answer needs. */
export interface AwsRow<A extends Action, Asked extends { readonly command: Command<A> }, Names> {
  /** What policy decides and the ledger records. */
  readonly action: A;
  /** Bytes. */
  readonly maxBody: number;
  /** Throws KmsError only. */
  decode(fields: JsonObject, names: Names): Asked;
  /** The body of the answer; '' where AWS answers nothing. Throws KmsError where the answer is an error to AWS clients. */
  encode(result: Result<A>, asked: Asked, names: Names): string;
}

/** One operation as the carrier walks it. */
export interface AwsOperation<Asked extends object> {
  readonly action: Action;
  readonly maxBody: number;
  /** Throws KmsError only. */
  decode(fields: JsonObject): Asked;
  /** The body of the answer. Rejects with what the gate says, and where the answer is an error to AWS clients. */
  answer(asked: Asked, proof: Proof, origin: Origin): Promise<string>;
  error(error: unknown, proof: Proof, asked: Asked): AwsError;
}

/** What the carrier knows of a service. */
export interface AwsService {
  /** What the ledger calls the door. */
  readonly protocol: string;
  readonly title: string;
  /** What `X-Amz-Target` begins with, the dot included. */
  readonly prefix: string;
  /** The service in the scope of a signature. */
  readonly signedFor: string;
  /** The member of an error's body that holds its text. */
  readonly messageMember: 'message' | 'Message';
  /** Whether a request that names no operation of any service is this one's to refuse. */
  readonly takesUntargeted?: true;
  readonly newRequestId: () => string;
  error(error: unknown, proof: Proof): AwsError;
}

const mediaType = 'application/x-amz-json-1.1';
const maxBodyOfNothing = 64 * 1024;

/** A service of AWS as JSON 1.1: every operation is `POST /`, and a header names it. */
export class AwsJsonDoor implements Door {
  readonly name: string;
  readonly #gate: Gate;
  readonly #service: AwsService;
  readonly #services: readonly string[];
  readonly #routes = new Map<string, Route>();
  readonly #untargeted: Route | undefined;

  constructor(gate: Gate, service: AwsService) {
    this.name = service.protocol;
    this.#gate = gate;
    this.#service = service;
    this.#services = [service.signedFor];
    if (service.takesUntargeted) {
      this.#untargeted = this.#refusing(service.prefix, `The request names no operation of ${service.title}.`);
    }
  }

  /** `name`: what follows the prefix. */
  add<Asked extends object>(name: string, operation: AwsOperation<Asked>): void {
    const target = this.#service.prefix + name;
    this.#routes.set(target, {
      maxBody: operation.maxBody,
      handle: (request) => this.#handle(target, operation, request),
      refuse: (head, fault) => this.#refuseUnread(target, operation.action, head, fault),
    });
  }

  match(head: RequestHead): Route | undefined {
    if (head.method !== 'POST' || head.path !== '/') return undefined;
    const target = header(head.headers, 'x-amz-target');
    if (target === undefined) return isJson11(head) ? this.#untargeted : undefined;
    return this.#routes.get(target) ?? this.#unknown(target);
  }

  /** The one way of every operation: read, ask the gate, answer. */
  async #handle<Asked extends object>(target: string, operation: AwsOperation<Asked>, request: Request) {
    const origin = this.#originOf(target, request);
    const proof = this.#proofOf(request);
    const asked = understood(operation, request);
    if (asked instanceof KmsError) return this.#refuse(proof, operation.action, asked, origin);
    try {
      const body = await operation.answer(asked, proof, origin);
      return json(200, body, ['x-amzn-requestid', origin.requestId], mediaType);
    } catch (error) {
      return this.#failure(operation.error(error, proof, asked), origin);
    }
  }

  /** Every operation of the service has its row: what has none is no operation. */
  #unknown(target: string): Route | undefined {
    const { prefix, title } = this.#service;
    if (!target.startsWith(prefix)) return undefined;
    // The name goes into the ledger, so only what can be an operation's name does.
    const named = /^[A-Za-z]{1,64}$/.test(target.slice(prefix.length)) ? target : prefix;
    return this.#refusing(named, `${title} has no such operation.`);
  }

  #refusing(target: string, message: string): Route {
    return {
      maxBody: maxBodyOfNothing,
      handle: (request) => {
        const refusal = new KmsError('unknown-operation', message);
        return this.#refuse(this.#proofOf(request), '', refusal, this.#originOf(target, request));
      },
      refuse: (head, fault) => this.#refuseUnread(target, '', head, fault),
    };
  }

  /** The signature is over the body: of one that wasn't read nobody can be shown to be the sender. */
  #refuseUnread(target: string, action: Action | '', head: RequestHead, fault: CarrierFault): Promise<Response> {
    const { code, ...told } = carrierFaults[fault];
    return this.#refuse(unread, action, new KmsError(code, told.message), this.#originOf(target, head), told);
  }

  /** Answers once the refusal is on the record. `told`: the answer where that is what the gate refuses with too. */
  async #refuse(proof: Proof, action: Action | '', refusal: KmsError, origin: Origin, told?: AwsError) {
    try {
      return await this.#gate.refuse(proof, action, refusal, origin);
    } catch (verdict) {
      const recorded = verdict instanceof KmsError && verdict.code === refusal.code;
      return this.#failure(recorded && told ? told : this.#service.error(verdict, proof), origin);
    }
  }

  #failure({ type, status, message }: AwsError, { requestId }: Origin): Response {
    const body = JSON.stringify({ __type: type, [this.#service.messageMember]: message });
    return json(status, body, ['x-amzn-requestid', requestId], mediaType);
  }

  #proofOf(request: Request): Proof {
    return signatureProof(request, request.body, this.#services);
  }

  #originOf(operation: string, { peer }: RequestHead): Origin {
    return { protocol: this.name, operation, peer, requestId: this.#service.newRequestId() };
  }
}

/** What the request asks for, or why that can't be understood. */
function understood<Asked extends object>(operation: AwsOperation<Asked>, request: Request): Asked | KmsError {
  try {
    if (!isJson11(request)) return new KmsError('malformed', `The content type must be ${mediaType}.`);
    return operation.decode(readObject(request.body));
  } catch (error) {
    return error instanceof KmsError ? error : new KmsError('internal', 'The request could not be read.');
  }
}

function isJson11(head: RequestHead): boolean {
  const type = header(head.headers, 'content-type');
  if (type === mediaType || type === undefined) return type !== undefined;
  return type.split(';', 1)[0]!.trim().toLowerCase() === mediaType;
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
