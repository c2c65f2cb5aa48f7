import { ApiError, type ClavigerClient, type Key, type LastUse } from '#client/client.ts';
import { type Call, type Command, pairs, present, wholeNumber } from './command.ts';
import { howLongAgo, shortTime } from './output.ts';

/** KEY is a name, with or without `alias/`, or an id. */
export const keyCommands: readonly Command[] = [
  {
    name: 'key create',
    takes: '[NAME]',
    summary: 'Make a key',
    words: [0, 1],
    options: {
      spec: {
        type: 'string',
        value: 'SPEC',
        help: 'aes-256 (default), rsa-3072, ec-p256, ed25519, ml-dsa-65, ml-kem-768 ...',
      },
      usage: {
        type: 'string',
        multiple: true,
        value: 'USAGE',
        help: 'encrypt, sign, mac ... (default: what the spec does first)',
      },
      raw: {
        type: 'boolean',
        help: 'bare ciphertexts (nonce, ciphertext, tag) that other programs open; needs rotation by 2^32 uses',
      },
      description: { type: 'string', value: 'TEXT', help: 'what it is for' },
      tag: { type: 'string', multiple: true, value: 'K=V', help: 'a tag; may be repeated' },
      'rotation-days': { type: 'string', value: 'N', help: 'rotate it by itself, every N days' },
      exportable: { type: 'boolean', help: 'its material may be exported' },
      protection: {
        type: 'string',
        value: 'WHERE',
        help: '"hsm": its material is made in the HSM and never leaves it',
      },
      'multi-region': { type: 'boolean', help: 'it can be replicated into other regions of the account' },
    },
    async run(call) {
      const usages = call.texts('usage');
      const tags = pairs(call.texts('tag'));
      const days = call.text('rotation-days');
      const key = await call.connect().client.createKey(
        present({
          name: call.words[0],
          spec: call.text('spec'),
          usages: usages.length === 0 ? undefined : usages,
          class: call.flag('raw') ? ('raw' as const) : undefined,
          description: call.text('description'),
          tags: tags.length === 0 ? undefined : Object.fromEntries(tags),
          rotationPeriodDays: days === undefined ? undefined : wholeNumber('--rotation-days', days),
          exportable: call.flag('exportable') || undefined,
          multiRegion: call.flag('multi-region') || undefined,
          protection: call.text('protection'),
        }),
      );
      showKey(call, key);
    },
  },
  {
    name: 'key list',
    summary: 'List the keys of your realm',
    options: { long: { type: 'boolean', short: 'l', help: 'also what each is and may do' } },
    async run(call) {
      const { client } = call.connect();
      const keys = await Array.fromAsync(client.listKeys());
      if (call.flag('long'))
        return listLong(
          call,
          client,
          keys.map(({ id }) => id),
        );
      call.out.result({ keys }, () =>
        call.out.table(
          ['ID', 'NAMES'],
          keys.map(({ id, names }) => [id, names.join(', ')]),
        ),
      );
    },
  },
  {
    name: 'key show',
    takes: 'KEY',
    summary: 'Show a key and its versions',
    words: [1, 1],
    async run(call) {
      const { client } = call.connect();
      const { key, versions } = await client.describeKey(call.words[0]!);
      const lastUse = await readLastUse(client, key.id);
      call.out.result({ key, versions, ...(lastUse !== 'denied' && { lastUse }) }, () => {
        keyFacts(call, key, lastUse === 'denied' ? undefined : lastUsed(lastUse, new Date()));
        call.out.line();
        call.out.table(
          ['VERSION', 'STATE', 'CREATED'],
          versions.map(({ version, state, createdAt }) => [String(version), state, shortTime(createdAt)]),
        );
      });
    },
  },
  change(
    'rotate',
    'Make a new version, which protects from now on; older ones still open what they made',
    (client, key) => client.rotateKey(key),
  ),
  change('enable', 'Allow a disabled key to be used again', (client, key) => client.enableKey(key)),
  change('disable', 'Refuse every use of a key until it is enabled again', (client, key) => client.disableKey(key)),
  onVersion('disable', 'Refuse every use of one older version; the others go on', (client, key, version) =>
    client.disableKeyVersion(key, version),
  ),
  onVersion('enable', 'Allow a disabled version to be used again', (client, key, version) =>
    client.enableKeyVersion(key, version),
  ),
  {
    name: 'key schedule-destruction',
    takes: 'KEY',
    summary: 'Destroy a key for good once the waiting time is over',
    words: [1, 1],
    options: { days: { type: 'string', value: 'N', help: 'how long to wait, 7 to 120 days (default 30)' } },
    async run(call) {
      const days = wholeNumber('--days', call.text('days') ?? '30');
      showKey(call, await call.connect().client.scheduleDestruction(call.words[0]!, days));
    },
  },
  change('cancel-destruction', 'Call a scheduled destruction off', (client, key) => client.cancelDestruction(key)),
  inRegion('replicate', 'Make a replica of a multi-Region key in another region', (client, key, region) =>
    client.replicateKey(key, region),
  ),
  inRegion('promote', 'Make the replica in REGION the primary of a multi-Region key', (client, key, region) =>
    client.updatePrimaryRegion(key, region),
  ),
  {
    name: 'key name',
    takes: 'KEY NAME',
    summary: 'Give a key one more name',
    words: [2, 2],
    async run(call) {
      const [key, name] = call.words as [string, string];
      const { client } = call.connect();
      // A name is given to an id, so that names can't point at names.
      await client.createAlias((await client.describeKey(key)).key.id, name);
      call.out.result({ name, key }, () => call.out.line(`${key} is now also called ${name}.`));
    },
  },
  {
    name: 'key unname',
    takes: 'NAME',
    summary: 'Take a name away from its key',
    words: [1, 1],
    async run(call) {
      await call.connect().client.deleteAlias(call.words[0]!);
      call.out.result({ removed: call.words[0] }, () => call.out.line(`No key is called ${call.words[0]} any more.`));
    },
  },
];

