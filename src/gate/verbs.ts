import type { Action, Command, KeyRef, Outcome, Principal, Result, SecretPlace } from '#domain/domain.ts';
import { KmsError } from '#domain/domain.ts';
import type { SecretSubject } from '#secrets/secrets.ts';
import { readCapabilities, writeAclPolicy } from './acl.ts';
import {
  type Ahead,
  createKey,
  createKeyGrant,
  destroyKey,
  explain,
  putKeyPolicy,
  removeKeyGrant,
  rotateKey,
} from './key-rights.ts';
import type { LastUses } from './last-uses.ts';
import { disableMount, listMounts, readMount } from './mounts.ts';
import { replicateKey } from './replicate.ts';
import type { Rooms } from './rooms.ts';
import { heldPolicy, policyProblems } from './secret-policy.ts';
import { placeOf } from './secret-subjects.ts';
import type { Subject } from './subjects.ts';
import { createRoleToken, createToken, lookupToken, ofAccount, renewToken, revokeToken } from './tokens.ts';

export type { Rooms } from './rooms.ts';

/** What a verb works with, all of it decided already. */
export interface Case<A extends Action> {
  readonly rooms: Rooms;
  readonly principal: Principal;
  readonly command: Command<A>;
  /** The keys of `subjectsOf`, all there. */
  readonly keys: readonly Subject[];
  /** For commands about a secret. */
  readonly secret: SecretSubject | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly lastUses: LastUses;
  readonly mode: 'development' | 'production';
  /** Address and port of who asks. */
  readonly peer: string;
  readonly ahead: Ahead;
}

type Verb<A extends Action> = (it: Case<A>) => Outcome<Result<A>> | Promise<Outcome<Result<A>>>;

/** What concerns the ways to the root key. */
export type OfSeal = 'list-seals' | 'add-seal' | 'remove-seal' | 'rotate-seal' | 'prove-seal';

/** What concerns the shares of such ways. */
export type OfShare = 'acknowledge-share' | 'list-acknowledgements';

/** What concerns backups of the whole server. */
export type OfBackup = 'take-backup' | 'read-backups' | 'schedule-backups' | 'confirm-restore' | 'run-backup-schedule';

/** What concerns the root key itself. */
export type OfRoot = 'rotate-root' | 'read-root';

/** Actions that the gate answers itself: they concern the server, not a room. */
export type ServerAction =
  | 'read-audit'
  | 'prove-audit'
  | 'read-checkpoint'
  | 'read-metrics'
  | 'read-status'
  | 'seal'
  | OfSeal
  | OfBackup
  | OfShare
  | OfRoot
  | 'read-ceremony'
  | 'start-ceremony'
  | 'cancel-ceremony'
  | 'feed-ceremony'
  | 'read-host'
  | 'list-audit-sinks'
  | 'unseal'
  | 'run-schedule';

export type RoomAction = Exclude<Action, ServerAction>;

