import type { Credentials } from '#client/client.ts';
import { saveIdentityFile } from '#config/config.ts';
import { type Call, type Command, duration, present } from './command.ts';
import type { Connection } from './connect.ts';
import { shellQuoted } from './env.ts';
import { shortTime } from './output.ts';

const realm = { type: 'string', value: 'R', help: 'another realm than your own' } as const;
const ttl = { type: 'string', value: '30d', help: 'how long the credentials last (default: until revoked)' } as const;
const save = {
  type: 'boolean',
  help: 'keep the credentials in the data folder (development mode always does)',
} as const;

export const identityCommands: readonly Command[] = [
  {
    name: 'identity create',
    takes: 'NAME',
    summary: 'Make an identity and its first credentials',
    words: [1, 1],
    options: {
      role: {
        type: 'string',
        value: 'ROLE',
        help: 'key-administrator, key-user, key-exporter, auditor or security-officer, on the whole realm',
      },
      realm: { ...realm, help: "its realm, made if it isn't there (default: your own)" },
      group: { type: 'string', multiple: true, value: 'G', help: 'a group it belongs to; may be repeated' },
      ttl,
      save,
    },
    async run(call) {
      const connection = call.connect();
      const groups = call.texts('group');
      const made = await connection.client.createIdentity(
        present({
          name: call.words[0]!,
          role: call.text('role'),
          realm: call.text('realm'),
          groups: groups.length === 0 ? undefined : groups,
          ttlSeconds: ttlOf(call),
        }),
      );
      showCredentials(call, connection, made);
    },
  },
  {
    name: 'identity credentials',
    takes: 'NAME',
    summary: 'Make a new access key and token for an identity',
    words: [1, 1],
    options: { realm, ttl, save },
    async run(call) {
      const connection = call.connect();
      const options = present({ realm: call.text('realm'), ttlSeconds: ttlOf(call) });
      showCredentials(call, connection, await connection.client.createCredentials(call.words[0]!, options));
    },
  },
  {
    name: 'identity list',
    summary: 'List the identities of your realm',
    async run(call) {
      const identities = await Array.fromAsync(call.connect().client.listIdentities());
      call.out.result({ identities }, () =>
        call.out.table(
          ['NAME', 'ENABLED', 'GROUPS', 'CREATED'],
          identities.map(({ name, enabled, groups, createdAt }) => [
            name,
            enabled ? 'yes' : 'no',
            groups.join(', '),
            shortTime(createdAt),
          ]),
        ),
      );
    },
  },
  {
    name: 'identity disable',
    takes: 'NAME',
    summary: 'Refuse everything that an identity asks, from now on',
    words: [1, 1],
    options: { realm },
    async run(call) {
      await call.connect().client.disableIdentity(call.words[0]!, call.text('realm'));
      call.out.result({ disabled: call.words[0] }, () => call.out.line(`${call.words[0]} is disabled.`));
    },
  },
  {
    name: 'credential revoke',
    takes: 'ID',
    summary: 'End an access key or token: give its key id or accessor',
    words: [1, 1],
    async run(call) {
      await call.connect().client.revokeCredential(call.words[0]!);
      call.out.result({ revoked: call.words[0] }, () => call.out.line(`${call.words[0]} is revoked.`));
    },
  },
];

function ttlOf(call: Call): number | undefined {
  const text = call.text('ttl');
  return text === undefined ? undefined : duration(text);
}

/** The secrets are shown this once; the server keeps only what recognises them. */
function showCredentials(call: Call, { dataDir, mode }: Connection, made: Credentials): void {
  const { out } = call;
  const saves = dataDir !== undefined && (mode === 'development' || call.flag('save'));
  const path = saves ? saveIdentityFile(dataDir, made.identity, made) : undefined;
  out.result({ ...made, savedAs: path }, () => {
    out.line(`${out.paint.bold(made.identity)} of realm ${made.realm}`);
    out.line();
    out.facts([
      ['access key id', made.accessKeyId],
      ['secret access key', made.secretAccessKey],
      ['token', made.token],
      ['token accessor', made.tokenAccessor],
      ['valid until', made.expiresAt === undefined ? 'revoked' : shortTime(made.expiresAt)],
    ]);
  });
  if (path !== undefined) {
    const where = call.text('data') === undefined ? '' : ` --data ${shellQuoted(call.dataDir)}`;
    out.note(`\nSaved in ${path}, for its owner only. To use it:`);
    out.note(`  eval "$(claviger env --identity ${made.identity}${where})"`);
  } else if (call.flag('save')) {
    out.note('\nNot saved: --save needs a data folder, and CLAVIGER_ADDR names a server without one.');
  } else {
    out.note(
      '\nThese secrets are not shown again. Keep them now, or make others with "claviger identity credentials".',
    );
  }
}
