import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

/** The plan of the house, held against the code: who may import whom, which words live in one room, how long a file may get. */

const src = fileURLToPath(new URL('../src', import.meta.url));

/** For each room: the rooms it may import. What is not here is refused. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  encoding: [],
  telemetry: [],
  config: ['domain', 'encoding'],
  crypto: ['domain', 'encoding'],
  policy: ['domain'],
  store: ['domain', 'encoding', 'telemetry'],
  hsm: ['domain', 'encoding', 'crypto'],
  seal: ['domain', 'encoding', 'crypto', 'hsm', 'telemetry'],
  keyring: ['domain', 'encoding', 'crypto', 'hsm', 'seal', 'store'],
  identity: ['domain', 'encoding', 'crypto', 'store'],
  audit: ['domain', 'encoding', 'crypto', 'store'],
  secrets: ['domain', 'encoding', 'keyring', 'store'],
  backup: ['domain', 'encoding', 'crypto', 'client'],
  gate: ['domain', 'telemetry', 'identity', 'policy', 'keyring', 'secrets', 'audit', 'store'],
  wire: ['domain', 'encoding'],
  jobs: ['domain', 'encoding', 'telemetry'],
  listen: ['domain', 'telemetry', 'wire'],
  client: ['encoding'],
  cli: ['client', 'encoding', 'config', 'audit', 'crypto', 'seal'],
  // The files at the top put the rooms together.
  '.': ['*'],
};

/** Edges that the table allows for a reason of their own: docs/decisions says which. */
const narrowed: Readonly<Record<string, readonly string[]>> = {
  // The command line encrypts files with OpenSSL's ciphers, asks the C library for room for them, wraps keys that it brings from other
  // servers, and needs nothing else of the room (decisions 12 and 25).
  'cli>crypto': ['#crypto/chunk-engine.ts', '#crypto/ffi.ts', '#crypto/key-bundle.ts'],
  // Custodians check, acknowledge and print one share where no server is (decision 34).
  'cli>seal': ['#seal/shamir/shares.ts'],
  // It verifies ledgers; it does not write them.
  'cli>audit': ['#audit/audit.ts'],
  // Backups are messages of the same chunked format as files that clients encrypt (decision 36).
  'backup>client': ['#client/client.ts'],
  // A listener knows the contract of doors, and no door.
  'listen>wire': ['#wire/wire.ts'],
};

/** Doors that are not called after their room. */
const doors: Readonly<Record<string, readonly string[]>> = {
  wire: [
    '#wire/wire.ts',
    '#wire/common/common.ts',
    '#wire/vault/vault.ts',
    '#wire/aws-kms/aws-kms.ts',
    '#wire/aws-secrets-manager/aws-secrets-manager.ts',
    '#wire/aws-sts/aws-sts.ts',
    '#wire/native/native.ts',
  ],
  seal: ['#seal/seal.ts', '#seal/shamir/shares.ts'],
  crypto: [
    '#crypto/crypto.ts',
    '#crypto/chunk-engine.ts',
    '#crypto/ffi.ts',
    '#crypto/fips.ts',
    '#crypto/key-bundle.ts',
  ],
};

/** `node:` modules that belong to some rooms only; what is not named may be used anywhere but where `node:` is refused. */
const nodeModules: Readonly<Record<string, readonly string[]>> = {
  'node:crypto': ['crypto'],
  'node:sqlite': ['store'],
  'node:net': ['listen', '.'],
  'node:tls': ['listen', 'cli'],
  'node:http2': ['listen'],
};
const withoutNode = [
  'domain',
  'encoding',
  'telemetry',
  'policy',
  'keyring',
  'identity',
  'secrets',
  'gate',
  'wire',
  'jobs',
  'client',
];

