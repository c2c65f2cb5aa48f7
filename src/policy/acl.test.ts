import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AclRequest, KmsError } from '#domain/domain.ts';
import { Acl, parseAclPolicy } from './policy.ts';

const orders = { name: 'orders', groups: ['shop'] };
const aclOf = (...texts: string[]) => new Acl(texts.map(parseAclPolicy), orders);
const asks = (capability: AclRequest['capability'], path: string, fields = {}, wrapFor?: number): AclRequest => ({
  path,
  capability,
  fields,
  ...(wrapFor !== undefined && { wrapFor }),
});
const refused = (text: string, why = /./) =>
  assert.throws(
    () => parseAclPolicy(text),
    (error) => error instanceof KmsError && error.code === 'malformed-policy' && why.test(error.message),
    text,
  );
const rule = (path: string, capabilities: string, more = '') =>
  `path "${path}" {\n  capabilities = [${capabilities
    .split(' ')
    .map((word) => `"${word}"`)
    .join(', ')}]\n${more}\n}\n`;

test('a policy allows what it names and nothing else', () => {
  const acl = aclOf(rule('transit/encrypt/orders', 'update'));
  assert.ok(acl.allows(asks('update', 'transit/encrypt/orders')));
  for (const [capability, path] of [
    ['read', 'transit/encrypt/orders'],
    ['create', 'transit/encrypt/orders'],
    ['update', 'transit/encrypt/order'],
    ['update', 'transit/encrypt/orders2'],
    ['update', 'transit/encrypt/Orders'],
    ['update', 'transit/encrypt/orders/x'],
    ['update', 'transit/decrypt/orders'],
  ] as const) {
    assert.ok(!acl.allows(asks(capability, path)), `${capability} ${path}`);
  }
  assert.ok(!aclOf().allows(asks('read', 'sys/mounts')));
});

test('is read alike from HCL, old HCL and JSON', () => {
  const forms = [
    rule('a/b', 'read list'),
    'path "/a/b" { policy = "read" } # so it was written once',
    'path = { "a/b" = { capabilities = ["read", "list",], } }',
    '// first\n/* then */ "path" "a/b" { "capabilities" = ["list" "x"] }'.replace(' "x"', ', "read"'),
    '{"path": {"a/b": {"capabilities": ["read", "list"]}}}',
    '{"path": [{"a/b": {"capabilities": ["read", "list"]}}]}',
    '{"name": "n", "path": {"a\\u002fb": {"policy": "read", "comment": "so"}}}',
  ];
  for (const text of forms) assert.deepEqual(parseAclPolicy(text), parseAclPolicy(forms[0]!), text);
  assert.deepEqual(parseAclPolicy(' # nothing\n').rules, []);
});

test('refuses what it does not understand', () => {
  for (const text of [
    'path "a" {',
    'path "a" { capabilities = ["read"] } }',
    'path "a" { capabilities = ["red"] }',
    'path "a" { capabilities = "read" "list" }',
    'path "a" { capabilities = ["read"', // without an end
    'path "a" { capabilites = ["read"] }',
    'path "a" { capabilities = [1] }',
    'path "a" { capabilities = ["read"] capabilities = ["list"] }',
    'path "a" { capabilities = <<EOT\nread\nEOT\n }',
    `path "a" { capabilities = ["\${b}"] }`,
    'path "a" { policy = "all" }',
    'path "a" { mfa_methods = ["m"] }',
    'path "a" { control_group = { } }',
    'path "a" "b" "c" { }',
    'path a { }'.replace('a', '1'),
    'rule "a" { capabilities = ["read"] }',
    'path "a/*/b" { capabilities = ["read"] }',
    'path "a/+*" { capabilities = ["read"] }',
    'path "a//b" { capabilities = ["read"] }',
    'path "a/../b" { capabilities = ["read"] }',
    'path "{{identity.entity.id}}" { capabilities = ["read"] }',
    'path "{{identity.entity.name" { capabilities = ["read"] }',
    'path "{{identity.entity.metadata.team}}/x" { capabilities = ["read"] }',
    'path "a" { allowed_parameters = ["x"] }',
    'path "a" { denied_parameters = { "x" = ["*"] } }',
    'path "a" { denied_parameters = { "x" = [], "X" = [] } }',
    'path "a" { allowed_parameters = { "x" = [["y"]] } }',
    'path "a" { min_wrapping_ttl = "long" }',
    'path "a" { min_wrapping_ttl = "2h" max_wrapping_ttl = "1h" }',
    '{"path": {"a": {"capabilities": ["read"]}}',
    '{"path": {"a": {"capabilities": ["read"]}, "a": {"capabilities": ["deny"]}}}',
    '{"path": null}',
    '{path = {}}',
    '/* no end',
    'path "a\u0000" {'.replace('{', '{ "\\x" = 1'),
    `path "a" ${'{ b = '.repeat(20)}`,
    '['.repeat(100_000),
    `# ${'x'.repeat(200_000)}`,
  ]) {
    refused(text);
  }
  refused('path "a" {\n\n  capabilities = ["read"\n', /line \d/);
});

