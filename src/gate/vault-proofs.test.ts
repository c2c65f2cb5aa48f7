import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { toUtf8 } from '#encoding/encoding.ts';
import { type Answer, Doors } from './testing/doors.ts';
import { House, textOf } from './testing/house.ts';

/** What Vault's door does before the gate is asked: proofs in bodies, answers that are kept, and what policies are told. */

let house: House;
let doors: Doors;

before(async () => {
  house = await House.open();
  doors = new Doors(house);
});

const as = <T>(json: object) => json as T;
const errorsOf = ({ json }: Answer) => as<{ errors: string[] }>(json).errors;
const tokenOf = ({ json }: Answer) => as<{ wrap_info: { token: string } }>(json).wrap_info.token;

/** As it is sent, with nothing added. */
function sent(method: string, target: string, body: string, headers: readonly string[]): Promise<Answer> {
  const [path = '', query = ''] = target.split('?');
  return doors.send({ method, path: `/v1/${path}`, query, headers, body: toUtf8(body) });
}

test('a body that was to prove who asks is told what is wrong with it, and the ledger that it proved nothing', async () => {
  const stale = ['x-vault-token', 'clv.stale'];
  for (const [target, body, headers, status, said] of [
    ['auth/approle/login', '{}', [], 400, 'missing role_id'],
    ['auth/approle/login', '{}', stale, 400, 'missing role_id'],
    ['auth/userpass/login/bea', '{}', [], 400, 'missing password'],
    ['auth/userpass/login/bea', '{"password":"x"}', ['x-vault-wrap-ttl', 'soon'], 400, 'X-Vault-Wrap-TTL'],
    ['auth/userpass/login/bea', '{"password":"x"}', ['x-vault-namespace', 'a'], 400, 'invalid username'],
    ['sys/wrapping/unwrap', '{}', [], 400, 'missing "token"'],
    ['sys/wrapping/unwrap', '{"token":7}', stale, 400, 'token'],
    ['auth/approle/login', '{"role_id":', [], 400, 'JSON'],
  ] as const) {
    const size = house.ledgerSize;
    const answer = await sent('POST', target, body, headers);
    assert.equal(answer.status, status, `${target} ${body}: ${answer.text}`);
    assert.ok(errorsOf(answer)[0]!.includes(said), answer.text);
    const [line] = await house.entries(size);
    assert.equal(line?.outcome, 'invalid-proof', answer.text);
    assert.equal(line?.principal, '');
  }
});

test('what is wrapped is not wrapped again, and is still there afterwards', async () => {
  const token = tokenOf(await doors.vault('POST', 'sys/wrapping/wrap', { a: 'b' }, undefined, '60'));
  for (const path of ['sys/wrapping/unwrap', 'sys/wrapping/rewrap', 'sys/wrapping/lookup']) {
    const answer = await doors.vault('POST', path, undefined, token, '60');
    assert.equal(answer.status, 400, answer.text);
    assert.match(errorsOf(answer)[0]!, /not wrapped again/);
  }
  const { json } = await doors.vault('POST', 'sys/wrapping/unwrap', undefined, token);
  assert.deepEqual(as<{ data: object }>(json).data, { a: 'b' });
});

test('an answer that could not be kept is not asked for', async () => {
  const answer = await doors.vault('POST', 'auth/token/create', {}, undefined, '999999999d');
  assert.equal(answer.status, 400, answer.text);
  const [line] = await house.entries(house.ledgerSize - 1);
  assert.equal(line?.action, 'create-token');
  assert.notEqual(line?.outcome, 'ok');
});

test('of a wrapping time that is sent twice the first counts', async () => {
  const token = textOf(house.first.token);
  const twice = ['x-vault-token', token, 'x-vault-wrap-ttl', '60', 'x-vault-wrap-ttl', '0'];
  assert.ok(tokenOf(await sent('GET', 'auth/token/lookup-self', '', twice)));
});

/** A token that carries a policy. */
async function carrying(policy: string): Promise<string> {
  const written = await doors.vault('POST', 'sys/policies/acl/tested', { policy });
  assert.equal(written.status, 204, written.text);
  const { json } = await doors.vault('POST', 'auth/token/create', { policies: ['tested'] });
  return as<{ auth: { client_token: string } }>(json).auth.client_token;
}

test('a parameter that is there twice is judged by both of its values', async () => {
  for (const a of ['old', 'new']) await doors.vault('POST', 'secret/data/judged', { data: { a } });
  const token = await carrying(
    'path "secret/data/judged" { capabilities = ["read"]\n allowed_parameters = { "version" = ["2"] } }',
  );
  const read = async (query: string) =>
    (await sent('GET', `secret/data/judged?${query}`, '', ['x-vault-token', token])).status;
  assert.equal(await read('version=2'), 200);
  assert.equal(await read('version=1'), 403);
  assert.equal(await read('version=1&version=2'), 403);
  assert.equal(await read('version=2&version=1'), 403);
});

test('a name that is the same in every case is denied in every case', async () => {
  for (const name of ['shared', 'secret']) await doors.vault('POST', `auth/approle/role/${name}`, {});
  const token = await carrying(
    'path "auth/approle/role/*" { capabilities = ["read"] }\npath "auth/approle/role/secret" { capabilities = ["deny"] }\n' +
      'path "sys/policies/acl/*" { capabilities = ["read"] }\npath "sys/policies/acl/tested" { capabilities = ["deny"] }',
  );
  const read = async (path: string) => (await doors.vault('GET', path, undefined, token)).status;
  assert.equal(await read('auth/approle/role/Shared'), 200);
  assert.equal(await read('auth/approle/role/Secret'), 403);
  assert.equal(await read('sys/policies/acl/default'), 200);
  assert.equal(await read('sys/policies/acl/%54ested'), 403);
});
