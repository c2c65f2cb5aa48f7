import { type Command, pairs, present } from './command.ts';

export const accessCommand: Command = {
  name: 'access explain',
  takes: 'PRINCIPAL ACTION KEY',
  summary: 'Say whether somebody may do something to a key, and what decides it',
  words: [3, 3],
  options: {
    context: {
      type: 'string',
      multiple: true,
      value: 'K=V',
      help: 'with this pair in the encryption context; may be repeated',
    },
    source: { type: 'string', value: 'IP', help: 'from this address' },
    protocol: { type: 'string', value: 'P', help: 'through aws-kms, vault, native ...: the answer is the same' },
  },
  more: [
    'PRINCIPAL is the name of an identity or a role, or an ARN; ACTION is an action such as decrypt, or kms:Decrypt.',
    'The key policy, the grants on the key and the grants of the realm are asked as they are for a call.',
  ],
  async run(call) {
    const [principal, action, key] = call.words as [string, string, string];
    const context = pairs(call.texts('context'));
    const explained = await call.connect().client.explainAccess(
      key,
      present({
        principal,
        action,
        context: context.length === 0 ? undefined : Object.fromEntries(context),
        source: call.text('source'),
        protocol: call.text('protocol'),
      }),
    );
    call.out.result({ access: explained }, () => {
      call.out.line(`${explained.principal} ${explained.allowed ? 'may' : 'may not'} ${action} ${key}.`);
      call.out.line(explained.reason);
    });
  },
};
