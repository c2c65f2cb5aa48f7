import { type Command, type KeyStoreKind, KmsError, type Outcome, type Result } from '#domain/domain.ts';

/*
 * All keys of this server hang from its own root. Other stores for keys can be asked for by their names in the protocols; until there is
 * a root of trust that could be one, each request is judged like any other and told that there is none.
 */

/** The store that a request names isn't there. `subject` tells it from a key that isn't. */
export function noKeyStore(named: string): KmsError {
  return new KmsError('not-found', `There is no key store ${named}.`, 'key-store');
}

export function listKeyStores({ id, name }: Command<'list-key-stores'>): Outcome<Result<'list-key-stores'>> {
  const named = id ?? name;
  if (named !== undefined) throw noKeyStore(named);
  return { result: { stores: [] } };
}

const unreachable = {
  'hsm-cluster': { subject: 'hsm-cluster', message: 'This server knows of no such cluster of HSMs.' },
  external: { subject: 'key-store-proxy', message: 'This server reaches no external key store.' },
  'external-by-private-link': { subject: 'key-store-link', message: 'This server knows of no such private link.' },
} as const satisfies Record<KeyStoreKind, { readonly subject: string; readonly message: string }>;

export function createKeyStore({ storeKind }: Command<'create-key-store'>): Outcome<Result<'create-key-store'>> {
  const { subject, message } = unreachable[storeKind];
  throw new KmsError('not-found', message, subject);
}

export function changeKeyStore({ id }: Command<'change-key-store'>): Outcome<Result<'change-key-store'>> {
  throw noKeyStore(id);
}
