import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';
import { parseArgs } from 'node:util';
import { find, startOptions } from '#cli/cli.ts';
import { parse } from '#cli/command.ts';
import { outOfDate } from '../../tools/protocol-docs.ts';
import { clavigerLines, pagePaths, proseOf, readPage, root } from './markdown.ts';

test('there are pages to look at', () => {
  for (const page of [
    'README.md',
    'SECURITY.md',
    'CONTRIBUTING.md',
    'docs/operations.md',
    'src/wire/vault/DIVERGENCES.md',
  ]) {
    assert.ok(pagePaths.includes(page), `${page} is missing`);
  }
});

test('every relative link leads somewhere, to a heading too', () => {
  const broken: string[] = [];
  for (const page of pagePaths) {
    for (const [, link] of proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link!)) continue;
      const [path, heading] = link!.split('#') as [string, string | undefined];
      const target = path === '' ? join(root, page) : resolve(root, dirname(page), path);
      if (!existsSync(target)) broken.push(`${page}: ${link}`);
      else if (heading !== undefined && !anchorsOf(readFileSync(target, 'utf8')).includes(heading))
        broken.push(`${page}: no heading ${link}`);
    }
  }
  assert.deepEqual(broken, []);
});

function anchorsOf(text: string): readonly string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
    title!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

test('every page that the code names is there', () => {
  const missing: string[] = [];
  for (const path of globSync('{src,bench,test,bin}/**/*.{ts,js,mjs}', { cwd: root })) {
    const text = readFileSync(join(root, path), 'utf8');
    for (const [page] of text.matchAll(/\bdocs\/[\w/-]+\.md\b/g)) {
      if (!existsSync(join(root, page))) missing.push(`${path}: ${page}`);
    }
  }
  assert.deepEqual(missing, []);
});

/** Options of the commands that start a server, which have a parser of their own. */
function words(line: string): readonly string[] {
  return [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c!);
}

test('every command line in the pages is one that claviger takes', () => {
  const wrong: string[] = [];
  let seen = 0;
  for (const page of pagePaths) {
    for (const line of clavigerLines(page)) {
      seen++;
      const args = words(line);
      const command = find(args);
      try {
        if (command !== undefined) parse(command, args.slice(command.name.split(' ').length));
        else if (args[0]! in startOptions) {
          const options = startOptions[args[0] as keyof typeof startOptions];
          parseArgs({ args: args.slice(1), options, allowPositionals: args[0] === 'restore' });
        } else if (args[0] !== 'help') throw new Error('no such command');
      } catch (error) {
        wrong.push(`${page}: claviger ${line}: ${(error as Error).message}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
  assert.ok(seen > 20, `only ${seen} command lines were found`);
});

test('the protocol pages say what the doors walk', () => {
  assert.deepEqual(outOfDate(), [], 'run: node tools/protocol-docs.ts');
});

test('the README counts the operations that the protocol pages list', () => {
  const counts = [...readPage('README.md').matchAll(/\[(\d+)\]\((docs\/protocols\/[\w-]+\.md)\)/g)];
  assert.equal(counts.length, 4);
  for (const [, count, page] of counts)
    assert.match(readPage(page!), new RegExp(`^## Operations \\(${count}\\)$`, 'm'));
});

test('no page names a path of the machine that it was written on', () => {
  const places = [root.replace(/\/$/, ''), dirname(root.replace(/\/$/, '')), homedir()].filter(
    (place) => place.length > 4,
  );
  for (const page of pagePaths) {
    for (const place of [...places, '/tmp/', '/home/']) {
      // A step of another path is none: `sys/rotate/root`.
      assert.ok(!new RegExp(`(?<!\\w)${RegExp.escape(place)}`).test(readPage(page)), `${page} names ${place}`);
    }
  }
});

test('lines stay readable', () => {
  for (const page of pagePaths.filter((path) => !path.startsWith('src/'))) {
    for (const [i, line] of readPage(page).split('\n').entries()) {
      if (/^[|`<]|https?:|^\[/.test(line) || page.startsWith('docs/protocols/')) continue;
      assert.ok(line.length <= 160, `${page}:${i + 1} is ${line.length} characters long`);
    }
  }
});
