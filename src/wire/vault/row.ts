import type { Action, Command, KmsError, Mount, Proof, Result, Status, Wrapping } from '#domain/domain.ts';
import type { JsonObject } from '#wire/common/common.ts';
import type { PeerCertificates } from '#wire/wire.ts';

/** PUT is POST, and GET with `list=true` is LIST. */
export type Method = 'GET' | 'LIST' | 'POST' | 'PATCH' | 'DELETE';

/** One request, read once. */
export interface Input {
  /**
   * What stood in the path's `:places`, percent-decoded; under `rest` what `*` took, as it came. The names of keys and secrets begin
   * with `folder` here. None of it is checked yet.
   */
  readonly path: Readonly<Record<string, string>>;
  /** What the names at this mount begin with, which clients neither write nor see; '' for all names. */
  readonly folder: string;
  /** Absent at the mounts that are there from the start. */
  readonly mount?: Mount;
  /** The realm that is meant, where the request says it. */
  readonly namespace?: string;
  readonly query: string;
  readonly body: JsonObject;
  /** One item of `batch_input`; the body itself where there is no batch. */
  readonly item: JsonObject;
  /** The token that asks, which some answers give back to its bearer. */
  readonly token: string;
  /** What the connection's client showed of itself. */
  readonly certificates?: PeerCertificates | undefined;
  /** Milliseconds that the answer is to be kept for whoever holds its token; 0: it is given at once. */
  readonly wrapTtl?: number;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/** One operation. What a row doesn't say, the handler does alike for all. */
export interface Row<A extends Action = Action> {
  /** The name in the ledger. */
  readonly operation: string;
  readonly method: Method;
  /** Below /v1/. A step `:word` takes one path segment, a last step `*` takes the rest. */
  readonly paths: readonly string[];
  readonly action: A;
  /** Bytes. */
  readonly maxBody: number;
  /** Where the request is proven by something else than the token that it carries. Throws KmsError. */
  readonly proof?: (input: Input, peer: string) => Proof;
  /** How Vault puts a failure that it has words or a status of its own for here. */
  readonly failure?: (error: KmsError, input: Input) => KmsError;
  /** Throws KmsError and nothing else. */
  decode(input: Input): Command<A>;
  /** A JSON object, or '' for no data: 204 unless there are warnings, and 404 for what only reads. `pages` are the answers so far, this one included. */
  encode(result: Result<A>, input: Input, pages: readonly Result<A>[]): string;
  /** Where the object goes: `data` (default), `auth`, or into `data` and beside it too, as Vault's mount tables do; or it is all. */
  readonly as?: 'data' | 'auth' | 'both' | 'whole';
  /** The answer is a wrapping itself. */
  readonly wraps?: (result: Result<A>) => Wrapping;
  /** Set where `batch_input` is taken. */
  readonly batch?: {
    /** The status when an item failed and another one didn't, unless the request chooses its own. */
    readonly failure: 200 | 400;
    /** Members that an item's error is answered with besides `error`. */
    readonly blank: string;
    /** Throws KmsError for items that can't be of one batch. */
    readonly check?: (items: readonly JsonObject[]) => void;
  };
  /** What the answer warns of, in rows that know a reason. */
  readonly warnings?: (result: Result<A>, input: Input) => readonly string[];
  /** For answers with an object that aren't always 200. */
  readonly status?: (result: Result<A>) => number;
  /** `lease_duration` where it isn't 0, in seconds. */
  readonly lease?: (result: Result<A>, input: Input) => number;
  /** Names in the path are the same in every case, so policies judge it in lower case. */
  readonly folds?: true;
  /** Policies are asked for `create` instead of `update` where nothing is there yet. */
  readonly existence?: true;
  /** Vault makes the key that isn't there. */
  readonly creates?: (input: Input) => Command<'create-key'>;
  /** The next page, where a list has one. */
  readonly more?: (result: Result<A>, input: Input) => Command<A> | undefined;
}

/** For anyone, without a token, and not in the ledger. */
export interface OpenRow {
  readonly operation: string;
  readonly paths: readonly string[];
  open(status: Status, query: string, version: string): { readonly status: number; readonly body: string };
}

/** Bytes: of a body of words. */
export const small = 64 * 1024;

/** Infers the action, so that each decoder and encoder is checked against its own command and result. */
export function row<A extends Action>(given: Row<A>): Row {
  return given as unknown as Row;
}

/** The same, of an operation that takes words only. */
export function rowAt<A extends Action>(
  operation: string,
  paths: string | readonly string[],
  given: Omit<Row<A>, 'operation' | 'paths' | 'maxBody'>,
): Row {
  return row<A>({ ...given, operation, paths: [paths].flat(), maxBody: small });
}
