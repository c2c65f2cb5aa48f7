import { readFileSync } from 'node:fs';
import type { AssumableRole, CreateRole, IdentityProvider } from '#client/client.ts';
import { CliError, type Command, duration, pairs, present, UsageError } from './command.ts';
import { shortTime } from './output.ts';

export const roleCommands: readonly Command[] = [
  {
    name: 'role create',
    takes: 'NAME',
    summary: 'Make a role that others take on for a while',
    words: [1, 1],
    options: {
      trust: {
        type: 'string',
        multiple: true,
        value: 'WHO',
        help: 'who may: identity:NAME, group:NAME or provider:ISSUER; may be repeated',
      },
      claim: {
        type: 'string',
        multiple: true,
        value: 'K=V',
        help: "what a provider's token must say: sub=repo:me/*; may be repeated",
      },
      role: {
        type: 'string',
        value: 'ROLE',
        help: 'key-administrator, key-user, key-exporter or auditor, on the whole realm',
      },
      'external-id': { type: 'string', value: 'ID', help: 'what identities and groups must say to take it on' },
      again: {
        type: 'boolean',
        help: 'there was a role of that name, and policies of keys that name it may mean this one',
      },
      'max-session': { type: 'string', value: '1h', help: 'the longest session, 15m to 12h (default 1h)' },
    },
    more: [
      'AWS clients take it on as arn:aws:iam::ACCOUNT:role/NAME. Of one claim any of its values is enough, of several claims each must hold;',
      'a * in a value stands for any text.',
    ],
    async run(call) {
      const longest = call.text('max-session');
      const created = await call.connect().client.createRole({
        name: call.words[0]!,
        ...trustOf(call.texts('trust'), call.texts('claim')),
        ...present({
          role: call.text('role'),
          externalId: call.text('external-id'),
          again: call.flag('again') || undefined,
          maxSessionSeconds: longest === undefined ? undefined : duration(longest),
        }),
      });
      call.out.result({ role: created }, () =>
        call.out.line(`${arnOf(created)}: ${trustedBy(created)} may take it on.`),
      );
    },
  },
  {
    name: 'role list',
    summary: 'List the roles of your realm',
    async run(call) {
      const roles = await Array.fromAsync(call.connect().client.listRoles());
      call.out.result({ roles }, () =>
        call.out.table(
          ['ROLE', 'TRUSTS', 'SESSION', 'CREATED'],
          roles.map((role) => [
            arnOf(role),
            trustedBy(role),
            `${role.maxSessionSeconds / 60}m`,
            shortTime(role.createdAt),
          ]),
        ),
      );
    },
  },
  {
    name: 'role assume',
    takes: 'NAME',
    summary: 'Take on a role: an access key, a secret and a session token for AWS clients',
    words: [1, 1],
    options: {
      session: { type: 'string', value: 'NAME', help: 'what the ledger calls the session' },
      ttl: { type: 'string', value: '1h', help: 'how long it lasts (default 1h)' },
      'external-id': { type: 'string', value: 'ID', help: 'what the role asks for' },
    },
    async run(call) {
      const sessionName = call.text('session');
      if (sessionName === undefined) throw new UsageError('claviger role assume needs --session NAME.');
      const ttl = call.text('ttl');
      const session = await call.connect().client.assumeRole(call.words[0]!, {
        sessionName,
        ...present({
          durationSeconds: ttl === undefined ? undefined : duration(ttl),
          externalId: call.text('external-id'),
        }),
      });
      call.out.result(session, () =>
        call.out.facts([
          ['access key id', session.accessKeyId],
          ['secret access key', session.secretAccessKey],
          ['session token', session.sessionToken],
          ['valid until', shortTime(session.expiresAt)],
        ]),
      );
    },
  },
  {
    name: 'role delete',
    takes: 'NAME',
    summary: 'Delete a role, end its sessions and take back what was granted to it',
    words: [1, 1],
    async run(call) {
      await call.connect().client.deleteRole(call.words[0]!);
      call.out.result({ deleted: call.words[0] }, () => call.out.line(`The role ${call.words[0]} is deleted.`));
    },
  },
  {
    name: 'provider create',
    takes: 'ISSUER',
    summary: 'Believe the tokens of an OpenID Connect provider',
    words: [1, 1],
    options: {
      jwks: {
        type: 'string',
        value: 'FILE|URL',
        help: 'its public keys: a file, or where it publishes them over https',
      },
      audience: {
        type: 'string',
        multiple: true,
        value: 'A',
        help: 'whom its tokens must be for; may be repeated',
      },
    },
    async run(call) {
      const keys = call.text('jwks');
      const audiences = call.texts('audience');
      if (keys === undefined || audiences.length === 0)
        throw new UsageError('claviger provider create needs --jwks FILE|URL and --audience A.');
      const provider = await call.connect().client.registerProvider({
        issuer: call.words[0]!,
        audiences,
        ...(keys.startsWith('https://') ? { url: keys } : { jwks: readJson(keys) }),
      });
      call.out.result({ provider }, () => call.out.line(`Tokens of ${provider.issuer} are believed from now on.`));
    },
  },
  {
    name: 'provider list',
    summary: 'List the identity providers of your realm',
    async run(call) {
      const providers = await Array.fromAsync(call.connect().client.listProviders());
      call.out.result({ providers }, () =>
        call.out.table(
          ['ISSUER', 'AUDIENCES', 'KEYS', 'CREATED'],
          providers.map((provider) => [
            provider.issuer,
            provider.audiences.join(', '),
            provider.url ?? `${keysIn(provider)} given`,
            shortTime(provider.createdAt),
          ]),
        ),
      );
    },
  },
  {
    name: 'provider delete',
    takes: 'ISSUER',
    summary: 'Believe a provider no more, and end the sessions that its word was taken for',
    words: [1, 1],
    async run(call) {
      await call.connect().client.deleteProvider(call.words[0]!);
      call.out.result({ deleted: call.words[0] }, () => call.out.line(`${call.words[0]} is believed no more.`));
    },
  },
];

