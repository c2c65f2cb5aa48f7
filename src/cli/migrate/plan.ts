import { CliError } from '../command.ts';
import type { VaultHttp } from './http.ts';
import type { Journal } from './journal.ts';
import { type KeyFacts, keyFacts, type Obstacle, pathsOf, type Way, warningsOf, ways, wayTo } from './key-facts.ts';
import type { Places } from './places.ts';
import { type SecretFacts, secretFacts } from './read-secret.ts';
import { baoCommand, type Mount, namesIn, Refused, remedyFor, unreadable } from './source.ts';

interface Common {
  readonly mount: Mount;
  /** Below its mount there. */
  readonly name: string;
  /** With its mount there. */
  readonly from: string;
  /** Its name here. */
  readonly to: string;
  /** Where Vault's clients find its mount here. */
  readonly place: string;
  readonly mark: string;
  /** 'done': the journal says that it came, and it did not change since. */
  readonly state: 'new' | 'changed' | 'done';
  readonly warnings: readonly string[];
}

export interface KeyItem extends Common {
  readonly kind: 'key';
  readonly facts: KeyFacts;
  readonly way: Way;
}

export interface SecretItem extends Common {
  readonly kind: 'secret';
  /** Undefined where the engine counts no versions. */
  readonly facts: SecretFacts | undefined;
}

export type Item = KeyItem | SecretItem;

/** What does not come, and why. */
export interface Left extends Obstacle {
  readonly kind: 'key' | 'secret' | 'mount';
  readonly from: string;
}

export interface Plan {
  readonly items: readonly Item[];
  readonly left: readonly Left[];
}

export interface Filters {
  mounts(path: string): boolean;
  keys(name: string): boolean;
  secrets(name: string): boolean;
}

/** `*` stands for any text, `?` for one character; no pattern takes everything. */
export function globs(patterns: readonly string[]): (text: string) => boolean {
  if (patterns.length === 0) return () => true;
  const forms = patterns.map(
    (pattern) =>
      new RegExp(
        `^${pattern
          .replace(/[.+^${}()|[\]\\/]/g, '\\$&')
          .replaceAll('*', '.*')
          .replaceAll('?', '.')}$`,
        's',
      ),
  );
  return (text) => forms.some((form) => form.test(text));
}

/** What of the source is asked for, where it would go, and what can't. Reads no secret. */
export async function planOf(
  source: VaultHttp,
  mounts: readonly Mount[],
  places: Places,
  filters: Filters,
  journal: Journal,
): Promise<Plan> {
  const items: Item[] = [];
  const left: Left[] = [];
  const asked = mounts.filter(({ path }) => filters.mounts(path));
  // Else a slip of the pen would look like a migration that is done.
  if (asked.length === 0) {
    const there = mounts.map(({ path }) => path.replace(/\/$/, '')).join(', ');
    throw new CliError(
      `Nothing of the source is asked for: its mounts are ${there || 'none that this token may see'}.`,
    );
  }
  for (const mount of asked) {
    const place = places.of(mount);
    if ('reason' in place) {
      left.push({ kind: 'mount', from: mount.path, ...place });
      continue;
    }
    const wanted = mount.type === 'transit' ? filters.keys : filters.secrets;
    for await (const name of namesOf(source, mount, left)) {
      if (!wanted(name)) continue;
      const from = mount.path + name;
      const kind = mount.type === 'transit' ? 'key' : 'secret';
      const common = { mount, name, from, to: place.prefix + name, place: place.path };
      const item = await orLeft(left, { kind, from }, () => planItem(source, kind, common, journal));
      if (item === undefined) continue;
      if ('reason' in item) left.push({ kind, from, ...item });
      else items.push(item);
    }
  }
  return { items, left };
}

export type Named = Pick<Common, 'mount' | 'name' | 'from' | 'to' | 'place'>;

const stateOf = (journal: Journal, kind: Item['kind'], { from }: Named, mark: string): Common['state'] => {
  if (journal.has({ step: 'moved', kind, from, mark })) return 'done';
  return journal.knows({ step: 'moved', kind, from }) ? 'changed' : 'new';
};

export function planItem(
  source: VaultHttp,
  kind: Item['kind'],
  named: Named,
  journal: Journal,
): Promise<Item | Obstacle | undefined> {
  return kind === 'key' ? planKey(source, named, journal) : planSecret(source, named, journal);
}

