import {
  accountOf,
  type Command,
  KmsError,
  type Outcome,
  type Result,
  realmIn,
  regionOf,
  type Secret,
} from '#domain/domain.ts';
import type { Keyring } from '#keyring/keyring.ts';
import { type DueSecret, dueSecrets } from './due.ts';
import { importSecret } from './import.ts';
import { listSecrets } from './list.ts';
import {
  deletePolicy,
  deleteSecret,
  getPolicy,
  moveSecretLabel,
  restoreSecret,
  setPolicy,
  tagSecret,
  untagSecret,
} from './manage.ts';
import { changeVersions, configureSecret, writeSecret } from './numbered.ts';
import { generatePassword } from './password.ts';
import { getSecretValue, readVersion } from './read.ts';
import { removeSecret, secretById } from './record.ts';
import { detachReplica, follow, removeReplicas, replicateSecret } from './replicas.ts';
import { cancelRotation, dueStep, reportRotation, rotateSecret, startDue } from './rotation.ts';
import { getRules, setRules, withoutRules } from './rules.ts';
import { type Parts, type SecretCommand, type SecretSubject, subjectOf } from './subject.ts';
import { createSecret, putSecretValue, updateSecret } from './write.ts';

export { administers } from './administered.ts';
export type { DueSecret } from './due.ts';
export type { SecretCommand, SecretSubject } from './subject.ts';
export { pairsOf } from './value.ts';

export interface SecretsOptions {
  readonly keyring: Keyring;
  /** What the home region is called. */
  readonly region: string;
  /** What the operator has registered to change secrets, by the names that callers may use. */
  readonly rotators?: { has(name: string): boolean };
  /** Called when a rotation has been asked for and is durable. */
  readonly onRotation?: () => void;
}

/** Versioned secret values under keys of the keyring. Verbs say what to write; the gate writes it. */
export class SecretsRoom {
  readonly #parts: Parts;
  readonly #region: string;
  readonly #onRotation: () => void;

  constructor({ keyring, region, rotators = new Set(), onRotation = () => {} }: SecretsOptions) {
    this.#region = region;
    this.#onRotation = onRotation;
    const resourceOf = (realm: string, name: string, mark: string) =>
      `arn:aws:secretsmanager:${regionOf(realm, region)}:${accountOf(realm)}:secret:${name}-${mark}`;
    const elsewhere = (realm: string, place: string) => realmIn(accountOf(realm), place, region);
    this.#parts = { keyring, records: keyring.records, rotators, realmIn: elsewhere, resourceOf };
  }

