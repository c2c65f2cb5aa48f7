import {
  accountOf,
  isKeyId,
  type KeyRef,
  markLength,
  markOf,
  realmIn,
  regionOf,
  type Secret,
  type SecretRef,
} from '#domain/domain.ts';
import { invalid } from '../common/aws-errors.ts';

const secretArn = /^arn:aws:secretsmanager:([a-z0-9-]+):([0-9]{12}):secret:(.+)$/s;
const keyArn = /^arn:aws:kms:([a-z0-9-]+):([0-9]{12}):(key\/|alias\/)(.+)$/s;
const suffixed = new RegExp(`^(.+)-([A-Za-z0-9]{${markLength}})$`, 's');
const aliasPrefix = 'alias/';
const ownKey = 'alias/aws/secretsmanager';
const maxText = 2048;

/** How secrets and their keys are called. Account and region are the realm of who asks. */
export interface Names {
  secretArn(secret: Pick<Secret, 'realm' | 'name' | 'id'>): string;
  /** Without the characters that tell one secret of a name from the next. */
  partialArn(realm: string, name: string): string;
  region(realm: string): string;
  /** A name, an ARN, or an ARN without its last seven characters. */
  secretRef(text: string, member: string): SecretRef;
  /** A key's id, alias or ARN; undefined: the realm's own key for secrets. */
  keyRef(text: string, member: string): KeyRef | undefined;
  /** A key as its owner named it. */
  keyText(ref: KeyRef): string;
}

/** `home`: the region of realms that are an account alone. */
export function namesOf(home: string): Names {
  const stem = (service: string, realm: string) => `arn:aws:${service}:${regionOf(realm, home)}:${accountOf(realm)}:`;
  const partialArn = (realm: string, name: string) => `${stem('secretsmanager', realm)}secret:${name}`;

  return {
    partialArn,
    region: (realm) => regionOf(realm, home),
    secretArn: (secret) => `${partialArn(secret.realm, secret.name)}-${markOf(secret)}`,
    secretRef(text, member) {
      if (text.length === 0 || text.length > maxText)
        throw invalid(member, `Member must have length from 1 to ${maxText}`);
      if (!text.isWellFormed()) throw invalid(member, 'Member must be valid Unicode');
      if (!text.startsWith('arn:')) return { name: text };
      const [, region, account, tail] = secretArn.exec(text) ?? [];
      if (region === undefined || account === undefined || tail === undefined) {
        throw invalid(member, 'Member must be the name or the ARN of a secret');
      }
      const realm = realmIn(account, region, home);
      const [, name, mark] = suffixed.exec(tail) ?? [];
      return name === undefined || mark === undefined ? { name: tail, realm } : { name, mark, realm };
    },
    keyRef(text, member) {
      if (text === '' || text === ownKey) return undefined;
      if (text.length > maxText) throw invalid(member, `Member must have length from 0 to ${maxText}`);
      if (isKeyId(text)) return { by: 'id', id: text };
      if (text.startsWith(aliasPrefix) && text.length > aliasPrefix.length) {
        return { by: 'name', name: text.slice(aliasPrefix.length) };
      }
      const [, region, account, kind, name] = keyArn.exec(text) ?? [];
      if (region === undefined || account === undefined || name === undefined) {
        throw invalid(member, 'Member must be the id, the ARN or the alias of a key');
      }
      const realm = realmIn(account, region, home);
      if (kind === aliasPrefix) return aliasPrefix + name === ownKey ? undefined : { by: 'name', name, realm };
      if (!isKeyId(name)) throw invalid(member, 'Member must be the id, the ARN or the alias of a key');
      return { by: 'id', id: name, realm };
    },
    keyText(ref) {
      const name = ref.by === 'id' ? ref.id : aliasPrefix + ref.name;
      if (ref.realm === undefined) return name;
      return stem('kms', ref.realm) + (ref.by === 'id' ? `key/${name}` : name);
    },
  };
}