function change(verb: string, summary: string, ask: (client: ClavigerClient, key: string) => Promise<Key>): Command {
  return {
    name: `key ${verb}`,
    takes: 'KEY',
    summary,
    words: [1, 1],
    async run(call) {
      showKey(call, await ask(call.connect().client, call.words[0]!));
    },
  };
}

function onVersion(
  verb: string,
  summary: string,
  ask: (client: ClavigerClient, key: string, version: number) => Promise<Key>,
): Command {
  return {
    name: `key version ${verb}`,
    takes: 'KEY VERSION',
    summary,
    words: [2, 2],
    async run(call) {
      const [key, version] = call.words as [string, string];
      showKey(call, await ask(call.connect().client, key, wholeNumber('VERSION', version)));
    },
  };
}

function inRegion(
  verb: string,
  summary: string,
  ask: (client: ClavigerClient, key: string, region: string) => Promise<Key>,
): Command {
  return {
    name: `key ${verb}`,
    takes: 'KEY REGION',
    summary,
    words: [2, 2],
    async run(call) {
      const [key, region] = call.words as [string, string];
      showKey(call, await ask(call.connect().client, key, region));
    },
  };
}

async function listLong(call: Call, client: ClavigerClient, ids: readonly string[]): Promise<void> {
  const keys: Key[] = [];
  for (const id of ids) keys.push((await client.describeKey(id)).key);
  call.out.result({ keys }, () =>
    call.out.table(
      ['ID', 'NAMES', 'SPEC', 'USAGES', 'STATE', 'VERSION', 'CREATED'],
      keys.map((key) => [
        key.id,
        key.names.join(', '),
        key.spec,
        key.usages.join(', '),
        key.state,
        String(key.version),
        shortTime(key.createdAt),
      ]),
    ),
  );
}

function showKey(call: Call, key: Key): void {
  call.out.result({ key }, () => keyFacts(call, key));
}

/** Whoever may see a key may see its last use too, but for grants and tokens that name the actions they are for. */
function readLastUse(client: ClavigerClient, id: string): Promise<LastUse | 'denied' | undefined> {
  return client.lastUse(id).catch((error) => {
    if (error instanceof ApiError && error.code === 'denied') return 'denied';
    throw error;
  });
}

function lastUsed(lastUse: LastUse | undefined, now: Date): string {
  if (lastUse === undefined) return 'never';
  const { at, action, protocol } = lastUse;
  return `${howLongAgo(at, now)} by ${action}, through ${protocol} (${shortTime(at)})`;
}

function keyFacts({ out }: Call, key: Key, used?: string): void {
  out.facts([
    ['key', key.names[0] ?? key.id],
    ['id', key.id],
    ['other names', key.names.slice(1).join(', ')],
    ['realm', key.realm],
    ['spec', key.spec],
    ['usages', key.usages.join(', ')],
    ['class', key.class === 'raw' ? 'raw' : undefined],
    ['protected by', key.protection === 'hsm' ? 'an HSM' : undefined],
    ['state', key.state],
    ['version', String(key.version)],
    ['created', shortTime(key.createdAt)],
    ['last used', used],
    ['description', key.description],
    [
      'tags',
      Object.entries(key.tags)
        .map((tag) => tag.join('='))
        .join(' '),
    ],
    ['next rotation', key.rotation && `${shortTime(key.rotation.nextAt)}, every ${periodOf(key.rotation.periodDays)}`],
    ['destroyed on', shortTime(key.destroyedAt)],
    ['primary in', key.multiRegion?.primary],
    ['replicas in', key.multiRegion?.replicas.join(', ')],
  ]);
}

const hoursPerDay = 24;

/** Vault's clients say less than days, too. */
function periodOf(days: number): string {
  return Number.isInteger(days) ? `${days} days` : `${Number((days * hoursPerDay).toFixed(2))} hours`;
}
