import type { ErrorCode } from '#domain/domain.ts';
import type { CommitQueue } from './commit-queue.ts';
import type { Line } from './lines.ts';

const minute = 60_000;

/** Refusals that cost whoever causes them nothing: how many of one source have lines of their own in a minute. */
const ownLines: { readonly [C in ErrorCode]?: number } = {
  throttled: 1,
  unauthenticated: 1000,
  'invalid-proof': 1000,
  'incomplete-proof': 1000,
  'expired-proof': 1000,
  'invalid-unseal': 1000,
  'not-sealed': 1000,
};
/** More sources than that in a minute are counted as one: who has many addresses must not fill the memory in place of the disk. */
const mostSources = 10_000;

interface Counted {
  /** Refusals with lines of their own. */
  own: number;
  /** The first without one, which stands for the others. */
  line: Line | undefined;
  more: number;
}

/**
 * Counts what somebody could fill the ledger with. The first refusals of a source in a minute have lines of their own, durable before the
 * answer; the others of that minute become one line with their number once the minute is over. A crash forgets the number, never the
 * first lines.
 */
export class Coalesced {
  readonly #commits: Pick<CommitQueue, 'submit'>;
  #minute = 0;
  #sources = new Map<string, Counted>();

  constructor(commits: Pick<CommitQueue, 'submit'>) {
    this.#commits = commits;
  }

  /** Whether the refusal is counted; otherwise its line is to be written. */
  takes(line: Line): boolean {
    const own = ownLines[line.outcome as ErrorCode];
    if (own === undefined) return false;
    if (this.#isOver(line.time)) void this.#turn(line.time);
    const counted = this.#sourceOf(line);
    if (counted.own < own) {
      counted.own++;
      return false;
    }
    counted.line ??= line;
    counted.more++;
    return true;
  }

  /** Writes down what was counted in a minute that is over; `all`: in this one too. */
  flush(now: number, all = false): Promise<void> {
    return all || this.#isOver(now) ? this.#turn(now) : Promise.resolve();
  }

  #isOver(now: number): boolean {
    return Math.floor(now / minute) !== this.#minute;
  }

  #sourceOf(line: Line): Counted {
    const name = sourceNameOf(line);
    const known = this.#sources.get(name);
    if (known !== undefined) return known;
    const full = this.#sources.size >= mostSources;
    const others = full ? this.#sources.get(line.outcome) : undefined;
    if (others !== undefined) return others;
    const counted = { own: 0, line: undefined, more: 0 };
    this.#sources.set(full ? line.outcome : name, counted);
    return counted;
  }

  async #turn(now: number): Promise<void> {
    const over = this.#sources;
    this.#sources = new Map();
    this.#minute = Math.floor(now / minute);
    await Promise.all([...over].map(([name, counted]) => this.#write(name, counted)));
  }

  async #write(name: string, { line, more }: Counted): Promise<void> {
    if (line === undefined) return;
    try {
      await this.#commits.submit({ ...line, summary: `${more} refusals of this minute` });
    } catch {
      // Counted on with the minute that has begun: the next turn tries again.
      const counted = this.#sources.get(name) ?? { own: 0, line: undefined, more: 0 };
      counted.line ??= line;
      counted.more += more;
      this.#sources.set(name, counted);
    }
  }
}

/** Who is known by name, or else the network that it came from. */
function sourceNameOf({ outcome, realm, principal, peer }: Line): string {
  return principal === '' ? `${outcome} ${networkOf(peer)}` : `${outcome} ${realm}/${principal}`;
}

/** An IPv4 address, or the 64 bits of an IPv6 address that one customer is given. */
export function networkOf(peer: string): string {
  const address = peer.slice(0, Math.max(0, peer.lastIndexOf(':'))).replace(/[[\]]/g, '');
  if (address.includes('.') || !address.includes(':')) return address;
  return address.split('::')[0]!.split(':').slice(0, 4).join(':');
}
