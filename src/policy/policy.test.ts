import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Action,
  anonymous,
  type Command,
  type Grant,
  type Key,
  type Principal,
  type Role,
  roles,
} from '#domain/domain.ts';
import { checkHeldTogether, checkNewGrant, decide, type Facts, roleActions, rules } from './policy.ts';

const realm = '111122223333';
const ann: Principal = { realm, name: 'ann', kind: 'person', groups: ['team'], credential: 'CLAVA' };
const key = (id: string, ...names: string[]) => ({ realm, id, names }) as unknown as Key;
const command = (kind: Action, more: object = {}) => ({ kind, ...more }) as unknown as Command;

function grant(role: Role, more: Partial<Grant> = {}): Grant {
  const grantee = { kind: 'principal', name: 'ann' } as const;
  return { id: `g-${role}`, realm, revision: 1, grantee, role, scope: { kind: 'realm' }, createdAt: 0, ...more };
}

const secret = { id: 's', names: ['n'] };
const production = (...grants: Grant[]): Facts => ({
  mode: 'production',
  now: 1000,
  grants,
  ofFirstRealm: true,
  secret,
});
const development = (...grants: Grant[]): Facts => ({ ...production(...grants), mode: 'development' });

function answer(facts: Facts, asked: Command, ...keys: Key[]): string {
  const decision = decide(facts, ann, asked, keys);
  return decision.allow ? 'allow' : decision.code;
}

/** Enough keys and names for every kind of command, so that only the right decides. */
function asked(action: Action): [Command, Key[]] {
  const keys = { 'two-keys': 2, key: 1, 'key-and-name': 1, 'key-and-realm': 1 } as Record<string, number>;
  const context = { pairs: [['tenant', 'a']] };
  const subjects = Array.from({ length: keys[rules[action][1]] ?? 0 }, (_, index) => key(`k${index}`, 'n'));
  return [command(action, { name: 'n', context, sourceContext: context, targetContext: context }), subjects];
}

