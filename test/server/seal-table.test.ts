/** Every kind of seal in every case of its life: one table, which docs/seals.md shows. CLAVIGER_RECORD=1 writes it there. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SealedServer } from '../seals/sealed-server.ts';
import { type LivingSeal, passphraseSeal, shamirSeal, type TableSeal, tableSeals } from '../seals/table-seals.ts';

interface Life {
  readonly kind: string;
  readonly seal: LivingSeal;
  readonly server: SealedServer;
  /** What it migrates to and comes back from. */
  readonly other: { readonly kind: string; readonly seal: LivingSeal };
}

type Outage = NonNullable<LivingSeal['outage']>;

async function during(outage: Outage | undefined, body: () => Promise<void>): Promise<void> {
  outage?.begin();
  try {
    await body();
  } finally {
    outage?.end();
  }
}

/** In the order in which each seal lives through them. `means`: what a reader of the table is told. */
const cells: Readonly<Record<string, { readonly means: string; run(life: Life): Promise<void> }>> = {
  init: {
    means: '`claviger init` makes a server under this seal alone, and no file of it holds what opens the seal.',
    async run({ kind, seal, server }) {
      await server.init(kind, seal.init());
      assert.equal(server.onlySeal().kind, kind);
      for (const name of readdirSync(server.data, { recursive: true, withFileTypes: true })) {
        if (!name.isFile()) continue;
        const content = readFileSync(join(name.parentPath, name.name), 'latin1');
        for (const secret of seal.secrets) assert.ok(!content.includes(secret), name.name);
      }
    },
  },
  unseal: {
    means:
      'A server that is given nothing is sealed until whoever has to brings what opens it; one whose seal asks for nothing opens by itself.',
    async run({ seal, server }) {
      await server.start();
      if (seal.bring().length > 0) {
        assert.match(server.output(), /SEALED/);
        await server.assertSealed();
        await server.commandBy(['unseal'], seal.bring());
      }
      await server.assertWorks();
    },
  },
  restart: {
    means: 'After a kill -9 while it serves, it opens again as it did before.',
    async run({ seal, server }) {
      await server.kill();
      await server.open(seal);
    },
  },
  'wrong credential': {
    means: 'Opens nothing and is told as what it is, in a sentence; the right one opens after it.',
    async run({ seal, server }) {
      const { wrong } = seal;
      if (wrong.by === 'environment') {
        await server.start([], wrong.env);
        assert.match(server.output(), wrong.words);
        await server.assertSealed();
        await server.open(seal);
      } else {
        if (wrong.start !== undefined) assert.match((await server.startsNothing(wrong.start)).output, wrong.words);
        await server.start();
        await server.refuses(['unseal', ...wrong.bring()], wrong.words);
        await server.assertSealed();
        await server.commandBy(['unseal'], seal.bring());
      }
      await server.assertWorks();
    },
  },
  'outage at start': {
    means:
      'The server starts sealed, says which seal waits for what, tries again by itself, and opens once that is back.',
    async run({ kind, seal, server }) {
      await during(seal.outage, async () => {
        await server.start(seal.start());
        assert.match(server.output(), new RegExp(`trying again in 1 s: .*"${kind}" \\(${kind}\\)`));
        await server.assertSealed();
      });
      await server.becomesUnsealed();
    },
  },
  'outage while serving': {
    means:
      'Nothing that was asked of the server fails; what needs the seal itself says what is out of reach, and works once it is back.',
    async run({ kind, seal, server }) {
      const prove = ['seal', 'prove', kind, ...seal.bring().flat()];
      await during(seal.outage, async () => {
        await server.assertWorks();
        const made = await server.command('identity', 'create', 'made-meanwhile');
        assert.equal(made.code, 0, made.output);
        await server.refuses(prove, new RegExp(`"${kind}"`));
      });
      await server.commandBy(prove, []);
    },
  },
  'migrate from': {
    means:
      'While the server serves, another seal is added and proven, and this one removed; from then on the other opens the server alone, ' +
      'this one being out of reach.',
    async run({ seal, server, other }) {
      const { name } = server.onlySeal();
      const add = ['seal', 'add', 'other', '--kind', other.kind, ...other.seal.add()];
      await server.commandBy(add, seal.bring());
      await server.commandBy(['seal', 'prove', 'other'], other.seal.bring());
      await server.commandBy(['seal', 'remove', name], []);
      await server.stop();
      const [brought] = seal.bring();
      await during(seal.outage, async () => {
        await server.start();
        if (brought !== undefined) await server.refuses(['unseal', ...brought], /seal|passphrase|share/);
        await server.assertSealed();
        await server.commandBy(['unseal'], other.seal.bring());
      });
      await server.assertWorks();
    },
  },
  'migrate to': {
    means: 'The same the other way round: this seal is added to a server under another one, and opens it alone.',
    async run({ kind, seal, server, other }) {
      await server.commandBy(['seal', 'add', 'own', '--kind', kind, ...seal.add()], other.seal.bring());
      await server.commandBy(['seal', 'prove', 'own'], seal.bring());
      await server.commandBy(['seal', 'remove', 'other'], []);
      assert.equal(server.onlySeal().name, 'own');
      await server.open(seal);
    },
  },
  rotate: {
    means:
      'While the server serves, its seal gets another key, passphrase or set of shares, which alone opens it once it did.',
    async run({ seal, server }) {
      const { guarded } = server.onlySeal();
      const brought = seal.bring();
      const rotate = ['seal', 'rotate', 'own', ...seal.rotate()];
      await server.commandBy(rotate, brought);
      assert.notEqual(server.onlySeal().guarded, guarded);
      const former = seal.former();
      await server.open(seal);
      assert.equal(server.onlySeal().former, undefined);
      if (former !== undefined) {
        await server.start();
        await server.refuses(['unseal', ...former], /passphrase does not open|superseded/);
        await server.assertSealed();
        await server.commandBy(['unseal'], seal.bring());
      }
      await server.assertWorks();
    },
  },
  lost: {
    means:
      'What this seal opens by is destroyed: a server that has another seal opens by it at the next start, says what is wrong with this one where it can tell, and removes it.',
    async run({ kind, seal, server, other }) {
      await server.commandBy(['seal', 'add', 'other', '--kind', other.kind, ...other.seal.add()], seal.bring());
      await server.stop();
      await seal.lose();
      // As it is started every day where it opens without people; else nobody brings what is lost.
      await server.start(seal.outage && seal.start());
      await server.assertSealed();
      if (seal.outage !== undefined) assert.match(server.output(), new RegExp(`[Ss]ealed.*"own" \\(${kind}\\)`));
      await server.commandBy(['unseal'], other.seal.bring());
      await server.commandBy(['seal', 'remove', 'own'], []);
      await server.open(other.seal);
      await server.stop();
    },
  },
};