/** One line an action: which room does it. */
export const verbs: { readonly [A in RoomAction]: Verb<A> } = {
  'create-key': createKey,
  'describe-key': ({ rooms, command, keys }) => rooms.keyring.describeKey(keys[0]!, command),
  'list-keys': ({ rooms, principal, command }) => rooms.keyring.listKeys(principal.realm, command),
  'update-key': ({ rooms, command, keys, now }) => rooms.keyring.updateKey(keys[0]!, command, now),
  'enable-key': ({ rooms, command, keys }) => rooms.keyring.enableKey(keys[0]!, command),
  'disable-key': ({ rooms, command, keys }) => rooms.keyring.disableKey(keys[0]!, command),
  'disable-key-version': ({ rooms, command, keys }) => rooms.keyring.disableVersion(keys[0]!, command),
  'enable-key-version': ({ rooms, command, keys }) => rooms.keyring.enableVersion(keys[0]!, command),
  'rotate-key': rotateKey,
  'schedule-destruction': ({ rooms, command, keys, now }) => rooms.keyring.scheduleDestruction(keys[0]!, command, now),
  'cancel-destruction': ({ rooms, keys }) => rooms.keyring.cancelDestruction(keys[0]!),
  'destroy-key': ({ rooms, keys, now }) => destroyKey(rooms, keys[0]!, now),
  'trim-key': ({ rooms, command, keys }) => rooms.keyring.trimKey(keys[0]!, command),
  'get-import-parameters': ({ rooms, command, keys, now }) => rooms.keyring.importParameters(keys[0]!, command, now),
  'import-key-material': ({ rooms, command, keys, now }) => rooms.keyring.importMaterial(keys[0]!, command, now),
  'delete-imported-material': ({ rooms, command, keys }) => rooms.keyring.deleteImported(keys[0]!, command),
  'read-key-cache': ({ rooms }) => rooms.keyring.readCache(),
  'set-key-cache': ({ rooms, command }) => rooms.keyring.setCache(command),
  'get-key-rules': ({ rooms, principal, command }) => rooms.keyring.getRules(principal.realm, command),
  'set-key-rules': ({ rooms, principal, command }) => rooms.keyring.setRules(principal.realm, command),
  'request-certificate': ({ rooms, command, keys }) => rooms.keyring.requestCertificate(keys[0]!, command),
  'set-certificates': ({ rooms, command, keys }) => rooms.keyring.setCertificates(keys[0]!, command),
  'get-wrapping-key': ({ rooms, principal }) => rooms.keyring.wrappingKey(principal.realm),
  'import-key': ({ rooms, principal, command, now }) => rooms.keyring.importKey(principal.realm, command, now),
  'import-key-version': ({ rooms, command, keys, now }) => rooms.keyring.importVersion(keys[0]!, command, now),
  'import-key-versions': ({ rooms, principal, command, keys, now }) =>
    rooms.keyring.importVersions(principal.realm, keys[0], command, now),
  'export-key': ({ rooms, command, keys }) => rooms.keyring.exportKey(keys[0]!, command),
  'export-wrapped-key': ({ rooms, command, keys }) => rooms.keyring.exportWrapped(keys[0]!, keys[1]!, command),
  'backup-key': ({ rooms, keys }) => rooms.keyring.backupKey(keys[0]!),
  'restore-key': ({ rooms, principal, command, keys, now }) =>
    rooms.keyring.restoreKey(principal.realm, keys, command, now),
  'create-alias': ({ rooms, command, keys, now }) =>
    rooms.keyring.createAlias(named(keys[0]!, command.key), command, now),
  'update-alias': ({ rooms, command, keys, now }) =>
    rooms.keyring.updateAlias(named(keys[0]!, command.key), command, now),
  'delete-alias': ({ rooms, principal, command }) => rooms.keyring.deleteAlias(principal.realm, command),
  'list-aliases': ({ rooms, principal, command, keys }) => rooms.keyring.listAliases(principal.realm, command, keys[0]),
  'tag-key': ({ rooms, command, keys }) => rooms.keyring.tagKey(keys[0]!, command),
  'untag-key': ({ rooms, command, keys }) => rooms.keyring.untagKey(keys[0]!, command),

  encrypt: ({ rooms, command, keys }) => rooms.keyring.encrypt(keys[0]!, command),
  decrypt: ({ rooms, command, keys }) => rooms.keyring.decrypt(keys[0]!, command),
  're-encrypt': ({ rooms, command, keys }) => rooms.keyring.reEncrypt(keys[0]!, keys[1]!, command),
  'generate-data-key': ({ rooms, command, keys }) => rooms.keyring.generateDataKey(keys[0]!, command),
  'generate-data-key-pair': ({ rooms, command, keys }) => rooms.keyring.generateDataKeyPair(keys[0]!, command),
  'generate-random': ({ rooms, command }) => rooms.keyring.generateRandom(command),
  hash: ({ rooms, command }) => rooms.keyring.hash(command),
  sign: ({ rooms, command, keys }) => rooms.keyring.sign(keys[0]!, command),
  verify: ({ rooms, command, keys }) => rooms.keyring.verify(keys[0]!, command),
  'get-public-key': ({ rooms, command, keys }) => rooms.keyring.getPublicKey(keys[0]!, command),
  'generate-mac': ({ rooms, command, keys }) => rooms.keyring.generateMac(keys[0]!, command),
  'verify-mac': ({ rooms, command, keys }) => rooms.keyring.verifyMac(keys[0]!, command),
  'derive-shared-secret': ({ rooms, command, keys }) => rooms.keyring.deriveSharedSecret(keys[0]!, command),
  encapsulate: ({ rooms, command, keys }) => rooms.keyring.encapsulate(keys[0]!, command),
  decapsulate: ({ rooms, command, keys }) => rooms.keyring.decapsulate(keys[0]!, command),

  'replicate-key': replicateKey,
  'update-primary-region': ({ rooms, command, keys }) => rooms.keyring.updatePrimaryRegion(keys[0]!, keys[1]!, command),

  'read-key-policy': ({ keys: [key] }) => ({
    result: { realm: key!.realm, ...(key!.policy !== undefined && { policy: key!.policy }) },
  }),
  'put-key-policy': putKeyPolicy,
  'create-key-grant': createKeyGrant,
  'retire-key-grant': (it) => removeKeyGrant(it, 'retired'),
  'revoke-key-grant': (it) => removeKeyGrant(it, 'revoked'),
  'list-key-grants': ({ rooms, command, keys }) => rooms.identity.keyGrants.list(keys[0]!, command),
  'list-retirable-key-grants': ({ rooms, principal, command }) =>
    rooms.identity.keyGrants.listRetirable(principal, command),
  'explain-access': explain,
  'read-last-use': async ({ keys, lastUses }) => ({
    result: { key: keys[0]!, lastUse: await lastUses.of(keys[0]!) },
  }),
  'list-key-stores': ({ rooms, command }) => rooms.keyring.listKeyStores(command),
  'create-key-store': ({ rooms, command }) => rooms.keyring.createKeyStore(command),
  'change-key-store': ({ rooms, command }) => rooms.keyring.changeKeyStore(command),

  'create-secret': async ({ rooms, principal, command, secret, now }) => {
    const realms = await placesOf(rooms, principal, command.places ?? []);
    return rooms.secrets.createSecret(principal.realm, secret!, command, realms, now);
  },
  'put-secret-value': ({ rooms, command, secret, now }) => rooms.secrets.putSecretValue(secret!, command, now),
  'update-secret': ({ rooms, command, secret, now }) => rooms.secrets.updateSecret(secret!, command, now),
  'get-secret-value': ({ rooms, command, secret, now }) => rooms.secrets.getSecretValue(secret!, command, now),
  'read-secret-version': ({ rooms, command, secret, now }) => rooms.secrets.readVersion(secret!, command, now),
  'write-secret': ({ rooms, principal, command, secret, now }) =>
    rooms.secrets.writeSecret(principal.realm, secret!, command, now),
  'import-secret': ({ rooms, principal, command, secret }) =>
    rooms.secrets.importSecret(principal.realm, secret!, command),
  'change-secret-versions': ({ rooms, command, secret, now }) => rooms.secrets.changeVersions(secret!, command, now),
  'configure-secret': ({ rooms, principal, command, secret, now }) =>
    rooms.secrets.configureSecret(principal.realm, secret!, command, now),
  'get-secret-rules': ({ rooms, principal, command }) => rooms.secrets.getRules(principal.realm, command),
  'set-secret-rules': ({ rooms, principal, command }) => rooms.secrets.setRules(principal.realm, command),
  'move-secret-label': ({ rooms, command, secret, now }) => rooms.secrets.moveSecretLabel(secret!, command, now),
  'describe-secret': ({ rooms, secret }) => rooms.secrets.describeSecret(secret!),
  'list-secret-versions': ({ rooms, secret }) => rooms.secrets.describeSecret(secret!),
  'list-secrets': ({ rooms, principal, command }) => rooms.secrets.listSecrets(principal.realm, command),
  'delete-secret': ({ rooms, principal, command, secret, now }) =>
    rooms.secrets.deleteSecret(principal.realm, secret!, command, now),
  'restore-secret': ({ rooms, secret, now }) => rooms.secrets.restoreSecret(secret!, now),
  'tag-secret': ({ rooms, command, secret, now }) => rooms.secrets.tagSecret(secret!, command, now),
  'untag-secret': ({ rooms, command, secret, now }) => rooms.secrets.untagSecret(secret!, command, now),
  'rotate-secret': ({ rooms, command, secret, now }) => rooms.secrets.rotateSecret(secret!, command, now),
  'cancel-secret-rotation': ({ rooms, secret, now }) => rooms.secrets.cancelRotation(secret!, now),
  'set-secret-policy': ({ rooms, principal, command, secret, now, peer }) =>
    rooms.secrets.setPolicy(secret!, heldPolicy(principal, secret!, command, { now, peer }), now),
  'get-secret-policy': ({ rooms, secret }) => rooms.secrets.getPolicy(secret!),
  'delete-secret-policy': ({ rooms, secret, now }) => rooms.secrets.deletePolicy(secret!, now),
  'check-secret-policy': ({ principal, command }) => ({ result: { problems: policyProblems(principal, command) } }),
  'replicate-secret': async ({ rooms, principal, command, secret, now }) => {
    const realms = await placesOf(rooms, principal, command.places);
    return rooms.secrets.replicateSecret(secret!, command, realms, now);
  },
  'remove-secret-replicas': ({ rooms, command, secret, now }) => rooms.secrets.removeReplicas(secret!, command, now),
  'detach-secret-replica': ({ rooms, secret, now }) => rooms.secrets.detachReplica(secret!, now),
  'generate-password': ({ rooms, command }) => rooms.secrets.generatePassword(command),
  'report-rotation': ({ rooms, command, now }) => rooms.secrets.reportRotation(command, now),

  'create-realm': ({ rooms, principal, command }) => rooms.identity.verbs['create-realm'](principal, command),
  'create-region': ({ rooms, principal, command }) => rooms.identity.verbs['create-region'](principal, command),
  'list-realms': ({ rooms, principal, command }) => rooms.identity.verbs['list-realms'](principal, command),
  'create-identity': ({ rooms, principal, command }) => rooms.identity.verbs['create-identity'](principal, command),
  'list-identities': ({ rooms, principal, command }) => rooms.identity.verbs['list-identities'](principal, command),
  'disable-identity': ({ rooms, principal, command }) => rooms.identity.verbs['disable-identity'](principal, command),
  'create-credentials': ({ rooms, principal, command }) =>
    rooms.identity.verbs['create-credentials'](principal, command),
  'revoke-credential': ({ rooms, principal, command }) => rooms.identity.verbs['revoke-credential'](principal, command),
  'create-grant': ({ rooms, principal, command }) => rooms.identity.verbs['create-grant'](principal, command),
  'revoke-grant': ({ rooms, principal, command }) => rooms.identity.verbs['revoke-grant'](principal, command),
  'list-grants': ({ rooms, principal, command }) => rooms.identity.verbs['list-grants'](principal, command),
  'create-token': createToken,
  'lookup-token': lookupToken,
  'renew-token': renewToken,
  'revoke-token': revokeToken,
  'write-token-role': ({ rooms, principal, command }) => rooms.identity.tokenRoles.write(ofAccount(principal), command),
  'read-token-role': ({ rooms, principal, command }) => rooms.identity.tokenRoles.read(ofAccount(principal), command),
  'delete-token-role': ({ rooms, principal, command }) =>
    rooms.identity.tokenRoles.delete(ofAccount(principal), command),
  'list-token-roles': ({ rooms, principal, command }) => rooms.identity.tokenRoles.list(ofAccount(principal), command),
  'create-role-token': createRoleToken,
  'list-tokens': ({ rooms, principal, command }) => rooms.identity.tokens.list(ofAccount(principal), command),
  'revoke-tokens': ({ rooms, principal, command }) => rooms.identity.tokens.revokeBelow(ofAccount(principal), command),
  'revoke-token-alone': ({ rooms, principal, command }) =>
    rooms.identity.tokens.revokeAlone(ofAccount(principal), command),
  tidy: async ({ rooms }) => {
    const { change } = await rooms.identity.sweep();
    return { result: {}, ...(change !== undefined && { change }) };
  },
  'create-orphan-token': createToken,
  'write-login': ({ rooms, principal, command }) => rooms.identity.verbs['write-login'](principal, command),
  'read-login': ({ rooms, principal, command }) => rooms.identity.verbs['read-login'](principal, command),
  'delete-login': ({ rooms, principal, command }) => rooms.identity.verbs['delete-login'](principal, command),
  'list-logins': ({ rooms, principal, command }) => rooms.identity.verbs['list-logins'](principal, command),
  'enable-auth-mount': ({ rooms, principal, command }) => rooms.identity.verbs['enable-auth-mount'](principal, command),
  'disable-auth-mount': ({ rooms, principal, command }) =>
    rooms.identity.verbs['disable-auth-mount'](principal, command),
  'tune-auth-mount': ({ rooms, principal, command }) => rooms.identity.verbs['tune-auth-mount'](principal, command),
  'configure-auth-mount': ({ rooms, principal, command }) =>
    rooms.identity.verbs['configure-auth-mount'](principal, command),
  'list-auth-mounts': ({ rooms, principal, command }) => rooms.identity.verbs['list-auth-mounts'](principal, command),
  'read-auth-mount': ({ rooms, principal, command }) => rooms.identity.verbs['read-auth-mount'](principal, command),
  'write-revocation-list': ({ rooms, principal, command }) =>
    rooms.identity.verbs['write-revocation-list'](principal, command),
  'read-revocation-list': ({ rooms, principal, command }) =>
    rooms.identity.verbs['read-revocation-list'](principal, command),
  'delete-revocation-list': ({ rooms, principal, command }) =>
    rooms.identity.verbs['delete-revocation-list'](principal, command),
  'list-revocation-lists': ({ rooms, principal, command }) =>
    rooms.identity.verbs['list-revocation-lists'](principal, command),
  'create-secret-id': ({ rooms, principal, command }) => rooms.identity.verbs['create-secret-id'](principal, command),
  'read-secret-id': ({ rooms, principal, command }) => rooms.identity.verbs['read-secret-id'](principal, command),
  'list-secret-ids': ({ rooms, principal, command }) => rooms.identity.verbs['list-secret-ids'](principal, command),
  'destroy-secret-id': ({ rooms, principal, command }) => rooms.identity.verbs['destroy-secret-id'](principal, command),
  login: ({ rooms, principal, command }) => rooms.identity.verbs.login(principal, command),
  'begin-oidc-login': ({ rooms, principal, command }) => rooms.identity.verbs['begin-oidc-login'](principal, command),
  'wrap-answer': ({ rooms, principal, command }) => rooms.identity.verbs['wrap-answer'](principal, command),
  'unwrap-answer': ({ rooms, principal, command }) => rooms.identity.verbs['unwrap-answer'](principal, command),
  'lookup-wrapping': ({ rooms, principal, command }) => rooms.identity.verbs['lookup-wrapping'](principal, command),
  'rewrap-answer': ({ rooms, principal, command }) => rooms.identity.verbs['rewrap-answer'](principal, command),
  'list-acl-policies': ({ rooms, principal }) => rooms.identity.aclPolicies.list(principal),
  'read-acl-policy': ({ rooms, principal, command }) => rooms.identity.aclPolicies.read(principal, command),
  'write-acl-policy': writeAclPolicy,
  'delete-acl-policy': ({ rooms, principal, command }) => rooms.identity.aclPolicies.delete(principal, command),
  'read-capabilities': readCapabilities,
  'enable-mount': ({ rooms, principal, command }) => rooms.identity.mounts.enable(principal, command),
  'tune-mount': ({ rooms, principal, command }) => rooms.identity.mounts.tune(principal, command),
  'disable-mount': disableMount,
  'list-mounts': listMounts,
  'read-mount': readMount,
  'create-role': ({ rooms, principal, command }) => rooms.identity.verbs['create-role'](principal, command),
  'delete-role': ({ rooms, principal, command }) => rooms.identity.verbs['delete-role'](principal, command),
  'list-roles': ({ rooms, principal, command }) => rooms.identity.verbs['list-roles'](principal, command),
  'register-provider': ({ rooms, principal, command }) => rooms.identity.verbs['register-provider'](principal, command),
  'delete-provider': ({ rooms, principal, command }) => rooms.identity.verbs['delete-provider'](principal, command),
  'list-providers': ({ rooms, principal, command }) => rooms.identity.verbs['list-providers'](principal, command),
  'assume-role': ({ rooms, principal, command }) => rooms.identity.verbs['assume-role'](principal, command),
  'create-session': ({ rooms, principal, command }) => rooms.identity.verbs['create-session'](principal, command),
  'get-caller-identity': ({ rooms, principal, command }) =>
    rooms.identity.verbs['get-caller-identity'](principal, command),
  'assume-role-with-web-identity': ({ rooms, principal, command }) =>
    rooms.identity.verbs['assume-role-with-web-identity'](principal, command),
};

