import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Action, Command, Context, Grant, GrantScope, Key, Principal } from '#domain/domain.ts';
import { roles } from '#domain/domain.ts';
import { type Decision, decide, type Facts, rules } from './policy.ts';

/*
 * A second evaluator, written from the sentences and from nothing in this room: word lists instead of the table, regular
 * expressions instead of prefixes, every rule asked for every grant and nothing cut short.
 */
const words = (text: string) => text.trim().split(/\s+/);
const secretAdministerWords =
  words(`delete-secret change-secret-versions configure-secret set-secret-rules restore-secret tag-secret untag-secret set-secret-policy
  delete-secret-policy rotate-secret cancel-secret-rotation remove-secret-replicas detach-secret-replica`);
const secretUseWords = words(
  'create-secret put-secret-value update-secret get-secret-value read-secret-version write-secret import-secret move-secret-label replicate-secret',
);
const secretReadWords = words('describe-secret list-secret-versions get-secret-policy');
const administerWords =
  words(`create-key update-key enable-key disable-key rotate-key disable-key-version enable-key-version schedule-destruction cancel-destruction
  destroy-key trim-key create-alias update-alias delete-alias tag-key untag-key replicate-key update-primary-region
  get-import-parameters import-key-material delete-imported-material import-key import-key-version import-key-versions
  restore-key set-certificates set-key-cache set-key-rules`);
const exportWords = words('export-key export-wrapped-key backup-key');
const useWords = words(`encrypt decrypt re-encrypt generate-data-key generate-data-key-pair sign verify get-public-key
  generate-mac verify-mac request-certificate derive-shared-secret encapsulate decapsulate`);
const computeWords = words('generate-random generate-password hash');
const readWords = words(
  'describe-secret list-secret-versions get-secret-policy check-secret-policy list-secrets get-secret-rules get-wrapping-key get-key-rules read-key-cache describe-key read-last-use list-keys list-aliases',
);
const listWords = words(
  'list-acl-policies read-acl-policy read-auth-mount read-login list-logins read-revocation-list list-revocation-lists read-secret-id list-secret-ids list-realms list-identities list-roles list-providers list-grants list-retirable-key-grants',
);
const governWords =
  words(`create-realm create-region create-identity disable-identity create-credentials revoke-credential create-grant
  revoke-grant create-key-store change-key-store list-key-stores create-role delete-role register-provider delete-provider write-acl-policy delete-acl-policy seal
  enable-mount tune-mount disable-mount enable-auth-mount tune-auth-mount disable-auth-mount configure-auth-mount create-orphan-token write-login delete-login write-revocation-list delete-revocation-list create-secret-id destroy-secret-id`);
const sealWords = words(
  'list-seals add-seal remove-seal rotate-seal prove-seal rotate-root read-root acknowledge-share list-acknowledgements',
);
const backupWords = words('take-backup read-backups schedule-backups confirm-restore');
const ceremonyWords = [
  ...sealWords,
  ...backupWords,
  ...words('read-ceremony start-ceremony cancel-ceremony feed-ceremony'),
];
governWords.push(
  ...ceremonyWords,
  ...words('write-token-role delete-token-role revoke-tokens revoke-token-alone tidy'),
);
listWords.push(...words('read-token-role list-token-roles list-tokens read-host list-audit-sinks'));
const serverWords = [
  ...ceremonyWords,
  ...words('set-key-cache seal create-realm read-audit prove-audit read-metrics read-host list-audit-sinks'),
];
const rightsWords = words('read-key-policy list-key-grants');
const listOnKeyWords = words('explain-access');
const governOnKeyWords = words('put-key-policy create-key-grant retire-key-grant revoke-key-grant');
const selfWords = words(
  'list-mounts list-auth-mounts read-mount read-capabilities assume-role create-session get-caller-identity wrap-answer',
);
const openWords = words('read-status unseal login begin-oidc-login unwrap-answer lookup-wrapping rewrap-answer');
const auditWords = words('read-audit prove-audit read-checkpoint read-metrics');
const wordsOfRole: Record<string, string[]> = {
  'key-administrator': [...administerWords, ...secretAdministerWords, ...readWords, ...rightsWords],
  'key-user': [...useWords, ...secretUseWords, ...computeWords, ...readWords],
  'key-exporter': [...exportWords, ...readWords],
  auditor: [...readWords, ...rightsWords, ...listWords, ...listOnKeyWords, ...auditWords],
  'security-officer': [...governWords, ...governOnKeyWords, ...rightsWords, ...listWords, ...listOnKeyWords],
};
const everyRoleWord = [...new Set(Object.values(wordsOfRole).flat())];

