import { type Command, KmsError, type Outcome, type Result, type Secret, type SecretFilter } from '#domain/domain.ts';
import { secretsOf } from './record.ts';
import type { Parts } from './subject.ts';

type Sorting = Command<'list-secrets'>['sortBy'];

/** The secrets of a realm that pass every filter, a page of them. Rejects with 'invalid-page'. */
export async function listSecrets(
  parts: Parts,
  realm: string,
  { filters, sortBy, descending, withDeleted, after, limit }: Command<'list-secrets'>,
  placeOf: (realm: string) => string,
): Promise<Outcome<Result<'list-secrets'>>> {
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
    throw new KmsError('invalid-parameter', 'A page has 1 to 1000 secrets.');
  }
  const place = placeOf(realm);
  const found: Array<{ readonly at: string; readonly secret: Secret }> = [];
  for await (const secret of secretsOf(parts.records, realm)) {
    if (secret.deletion !== undefined && !withDeleted) continue;
    if (filters.every((filter) => passes(secret, filter, place)))
      found.push({ at: positionOf(secret, sortBy), secret });
  }
  found.sort((a, b) => (descending ? compare(b.at, a.at) : compare(a.at, b.at)));
  if (after !== '' && !isPosition(after, sortBy))
    throw new KmsError('invalid-page', 'The page token is not one of this list.');
  const rest =
    after === '' ? found : found.filter(({ at }) => (descending ? compare(at, after) < 0 : compare(at, after) > 0));
  const secrets = rest.slice(0, limit).map(({ secret }) => secret);
  return { result: rest.length > limit ? { secrets, next: rest[limit - 1]!.at } : { secrets } };
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** What the order goes by, then the id, so that no two are the same; a name can't hold the character between. */
function positionOf(secret: Secret, by: Sorting): string {
  return `${by === 'name' ? secret.name : String(timeOf(secret, by)).padStart(15, '0')}\n${secret.id}`;
}

function isPosition(text: string, by: Sorting): boolean {
  return (by === 'name' ? /^[^\n]+\n[0-9a-f-]{36}$/ : /^[0-9]{15}\n[0-9a-f-]{36}$/).test(text);
}

function timeOf(secret: Secret, by: Exclude<Sorting, 'name'>): number {
  switch (by) {
    case 'created':
      return secret.createdAt;
    case 'changed':
      return secret.changedAt;
    case 'accessed':
      return accessedAt(secret) ?? 0;
  }
}

/** Undefined: no version that is still there was ever read. */
export function accessedAt({ versions }: Secret): number | undefined {
  return versions.reduce<number | undefined>(
    (last, { accessedAt: at }) => (at !== undefined && at > (last ?? 0) ? at : last),
    undefined,
  );
}

/** Within one filter one value is enough, and a negated one that fits is too much. */
function passes(secret: Secret, { on, values }: SecretFilter, place: string): boolean {
  const texts = textsOf(secret, on, place);
  const negated = values.filter((value) => value.startsWith('!')).map((value) => value.slice(1));
  const wanted = values.filter((value) => !value.startsWith('!'));
  const fits = (value: string) =>
    on === 'all' ? fitsAnywhere(texts, value) : texts.some((text) => begins(text, value, on));
  return (wanted.length === 0 || wanted.some(fits)) && !negated.some(fits);
}

function begins(text: string, value: string, on: SecretFilter['on']): boolean {
  return on === 'description' ? text.toLowerCase().startsWith(value.toLowerCase()) : text.startsWith(value);
}

/** Every word of the value, somewhere. */
function fitsAnywhere(texts: readonly string[], value: string): boolean {
  const words = value
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const lower = texts.map((text) => text.toLowerCase());
  return words.every((word) => lower.some((text) => text.includes(word)));
}

function textsOf(secret: Secret, on: SecretFilter['on'], place: string): readonly string[] {
  switch (on) {
    case 'name':
      return [secret.name];
    case 'description':
      return [secret.description];
    case 'tag-name':
      return Object.keys(secret.tags);
    case 'tag-value':
      return Object.values(secret.tags);
    case 'place':
      return [place];
    // No other service keeps its secrets here.
    case 'owner':
      return [];
    case 'all':
      return [secret.name, secret.description, place, ...Object.keys(secret.tags), ...Object.values(secret.tags)];
  }
}
