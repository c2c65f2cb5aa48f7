import type { Token } from '#client/client.ts';
import { type Call, type Command, duration, present } from './command.ts';
import { shortTime } from './output.ts';

const ttl = { type: 'string', value: '12h', help: 'how long it lasts' } as const;

/** ACCESSOR names a token without being one; without it the asking token is meant. */
export const tokenCommands: readonly Command[] = [
  {
    name: 'token create',
    summary: 'Make a token with no more rights than the one that asks, revoked with it',
    options: {
      ttl,
      label: { type: 'string', value: 'TEXT', help: 'what it is for' },
      action: { type: 'string', multiple: true, value: 'ACTION', help: 'only for this action; may be repeated' },
      renewable: { type: 'boolean', help: 'may be renewed before its end' },
    },
    async run(call) {
      const actions = call.texts('action');
      const made = await call.connect().client.createToken(
        present({
          ttlSeconds: ttlOf(call),
          label: call.text('label'),
          actions: actions.length === 0 ? undefined : actions,
          renewable: call.flag('renewable') || undefined,
        }),
      );
      call.out.result(made, () => {
        call.out.facts([['token', made.token]]);
        tokenFacts(call, made);
      });
    },
  },
  {
    name: 'token show',
    takes: '[ACCESSOR]',
    summary: 'Show a token',
    words: [0, 1],
    async run(call) {
      const token = await call.connect().client.lookupToken(call.words[0]);
      call.out.result(token, () => tokenFacts(call, token));
    },
  },
  {
    name: 'token renew',
    takes: '[ACCESSOR]',
    summary: 'Move the end of a renewable token',
    words: [0, 1],
    options: { ttl: { ...ttl, help: 'how long from now (default: as when it was made)' } },
    async run(call) {
      const token = await call.connect().client.renewToken(call.words[0], ttlOf(call));
      call.out.result(token, () => tokenFacts(call, token));
    },
  },
  {
    name: 'token revoke',
    takes: '[ACCESSOR]',
    summary: 'End a token and those that it made',
    words: [0, 1],
    async run(call) {
      await call.connect().client.revokeToken(call.words[0]);
      call.out.result({ revoked: call.words[0] ?? 'self' }, () => call.out.line('The token is revoked.'));
    },
  },
];

function ttlOf(call: Call): number | undefined {
  const text = call.text('ttl');
  return text === undefined ? undefined : duration(text);
}

function tokenFacts({ out }: Call, token: Token): void {
  out.facts([
    ['accessor', token.accessor],
    ['identity', token.identity],
    ['realm', token.realm],
    ['label', token.label],
    ['only', token.actions?.join(', ')],
    ['renewable', token.renewable ? 'yes' : 'no'],
    ['created', shortTime(token.createdAt)],
    ['valid until', token.expiresAt === undefined ? 'revoked' : shortTime(token.expiresAt)],
  ]);
}