test('the most specific path decides, in the order that Vault documents', () => {
  // Each allows one thing only, so that what is allowed says which was taken; the later is the more specific.
  const paths = ['*', '+/b/c', 'a*', 'a/+/*', 'a/+/c*', 'a/*', 'a/+/+', 'a/+/c', 'a/b*', 'a/b/*', 'a/b/+', 'a/b/c'];
  for (let more = 1; more < paths.length; more++) {
    for (let less = 0; less < more; less++) {
      for (const texts of [
        [rule(paths[less]!, 'read'), rule(paths[more]!, 'update')],
        [rule(paths[more]!, 'update'), rule(paths[less]!, 'read')],
      ]) {
        const acl = aclOf(...texts);
        assert.ok(acl.allows(asks('update', 'a/b/c')), `${paths[more]} over ${paths[less]}`);
        assert.ok(!acl.allows(asks('read', 'a/b/c')), `${paths[more]} over ${paths[less]}`);
      }
    }
  }
});

test('a plus stands for one step, a star for what begins so', () => {
  const plus = aclOf(rule('transit/+/orders', 'update'));
  assert.ok(plus.allows(asks('update', 'transit/encrypt/orders')));
  assert.ok(!plus.allows(asks('update', 'transit/keys/orders/rotate')));
  assert.ok(!plus.allows(asks('update', 'transit/orders')));
  const star = aclOf(rule('transit/encrypt/ord*', 'update'));
  assert.ok(star.allows(asks('update', 'transit/encrypt/orders')));
  assert.ok(star.allows(asks('update', 'transit/encrypt/ord')));
  assert.ok(!star.allows(asks('update', 'transit/encrypt/or')));
  // A slash inside a name is not one between steps.
  assert.ok(!plus.allows(asks('update', 'transit/a/b/orders')));
  assert.ok(aclOf(rule('transit/encrypt/+', 'update')).allows(asks('update', 'transit/encrypt/a%2Fb')));
});

test('deny takes precedence over all that is said of the same path', () => {
  for (const texts of [
    [rule('a', 'deny'), rule('a', 'read sudo')],
    [rule('a', 'read'), rule('a', 'read deny')],
  ]) {
    assert.ok(!aclOf(...texts).allows(asks('read', 'a')));
    assert.deepEqual([...aclOf(...texts).capabilities('a')], []);
  }
  const acl = aclOf(rule('a/*', 'read'), rule('a/b', 'deny'));
  assert.ok(acl.allows(asks('read', 'a/c')));
  assert.ok(!acl.allows(asks('read', 'a/b')));
});

test('policies for the same path add up', () => {
  const acl = aclOf(rule('a', 'read'), rule('a', 'update'));
  assert.ok(acl.allows(asks('read', 'a')) && acl.allows(asks('update', 'a')));
  assert.deepEqual([...acl.capabilities('a')].sort(), ['read', 'update']);
});

test('a list is asked for with and without the slash', () => {
  for (const path of ['transit/keys', 'transit/keys/', 'transit/keys*', 'transit/*', '+/keys', '+/keys/']) {
    assert.ok(aclOf(rule(path, 'list')).allows(asks('list', 'transit/keys')), path);
  }
  assert.ok(!aclOf(rule('transit/keys/', 'read')).allows(asks('read', 'transit/keys')));
});

test('some paths ask for sudo beside the capability', () => {
  assert.ok(!aclOf(rule('sys/seal', 'update')).allows(asks('update', 'sys/seal')));
  assert.ok(aclOf(rule('sys/seal', 'update sudo')).allows(asks('update', 'sys/seal')));
  assert.ok(!aclOf(rule('sys/seal', 'sudo')).allows(asks('update', 'sys/seal')));
  assert.ok(!aclOf(rule('auth/token/*', 'update')).allows(asks('update', 'auth/token/create-orphan')));
});

test('parameters must be there, be allowed and not be denied', () => {
  const required = aclOf(rule('a', 'update', 'required_parameters = ["ttl"]'));
  assert.ok(required.allows(asks('update', 'a', { ttl: 1 })));
  assert.ok(!required.allows(asks('update', 'a')));
  const allowed = aclOf(
    rule('a', 'update', 'allowed_parameters = { "type" = ["aes256-gcm96", "rsa-*"], "size" = [] }'),
  );
  for (const fields of [{}, { type: 'aes256-gcm96' }, { type: 'rsa-4096', size: 3 }, { TYPE: 'rsa-2048' }]) {
    assert.ok(allowed.allows(asks('update', 'a', fields)), JSON.stringify(fields));
  }
  for (const fields of [{ type: 'ed25519' }, { other: 1 }, { type: 'rsa-4096', other: 1 }, { type: ['rsa-2048'] }]) {
    assert.ok(!allowed.allows(asks('update', 'a', fields)), JSON.stringify(fields));
  }
  const other = aclOf(rule('a', 'update', 'allowed_parameters = { "type" = ["x"], "*" = [] }'));
  assert.ok(other.allows(asks('update', 'a', { any: 1, type: 'x' })));
  assert.ok(!other.allows(asks('update', 'a', { any: 1, type: 'y' })));
});

