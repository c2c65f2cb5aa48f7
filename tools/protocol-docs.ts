import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Action, KmsError, roles } from '#domain/domain.ts';
import { roleActions, rules } from '#policy/policy.ts';
import { operations as aws } from '#wire/aws-kms/operations.ts';
import { batch as secretsBatch } from '#wire/aws-secrets-manager/batch.ts';
import { operations as secrets } from '#wire/aws-secrets-manager/operations.ts';
import { operations as sts, unoffered as stsUnoffered } from '#wire/aws-sts/operations.ts';
import { operations as native } from '#wire/native/operations.ts';
import { operations as vault } from '#wire/vault/operations.ts';
import type { Row as VaultRow } from '#wire/vault/row.ts';
import { openOperations } from '#wire/vault/system.ts';
import { awsClientsPage } from './aws-clients.ts';

/**
 * Writes docs/protocols/ from the tables that the doors themselves walk, so that the pages can't say anything else.
 *
 *   node tools/protocol-docs.ts           writes the pages
 *   node tools/protocol-docs.ts --check   says which are out of date, and exits 1 if any is
 */

const KiB = 1024;
const size = (bytes: number) => {
  if (bytes === 0) return 'none';
  return bytes % (KiB * KiB) === 0 ? `${bytes / KiB / KiB} MiB` : `${bytes / KiB} KiB`;
};
const code = (text: string) => `\`${text}\``;