const outages = ['outage at start', 'outage while serving'];
const names = Object.keys(cells);
const meaningless = ({ noOutage }: TableSeal, cell: string) => (outages.includes(cell) ? noOutage : undefined);

type Outcome = 'tested' | 'failed' | 'skipped' | 'no meaning';
const outcomes = new Map(
  tableSeals.map((seal) => [
    seal.kind,
    new Map<string, Outcome>(
      names.map((cell) => [cell, meaningless(seal, cell) === undefined ? 'skipped' : 'no meaning']),
    ),
  ]),
);

describe('seal x cell', { concurrency: 4 }, () => {
  for (const tried of tableSeals) {
    const { kind, absent } = tried;
    test(`a server under ${kind}`, { skip: absent ?? false, timeout: 240_000 }, async (t) => {
      const home = mkdtempSync(join(tmpdir(), `claviger-table-${kind}-`));
      const seal = await tried.begin(home);
      const otherKind = kind === 'passphrase' ? shamirSeal : passphraseSeal;
      const other = { kind: otherKind.kind, seal: await otherKind.begin(home) };
      const server = new SealedServer(join(home, 'data'), seal.env);
      const row = outcomes.get(kind)!;
      try {
        for (const cell of names) {
          if (meaningless(tried, cell) !== undefined) continue;
          row.set(cell, 'failed');
          await t.test(cell, async () => {
            await cells[cell]!.run({ kind, seal, server, other });
            row.set(cell, 'tested');
          });
        }
      } finally {
        await server.kill();
        await seal.stop();
        rmSync(home, { recursive: true, force: true });
      }
    });
  }
});

const line = (columns: readonly string[]) => `| ${columns.join(' | ')} |`;

function table(cell: (seal: TableSeal, name: string) => string): string {
  return [
    line(['seal', ...names]),
    line(['seal', ...names].map(() => '---')),
    ...tableSeals.map((seal) => line([`\`${seal.kind}\``, ...names.map((name) => cell(seal, name))])),
  ].join('\n');
}

const [opens, closes] = ['<!-- the table of test/server/seal-table.test.ts -->', '<!-- /the table -->'];
const page = fileURLToPath(new URL('../../docs/seals.md', import.meta.url));

/** What the page has to say between its markers. */
function told(): string {
  const reasons = tableSeals.filter(({ noOutage }) => noOutage !== undefined);
  return [
    table((seal, name) => (meaningless(seal, name) === undefined ? 'tested' : 'no meaning')),
    [
      line(['cell', 'what is tried']),
      line(['---', '---']),
      ...names.map((name) => line([name, cells[name]!.means])),
      ...reasons.map(({ kind, noOutage }) => line([`outage of \`${kind}\``, `Has no meaning: ${noOutage}.`])),
    ].join('\n'),
  ].join('\n\n');
}

test('the page of the seals shows this table', () => {
  const text = readFileSync(page, 'utf8');
  const [from, to] = [text.indexOf(opens), text.indexOf(closes)];
  assert.ok(from >= 0 && to > from, 'docs/seals.md has no markers');
  const now = `${text.slice(0, from)}${opens}\n\n${told()}\n\n${text.slice(to)}`;
  if (process.env.CLAVIGER_RECORD === '1') writeFileSync(page, now);
  else assert.equal(text, now, 'out of date: CLAVIGER_RECORD=1 node --test test/server/seal-table.test.ts writes it');
});

after(() => {
  process.stdout.write(`${table(({ kind }, name) => outcomes.get(kind)!.get(name)!)}\n`);
  for (const { kind, absent } of tableSeals) if (absent !== undefined) process.stdout.write(`${kind}: ${absent}\n`);
});