test('a denied value is denied however it is written', () => {
  const denied = aclOf(
    rule('a', 'update', 'denied_parameters = { "policies" = ["root", "adm*"], "exportable" = [true], "bits" = [] }'),
  );
  for (const fields of [
    { policies: 'root' },
    { Policies: 'root' },
    { policies: ['x', 'root'] },
    { policies: 'x, root' },
    { policies: 'admin' },
    { policies: { root: 1 } },
    { exportable: true },
    { exportable: 'true' },
    { exportable: 't' },
    { exportable: 1 },
    { bits: 1 },
  ]) {
    assert.ok(!denied.allows(asks('update', 'a', fields)), JSON.stringify(fields));
  }
  for (const fields of [{ policies: 'x' }, { exportable: false }, { other: true }]) {
    assert.ok(denied.allows(asks('update', 'a', fields)), JSON.stringify(fields));
  }
  const all = aclOf(rule('a', 'update', 'denied_parameters = { "*" = [] }'));
  assert.ok(all.allows(asks('update', 'a')) && !all.allows(asks('update', 'a', { x: 1 })));
});

test('an answer is wrapped for as long as the policy says', () => {
  const acl = aclOf(rule('a', 'read', 'min_wrapping_ttl = "1m" max_wrapping_ttl = "1h30m"'));
  assert.ok(!acl.allows(asks('read', 'a')));
  for (const [seconds, allowed] of [
    [59, false],
    [60, true],
    [5400, true],
    [5401, false],
  ] as const) {
    assert.equal(acl.allows(asks('read', 'a', {}, seconds)), allowed, `${seconds}`);
  }
});

test('templates are filled in for whoever holds the policy', () => {
  const text = rule('transit/encrypt/{{identity.entity.name}}', 'update');
  assert.ok(aclOf(text).allows(asks('update', 'transit/encrypt/orders')));
  assert.ok(!aclOf(text).allows(asks('update', 'transit/encrypt/others')));
  const group = rule('kv/{{ identity.groups.names.shop.name }}/*', 'read');
  assert.ok(aclOf(group).allows(asks('read', 'kv/shop/x')));
  assert.ok(!new Acl([parseAclPolicy(group)], { name: 'a', groups: [] }).allows(asks('read', 'kv/shop/x')));
});

test('a policy that came from anywhere is read or refused, and quickly', () => {
  const words = [
    'path',
    '"a/*"',
    '{',
    '}',
    '[',
    ']',
    '=',
    ',',
    'capabilities',
    '"read"',
    '#',
    '\n',
    '/*',
    '*/',
    '\\',
    '"',
    '<<',
    '1',
    ':',
  ];
  let seed = 7;
  const next = (below: number) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  for (let i = 0; i < 20_000; i++) {
    const text = Array.from({ length: next(14) }, () => words[next(words.length)]).join(next(2) === 0 ? ' ' : '');
    try {
      parseAclPolicy(text);
    } catch (error) {
      assert.ok(error instanceof KmsError && error.code === 'malformed-policy', `${text}: ${error}`);
    }
  }
});

test('knows below which folders something might be allowed', () => {
  const reaches = (policy: string, folder: string) => aclOf(policy).reaches(folder);
  for (const [path, folders] of [
    ['team/encrypt/pay', ['team/']],
    ['team/*', ['team/', 'team/inner/']],
    ['te*', ['team/', 'tennis/']],
    ['*', ['team/', 'a/b/']],
    ['+/encrypt/pay', ['team/', 'a/']],
    ['a/+/c', ['a/', 'a/b/']],
    ['a/+', ['a/']],
    ['a/+/*', ['a/', 'a/b/']],
    ['a/b*', ['a/', 'a/b/', 'a/bc/']],
    ['team', ['team/']],
  ] as const) {
    const policy = rule(path, 'read');
    for (const folder of folders) assert.ok(reaches(policy, folder), `${path} reaches ${folder}`);
    assert.ok(path === '*' || path.startsWith('+') || !reaches(policy, 'other/'), `${path} reaches other/`);
    assert.ok(!reaches(rule(path, 'deny'), folders[0]), `${path} is denied`);
  }
  for (const [path, folder] of [
    ['team2/x', 'team/'],
    ['team', 'team2/'],
    ['a/c/*', 'a/b/'],
    ['a/bc', 'a/b/'],
    ['+', 'a/b/'],
  ] as const) {
    assert.ok(!reaches(rule(path, 'read'), folder), `${path} reaches ${folder}`);
  }
  assert.ok(new Acl([], orders, true).reaches('any/'));
  assert.ok(!aclOf().reaches('any/'));
});