interface Place {
  key?: Key;
  name?: string;
  anywhere?: true;
}

function naive(facts: Facts, who: Principal, command: Command, keys: readonly Key[]): string {
  const asked: string = command.kind;
  if (openWords.includes(asked)) return 'allow';
  if (who.kind === 'anonymous') return 'unauthenticated';
  const systems = ['run-schedule', 'run-backup-schedule', 'report-rotation'].includes(asked);
  if (who.kind === 'system') return systems ? 'allow' : 'denied';
  if (systems) return 'denied';
  if (who.kind === 'federated' || asked === 'assume-role-with-web-identity') return 'denied';
  if ((asked.endsWith('-token') && asked !== 'create-orphan-token') || selfWords.includes(asked)) return 'allow';
  if (facts.limitedTo && facts.limitedTo.indexOf(asked) < 0) return 'denied';
  if (serverWords.includes(asked) && !facts.ofFirstRealm) return 'denied';
  const account = who.realm.split('.')[0];
  if (!keys.every((key) => key.realm.split('.')[0] === account)) return 'denied';

  const places: Place[] = [];
  const secret = facts.secret as Key | undefined;
  const onSecrets = [...secretAdministerWords, ...secretUseWords, ...secretReadWords];
  if (asked !== 'set-secret-rules' && onSecrets.includes(asked)) {
    if (secret === undefined) return 'denied';
    for (const key of [secret, ...keys]) places.push({ key });
  }
  if (asked === 'check-secret-policy' && secret !== undefined) places.push({ key: secret });
  const given = command as { name?: string; key?: object };
  const onKeys =
    (administerWords.includes(asked) &&
      !['create-key', 'import-key', 'import-key-versions', 'restore-key', 'set-key-cache', 'set-key-rules'].includes(
        asked,
      )) ||
    [useWords, exportWords, rightsWords, listOnKeyWords, governOnKeyWords].some((list) => list.includes(asked));
  if (onKeys || asked === 'describe-key' || asked === 'read-last-use' || (asked === 'list-aliases' && given.key)) {
    const pair = ['re-encrypt', 'update-primary-region', 'export-wrapped-key'].includes(asked);
    if (keys.length < (pair ? 2 : 1) || (pair && keys.length > 2)) return 'denied';
    for (const key of keys) places.push({ key });
    if (asked === 'replicate-key') places.push({});
  }
  if (asked === 'create-key' || asked === 'import-key' || asked.endsWith('-alias')) {
    if (given.name !== undefined) places.push({ name: given.name });
  }
  if (asked === 'restore-key') for (const key of [...keys, undefined]) places.push(key === undefined ? {} : { key });
  if (asked === 'import-key-versions') {
    if (given.name === undefined) return 'denied';
    for (const key of keys) places.push({ key });
    places.push({ name: given.name });
  }
  if (computeWords.includes(asked) || ['get-wrapping-key', 'read-key-cache'].includes(asked))
    places.push({ anywhere: true });
  if (places.length === 0) places.push({});

  const rights = facts.grants.filter((grant) => {
    const mine =
      grant.grantee.kind === 'principal'
        ? who.name === grant.grantee.name
        : who.groups.some((group) => group === grant.grantee.name);
    return mine && grant.realm === account && !(Number(grant.expiresAt ?? Infinity) <= facts.now);
  });
  let answer = 'allow';
  for (const place of places) {
    const here = rights.filter((grant) => isHere(grant.scope, place));
    if (!here.some((grant) => wordsOf(grant, facts).includes(asked) && conditionMet(grant, command))) {
      return answer === 'allow' ? 'denied' : answer;
    }
    const administers = here.some((grant) =>
      wordsOf(grant, facts).some((word) => [...administerWords, ...secretAdministerWords].includes(word)),
    );
    const uses = here.some((grant) =>
      wordsOf(grant, facts).some((word) => [...useWords, ...exportWords, ...secretUseWords].includes(word)),
    );
    const matters = [administerWords, useWords, exportWords, secretAdministerWords, secretUseWords].some((some) =>
      some.includes(asked),
    );
    if (answer === 'allow' && matters && administers && uses && facts.mode === 'production')
      answer = 'separation-of-duties';
  }
  return answer;
}

