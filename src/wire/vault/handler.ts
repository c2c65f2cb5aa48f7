import {
  type AclCapability,
  type AclRequest,
  type Command,
  type Gate,
  type IssuedToken,
  KmsError,
  type Origin,
  Plaintext,
  type Proof,
  type Result,
  type Wrapping,
} from '#domain/domain.ts';
import { fromUtf8, type Json, toUtf8 } from '#encoding/encoding.ts';
import { empty, type JsonObject, json } from '#wire/common/common.ts';
import type { Request, Response } from '#wire/wire.ts';
import type { Asking } from './asking.ts';
import { wrapInfo } from './encode-login.ts';
import { asKmsError, failsWholeRequest, messageOf, noStore, nothingThere, unproven } from './errors.ts';
import { integer, readBody } from './fields.ts';
import { single } from './operations.ts';
import type { Found, Leaf } from './route.ts';
import type { Input, Method, Row } from './row.ts';

/** Items of a batch that are under way at once: enough to share a flush, too few to crowd out others. */
const abreast = 256;
/** Each item is a decision and a line of the ledger of its own. */
const maxItems = 10_000;

/** Nobody was identified: what was to prove it was not read. */
export const unreadProof: Proof = Object.freeze({ kind: 'none', unread: true });

/** One request on its way through its row. */
export class Exchange {
  readonly #gate: Gate;
  readonly #place: Found;
  readonly #leaf: Leaf;
  readonly #token: string;
  readonly #namespace: string | undefined;
  #proof: Proof;
  #origin: Origin;
  readonly #wrapTtl: number;
  /** Under way or done: one creation for all items of a batch. */
  #creation: Promise<void> | undefined;
  #warnings: readonly string[] = [];
  #status = 200;
  #lease = 0;
  /** What stands for the answer. */
  #wrapping: Wrapping | undefined;
  /** The token in the answer. */
  #issued: IssuedToken | undefined;

  constructor(gate: Gate, place: Found, leaf: Leaf, { proof, namespace, wrapTtl }: Asking, origin: Origin) {
    this.#wrapTtl = wrapTtl;
    this.#namespace = namespace;
    this.#gate = gate;
    this.#place = place;
    this.#leaf = leaf;
    this.#token = proof.kind === 'token' ? proof.token : '';
    this.#proof = leaf.row.proof === undefined ? proof : unreadProof;
    this.#origin = origin;
  }

  /** Rejects with KmsError. */
  answer({ body, query, certificates }: Request, clock: () => number): Promise<Response> {
    const { row } = this.#leaf;
    const { places, path: canonical, folder, mount } = this.#place;
    let input: Input;
    let items: readonly JsonObject[] | undefined;
    try {
      const object = readBody(body);
      const [token, wrapTtl] = [this.#token, this.#wrapTtl];
      input = { path: places, folder, query, body: object, item: object, token, certificates, wrapTtl, clock };
      if (mount !== undefined) input = { ...input, mount };
      if (this.#namespace !== undefined) input = { ...input, namespace: this.#namespace };
      if (row.proof !== undefined) this.#proof = row.proof(input, this.#origin.peer);
      this.#origin = { ...this.#origin, asked: askedOf(row, canonical, object, query, this.#wrapTtl) };
      if (row.batch !== undefined) {
        items = itemsOf(object);
        if (items !== undefined) row.batch.check?.(items);
        if (items === undefined && body.length > single) throw new KmsError('too-large', 'The body is too large.');
      }
    } catch (error) {
      return this.refuse(error);
    }
    const answer =
      items === undefined
        ? this.#answerItem(input).then((object) => this.#dress(object))
        : this.#answerBatch(items, input);
    return this.#wrapTtl === 0 ? answer : answer.then((whole) => this.#wrap(whole, canonical));
  }

  /** What can't be decoded is still identified and recorded. Always rejects. */
  refuse(error: unknown): Promise<never> {
    const { row } = this.#leaf;
    const known = asKmsError(error);
    const refusal = this.#proof === unreadProof ? unproven(known) : known;
    const asked = this.#origin.asked ?? askedOf(row, this.#place.path, {}, '', this.#wrapTtl);
    return this.#gate.refuse(this.#proof, row.action, refusal, { ...this.#origin, asked });
  }

  /** The row's JSON object. */
  async #answerItem(input: Input): Promise<string> {
    const { row } = this.#leaf;
    let command: Command;
    try {
      command = row.decode(input);
    } catch (error) {
      return await this.refuse(error);
    }
    let result: Result;
    try {
      result = await this.#gate.perform(this.#proof, command, this.#origin);
    } catch (error) {
      result = await this.#askAgain(row, input, error);
    }
    const pages = [result];
    for (let next = row.more?.(result, input); next !== undefined; next = row.more?.(result, input)) {
      result = await this.#gate.perform(this.#proof, next, this.#origin);
      pages.push(result);
    }
    if (row.wraps !== undefined) this.#wrapping = row.wraps(result);
    if (row.action === 'login') this.#issued = result as Result<'login'>;
    if (row.warnings !== undefined) this.#warnings = row.warnings(result, input);
    if (row.status !== undefined) this.#status = row.status(result);
    if (row.lease !== undefined) this.#lease = row.lease(result, input);
    return row.encode(result, input, pages);
  }

  /** Vault creates the key that an encryption names, if it isn't there. */
  async #askAgain(row: Row, input: Input, error: unknown): Promise<Result> {
    if (row.failure !== undefined) throw row.failure(asKmsError(error), input);
    const nameIsFree = error instanceof KmsError && error.code === 'alias-not-found';
    if (row.creates === undefined || !nameIsFree) throw error;
    const { asked } = this.#origin;
    if (asked !== undefined) this.#origin = { ...this.#origin, asked: { ...asked, capability: 'create' } };
    this.#creation ??= this.#create(row.creates, input, error);
    await this.#creation;
    return await this.#gate.perform(this.#proof, row.decode(input), this.#origin);
  }

