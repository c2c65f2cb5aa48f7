/** What a peer may cost before it is known who it is. Times in milliseconds, sizes in bytes. */
export interface Limits {
  readonly maxConnections: number;
  readonly maxTarget: number;
  /** Request line and header fields together. */
  readonly maxHead: number;
  readonly maxFields: number;
  /** Requests of one connection that may be under way: pipelined in HTTP/1.1, concurrent streams in HTTP/2. */
  readonly maxUnderWay: number;
  readonly handshakeMs: number;
  /** From the first byte of a head (or from the connection itself, if no byte comes) to its end. */
  readonly headMs: number;
  /** For the body, and what `minBodyRate` earns on top. */
  readonly bodyMs: number;
  /** Bytes a second: each byte received buys its share of a second more. */
  readonly minBodyRate: number;
  readonly idleMs: number;
  /** For a peer to take any part of an answer. */
  readonly answerMs: number;
  /** How long, and how much, is still read and thrown away after the last answer, so that a reset doesn't overtake it. */
  readonly lingerMs: number;
  readonly lingerBytes: number;
  /** From `close()` to the hard cut. */
  readonly stopMs: number;
  /** How often all of the above is looked at, and so how exact it is. */
  readonly sweepMs: number;
}

export const defaultLimits: Limits = {
  maxConnections: 10_000,
  maxTarget: 8 * 1024,
  maxHead: 32 * 1024,
  maxFields: 100,
  maxUnderWay: 64,
  handshakeMs: 10_000,
  headMs: 10_000,
  bodyMs: 30_000,
  minBodyRate: 1024,
  idleMs: 75_000,
  answerMs: 30_000,
  lingerMs: 2_000,
  lingerBytes: 256 * 1024,
  stopMs: 10_000,
  sweepMs: 500,
};