function wordsOf(grant: Grant, facts: Facts): string[] {
  const all =
    grant.role === 'developer' ? (facts.mode === 'development' ? everyRoleWord : []) : wordsOfRole[grant.role]!;
  return grant.actions ? all.filter((word) => grant.actions!.includes(word)) : all;
}

function isHere(scope: GrantScope, place: Place): boolean {
  if (scope.kind === 'realm' || place.anywhere) return true;
  if (scope.kind === 'key') return place.key !== undefined && place.key.id === scope.id;
  const expression = new RegExp(`^${scope.pattern.replace(/[.+?^${}()|[\]\\/]/g, '\\$&').replace(/\*$/, '[^]*')}$`);
  return [...(place.key?.names ?? []), ...(place.name === undefined ? [] : [place.name])].some((name) =>
    expression.test(name),
  );
}

function conditionMet(grant: Grant, command: Command): boolean {
  if (!grant.condition) return true;
  const parts = command as { context?: Context; sourceContext?: Context; targetContext?: Context };
  const contexts = [parts.context, parts.sourceContext, parts.targetContext].filter((part) => part !== undefined);
  if (contexts.length === 0) return false;
  const { kind, pairs } = grant.condition;
  for (const context of contexts) {
    const seen = new Map<string, string[]>();
    for (const [key, value] of context.pairs ?? []) seen.set(key, [...(seen.get(key) ?? []), value]);
    if (seen.size === 0) return false;
    for (const key in pairs) if (JSON.stringify(seen.get(key)) !== JSON.stringify([pairs[key]])) return false;
    const extra = [...seen.keys()].filter((key) => !(key in pairs));
    if (kind === 'context-equals' && extra.length > 0) return false;
  }
  return true;
}