  /** Who may not create keys is told that there is none. */
  async #create(creates: NonNullable<Row['creates']>, input: Input, notFound: KmsError): Promise<void> {
    let command: Command<'create-key'>;
    try {
      command = creates(input);
    } catch (error) {
      return await this.refuse(error);
    }
    try {
      await this.#gate.perform(this.#proof, command, this.#origin);
    } catch (error) {
      const { code } = asKmsError(error);
      if (code === 'denied' || code === 'needs-approval' || code === 'separation-of-duties') throw notFound;
      // Someone else made it meanwhile.
      if (code !== 'conflict' && code !== 'already-exists') throw error;
    }
  }

  /** Each item's JSON object, or why there is none. */
  async #answerItems(items: readonly JsonObject[], input: Input): Promise<readonly PromiseSettledResult<string>[]> {
    const { row } = this.#leaf;
    let inputs: readonly Input[] = [];
    // When it is their turn: what waits is small.
    const read = () => {
      inputs = items.map((item) => ({ ...input, item }));
      return decodeAll(row, inputs);
    };
    const outcomes = await this.#gate.performAll(this.#proof, items.length, read, this.#origin);
    // One that can't be read is refused alone, and recorded so.
    if (outcomes.length === 0) return Promise.allSettled(inputs.map((one) => this.#answerItem(one)));
    const encoded = (result: Result, i: number) => row.encode(result, inputs[i]!, [result]);
    if (outcomes.every((outcome) => outcome.status === 'fulfilled')) {
      return outcomes.map(({ value }, i) => ({ status: 'fulfilled', value: encoded(value, i) }));
    }
    return Promise.allSettled(
      outcomes.map(async (outcome, i) =>
        encoded(
          outcome.status === 'fulfilled' ? outcome.value : await this.#askAgain(row, inputs[i]!, outcome.reason),
          i,
        ),
      ),
    );
  }

  async #answerBatch(items: readonly JsonObject[], input: Input): Promise<Response> {
    const { batch } = this.#leaf.row;
    const answers: string[] = [];
    let failures = 0;
    for (let start = 0; start < items.length; start += abreast) {
      const slice = items.slice(start, start + abreast);
      const settled = await this.#answerItems(slice, input);
      for (const [i, outcome] of settled.entries()) {
        const reference = `"reference":${JSON.stringify(referenceOf(slice[i]!))}}`;
        if (outcome.status === 'fulfilled') answers.push(`${outcome.value.slice(0, -1)},${reference}`);
        else {
          const error = asKmsError(outcome.reason);
          if (failsWholeRequest(error)) throw error;
          failures++;
          answers.push(`{${batch?.blank ?? ''}"error":${JSON.stringify(messageOf(error))},${reference}`);
        }
      }
    }
    const status = failures === 0 ? 200 : failureStatus(batch?.failure ?? 400, failures < items.length, input.body);
    return this.#dress(`{"batch_results":[${answers.join(',')}]}`, status);
  }

  /** Keeps the answer for whoever holds the token that is given instead. */
  async #wrap(answer: Response, path: string): Promise<Response> {
    if (answer.status >= 300 || typeof answer.body !== 'string' || answer.body === '') return answer;
    const ttl = this.#wrapTtl;
    const wrapping = await this.#gate.perform(
      this.#issued === undefined ? this.#proof : { kind: 'token', token: fromUtf8(this.#issued.token.release()) ?? '' },
      { kind: 'wrap-answer', answer: new Plaintext(toUtf8(answer.body)), ttl, path },
      this.#origin,
    );
    return this.#stands(wrapping);
  }

  #stands(wrapping: Wrapping): Response {
    const info = wrapInfo(wrapping, this.#issued?.credential.id);
    return json(
      200,
      `{"request_id":"","lease_id":"","renewable":false,"lease_duration":0,"data":null,"wrap_info":${info},"warnings":null,"auth":null}`,
      noStore,
    );
  }

  /** Vault's envelope around the object. */
  #dress(given: string, status = this.#status): Response {
    const { row } = this.#leaf;
    let { tail } = this.#leaf;
    let object = given;
    if (this.#warnings.length > 0) {
      tail = tail.replace('"warnings":null', () => `"warnings":${JSON.stringify(this.#warnings)}`);
      object ||= 'null';
    }
    if (object === '') return row.method === 'LIST' || row.method === 'GET' ? nothingThere : empty(204, noStore);
    const head = `{"request_id":"${this.#origin.requestId}","lease_id":"","renewable":false,"lease_duration":${this.#lease},"data":`;
    if (this.#wrapping !== undefined) return this.#stands(this.#wrapping);
    const { as = 'data' } = row;
    switch (as) {
      case 'data':
        return json(status, head + object + tail, noStore);
      case 'both':
        return json(status, `{${object.slice(1, -1)},${head.slice(1)}${object}${tail}`, noStore);
      case 'whole':
        return json(status, object, noStore);
      case 'auth':
        return json(status, `${head}null${tail.replace('"auth":null', () => `"auth":${object}`)}`, noStore);
    }
  }
}