const table = `
  create-key               key-administrator developer
  describe-key             key-administrator key-user key-exporter auditor developer
  list-keys                key-administrator key-user key-exporter auditor developer
  update-key               key-administrator developer
  enable-key               key-administrator developer
  disable-key              key-administrator developer
  disable-key-version      key-administrator developer
  enable-key-version       key-administrator developer
  rotate-key               key-administrator developer
  schedule-destruction     key-administrator developer
  cancel-destruction       key-administrator developer
  destroy-key              key-administrator developer
  trim-key                 key-administrator developer
  create-alias             key-administrator developer
  update-alias             key-administrator developer
  delete-alias             key-administrator developer
  list-aliases             key-administrator key-user key-exporter auditor developer
  tag-key                  key-administrator developer
  untag-key                key-administrator developer
  encrypt                  key-user developer
  decrypt                  key-user developer
  re-encrypt               key-user developer
  generate-data-key        key-user developer
  generate-data-key-pair   key-user developer
  generate-random          key-user developer
  hash                     key-user developer
  sign                     key-user developer
  verify                   key-user developer
  get-public-key           key-user developer
  generate-mac             key-user developer
  verify-mac               key-user developer
  read-key-policy          key-administrator auditor security-officer developer
  put-key-policy           security-officer developer
  create-key-grant         security-officer developer
  retire-key-grant         security-officer developer
  revoke-key-grant         security-officer developer
  list-key-grants          key-administrator auditor security-officer developer
  list-retirable-key-grants auditor security-officer developer
  explain-access           auditor security-officer developer
  cancel-secret-rotation   key-administrator developer
  delete-secret            key-administrator developer
  delete-secret-policy     key-administrator developer
  restore-secret           key-administrator developer
  rotate-secret            key-administrator developer
  set-secret-policy        key-administrator developer
  tag-secret               key-administrator developer
  untag-secret             key-administrator developer
  delete-imported-material key-administrator developer
  get-import-parameters    key-administrator developer
  import-key-material      key-administrator developer
  read-key-cache           key-administrator key-user key-exporter auditor developer
  set-key-cache            key-administrator developer
  get-key-rules            key-administrator key-user key-exporter auditor developer
  set-key-rules            key-administrator developer
  request-certificate      key-user developer
  set-certificates         key-administrator developer
  get-wrapping-key         key-administrator key-user key-exporter auditor developer
  import-key               key-administrator developer
  import-key-version       key-administrator developer
  export-key               key-exporter developer
  export-wrapped-key       key-exporter developer
  backup-key               key-exporter developer
  restore-key              key-administrator developer
  import-key-versions      key-administrator developer
  replicate-key            key-administrator developer
  update-primary-region    key-administrator developer
  remove-secret-replicas   key-administrator developer
  replicate-secret         key-user developer
  detach-secret-replica    key-administrator developer
  decapsulate              key-user developer
  derive-shared-secret     key-user developer
  encapsulate              key-user developer
  create-secret            key-user developer
  get-secret-value         key-user developer
  read-secret-version      key-user developer
  write-secret             key-user developer
  import-secret            key-user developer
  change-secret-versions   key-administrator developer
  configure-secret         key-administrator developer
  get-secret-rules         key-administrator key-user key-exporter auditor developer
  set-secret-rules         key-administrator developer
  move-secret-label        key-user developer
  put-secret-value         key-user developer
  update-secret            key-user developer
  generate-password        key-user developer
  describe-secret          key-administrator key-user key-exporter auditor developer
  get-secret-policy        key-administrator key-user key-exporter auditor developer
  check-secret-policy      key-administrator key-user key-exporter auditor developer
  list-secrets             key-administrator key-user key-exporter auditor developer
  list-secret-versions     key-administrator key-user key-exporter auditor developer
  read-last-use            key-administrator key-user key-exporter auditor developer
  change-key-store         security-officer developer
  create-key-store         security-officer developer
  list-key-stores          security-officer developer
  create-region            security-officer developer
  report-rotation          nobody
  create-realm             security-officer developer
  list-realms              auditor security-officer developer
  create-identity          security-officer developer
  list-identities          auditor security-officer developer
  disable-identity         security-officer developer
  create-credentials       security-officer developer
  revoke-credential        security-officer developer
  create-grant             security-officer developer
  revoke-grant             security-officer developer
  list-grants              auditor security-officer developer
  list-acl-policies        auditor security-officer developer
  read-acl-policy          auditor security-officer developer
  write-acl-policy         security-officer developer
  delete-acl-policy        security-officer developer
  read-capabilities        anybody
  create-role              security-officer developer
  delete-role              security-officer developer
  list-roles               auditor security-officer developer
  register-provider        security-officer developer
  delete-provider          security-officer developer
  list-providers           auditor security-officer developer
  assume-role              anybody
  assume-role-with-web-identity nobody
  create-session           anybody
  get-caller-identity      anybody
  create-token             anybody
  lookup-token             anybody
  renew-token              anybody
  revoke-token             anybody
  read-audit               auditor developer
  prove-audit              auditor developer
  read-checkpoint          auditor developer
  read-metrics             auditor developer
  read-status              anybody
  seal                     security-officer developer
  unseal                   anybody
  login                    anybody
  unwrap-answer            anybody
  lookup-wrapping          anybody
  rewrap-answer            anybody
  wrap-answer              anybody
  enable-auth-mount        security-officer developer
  disable-auth-mount       security-officer developer
  tune-auth-mount          security-officer developer
  configure-auth-mount     security-officer developer
  list-auth-mounts         anybody
  read-auth-mount          auditor security-officer developer
  begin-oidc-login         anybody
  list-mounts              anybody
  read-mount               anybody
  enable-mount             security-officer developer
  tune-mount               security-officer developer
  disable-mount            security-officer developer
  write-token-role         security-officer developer
  read-token-role          auditor security-officer developer
  delete-token-role        security-officer developer
  list-token-roles         auditor security-officer developer
  create-role-token        anybody
  list-tokens              auditor security-officer developer
  revoke-tokens            security-officer developer
  revoke-token-alone       security-officer developer
  tidy                     security-officer developer
  read-ceremony            security-officer developer
  start-ceremony           security-officer developer
  cancel-ceremony          security-officer developer
  feed-ceremony            security-officer developer
  list-seals               security-officer developer
  add-seal                 security-officer developer
  remove-seal              security-officer developer
  rotate-seal              security-officer developer
  rotate-root              security-officer developer
  read-root                security-officer developer
  prove-seal               security-officer developer
  acknowledge-share        security-officer developer
  list-acknowledgements    security-officer developer
  take-backup              security-officer developer
  read-backups             security-officer developer
  schedule-backups         security-officer developer
  confirm-restore          security-officer developer
  run-backup-schedule      nobody
  read-host                auditor security-officer developer
  list-audit-sinks         auditor security-officer developer
  create-orphan-token      security-officer developer
  write-login              security-officer developer
  read-login               auditor security-officer developer
  delete-login             security-officer developer
  list-logins              auditor security-officer developer
  create-secret-id         security-officer developer
  read-secret-id           auditor security-officer developer
  list-secret-ids          auditor security-officer developer
  destroy-secret-id        security-officer developer
  write-revocation-list    security-officer developer
  read-revocation-list     auditor security-officer developer
  delete-revocation-list   security-officer developer
  list-revocation-lists    auditor security-officer developer
  run-schedule             nobody`;