/** Rejects where the account has no such region. */
function placesOf({ identity }: Rooms, principal: Principal, places: readonly SecretPlace[]): Promise<string[]> {
  return Promise.all(places.map(({ region }) => placeOf(identity, principal, region)));
}

/** An alias never points at an alias, so there is no chain to follow and none to loop. */
function named(key: Subject, ref: KeyRef): Subject {
  if (ref.by === 'name' && key.id !== ref.name) {
    throw new KmsError('invalid-parameter', 'An alias points at a key id, not at another alias.');
  }
  return key;
}

export function isRoomAction(command: Command): command is Command<RoomAction> {
  return Object.hasOwn(verbs, command.kind);
}

/** The verb of a command. The table pairs each action with a verb of its own command, which the types can't follow through a look-up. */
export function verbOf(command: Command<RoomAction>): (it: AnyCase) => Outcome<object> | Promise<Outcome<object>> {
  return verbs[command.kind] as unknown as (it: AnyCase) => Outcome<object> | Promise<Outcome<object>>;
}

type AnyCase = Omit<Case<RoomAction>, 'command'> & { readonly command: Command<RoomAction> };

/** What differs between the requests to one server. */
export type DecidedCase = Omit<AnyCase, 'lastUses' | 'mode' | 'peer' | 'ahead'>;