function trustOf(trusted: readonly string[], claimTexts: readonly string[]): Omit<CreateRole, 'name'> {
  const of = (kind: string) => trusted.filter((one) => one.startsWith(kind)).map((one) => one.slice(kind.length));
  const [identities, groups, issuers] = [of('identity:'), of('group:'), of('provider:')];
  if (trusted.length === 0 || identities.length + groups.length + issuers.length < trusted.length)
    throw new UsageError('claviger role create needs --trust identity:NAME, group:NAME or provider:ISSUER.');
  const claims: Record<string, string[]> = {};
  // One claim may have several values, so each is read by itself.
  for (const text of claimTexts) {
    for (const [name, value] of pairs([text])) claims[name] = [...(claims[name] ?? []), value];
  }
  return { identities, groups, providers: issuers.map((issuer) => ({ issuer, claims })) };
}

const arnOf = ({ realm, name }: AssumableRole) => `arn:aws:iam::${realm}:role/${name}`;

function trustedBy({ identities, groups, providers, externalId }: AssumableRole): string {
  const claimsOf = (claims: Readonly<Record<string, readonly string[]>>) =>
    Object.entries(claims).map(([name, values]) => `${name}=${values.join('|')}`);
  const who = [
    ...identities,
    ...groups.map((group) => `group ${group}`),
    ...providers.map(({ issuer, claims }) => `${issuer} (${claimsOf(claims).join(', ')})`),
  ].join(', ');
  return externalId === undefined ? who : `${who}, with its external id`;
}

const keysIn = ({ jwks }: IdentityProvider) => (jwks as { keys?: readonly unknown[] } | undefined)?.keys?.length ?? 0;

function readJson(path: string): object {
  const text = readFileSync(path, 'utf8');
  try {
    const value: unknown = JSON.parse(text);
    if (value !== null && typeof value === 'object') return value;
  } catch {
    // Said below.
  }
  throw new CliError(`${path} is no JSON Web Key Set.`);
}