test('allows each role exactly the actions of the table, in the whole realm', () => {
  const rows = table
    .trim()
    .split('\n')
    .map((row) => row.trim().split(/\s+/));
  assert.deepEqual(rows.map(([action]) => action).sort(), Object.keys(rules).sort());
  for (const [action, ...allowed] of rows as [Action, ...string[]][]) {
    const [asks, keys] = asked(action);
    for (const role of roles) {
      const expected = allowed.includes('anybody') || allowed.includes(role) ? 'allow' : 'denied';
      assert.equal(answer(development(grant(role)), asks, ...keys), expected, `${role} ${action}`);
      assert.equal(roleActions[role].has(action), allowed.includes(role), `${role} ${action}`);
    }
    assert.equal(answer(development(), asks, ...keys), allowed.includes('anybody') ? 'allow' : 'denied', action);
  }
});

test('the developer role is worth nothing outside development mode', () => {
  for (const action of roleActions.developer) {
    const [asks, keys] = asked(action);
    assert.equal(answer(production(grant('developer')), asks, ...keys), 'denied', action);
  }
});

/** What is open to anybody: where a secret is needed, it is in the command or the proof. */
const open: readonly string[] = [
  'read-status',
  'unseal',
  'login',
  'begin-oidc-login',
  'unwrap-answer',
  'lookup-wrapping',
  'rewrap-answer',
];

test('nobody without a credential gets past what is public', () => {
  for (const action of Object.keys(rules) as Action[]) {
    const [asks, keys] = asked(action);
    const decision = decide(development(grant('developer')), anonymous, asks, keys);
    if (open.includes(action)) assert.equal(decision.allow, true);
    else assert.equal(decision.allow ? 'allow' : decision.code, 'unauthenticated', action);
  }
});

test('a job of the server runs the schedule and nothing else', () => {
  const job: Principal = { realm: '', name: 'schedule', kind: 'system', groups: [], credential: '' };
  for (const action of Object.keys(rules) as Action[]) {
    const [asks, keys] = asked(action);
    const expected = ['run-schedule', 'run-backup-schedule', 'report-rotation', ...open].includes(action);
    assert.equal(decide(development(grant('developer')), job, asks, keys).allow, expected, action);
  }
});