/** None where one of them can't be decoded. */
function decodeAll(row: Row, inputs: readonly Input[]): readonly Command[] {
  try {
    return inputs.map((input) => row.decode(input));
  } catch {
    return [];
  }
}

/** What the methods are to policies. */
const capabilities = {
  GET: 'read',
  LIST: 'list',
  POST: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
} as const satisfies Record<Method, AclCapability>;

function askedOf(
  { method, creates, existence, folds }: Row,
  path: string,
  body: JsonObject,
  query: string,
  wrapTtl: number,
): AclRequest {
  const bodiless = method === 'GET' || method === 'LIST' || method === 'DELETE';
  return {
    path: folds === true ? path.toLowerCase() : path,
    capability: capabilities[method],
    fields: bodiless && query !== '' ? { ...body, ...queryFields(query) } : body,
    ...(creates !== undefined || existence === true ? { mayCreate: true } : undefined),
    ...(wrapTtl === 0 ? undefined : { wrapFor: wrapTtl / 1000 }),
  };
}

/** What is asked for where nothing is, or where nobody may know what is. */
export function askedNowhere({ method }: { readonly method: string }, path: string): AclRequest {
  const capability = Object.hasOwn(capabilities, method) ? capabilities[method as Method] : 'update';
  return { path, capability, fields: {} };
}

/** What is there more than once is a list, whichever of them counts. */
function queryFields(query: string): JsonObject {
  const byName = Map.groupBy(new URLSearchParams(query), ([name]) => name);
  return Object.fromEntries(
    [...byName].map(([name, pairs]) => [name, pairs.length === 1 ? pairs[0]![1] : pairs.map(([, value]) => value)]),
  );
}

function itemsOf(body: JsonObject): readonly JsonObject[] | undefined {
  const items: Json | undefined = Object.hasOwn(body, 'batch_input') ? body.batch_input : undefined;
  if (items === undefined || items === null) return undefined;
  if (!Array.isArray(items)) throw new KmsError('malformed', '"batch_input" must be an array.');
  if (items.length === 0) throw new KmsError('invalid-parameter', '"batch_input" is empty.');
  if (items.length > maxItems) throw new KmsError('too-large', `"batch_input" has more than ${maxItems} items.`);
  for (const item of items as readonly Json[]) {
    if (item === null || typeof item !== 'object' || Array.isArray(item)) {
      throw new KmsError('malformed', 'Each item of "batch_input" must be an object.');
    }
  }
  return items as readonly JsonObject[];
}

/** Anything but a string was never an answerable reference. */
function referenceOf(item: JsonObject): string {
  const reference = Object.hasOwn(item, 'reference') ? item.reference : undefined;
  return typeof reference === 'string' ? reference : '';
}

/** A request may choose its status for the case that some items succeeded; nonsense is ignored, as Vault does. */
function failureStatus(usual: number, someSucceeded: boolean, body: JsonObject): number {
  if (usual === 200 || !someSucceeded) return usual;
  try {
    const chosen = integer(body, 'partial_failure_response_code');
    return chosen !== undefined && chosen >= 200 && chosen <= 599 ? chosen : usual;
  } catch {
    return usual;
  }
}
