import { type Command, type Key, KmsError } from '#domain/domain.ts';

/** Names that begin so are the server's own: whoever holds a grant on the realm may use what they name, and nobody may move them. */
const reserved = 'aws/';

/** The key of a realm for secrets whose owner names none. AWS clients know it by this name. */
export const secretsKeyName = 'aws/secretsmanager';

export const secretsKey: Command<'create-key'> = {
  kind: 'create-key',
  spec: 'aes-256',
  usages: ['encrypt'],
  class: 'enveloped',
  name: secretsKeyName,
  description: 'Protects the secrets of this realm that name no key of their own.',
};

/** Whether it is one that the server made for itself. */
export function isOwnKey({ names }: Pick<Key, 'names'>): boolean {
  return names.some((name) => name.startsWith(reserved));
}

/** Throws 'invalid-parameter' where a caller would give, move or take such a name. */
export function unreserved<T extends { readonly name?: string }>(command: T): T {
  if (command.name?.startsWith(reserved) === true) {
    throw new KmsError('invalid-parameter', `Names that begin with ${reserved} are reserved.`);
  }
  return command;
}
