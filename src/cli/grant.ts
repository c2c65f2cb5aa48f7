import type { Grant } from '#client/client.ts';
import { type Command, duration, pairs, present, UsageError } from './command.ts';
import { shortTime } from './output.ts';

export const grantCommands: readonly Command[] = [
  {
    name: 'grant create',
    takes: 'NAME',
    summary: 'Give an identity or a group a role on a key, on names or on the realm',
    words: [1, 1],
    options: {
      role: {
        type: 'string',
        value: 'ROLE',
        help: 'key-administrator, key-user, key-exporter, auditor or security-officer',
      },
      group: { type: 'boolean', help: 'NAME is a group' },
      key: { type: 'string', value: 'KEY', help: 'only this key (a name or an id)' },
      names: { type: 'string', value: 'PATTERN', help: "only keys so named: 'payments', 'payments/*'" },
      action: {
        type: 'string',
        multiple: true,
        value: 'ACTION',
        help: 'only this action of the role; may be repeated',
      },
      context: {
        type: 'string',
        multiple: true,
        value: 'K=V',
        help: 'only with this pair in the encryption context; may be repeated',
      },
      'exact-context': { type: 'boolean', help: 'the context must be exactly those pairs' },
      ttl: { type: 'string', value: '30d', help: 'how long it lasts (default: until revoked)' },
    },
    async run(call) {
      const role = call.text('role');
      if (role === undefined) throw new UsageError('claviger grant create needs --role ROLE.');
      const { client } = call.connect();
      const key = call.text('key');
      const context = pairs(call.texts('context'));
      const actions = call.texts('action');
      const ttl = call.text('ttl');
      const grant = await client.createGrant({
        grantee: call.words[0]!,
        granteeKind: call.flag('group') ? 'group' : 'principal',
        role,
        ...present({
          keyId: key === undefined ? undefined : (await client.describeKey(key)).key.id,
          names: call.text('names'),
          actions: actions.length === 0 ? undefined : actions,
          ttlSeconds: ttl === undefined ? undefined : duration(ttl),
          condition:
            context.length === 0
              ? undefined
              : {
                  kind: call.flag('exact-context') ? ('context-equals' as const) : ('context-includes' as const),
                  pairs: Object.fromEntries(context),
                },
        }),
      });
      call.out.result({ grant }, () => call.out.line(`${grant.id}: ${described(grant)}`));
    },
  },
  {
    name: 'grant list',
    summary: 'List the grants of your realm',
    async run(call) {
      const grants = await Array.fromAsync(call.connect().client.listGrants());
      call.out.result({ grants }, () =>
        call.out.table(
          ['ID', 'GRANTEE', 'ROLE', 'ON', 'ONLY', 'UNTIL'],
          grants.map((grant) => [
            grant.id,
            granteeOf(grant),
            grant.role,
            scopeOf(grant),
            onlyOf(grant),
            shortTime(grant.expiresAt),
          ]),
        ),
      );
    },
  },
  {
    name: 'grant revoke',
    takes: 'ID',
    summary: 'Take a grant back',
    words: [1, 1],
    async run(call) {
      await call.connect().client.revokeGrant(call.words[0]!);
      call.out.result({ revoked: call.words[0] }, () => call.out.line(`The grant ${call.words[0]} is revoked.`));
    },
  },
];

const granteeOf = (grant: Grant) => (grant.granteeKind === 'group' ? `group ${grant.grantee}` : grant.grantee);

function scopeOf({ keyId, names }: Grant): string {
  if (keyId !== undefined) return `key ${keyId}`;
  return names === undefined ? 'the realm' : `names ${names}`;
}

function onlyOf({ actions, condition }: Grant): string {
  const pairsText = Object.entries(condition?.pairs ?? {}).map(([key, value]) => `${key}=${value}`);
  const sign = condition?.kind === 'context-equals' ? 'context is' : 'context has';
  return [...(actions ?? []), ...(pairsText.length === 0 ? [] : [`${sign} ${pairsText.join(' ')}`])].join(', ');
}

function described(grant: Grant): string {
  const only = onlyOf(grant);
  return `${granteeOf(grant)} is ${grant.role} on ${scopeOf(grant)}${only === '' ? '' : `, only ${only}`}.`;
}