test('who is vouched for by an identity provider takes on a role and does nothing else, whatever was granted to the name', () => {
  const federated: Principal = { ...ann, kind: 'federated' };
  for (const action of Object.keys(rules) as Action[]) {
    const [asks, keys] = asked(action);
    const expected = ['assume-role-with-web-identity', ...open].includes(action);
    assert.equal(decide(development(grant('developer')), federated, asks, keys).allow, expected, action);
  }
});

test('a grant reaches only what its scope covers', () => {
  const onKey = production(grant('key-user', { scope: { kind: 'key', id: 'k1' } }));
  assert.equal(answer(onKey, command('encrypt'), key('k1')), 'allow');
  assert.equal(answer(onKey, command('encrypt'), key('k2', 'k1')), 'denied');
  assert.equal(answer(onKey, command('list-keys')), 'denied');
  assert.equal(answer(onKey, command('generate-random')), 'allow');

  const onNames = production(grant('key-user', { scope: { kind: 'names', pattern: 'pay/*' } }));
  assert.equal(answer(onNames, command('encrypt'), key('k1', 'other', 'pay/1')), 'allow');
  assert.equal(answer(onNames, command('encrypt'), key('k1', 'pay')), 'denied');
  assert.equal(answer(onNames, command('encrypt'), key('k1', 'PAY/1')), 'denied');
  assert.equal(answer(onNames, command('encrypt'), key('k1')), 'denied');
});

test('re-encrypt needs the right on source and target', () => {
  const facts = production(grant('key-user', { scope: { kind: 'key', id: 'k1' } }));
  assert.equal(answer(facts, command('re-encrypt'), key('k1'), key('k1')), 'allow');
  assert.equal(answer(facts, command('re-encrypt'), key('k1'), key('k2')), 'denied');
  assert.equal(answer(facts, command('re-encrypt'), key('k2'), key('k1')), 'denied');
  assert.equal(answer(facts, command('re-encrypt'), key('k1')), 'denied');
});

test('a command on a key is denied where no key was handed in', () => {
  for (const action of Object.keys(rules) as Action[]) {
    if (!rules[action][1].includes('key') || action === 'list-aliases') continue;
    assert.equal(answer(development(grant('developer')), command(action, { name: 'n' })), 'denied', action);
  }
});

test('a key of another realm is denied, whatever the grants', () => {
  const foreign = { ...key('k1', 'n'), realm: '999999999999' };
  assert.equal(answer(development(grant('developer')), command('encrypt'), foreign), 'denied');
  const foreignGrant = grant('key-user', { realm: '999999999999' });
  assert.equal(answer(production(foreignGrant), command('encrypt'), key('k1')), 'denied');
});

test('an alias widens nobody: giving a name needs the right over the key and over the name', () => {
  const scope = (pattern: string) => ({ scope: { kind: 'names', pattern } }) as const;
  const administersA = production(grant('key-administrator', scope('a/*')));
  assert.equal(answer(administersA, command('create-alias', { name: 'a/2' }), key('k1', 'a/1')), 'allow');
  assert.equal(answer(administersA, command('create-alias', { name: 'b/2' }), key('k1', 'a/1')), 'denied');
  assert.equal(answer(administersA, command('create-alias', { name: 'a/2' }), key('k2', 'b/1')), 'denied');
  assert.equal(
    answer(administersA, command('update-alias', { name: 'a/1' }), key('k1', 'a/1'), key('k2', 'b/1')),
    'denied',
  );
  assert.equal(answer(administersA, command('delete-alias', { name: 'b/1' }), key('k1', 'a/1', 'b/1')), 'denied');
  assert.equal(answer(administersA, command('create-key', { name: 'a/3' })), 'allow');
  assert.equal(answer(administersA, command('create-key', { name: 'b/3' })), 'denied');
  assert.equal(answer(administersA, command('create-key')), 'denied');

  // He administers every key and uses b/*: he may not make his way from one to the other.
  const both = production(grant('key-administrator'), grant('key-user', { id: 'g2', ...scope('b/*') }));
  assert.equal(answer(both, command('create-alias', { name: 'b/9' }), key('k1', 'a/1')), 'separation-of-duties');
  assert.equal(answer(both, command('create-key', { name: 'b/9' })), 'separation-of-duties');
  assert.equal(answer(both, command('create-key', { name: 'a/9' })), 'allow');
});