function table(heads: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Who may ask for an action, given a grant that reaches. */
function whoMay(action: Action): string {
  const [duty] = rules[action];
  if (duty === 'public') return 'anyone';
  if (action === 'assume-role') return 'whom the role trusts';
  if (duty === 'self') return 'any credential, on itself';
  if (duty === 'federate') return 'whom an identity provider vouches for and the role trusts';
  return roles.filter((role) => role !== 'developer' && roleActions[role].has(action)).join(', ');
}

const generated =
  '<!-- Written by tools/protocol-docs.ts from the tables of the doors. Change those, run it again, and commit both. -->';

function page(title: string, ...parts: readonly string[]): string {
  return `# ${title}\n\n${generated}\n\n${parts.join('\n\n')}\n`;
}

const columns = ['action', 'who may', 'largest body'] as const;
const common = (row: { readonly action: Action; readonly maxBody: number }) => [
  code(row.action),
  whoMay(row.action),
  size(row.maxBody),
];

const about =
  '**Action** is what policy decides on and what the ledger records. **Who may** names the roles whose grant allows it where the ' +
  'grant reaches ([identity and policy](../identity-and-policy.md)); in development mode `developer` may do everything. A larger ' +
  'body than the one named is refused before it is read.';

export function awsPage(): string {
  return page(
    'AWS KMS',
    'API version 2014-11-01 as JSON 1.1: `POST /` with `X-Amz-Target: TrentService.<operation>`, signed by Signature Version 4 or 4A, in ' +
      'the header or in the query, for the service `kms`. Where this door differs from AWS: [DIVERGENCES.md](../../src/wire/aws-kms/DIVERGENCES.md).',
    about,
    `## Operations (${Object.keys(aws).length})`,
    table(
      ['operation', ...columns],
      Object.entries(aws).map(([name, row]) => [name, ...common(row)]),
    ),
  );
}

export function secretsPage(): string {
  const rows = [...Object.entries(secrets), [secretsBatch.name, secretsBatch] as const].sort(([a], [b]) =>
    a < b ? -1 : 1,
  );
  return page(
    'AWS Secrets Manager',
    'API version 2017-10-17 as JSON 1.1: `POST /` with `X-Amz-Target: secretsmanager.<operation>`, signed by Signature Version 4 or 4A for ' +
      'the service `secretsmanager`. Where this door differs from AWS: ' +
      '[DIVERGENCES.md](../../src/wire/aws-secrets-manager/DIVERGENCES.md).',
    about,
    `## Operations (${rows.length})`,
    table(
      ['operation', ...columns],
      rows.map(([name, row]) => [name, ...common(row)]),
    ),
    'BatchGetSecretValue is a read for each secret that it names, and a search before them where it has filters.',
  );
}

export function stsPage(): string {
  return page(
    'AWS STS',
    'API version 2011-06-15 in the AWS Query protocol: a form with `Action` and `Version`, posted to `/` or in the query of a presigned ' +
      '`GET`, signed for the service `sts`. Where this door differs from AWS: [DIVERGENCES.md](../../src/wire/aws-sts/DIVERGENCES.md).',
    about,
    `## Operations (${Object.keys(sts).length})`,
    table(
      ['operation', 'proof', 'members', ...columns],
      Object.entries(sts).map(([name, row]) => [name, row.proof, row.members.join(', '), ...common(row)]),
    ),
    '## Refused by name',
    `These answer \`InvalidAction\`: ${[...stsUnoffered].join(', ')}.`,
  );
}

/** A row that is there to say that Vault's operation isn't: its decoder knows nothing else. */
function absence(row: VaultRow): string | undefined {
  try {
    row.decode({ path: {}, folder: '', query: '', body: {}, item: {}, token: '', clock: () => 0 });
  } catch (error) {
    if (error instanceof KmsError && error.code === 'unsupported') return error.message;
  }
  return undefined;
}

export function vaultPage(): string {
  const offered = vault.filter((row) => absence(row) === undefined);
  const paths = (row: { readonly paths: readonly string[] }) => row.paths.map((path) => code(`/v1/${path}`)).join(' ');
  return page(
    'Vault',
    'The transit engine at `transit/`, the KV engine at `secret/` (version 2) and `kv/` (version 1), ways of logging in below `auth/`, and what clients ask of `sys/`. What stands for these ' +
      'mounts stands for all that are made: `/v1/team/encrypt/:name` is the same row as `/v1/transit/encrypt/:name`. The token goes in ' +
      '`X-Vault-Token` or `Authorization: Bearer`. `PUT` is `POST`; `LIST` may also be `GET` with `?list=true`. Where this door ' +
      'differs from Vault: [DIVERGENCES.md](../../src/wire/vault/DIVERGENCES.md).',
    about,
    `## Operations (${offered.length})`,
    table(
      ['method', 'path', 'batch', ...columns],
      offered.map((row) => [row.method, paths(row), row.batch === undefined ? '' : 'yes', ...common(row)]),
    ),
    'Where a row takes a batch, a body without `batch_input` may have 1 MiB.',
    '## For anyone',
    'No token, no line in the ledger ([why](../decisions/0008-what-is-recorded.md)).',
    table(
      ['method', 'path'],
      openOperations.map((row) => ['GET', paths(row)]),
    ),
    '## Refused by name',
    table(
      ['method', 'path', 'answer'],
      vault.flatMap((row) => {
        const why = absence(row);
        return why === undefined ? [] : [[row.method, paths(row), why]];
      }),
    ),
  );
}

export function nativePage(): string {
  const rows = Object.entries(native) as ReadonlyArray<
    [string, { action: Action; maxBody: number; body?: readonly string[]; query?: readonly string[] }]
  >;
  const where = (template: string) => {
    const [method, path] = template.split(' ') as [string, string];
    return [method, code(path === '/metrics' ? path : `/claviger/v1${path}`)];
  };
  return page(
    'Claviger’s own API',
    'What the command line and the client library speak. JSON both ways; the token goes in `Authorization: Bearer`. `{key}` is a ' +
      'name or an id, percent-encoded. Unknown fields are refused. An error is ' +
      '`{"error": {"code", "message", "requestId"}}`. `GET /claviger/v1/` lists the operations.',
    about,
    `## Operations (${rows.length})`,
    table(
      ['method', 'path', 'fields', ...columns],
      rows.map(([template, row]) => [
        ...where(template),
        [...(row.query ?? []), ...(row.body ?? [])].join(', '),
        ...common(row),
      ]),
    ),
    '`GET /claviger/v1/status` and `POST /claviger/v1/unseal` need no token: status shows what anyone may know, and the passphrase ' +
      'is its own proof.',
  );
}

export const pages: ReadonlyArray<readonly [file: string, content: () => string]> = [
  ['aws-kms.md', awsPage],
  ['aws-secrets-manager.md', secretsPage],
  ['aws-sts.md', stsPage],
  ['vault.md', vaultPage],
  ['native.md', nativePage],
  ['aws-clients.md', awsClientsPage],
];

export const pagePath = (file: string) => fileURLToPath(new URL(`../docs/protocols/${file}`, import.meta.url));

/** The names of the pages that don't say what the tables say. */
export function outOfDate(): readonly string[] {
  return pages
    .filter(([file, content]) => {
      try {
        return readFileSync(pagePath(file), 'utf8') !== content();
      } catch {
        return true;
      }
    })
    .map(([file]) => file);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--check')) {
    const stale = outOfDate();
    for (const file of stale)
      process.stderr.write(`docs/protocols/${file} is out of date: run node tools/protocol-docs.ts\n`);
    process.exitCode = stale.length === 0 ? 0 : 1;
  } else {
    for (const [file, content] of pages) writeFileSync(pagePath(file), content());
  }
}