  /** The secret that a command is about and the keys that it takes, for policy to decide on. */
  subjectOf = (realm: string, command: SecretCommand): Promise<SecretSubject> => subjectOf(this.#parts, realm, command);

  createSecret = (
    realm: string,
    subject: SecretSubject,
    command: Command<'create-secret'>,
    realms: readonly string[],
    now: number,
  ) => createSecret(this.#parts, realm, subject, command, realms, now);
  putSecretValue = async (subject: SecretSubject, command: Command<'put-secret-value'>, now: number) =>
    follow(this.#parts, await putSecretValue(this.#parts, subject, command, now));
  updateSecret = async (subject: SecretSubject, command: Command<'update-secret'>, now: number) =>
    follow(this.#parts, await updateSecret(this.#parts, subject, command, now));
  getSecretValue = (subject: SecretSubject, command: Command<'get-secret-value'>, now: number) =>
    getSecretValue(this.#parts, subject, command, now);
  readVersion = (subject: SecretSubject, command: Command<'read-secret-version'>, now: number) =>
    readVersion(this.#parts, subject, command, now);
  writeSecret = async (realm: string, subject: SecretSubject, command: Command<'write-secret'>, now: number) =>
    follow(this.#parts, await writeSecret(this.#parts, realm, subject, command, now));
  importSecret = async (realm: string, subject: SecretSubject, command: Command<'import-secret'>) =>
    follow(this.#parts, await importSecret(this.#parts, realm, subject, command));
  changeVersions = (subject: SecretSubject, command: Command<'change-secret-versions'>, now: number) =>
    changeVersions(this.#parts, subject, command, now);
  configureSecret = async (realm: string, subject: SecretSubject, command: Command<'configure-secret'>, now: number) =>
    follow(this.#parts, configureSecret(this.#parts, realm, subject, command, now));
  getRules = (realm: string, command: Command<'get-secret-rules'>) => getRules(this.#parts.records, realm, command);
  setRules = (realm: string, command: Command<'set-secret-rules'>) => setRules(this.#parts.records, realm, command);
  /** What takes the rules of a folder away, with the folder. */
  withoutRules = (realm: string, folder: string) => withoutRules(this.#parts.records, realm, folder);
  describeSecret = ({ secret }: SecretSubject): Outcome<{ readonly secret: Secret }> => ({
    result: { secret: secret! },
  });
  listSecrets = (realm: string, command: Command<'list-secrets'>) =>
    listSecrets(this.#parts, realm, command, (of) => regionOf(of, this.#region));
  deleteSecret = (realm: string, subject: SecretSubject, command: Command<'delete-secret'>, now: number) =>
    deleteSecret(this.#parts, realm, subject, command, now);
  restoreSecret = restoreSecret;
  tagSecret = (subject: SecretSubject, command: Command<'tag-secret'>, now: number) =>
    follow(this.#parts, tagSecret(subject, command, now));
  untagSecret = (subject: SecretSubject, command: Command<'untag-secret'>, now: number) =>
    follow(this.#parts, untagSecret(subject, command, now));
  moveSecretLabel = (subject: SecretSubject, command: Command<'move-secret-label'>, now: number) =>
    follow(this.#parts, moveSecretLabel(subject, command, now));
  setPolicy = (subject: SecretSubject, policy: string, now: number) =>
    follow(this.#parts, setPolicy(subject, policy, now));
  getPolicy = getPolicy;
  deletePolicy = (subject: SecretSubject, now: number) => follow(this.#parts, deletePolicy(subject, now));
  replicateSecret = (
    subject: SecretSubject,
    command: Command<'replicate-secret'>,
    realms: readonly string[],
    now: number,
  ) => replicateSecret(this.#parts, subject, command, realms, now);
  removeReplicas = (subject: SecretSubject, command: Command<'remove-secret-replicas'>, now: number) =>
    removeReplicas(this.#parts, subject, command, now);
  detachReplica = (subject: SecretSubject, now: number) => detachReplica(this.#parts, subject, now);
  generatePassword = (command: Command<'generate-password'>) => generatePassword(this.#parts.keyring, command);
  cancelRotation = cancelRotation;
  reportRotation = (command: Command<'report-rotation'>, now: number) => reportRotation(this.#parts, command, now);

  async rotateSecret(
    subject: SecretSubject,
    command: Command<'rotate-secret'>,
    now: number,
  ): Promise<Outcome<Result<'rotate-secret'>>> {
    const outcome = await follow(this.#parts, rotateSecret(this.#parts, subject, command, now));
    if (outcome.change === undefined) return outcome;
    return { ...outcome, change: { ...outcome.change, applied: () => this.#onRotation() } };
  }

  /** What the clock asks of secrets by now, soonest first. */
  due(what: DueSecret['what'], now: number, limit: number): Promise<readonly DueSecret[]> {
    return dueSecrets(this.#parts.records, what, now, limit);
  }

  /** The end of a secret whose time to be restored is over. Rejects with 'conflict' where it was restored. */
  async destroySecret({ realm, secretId }: DueSecret, now: number): Promise<Outcome<object>> {
    const secret = await secretById(this.#parts.records, realm, secretId);
    if (secret?.deletion === undefined || secret.deletion.at > now) {
      throw new KmsError('conflict', 'The secret is not to be deleted any more.');
    }
    return { result: {}, change: await removeSecret(this.#parts.records, secret) };
  }

  /** The step that a rotator is to be called for, after the change that begins the rotation where it is only due. */
  async nextStep({ realm, secretId }: DueSecret, now: number) {
    const secret = await secretById(this.#parts.records, realm, secretId);
    if (secret === undefined) return { step: undefined, change: undefined };
    const due = startDue(this.#parts, secret, now);
    const begun = due && (await follow(this.#parts, due));
    return { step: dueStep(begun?.result.secret ?? secret), change: begun?.change };
  }
}