test('who may both administer and use a key may do neither, outside development mode', () => {
  const grants = [
    grant('key-administrator', { id: 'g1', scope: { kind: 'key', id: 'k1' } }),
    grant('key-user', { id: 'g2', grantee: { kind: 'group', name: 'team' } }),
  ];
  for (const action of ['encrypt', 'rotate-key'] as const) {
    assert.equal(answer(production(...grants), command(action), key('k1')), 'separation-of-duties', action);
    assert.equal(answer(development(...grants), command(action), key('k1')), 'allow', action);
  }
  assert.equal(answer(production(...grants), command('encrypt'), key('k2')), 'allow');
  assert.equal(answer(production(...grants), command('describe-key'), key('k1')), 'allow');
  // A condition or a narrowed token doesn't make two people of one.
  const conditional = { ...grants[1]!, condition: { kind: 'context-includes', pairs: { a: 'b' } } } as Grant;
  const narrowed = { ...production(grants[0]!, conditional), limitedTo: ['rotate-key'] };
  assert.equal(answer(narrowed, command('rotate-key'), key('k1')), 'separation-of-duties');
  // What is over no longer counts.
  assert.equal(
    answer(production(grants[0]!, { ...grants[1]!, expiresAt: 1000 }), command('rotate-key'), key('k1')),
    'allow',
  );
});

test('conditions compare context pairs and never allow a command without them', () => {
  const includes = production(grant('key-user', { condition: { kind: 'context-includes', pairs: { tenant: 'a' } } }));
  const equals = production(grant('key-user', { condition: { kind: 'context-equals', pairs: { tenant: 'a' } } }));
  const encrypt = (...pairs: [string, string][]) => command('encrypt', { context: { pairs } });
  const cases: [[string, string][], string, string][] = [
    [[['tenant', 'a']], 'allow', 'allow'],
    [
      [
        ['tenant', 'a'],
        ['more', '1'],
      ],
      'allow',
      'denied',
    ],
    [[['tenant', 'b']], 'denied', 'denied'],
    [[['Tenant', 'a']], 'denied', 'denied'],
    [
      [
        ['tenant', 'a'],
        ['tenant', 'b'],
      ],
      'denied',
      'denied',
    ],
    [[], 'denied', 'denied'],
    [[['constructor', 'a']], 'denied', 'denied'],
  ];
  for (const [pairs, whenIncludes, whenEquals] of cases) {
    assert.equal(answer(includes, encrypt(...pairs), key('k1')), whenIncludes, JSON.stringify(pairs));
    assert.equal(answer(equals, encrypt(...pairs), key('k1')), whenEquals, JSON.stringify(pairs));
  }
  assert.equal(
    answer(includes, command('encrypt', { context: { associatedData: new Uint8Array(3) } }), key('k1')),
    'denied',
  );
  assert.equal(answer(includes, command('generate-mac'), key('k1')), 'denied');
  const move = (source: string, target: string) =>
    command('re-encrypt', {
      sourceContext: { pairs: [['tenant', source]] },
      targetContext: { pairs: [['tenant', target]] },
    });
  assert.equal(answer(includes, move('a', 'a'), key('k1'), key('k2')), 'allow');
  assert.equal(answer(includes, move('a', 'b'), key('k1'), key('k2')), 'denied');
  assert.equal(answer(includes, move('b', 'a'), key('k1'), key('k2')), 'denied');
});

