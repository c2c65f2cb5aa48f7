/** The contract between `listen/`, which carries bytes, and the doors, which understand them. Types only. */

/** DER: of a TLS connection whose client showed to have the key of the first one. What stands behind that nobody has looked at. */
export type PeerCertificates = readonly Uint8Array[];

/** The head of a request, before its body is read. */
export interface RequestHead {
  /** As sent: 'GET', 'POST', 'LIST' ... */
  readonly method: string;
  /** The raw target up to '?', still percent-encoded; always begins with '/'. */
  readonly path: string;
  /** The raw query without '?', '' when absent. */
  readonly query: string;
  /** Flat list: name, value, name, value; names in lower case, values without outer white space, in the order sent. */
  readonly headers: readonly string[];
  /** Address and port. */
  readonly peer: string;
  readonly certificates?: PeerCertificates | undefined;
}

export interface Request extends RequestHead {
  readonly body: Uint8Array;
}

export interface Response {
  readonly status: number;
  /** Flat list, as in the request; content-type and content-length are not in it. */
  readonly headers: readonly string[];
  /** '' sends no content-type. */
  readonly contentType: string;
  readonly body: string | Uint8Array;
}

/** Why `listen/` gave up on a request whose head it had understood. */
export type CarrierFault = 'too-large' | 'timeout' | 'malformed';

/** What a door says of a request head that is its own. */
export interface Route {
  /** Bytes; a larger body is not read, and `refuse` answers. */
  readonly maxBody: number;
  handle(request: Request): Promise<Response>;
  /** The answer in the protocol's own form, recorded in the ledger. Never rejects. */
  refuse(head: RequestHead, fault: CarrierFault): Promise<Response>;
}

/** One protocol. `match` is called on every request head, so it is cheap: undefined means 'not mine'. */
export interface Door {
  readonly name: string;
  match(head: RequestHead): Route | undefined;
}
