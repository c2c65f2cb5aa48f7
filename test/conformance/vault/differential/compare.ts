import type { Answer, Json } from './play.ts';

/**
 * What clients look for in the text of a refusal: OpenBao's own command line, the Terraform provider, hvac, the database plugins and
 * scripts. Where OpenBao says such words, Claviger says them too; other texts are each server's own.
 */
export const telling: readonly RegExp[] = [
  /permission denied/,
  /missing client token/,
  /encryption key not found/,
  /no handler for route/,
  /unsupported operation/,
  /unsupported path/,
  /path is already in use/,
  /already exists/,
  /check-and-set parameter/,
  /deletion is not allowed/,
  /disallowed by policy/,
  /invalid ciphertext/,
  /invalid role/,
  /bad token/,
  /wrapping token is not valid/,
];

/** Every way in which an answer differs from the recorded one: `theirs -> ours`, `- member` that is missing, `+ member` of ours. */
export function differences(theirs: Answer, ours: Answer): readonly string[] {
  if (theirs.status !== ours.status) return [`status ${theirs.status} -> ${ours.status}`];
  const found: string[] = [];
  compare(theirs.body, ours.body, '', found);
  return found.sort();
}

function compare(theirs: Json | undefined, ours: Json | undefined, path: string, found: string[]): void {
  if (theirs === undefined && ours === undefined) return;
  if (theirs === undefined) found.push(`+ ${path}`);
  else if (ours === undefined) found.push(`- ${path}`);
  else if (isMessage(path)) found.push(...missingWords(path, theirs, ours));
  else if (isHolder(theirs) && isHolder(ours) && Array.isArray(theirs) === Array.isArray(ours)) {
    const members = new Set([...Object.keys(theirs), ...Object.keys(ours)]);
    for (const name of members) compare(theirs[name], ours[name], path === '' ? name : `${path}.${name}`, found);
  } else if (JSON.stringify(theirs) !== JSON.stringify(ours)) {
    found.push(`${path}: ${brief(theirs)} -> ${brief(ours)}`);
  }
}

type Holder = { readonly [name: string]: Json | undefined };

const isHolder = (value: Json): value is Holder & Json => typeof value === 'object' && value !== null;

const brief = (value: Json) => (isHolder(value) && Object.keys(value).length > 0 ? '{...}' : JSON.stringify(value));

/** How many warnings there are is a difference; what they say is each server's own. */
const isMessage = (path: string) => /^(?:errors|warnings)\.\d+$|\.error$/.test(path);

function missingWords(path: string, theirs: Json, ours: Json): readonly string[] {
  if (typeof theirs !== 'string' || typeof ours !== 'string') return [`${path} is no text`];
  return telling.filter((words) => words.test(theirs) && !words.test(ours)).map((words) => `${path} ~ ${words.source}`);
}