test('narrowed grants and tokens allow only what they name', () => {
  const facts = production(grant('key-user', { actions: ['decrypt'] }));
  assert.equal(answer(facts, command('decrypt'), key('k1')), 'allow');
  assert.equal(answer(facts, command('encrypt'), key('k1')), 'denied');
  const token: Facts = { ...production(grant('key-user')), limitedTo: ['encrypt', 'rotate-key'] };
  assert.equal(answer(token, command('encrypt'), key('k1')), 'allow');
  assert.equal(answer(token, command('decrypt'), key('k1')), 'denied');
  assert.equal(answer(token, command('rotate-key'), key('k1')), 'denied');
  assert.equal(answer(token, command('revoke-token')), 'allow');
});

test('what concerns every realm is for the first realm', () => {
  for (const action of [
    ...([
      'seal',
      'create-realm',
      'read-audit',
      'prove-audit',
      'read-metrics',
      'read-host',
      'list-audit-sinks',
    ] as const),
    ...(['read-ceremony', 'start-ceremony', 'cancel-ceremony', 'feed-ceremony'] as const),
    ...(['list-seals', 'add-seal', 'remove-seal', 'rotate-seal', 'prove-seal'] as const),
    ...(['rotate-root', 'read-root'] as const),
    ...(['acknowledge-share', 'list-acknowledgements'] as const),
    ...(['take-backup', 'read-backups', 'schedule-backups', 'confirm-restore'] as const),
  ]) {
    assert.equal(answer(development(grant('developer')), command(action)), 'allow', action);
    assert.equal(
      answer({ ...development(grant('developer')), ofFirstRealm: false }, command(action)),
      'denied',
      action,
    );
  }
});

test('names the grant that allows, and says what may be cached', () => {
  const encrypt = command('encrypt', { context: { pairs: [['tenant', 'a']] } });
  const conditional = grant('key-user', { id: 'c', condition: { kind: 'context-includes', pairs: { tenant: 'a' } } });
  const ending = grant('key-user', { id: 'e', expiresAt: 2000 });
  const plain = grant('key-user', { id: 'p' });
  const allowed = (id: string, cacheable: boolean) => ({ allow: true, grant: id, cacheable });
  assert.deepEqual(decide(production(conditional), ann, encrypt, [key('k1')]), allowed('c', false));
  assert.deepEqual(decide(production(ending), ann, encrypt, [key('k1')]), allowed('e', false));
  assert.deepEqual(decide(production(conditional, ending, plain), ann, encrypt, [key('k1')]), allowed('p', true));
  const create = command('create-key', { name: 'n' });
  assert.deepEqual(
    decide(production(grant('key-administrator')), ann, create, []),
    allowed('g-key-administrator', false),
  );
});

const officer: Principal = { realm, name: 'olga', kind: 'person', groups: ['officers'], credential: 'CLAVO' };
const facts = (...grants: Grant[]) => ({ mode: 'production', now: 1000, holders: [{ name: 'ann', grants }] }) as const;

test('nobody grants to himself, directly or by a group', () => {
  for (const grantee of [
    { kind: 'principal', name: 'olga' },
    { kind: 'group', name: 'officers' },
  ] as const) {
    assert.equal(checkNewGrant(facts(), officer, grant('auditor', { grantee }))?.code, 'grant-to-self');
  }
  assert.equal(checkNewGrant(facts(), officer, grant('auditor')), undefined);
  const elsewhere = grant('auditor', { realm: '999999999999', grantee: { kind: 'principal', name: 'olga' } });
  assert.equal(checkNewGrant(facts(), officer, elsewhere), undefined);
  const namesake = grant('auditor', { grantee: { kind: 'group', name: 'olga' } });
  assert.equal(checkNewGrant(facts(), officer, namesake), undefined);
});

