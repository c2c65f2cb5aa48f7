import { isatty } from 'node:tty';
import { ApiError } from '#client/client.ts';
import { CliError } from '../command.ts';
import { type Output, printable } from '../output.ts';
import type { Servers } from './http.ts';
import type { Journal } from './journal.ts';
import { JsonError } from './json-bytes.ts';
import { type Moved, move } from './move.ts';
import { bringSettings, type Places } from './places.ts';
import { type Item, type Left, orLeft, type Plan } from './plan.ts';
import { Steps } from './steps.ts';
import { verify } from './verify.ts';

export interface Report {
  /** `versions`: so many were new here. */
  readonly moved: ReadonlyArray<Pick<Item, 'kind' | 'from' | 'to'> & { readonly versions: number }>;
  /** They were here, and the same. */
  readonly same: number;
  /** Done by a run before, and not changed since. */
  readonly doneBefore: number;
  /** By `--limit`. */
  readonly postponed: number;
  readonly left: readonly Left[];
  readonly failed: readonly Left[];
  readonly verified: number;
  /** What could not be compared, and why. */
  readonly unverified: readonly Left[];
  /** What is not here as it is there: it changed since, or something is wrong. */
  readonly differing: ReadonlyArray<Pick<Left, 'kind' | 'from'>>;
}

interface Manner {
  readonly limit: number;
  readonly verifies: boolean;
}

type Growing<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] };

/** Brings what is planned, one after the other, and compares it afterwards. */
export async function run(
  servers: Servers,
  journal: Journal,
  places: Places,
  { items, left }: Plan,
  { limit, verifies }: Manner,
  out: Output,
): Promise<Report> {
  const report: Growing<Report> = {
    ...{ moved: [], same: 0, doneBefore: 0, postponed: 0, left: [...left], failed: [] },
    ...{ verified: 0, unverified: [], differing: [] },
  };
  const open = items.filter(({ state }) => state !== 'done');
  report.doneBefore = items.length - open.length;
  report.postponed = Math.max(0, open.length - limit);
  const here = items.filter(({ state }) => state === 'done');
  const bar = isatty(2) && !out.json;
  const tell = (text: string) => (bar || out.json ? undefined : out.line(printable(text)));

  const now = open.slice(0, limit);
  await settle(servers, places, [...here, ...now], report);
  const steps = new Steps(now.length, bar);
  for (const item of now) {
    steps.begin(item.from);
    const outcome = places.isThere(item.place)
      ? await moveOrSay(servers, journal, item)
      : { reason: `there is no mount ${item.place} here` };
    steps.done();
    if ('reason' in outcome) {
      report.failed.push({ kind: item.kind, from: item.from, ...outcome });
      tell(`${item.from}: ${outcome.reason}`);
      continue;
    }
    here.push(item);
    if (outcome.changed) {
      report.moved.push({ kind: item.kind, from: item.from, to: item.to, versions: outcome.versions });
      tell(`${item.from}: ${outcome.versions} ${outcome.versions === 1 ? 'version' : 'versions'}`);
    } else report.same++;
  }
  steps.end();
  if (verifies) await compare(servers, journal, here, report, bar);
  return report;
}

/** Makes the mounts that are missing, and lets those of KV version 2 keep versions as they do there. */
async function settle(
  servers: Servers,
  places: Places,
  items: readonly Item[],
  report: Growing<Report>,
): Promise<void> {
  for (const { mount, place } of new Map(items.map((item) => [item.place, item])).values()) {
    const obstacle = await orLeft(report.left, { kind: 'mount', from: mount.path }, async () => {
      return (await places.make(servers.target, place, mount)) ?? (await bringSettings(servers, place, mount));
    });
    if (obstacle !== undefined) report.left.push({ kind: 'mount', from: mount.path, ...obstacle });
  }
}

/** A failure of one does not stop the others; one of this program, or of the way to a server, does. */
async function moveOrSay(servers: Servers, journal: Journal, item: Item): Promise<Moved | Omit<Left, 'kind' | 'from'>> {
  try {
    return await move(servers, journal, item);
  } catch (error) {
    if (error instanceof ApiError && error.code === 'sealed') throw error;
    if (!(error instanceof ApiError || error instanceof CliError || error instanceof JsonError)) throw error;
    return { reason: error.message };
  }
}

async function compare(
  servers: Servers,
  journal: Journal,
  items: readonly Item[],
  report: Growing<Report>,
  bar: boolean,
): Promise<void> {
  const steps = new Steps(items.length, bar);
  for (const item of items) {
    const { kind, from, mark } = item;
    const step = { step: 'verified', kind, from, mark } as const;
    // Where versions aren't counted, nothing but the value tells whether it changed.
    const known = mark !== '' && journal.has(step);
    steps.begin(`verifying ${from}`);
    const outcome = known ? ({ verdict: 'same' } as const) : await verify(servers, item);
    steps.done();
    if (outcome.verdict === 'unseen') report.unverified.push({ kind, from, reason: outcome.reason });
    else if (outcome.verdict === 'other') report.differing.push({ kind, from });
    else {
      report.verified++;
      if (!known) journal.add(step);
    }
  }
  steps.end();
}
