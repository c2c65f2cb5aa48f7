/** OpenBao's command line, unmodified, on a server of its own. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { serverOfThisFile } from '../harness.ts';
import { bao } from '../openbao.ts';

/** False, or why it can't be used here. */
export const skip = bao.missing;

export const { server, env } = await serverOfThisFile();
/** Of its own, because `bao login` keeps its token there. */
export const home = mkdtempSync(join(tmpdir(), 'claviger-bao-'));
after(() => rmSync(home, { recursive: true }));

interface Said {
  readonly code: number;
  readonly text: string;
}

type Words = string | readonly string[];
type More = Readonly<Record<string, string>>;

/** A string is split at its blanks. */
const wordsOf = (command: Words): readonly string[] => (typeof command === 'string' ? command.split(' ') : command);

export function say(command: Words, more: More = {}): Promise<Said> {
  const all = { PATH: process.env.PATH ?? '', HOME: home, ...env, ...more };
  return new Promise((resolve) => {
    execFile(bao.path, wordsOf(command), { env: all }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, text: `${stdout}${stderr}`.trim() });
    });
  });
}

/** What the command prints, which must succeed. */
export async function ok(command: Words, more: More = {}): Promise<string> {
  const { code, text } = await say(command, more);
  assert.equal(code, 0, `bao ${command}\n${text}`);
  return text;
}

const groups: ReadonlySet<string> = new Set([
  ...['token', 'secrets', 'auth', 'kv', 'policy', 'transit', 'operator', 'namespace', 'lease', 'audit'],
]);

/** The same, read as JSON. */
// biome-ignore lint/suspicious/noExplicitAny: each command has an answer of its own shape
export async function told(command: Words, more: More = {}): Promise<any> {
  const words = wordsOf(command);
  let verbs = groups.has(words[0]!) ? 2 : 1;
  if (words[0] === 'kv' && words[1] === 'metadata') verbs = 3;
  return JSON.parse(await ok([...words.slice(0, verbs), '-format=json', ...words.slice(verbs)], more));
}

export async function refused(command: Words, words: RegExp, more: More = {}): Promise<void> {
  const { code, text } = await say(command, more);
  assert.notEqual(code, 0, `bao ${command} succeeded`);
  assert.match(text, words);
}