test('refuses a grant that would let one principal administer and use what may be one key', () => {
  const names = (pattern: string) => ({ kind: 'names', pattern }) as const;
  const onKey = (id: string) => ({ kind: 'key', id }) as const;
  const cases = [
    [{ kind: 'realm' }, onKey('k1'), true],
    [onKey('k1'), onKey('k1'), true],
    [onKey('k1'), onKey('k2'), false],
    [onKey('k1'), names('a/*'), true],
    [names('a/*'), names('a/b*'), true],
    [names('a/*'), names('b/*'), false],
    [names('a'), names('a*'), true],
    [names('a'), names('ab*'), false],
    [names('a'), names('b'), false],
    [names('*'), names('b'), true],
  ] as const;
  for (const [a, b, overlap] of cases) {
    for (const [held, wanted] of [
      [a, b],
      [b, a],
    ] as const) {
      for (const [one, other] of [
        ['key-administrator', 'key-user'],
        ['key-user', 'key-administrator'],
      ] as const) {
        const error = checkNewGrant(facts(grant(one, { scope: held })), officer, grant(other, { scope: wanted }));
        assert.equal(error?.code, overlap ? 'separation-of-duties' : undefined, JSON.stringify([held, wanted]));
        assert.equal(
          checkNewGrant(facts(grant(one, { scope: held })), officer, grant(one, { scope: wanted })),
          undefined,
        );
      }
    }
  }
  const held = grant('key-administrator');
  assert.equal(checkNewGrant({ ...facts(held), mode: 'development' }, officer, grant('key-user')), undefined);
  assert.equal(checkNewGrant(facts({ ...held, expiresAt: 1000 }), officer, grant('key-user')), undefined);
  // Narrowed to reading, an administrator's grant administers nothing.
  assert.equal(checkNewGrant(facts({ ...held, actions: ['describe-key'] }), officer, grant('key-user')), undefined);
});

test('a grant to a group counts what every member holds', () => {
  const holders = [
    { name: 'bob', grants: [] },
    { name: 'ann', grants: [grant('key-administrator')] },
  ];
  const toGroup = grant('key-user', { grantee: { kind: 'group', name: 'team' } });
  const error = checkNewGrant({ mode: 'production', now: 1000, holders }, officer, toGroup);
  assert.equal(error?.code, 'separation-of-duties');
  assert.match(error?.message ?? '', /ann/);
});

test('a new member may not hold by two groups what one may not hold', () => {
  const held = [grant('key-user', { id: 'u' }), grant('auditor'), grant('key-administrator', { id: 'a' })];
  const when = { mode: 'production', now: 1000 } as const;
  assert.equal(checkHeldTogether(when, { name: 'ann', grants: held })?.code, 'separation-of-duties');
  assert.equal(checkHeldTogether(when, { name: 'ann', grants: held.slice(0, 2) }), undefined);
  assert.equal(checkHeldTogether({ ...when, mode: 'development' }, { name: 'ann', grants: held }), undefined);
});

test('refuses grants that are malformed or out of place', () => {
  const code = (more: Partial<Grant>) => checkNewGrant(facts(), officer, grant('key-user', more))?.code;
  assert.equal(code({ actions: ['encrypt'] }), undefined);
  assert.equal(code({ actions: ['encript'] }), 'invalid-parameter');
  assert.equal(code({ actions: ['constructor'] }), 'invalid-parameter');
  assert.equal(code({ actions: ['rotate-key'] }), 'invalid-parameter');
  assert.equal(code({ actions: [] }), 'invalid-parameter');
  assert.equal(code({ role: 'root' as Role }), 'invalid-parameter');
  assert.equal(code({ role: 'developer' }), 'denied');
  assert.equal(code({ scope: { kind: 'names', pattern: 'a/*/b' } }), 'invalid-parameter');
  assert.equal(code({ scope: { kind: 'names', pattern: '' } }), 'invalid-parameter');
  assert.equal(code({ condition: { kind: 'context-includes', pairs: {} } }), 'invalid-parameter');
});
