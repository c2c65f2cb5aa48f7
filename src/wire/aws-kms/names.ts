import { accountOf, isKeyId, type KeyRef, KmsError, realmIn, regionOf } from '#domain/domain.ts';
import { invalid } from '../common/aws-errors.ts';
import { AwsFault } from './errors.ts';

const arn = /^arn:([a-z-]+):kms:([a-z0-9-]*):([0-9]{12}):(key|alias)\/(.+)$/s;
/** AliasNameType of the service model, without the colon: what follows `alias/`. */
const aliasName = /^[a-zA-Z0-9/_-]+$/;
const prefix = 'alias/';
const maxAlias = 256;

/** How keys and aliases are called. Account and region are the realm of who asks. */
export interface Names {
  keyArn(realm: string, id: string): string;
  aliasArn(realm: string, name: string): string;
  region(realm: string): string;
  /** A key's id or ARN, an alias or its ARN. */
  keyRef(text: string, member: string): KeyRef;
  /** A key's id or ARN, for what an alias may not stand for. */
  keyIdRef(text: string, member: string): KeyRef;
  /** The name without `alias/`, of a request that is about the alias itself. */
  alias(text: string, member: string): string;
}

/** `home`: the region of realms that are an account alone. */
export function namesOf(home: string): Names {
  const homeStem = `arn:aws:kms:${home}:`;
  const stem = (realm: string) => {
    const account = accountOf(realm);
    return account === realm ? homeStem + realm : `arn:aws:kms:${regionOf(realm, home)}:${account}`;
  };

  const keyRef = (text: string, member: string): KeyRef => {
    if (isKeyId(text)) return { by: 'id', id: text };
    if (text.startsWith(prefix)) return { by: 'name', name: lookedUp(text, text.slice(prefix.length)) };
    if (text.startsWith('arn:')) return fromArn(text);
    if (text.length === 0 || text.length > 2048) throw invalid(member, 'Member must have length from 1 to 2048');
    throw new KmsError('not-found', `Invalid keyId '${text}'`);
  };

  const fromArn = (text: string): KeyRef => {
    const [, partition, place, account, kind, name] = arn.exec(text) ?? [];
    if (partition === undefined || place === undefined || account === undefined || name === undefined) {
      throw new AwsFault('InvalidArnException', `Invalid arn ${text}`);
    }
    if (partition !== 'aws') throw new KmsError('not-found', `Invalid arn ${place}`);
    // Of another region or account than the request's own it finds nothing.
    const realm = realmIn(account, place, home);
    if (kind === 'alias') return { by: 'name', name: lookedUp(text, name), realm };
    if (!isKeyId(name)) throw new KmsError('not-found', `Invalid keyId '${text}'`);
    return { by: 'id', id: name, realm };
  };

  return {
    keyRef,
    keyArn: (realm, id) => `${stem(realm)}:key/${id}`,
    aliasArn: (realm, name) => `${stem(realm)}:${prefix}${name}`,
    region: (realm) => regionOf(realm, home),
    keyIdRef(text, member) {
      const ref = keyRef(text, member);
      if (ref.by === 'id') return ref;
      if (text.startsWith('arn:')) throw new AwsFault('InvalidArnException', `Not a key's ARN: ${text}`);
      throw new KmsError('not-found', `Invalid keyId '${text}'`);
    },
    alias(text, member) {
      if (text.length === 0 || text.length > maxAlias) throw invalid(member, 'Member must have length from 1 to 256');
      if (!text.startsWith(prefix))
        throw new AwsFault('InvalidAliasNameException', `An alias begins with "${prefix}".`);
      const name = text.slice(prefix.length);
      if (!aliasName.test(name)) throw invalid(member, `Member must be ${prefix} and one or more of a-z A-Z 0-9 / _ -`);
      if (name.startsWith('aws/')) throw new AwsFault('InvalidAliasNameException', `${prefix}aws/ is reserved.`);
      return name;
    },
  };
}

/** Names that only Vault clients can give hold other characters, and are found all the same; but an id is no alias. */
function lookedUp(text: string, name: string): string {
  if (name.length === 0 || text.length > 2048 || isKeyId(name))
    throw new KmsError('alias-not-found', 'The alias is not found.');
  return name;
}

/** As the request named it, for error messages. */
export function refText(ref: KeyRef): string {
  return ref.by === 'id' ? ref.id : `${prefix}${ref.name}`;
}
