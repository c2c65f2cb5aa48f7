import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Every page that belongs to the project, from its root. */
export const pagePaths: readonly string[] = [
  '*.md',
  'docs/**/*.md',
  'src/**/*.md',
  'test/**/*.md',
  'bench/**/*.md',
].flatMap((pattern) => globSync(pattern, { cwd: root }));

export const readPage = (path: string): string => readFileSync(join(root, path), 'utf8');

export interface Block {
  readonly page: string;
  readonly language: string;
  readonly text: string;
  /** What the comment before it names: `<!-- tried with: aws -->`. */
  readonly triedWith: string | undefined;
}

const fence = /(?:<!-- tried with: (\S+) -->\n)?```([a-z]*)\n([\s\S]*?)\n```/g;

export function blocksOf(page: string): readonly Block[] {
  return [...readPage(page).matchAll(fence)].map(([, triedWith, language, text]) => ({
    page,
    language: language!,
    text: text!,
    triedWith,
  }));
}

/** The page without its code: what is read as prose. */
export function proseOf(page: string): string {
  return readPage(page)
    .replace(fence, '')
    .replace(/`[^`\n]*`/g, '');
}

/** The command lines of `claviger` in the page's shell blocks, continued lines joined. */
export function clavigerLines(page: string): readonly string[] {
  return blocksOf(page)
    .filter(({ language }) => language === 'sh')
    .flatMap(({ text }) => text.replace(/\\\n\s*/g, '').split('\n'))
    .flatMap((line) => [...line.matchAll(/(?:^|\$\()(?:npx )?claviger ([^)#>|]*)/g)].map((match) => match[1]!.trim()));
}