/** mulberry32: small, seeded, good enough to choose cases. */
function randomSource(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const actions = Object.keys(rules) as Action[];
const names = ['a', 'a/1', 'a/2', 'b/1', 'ab', '*'];
const patterns = ['*', 'a', 'a*', 'a/*', 'a/1', 'b/*', 'b'];
const ids = ['k1', 'k2', 'k3'];
const now = 1_000_000;

function world(random: () => number) {
  const chance = (p: number) => random() < p;
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const some = <T>(from: readonly T[], p: number): T[] => from.filter(() => chance(p));
  const pairs = (): [string, string][] =>
    Array.from({ length: Math.floor(random() * 3) }, () => [pick(['x', 'y']), pick(['1', '2'])]);
  const context = (): Context => (chance(0.2) ? {} : { pairs: pairs() });

  const principal = (): Principal => ({
    realm: pick(['r1', 'r1', 'r1.eu-west-1']),
    name: pick(['ann', 'bob']),
    kind: chance(0.02) ? 'anonymous' : chance(0.02) ? 'system' : 'person',
    groups: some(['g1', 'g2'], 0.5),
    credential: 'c',
  });
  const scope = (): GrantScope =>
    pick([
      () => ({ kind: 'realm' }) as const,
      () => ({ kind: 'key', id: pick(ids) }) as const,
      () => ({ kind: 'names', pattern: pick(patterns) }) as const,
    ])();
  const grant = (index: number): Grant => ({
    id: `grant-${index}`,
    realm: chance(0.97) ? 'r1' : 'r2',
    revision: 1,
    grantee: chance(0.6)
      ? { kind: 'principal', name: pick(['ann', 'bob']) }
      : { kind: 'group', name: pick(['g1', 'g2', 'ann']) },
    role: chance(0.7) ? pick(['key-administrator', 'key-user']) : pick(roles),
    ...(chance(0.2) ? { actions: some(actions, 0.5) } : {}),
    scope: scope(),
    ...(chance(0.2)
      ? {
          condition: {
            kind: pick(['context-includes', 'context-equals'] as const),
            pairs: Object.fromEntries(pairs()),
          },
        }
      : {}),
    createdAt: 0,
    ...(chance(0.15) ? { expiresAt: now + pick([-1, 0, 1]) } : {}),
  });
  const key = (): Key =>
    ({
      realm: chance(0.97) ? pick(['r1', 'r1.eu-west-1']) : pick(['r2', 'r2.eu-west-1']),
      id: pick(ids),
      names: some(names, 0.3),
    }) as unknown as Key;
  const command = (): Command => {
    const kind = pick(actions);
    const ref = { by: 'id', id: 'k1' };
    return {
      kind,
      ...(kind === 'list-retirable-key-grants' ? { retiring: 'arn:aws:iam::000000000000:user/nobody' } : {}),
      ...(rules[kind][1] === 'key-and-name' ||
      (['create-key', 'import-key-versions'].includes(kind) && chance(0.8)) ||
      kind === 'import-key'
        ? { name: pick(names) }
        : {}),
      ...(kind === 'list-aliases' && chance(0.5) ? { key: ref } : {}),
      ...(['encrypt', 'decrypt', 'sign', 'verify', 'generate-data-key', 'generate-data-key-pair'].includes(kind)
        ? { context: context() }
        : {}),
      ...(kind === 're-encrypt' ? { sourceContext: context(), targetContext: context() } : {}),
    } as unknown as Command;
  };
  return {
    principal,
    command,
    keys: () => Array.from({ length: Math.floor(random() * 3.2) }, key),
    facts: (): Facts => ({
      mode: chance(0.7) ? 'production' : 'development',
      now,
      ofFirstRealm: chance(0.5),
      ...(chance(0.8) ? { secret: { names: some(names, 0.3), ...(chance(0.8) ? { id: pick(ids) } : {}) } } : {}),
      grants: Array.from({ length: Math.floor(random() * 6) }, (_, index) => grant(index)),
      ...(chance(0.1) ? { limitedTo: some(actions, 0.7) } : {}),
    }),
  };
}

const nameOf = (decision: Decision) => (decision.allow ? 'allow' : decision.code);

test('decides as the naive second evaluator does, on 1,000,000 random cases', () => {
  const total = 1_000_000;
  const make = world(randomSource(20261124));
  const seen: Record<string, number> = {};
  for (let done = 0; done < total; ) {
    const facts = make.facts();
    const principal = make.principal();
    for (let i = 0; i < 20 && done < total; i++, done++) {
      const command = make.command();
      const keys = make.keys();
      const expected = naive(facts, principal, command, keys);
      const actual = nameOf(decide(facts, principal, command, keys));
      if (actual !== expected) {
        assert.fail(`${actual}, not ${expected}: ${JSON.stringify({ facts, principal, command, keys })}`);
      }
      seen[expected] = (seen[expected] ?? 0) + 1;
    }
  }
  // Cases that nearly all end alike would compare nothing.
  for (const [answer, least] of Object.entries({
    allow: 100_000,
    denied: 100_000,
    'separation-of-duties': 5_000,
    unauthenticated: 5_000,
  })) {
    assert.ok((seen[answer] ?? 0) >= least, `${answer}: ${seen[answer]}`);
  }
});

test('a cacheable decision stays the same whatever the time and the context', () => {
  const make = world(randomSource(7));
  let cacheable = 0;
  for (let i = 0; i < 50_000; i++) {
    const facts = make.facts();
    const principal = make.principal();
    const command = make.command();
    const keys = make.keys();
    const decision = decide(facts, principal, command, keys);
    if (!decision.allow || !decision.cacheable) continue;
    cacheable++;
    const other = { ...command, ...('context' in command ? { context: { pairs: [['z', '9']] } } : {}) } as Command;
    assert.equal(decide({ ...facts, now: now + 1e9 }, principal, other, keys).allow, true);
  }
  assert.ok(cacheable > 5_000);
});