async function planKey(source: VaultHttp, named: Named, journal: Journal): Promise<KeyItem | Obstacle | undefined> {
  const found = await keyFacts(source, named.mount, named.name);
  if (found === undefined) return undefined;
  const { facts, mark } = found;
  const { path } = named.mount;
  const best = wayTo(facts, path, named.name, named.to);
  if (typeof best !== 'string') return best;
  const closed = await unreadable(
    source,
    ways(facts).flatMap((one) => pathsOf(facts, one, path, named.name)),
  );
  const way = ways(facts).find(
    (one) => !pathsOf(facts, one, path, named.name).some((needed) => closed.includes(needed)),
  );
  if (way === undefined) return denied(pathsOf(facts, best, path, named.name));
  const state = stateOf(journal, 'key', named, mark);
  return { ...named, kind: 'key', facts, mark, way, state, warnings: warningsOf(facts, way) };
}

/** The item's mark as it is by now; undefined: it is gone. */
export async function markOfNow(source: VaultHttp, { kind, mount, name, facts }: Item): Promise<string | undefined> {
  if (kind === 'key') return (await keyFacts(source, mount, name))?.mark;
  return facts === undefined ? '' : (await secretFacts(source, mount, name))?.mark;
}

const denied = (paths: readonly string[]): Obstacle => ({
  reason: `the token may not read ${paths.join(' and ')}`,
  remedy: remedyFor(...paths),
});

const mostVersions = 100;

async function planSecret(
  source: VaultHttp,
  named: Named,
  journal: Journal,
): Promise<SecretItem | Obstacle | undefined> {
  const { mount, name, to } = named;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused.
  if (to.length > 512 || /[\x00-\x1f\x7f]/.test(to) || to.split('/').some((step) => /^\.{0,2}$/.test(step))) {
    return { reason: 'its name has more than 512 characters, or control characters, or empty or dotted steps' };
  }
  const [closed] = await unreadable(source, [mount.path + (mount.version === 2 ? `data/${name}` : name)]);
  if (closed !== undefined) return denied([closed]);
  // Without versions there is nothing that says whether it changed: it is compared by its value each time.
  if (mount.version === 1) return { ...named, kind: 'secret', facts: undefined, mark: '', state: 'new', warnings: [] };
  const found = await secretFacts(source, mount, name);
  if (found === undefined) return undefined;
  const { facts, mark } = found;
  if (facts.max_versions > mostVersions || Object.keys(facts.versions).length > mostVersions) {
    return {
      reason: `it keeps more than ${mostVersions} versions`,
      remedy: baoCommand('kv', 'metadata', 'put', `-max-versions=${mostVersions}`, mount.path + name),
    };
  }
  const state = stateOf(journal, 'secret', named, mark);
  return { ...named, kind: 'secret', facts, mark, state, warnings: secretWarnings(facts) };
}

function secretWarnings({ versions }: SecretFacts): readonly string[] {
  const hidden = Object.entries(versions)
    .filter(([, { deletion_time: time, destroyed }]) => !destroyed && time !== '' && new Date(time) <= new Date())
    .map(([number]) => number);
  if (hidden.length === 0) return [];
  return [`of deleted versions (${hidden.join(', ')}) nothing is shown there: they come without their values`];
}

async function* namesOf(source: VaultHttp, mount: Mount, left: Left[], below = ''): AsyncGenerator<string> {
  const list = listPath(mount, below);
  const kind = mount.type === 'transit' ? 'key' : 'secret';
  const names = await orLeft(left, { kind, from: `${mount.path}${below}` }, () => namesIn(source, list));
  for (const name of names ?? []) {
    if (kind === 'secret' && name.endsWith('/')) yield* namesOf(source, mount, left, below + name);
    else yield below + name;
  }
}

function listPath({ path, type, version }: Mount, below: string): string {
  if (type === 'transit') return `${path}keys`;
  return version === 2 ? `${path}metadata/${below}` : path + below;
}

/** What the source refuses to show stays behind, with the path that a policy of the token must allow. */
export async function orLeft<T>(
  left: Left[],
  what: Omit<Left, 'reason'>,
  act: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    left.push({ ...what, reason: error.message, ...(error.status === 403 && { remedy: remedyFor(error.path) }) });
    return undefined;
  }
}
