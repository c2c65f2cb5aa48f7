import { type Command, KmsError, type Result } from '#domain/domain.ts';
import { encodeNothing } from './encode-keys.ts';
import { PlacedError } from './errors.ts';
import { refuseOthers } from './fields.ts';
import { type Input, type Row, row, small } from './row.ts';

/** `sys/namespaces` (OpenBao HTTP API, "/sys/namespaces"): realms, as the first one sees them. */

const pageSize = 1000;

/** Where Vault has something of its own, so that no path may begin with it. */
const reserved = ['root', 'sys', 'auth', 'audit', 'cubbyhole', 'identity'];

function nameOf({ path }: Input): string {
  const name = path.rest ?? '';
  if (name.includes('/')) throw new PlacedError(400, 'invalid-parameter', 'namespace name cannot contain /');
  return name;
}

function newName(input: Input): string {
  refuseOthers(input.body, ['path']);
  const name = nameOf(input);
  if (reserved.includes(name)) {
    const words = `${JSON.stringify(`${name}/`)} is a reserved path and cannot be used as a namespace name`;
    throw new PlacedError(400, 'invalid-parameter', words);
  }
  return name;
}

/** An account in the form of a UUID, for who expects one. */
const uuidOf = (account: string): string => `00000000-0000-4000-8000-${account}`;

const shown = ({ name, account }: { readonly name: string; readonly account: string }) => ({
  custom_metadata: {},
  id: account,
  locked: false,
  path: `${name}/`,
  tainted: false,
  uuid: uuidOf(account),
});

/** All but the one that asks; of each its home region, which comes first. */
function encodeNamespaces(_: Result<'list-realms'>, __: Input, pages: ReadonlyArray<Result<'list-realms'>>): string {
  const seen = new Set(pages.map(({ own }) => own));
  const others = pages
    .flatMap(({ realms }) => realms)
    .filter(({ account }) => !seen.has(account) && seen.add(account))
    .map((realm) => shown(realm))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  if (others.length === 0) return '';
  return JSON.stringify({
    key_info: Object.fromEntries(others.map((realm) => [realm.path, realm])),
    keys: others.map(({ path }) => path),
  });
}

const pageOf = (after: string): Command<'list-realms'> => ({ kind: 'list-realms', after, limit: pageSize });

export const namespaceOperations: readonly Row[] = [
  row({
    operation: 'sys/namespaces:list',
    method: 'LIST',
    paths: ['sys/namespaces'],
    action: 'list-realms',
    maxBody: small,
    decode: () => pageOf(''),
    encode: encodeNamespaces,
    more: ({ next }) => (next === undefined ? undefined : pageOf(next)),
  }),
  row({
    operation: 'sys/namespaces:read',
    method: 'GET',
    paths: ['sys/namespaces/*'],
    action: 'list-realms',
    maxBody: small,
    decode: (input) => ({ ...pageOf(''), name: nameOf(input) }),
    encode: ({ realms }) => JSON.stringify(shown(realms[0]!)),
  }),
  row({
    operation: 'sys/namespaces:create',
    method: 'POST',
    paths: ['sys/namespaces/*'],
    action: 'create-realm',
    maxBody: small,
    decode: (input) => ({ kind: 'create-realm', name: newName(input), ifAbsent: true }),
    encode: (realm) => JSON.stringify(shown(realm)),
  }),
  row({
    operation: 'sys/namespaces:delete',
    method: 'DELETE',
    paths: ['sys/namespaces/*'],
    action: 'create-realm',
    maxBody: small,
    decode: () => {
      throw new KmsError('unsupported', 'A realm stays: what it holds ends by its own lifecycle.');
    },
    encode: encodeNothing,
  }),
];