/** Words that one room may say. */
const words: ReadonlyArray<{
  readonly word: RegExp;
  readonly rooms: readonly string[];
  readonly files?: readonly string[];
}> = [
  { word: /\bprocess\.env\b/, rooms: ['config'] },
  { word: /\bDate\.now\b/, rooms: [], files: ['clock.ts', 'cli/progress.ts'] },
  {
    word: /\brandomBytes\b.*from 'node:crypto'|\brandomFillSync\b|\brandomUUID\b/,
    rooms: [],
    files: ['crypto/random.ts'],
  },
  { word: /\bconsole\./, rooms: ['cli'] },
  { word: /\.commit\(/, rooms: ['gate'] },
  { word: /\.expose\(/, rooms: ['crypto', 'hsm', 'seal'] },
  { word: /\bMath\.random\b/, rooms: [] },
];

const pureTables = ['domain/command.ts'];
const maxLines = 400;

interface SourceFile {
  readonly path: string;
  readonly room: string;
  readonly text: string;
  readonly imports: readonly string[];
}

const importing = /^\s*(?:import|export)\s(?:[^'";]*?\sfrom\s)?\s*'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/gm;

/** What only tests import stands beside the code, but is no part of the house. */
const testSupport =
  /\.test\.ts$|^crypto\/vectors\/|^audit\/sample-log\.ts$|^store\/contract\.ts$|^store\/crash-writer\.ts$|\/testing\//;

const files: readonly SourceFile[] = globSync('**/*.ts', { cwd: src })
  .filter((path) => !testSupport.test(path))
  .map((path) => {
    const text = readFileSync(join(src, path), 'utf8');
    const imports = [...text.matchAll(importing)].map((match) => (match[1] ?? match[2])!);
    return { path, room: path.includes('/') ? path.split('/')[0]! : '.', text, imports };
  });

function roomOf(specifier: string): string {
  return specifier.slice(1).split('/')[0]!;
}

test('there is a house to look at', () => {
  assert.ok(files.length > 100, `only ${files.length} files found`);
  for (const { room } of files) assert.ok(room in mayImport, `the room ${room} is not in the plan`);
});

test('every import of another room is allowed by the plan and goes through its door', () => {
  const wrong: string[] = [];
  for (const { path, room, imports } of files) {
    for (const specifier of imports.filter((one) => one.startsWith('#'))) {
      const other = roomOf(specifier);
      const allowed = mayImport[room]!;
      if (other === room && room !== 'wire') wrong.push(`${path}: own room by ${specifier}`);
      else if (other !== room && !allowed.includes('*') && !allowed.includes(other))
        wrong.push(`${path} -> ${specifier}`);
      const door = doors[other] ?? [`#${other}/${other}.ts`];
      if (!door.includes(specifier)) wrong.push(`${path}: ${specifier} is not a door`);
      const narrow = narrowed[`${room}>${other}`];
      if (narrow !== undefined && !narrow.includes(specifier)) wrong.push(`${path}: only ${narrow.join(', ')}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('a protocol knows no other protocol', () => {
  const wrong = files
    .filter(({ room, path }) => room === 'wire' && path.split('/').length > 2)
    .flatMap(({ path, imports }) => {
      const own = path.split('/')[1]!;
      return imports
        .filter(
          (one) =>
            one.startsWith('#wire/') &&
            one !== '#wire/wire.ts' &&
            !one.startsWith('#wire/common/') &&
            !one.startsWith(`#wire/${own}/`),
        )
        .map((one) => `${path} -> ${one}`);
    });
  assert.deepEqual(wrong, []);
});

test('relative imports stay in their room', () => {
  const wrong = files.flatMap(({ path, room, imports }) =>
    imports
      .filter((one) => one.startsWith('.'))
      .filter((one) => {
        const target = relative(src, resolve(src, dirname(path), one));
        return room === '.' ? target.includes('/') : target.split('/')[0] !== room;
      })
      .map((one) => `${path} -> ${one}`),
  );
  assert.deepEqual(wrong, []);
});

test('node modules are imported where the plan puts them', () => {
  const wrong: string[] = [];
  for (const { path, room, imports } of files) {
    for (const specifier of imports.filter((one) => one.startsWith('node:'))) {
      const rooms = nodeModules[specifier];
      if (withoutNode.includes(room) || (rooms !== undefined && !rooms.includes(room)))
        wrong.push(`${path} -> ${specifier}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('nothing but the declared dependencies is imported', () => {
  const { dependencies: always, optionalDependencies } = JSON.parse(
    readFileSync(join(src, '..', 'package.json'), 'utf8'),
  ) as Readonly<Record<string, Record<string, string>>>;
  const dependencies = { ...always, ...optionalDependencies };
  const wrong = files.flatMap(({ path, imports }) =>
    imports
      .filter((one) => !/^[#.]|^node:/.test(one))
      .filter((one) => !Object.keys(dependencies).some((name) => one === name || one.startsWith(`${name}/`)))
      .map((one) => `${path} -> ${one}`),
  );
  assert.deepEqual(wrong, []);
});

test('single-room words stay in their room', () => {
  const wrong: string[] = [];
  for (const { path, room, text } of files) {
    const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    for (const { word, rooms, files: only = [] } of words) {
      if (word.test(code) && !rooms.includes(room) && !only.includes(path)) wrong.push(`${path}: ${word}`);
    }
    if (room !== 'store' && /\b(?:SELECT|INSERT INTO|UPDATE|DELETE FROM)\s+\w+\s/.test(code))
      wrong.push(`${path}: SQL`);
  }
  assert.deepEqual(wrong, []);
});

test('no file imports itself by way of others', () => {
  const graph = new Map(
    files.map(({ path, imports }) => [
      path,
      imports.flatMap((one) => {
        if (one.startsWith('#')) return [one.slice(1)];
        return one.startsWith('.') ? [relative(src, resolve(src, dirname(path), one))] : [];
      }),
    ]),
  );
  const state = new Map<string, 'open' | 'done'>();
  const cycles: string[] = [];
  const visit = (path: string, way: readonly string[]): void => {
    if (state.get(path) === 'open') cycles.push([...way.slice(way.indexOf(path)), path].join(' -> '));
    if (state.has(path)) return;
    state.set(path, 'open');
    for (const next of graph.get(path) ?? []) visit(next, [...way, path]);
    state.set(path, 'done');
  };
  for (const path of graph.keys()) visit(path, []);
  assert.deepEqual(cycles, []);
});

test('files stay small, have no default export and no vague name', () => {
  const wrong = files.flatMap(({ path, text }) => [
    ...(text.split('\n').length > maxLines && !pureTables.includes(path) ? [`${path}: over ${maxLines} lines`] : []),
    ...(/^export default/m.test(text) ? [`${path}: default export`] : []),
    ...(/(?:^|\/)(?:utils?|helpers?|misc)\.ts$/.test(path) ? [`${path}: says nothing`] : []),
    ...(/\b(?:TODO|FIXME|XXX)\b/.test(text) ? [`${path}: unfinished`] : []),
  ]);
  assert.deepEqual(wrong, []);
});
