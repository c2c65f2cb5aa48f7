import { randomUuid, readKeySet } from '#crypto/crypto.ts';
import {
  type Command,
  type IdentityProvider,
  KmsError,
  type Outcome,
  type Principal,
  type Results,
} from '#domain/domain.ts';
import { type Directory, ids, put, remove } from './directory.ts';
import { checkLimit } from './names.ts';
import type { Realms } from './realms.ts';
import type { Standings } from './standing.ts';

const maxAudiences = 100;
const maxKeySet = 64 * 1024;
const urlForm = /^https:\/\/[\x21-\x7e]{1,500}$/;

/** OpenID Connect providers whose word a realm takes. */
export class Providers {
  readonly #directory: Directory;
  readonly #realms: Realms;
  readonly #standings: Standings;
  readonly #clock: () => number;

  constructor(directory: Directory, realms: Realms, standings: Standings, clock: () => number) {
    this.#directory = directory;
    this.#realms = realms;
    this.#standings = standings;
    this.#clock = clock;
  }

  async register(
    { realm }: Principal,
    { issuer, audiences, keys }: Command<'register-provider'>,
  ): Promise<Outcome<Results['register-provider']>> {
    if (!isUrl(issuer) || /[?#]/.test(issuer)) {
      throw new KmsError(
        'invalid-parameter',
        'An issuer is an https URL of at most 500 characters, without query or fragment.',
      );
    }
    const sound = audiences.every((audience) => /^[\x21-\x7e]{1,255}$/.test(audience));
    if (!sound || audiences.length < 1 || audiences.length > maxAudiences) {
      throw new KmsError('invalid-parameter', `A provider has 1 to ${maxAudiences} audiences of 1 to 255 characters.`);
    }
    // What a tenant makes the server ask for might be a neighbour of the server's.
    if ('url' in keys && !(await this.#realms.isFirst(realm))) {
      throw new KmsError('denied', 'Only the first realm may have keys read from a URL; give the keys themselves.');
    }
    if ((await this.#directory.provider(realm, issuer)) !== undefined) {
      throw new KmsError('already-exists', `There is an identity provider "${issuer}" in this realm.`);
    }
    const provider: IdentityProvider = {
      realm,
      issuer,
      revision: 0,
      id: randomUuid(),
      audiences: [...new Set(audiences)],
      keys: checkedKeys(keys),
      createdAt: this.#clock(),
    };
    return {
      result: { provider: { ...provider, revision: 1 } },
      change: {
        records: [put('provider', ids.provider(realm, issuer), provider)],
        summary: `identity provider ${issuer} (${provider.id}), ${'url' in keys ? `keys at ${keys.url}` : 'keys given'}`,
      },
    };
  }

  async delete(
    { realm }: Principal,
    { issuer }: Command<'delete-provider'>,
  ): Promise<Outcome<Results['delete-provider']>> {
    const provider = await this.#directory.provider(realm, issuer);
    if (provider === undefined) throw new KmsError('not-found', 'There is no such identity provider in this realm.');
    return {
      result: {},
      change: {
        records: [remove('provider', ids.provider(realm, issuer), provider)],
        summary: `deleted identity provider ${issuer} (${provider.id})`,
        applied: () => this.#standings.forget(),
      },
    };
  }

  async list(
    { realm }: Principal,
    { after, limit }: Command<'list-providers'>,
  ): Promise<Outcome<Results['list-providers']>> {
    checkLimit(limit);
    const { items, next } = await this.#directory.providers(realm, after, limit);
    const last = next === undefined ? undefined : items.at(-1)?.issuer;
    return { result: { providers: items, ...(last === undefined ? {} : { next: last }) } };
  }
}

function checkedKeys(keys: IdentityProvider['keys']): IdentityProvider['keys'] {
  if ('url' in keys) {
    if (!isUrl(keys.url)) throw new KmsError('invalid-parameter', 'Keys are read from an https URL only.');
    return { url: keys.url };
  }
  const parsed = keys.jwks.length > maxKeySet ? undefined : readKeySet(keys.jwks);
  if (parsed === undefined) {
    throw new KmsError('invalid-parameter', 'The keys are no JSON Web Key Set of public signature keys, up to 64 KiB.');
  }
  return { jwks: JSON.stringify(parsed) };
}

function isUrl(text: string): boolean {
  return urlForm.test(text) && URL.canParse(text) && new URL(text).username === '';
}
