import { ApiError } from '#client/client.ts';
import { sealBundle } from '#crypto/key-bundle.ts';
import { CliError } from '../command.ts';
import type { Servers, VaultHttp } from './http.ts';
import type { Journal } from './journal.ts';
import { parsed } from './json-bytes.ts';
import { kindOf } from './key-facts.ts';
import { type Item, type KeyItem, markOfNow, planItem, type SecretItem } from './plan.ts';
import { readKey, wipeKey } from './read-key.ts';
import { importBody, type ReadVersion, readValue, readVersions, wipe } from './read-secret.ts';
import { sameSecret } from './verify.ts';

/** How it came: `versions` were new here. */
export interface Moved {
  readonly versions: number;
  readonly changed: boolean;
}

/** Of what others write to while it is read. */
const readings = 3;

/** What changed there while it was read stays for the next run. */
export class Unsettled extends CliError {
  constructor(from: string) {
    super(`${from} changed there while it was read, ${readings} times: run again to take it.`);
    this.name = 'Unsettled';
  }
}

/**
 * Brings one key or secret whole. What the source says of it is read before and after its values; where that differs, it is read anew,
 * so that what comes is one state of it. Durable here when it resolves, and then in the journal.
 */
export async function move(servers: Servers, journal: Journal, item: Item): Promise<Moved> {
  let at = item;
  for (let reading = 1; reading <= readings; reading++) {
    using read = await (at.kind === 'key' ? readKeyItem(servers, at) : readSecretItem(servers, journal, at));
    const mark = await markOfNow(servers.source, at);
    if (mark === at.mark) {
      const moved = await read.send();
      journal.add({ step: 'moved', kind: at.kind, from: at.from, mark });
      return moved;
    }
    const after = mark === undefined ? undefined : await planItem(servers.source, at.kind, at, journal);
    if (after === undefined) throw new CliError(`${at.from} is gone there.`);
    if ('reason' in after) throw new CliError(after.reason);
    at = after;
  }
  throw new Unsettled(item.from);
}

/** Holds secrets until it is disposed. */
interface Read {
  send(): Promise<Moved>;
  [Symbol.dispose](): void;
}

async function readKeyItem({ source, target }: Servers, { facts, way, mount, name, to }: KeyItem): Promise<Read> {
  const wrappingKey = await wrappingKeyOf(target);
  const versions = await readKey(source, mount, name, facts, way);
  const { spec, usages } = kindOf(facts)!;
  return {
    async send() {
      const pieces = versions.flatMap(({ material, macKey }) =>
        macKey === undefined ? [material] : [material, macKey],
      );
      const seconds = Number(facts.auto_rotate_period ?? 0);
      const first = versions[0]?.version ?? 1;
      const body = {
        ...{ name: to, spec, usages },
        versions: versions.map(({ version, createdAt, macKey }) => ({
          version,
          createdAt,
          withMacKey: macKey !== undefined,
        })),
        wrapped: sealBundle(wrappingKey, pieces).toBase64(),
        minDecryptionVersion: Math.max(facts.min_decryption_version, first),
        minEncryptionVersion: facts.min_encryption_version,
        derived: facts.derived,
        convergent: facts.convergent_encryption === true,
        exportable: facts.exportable,
        backupAllowed: facts.allow_plaintext_backup,
        deletionAllowed: facts.deletion_allowed,
        ...(seconds > 0 && { rotationPeriodSeconds: seconds }),
      };
      return imported(target, 'keys', Buffer.from(JSON.stringify(body)));
    },
    [Symbol.dispose]: () => wipeKey(versions),
  };
}

const wrappingKeys = new WeakMap<VaultHttp, Uint8Array>();

/** Public, so what is known of it stays right. */
async function wrappingKeyOf(target: VaultHttp): Promise<Uint8Array> {
  const known = wrappingKeys.get(target);
  if (known !== undefined) return known;
  const { status, body } = await target.ask('GET', '/claviger/v1/imports/wrapping-key');
  if (status !== 200) throw ApiError.read(status, body.toString());
  const key = Uint8Array.fromBase64((parsed(body) as { publicKey: string }).publicKey);
  wrappingKeys.set(target, key);
  return key;
}

async function readSecretItem({ source, user }: Servers, journal: Journal, item: SecretItem): Promise<Read> {
  const { mount, name, to, from, facts } = item;
  const versions =
    facts === undefined ? await onlyVersion(source, item) : await readVersions(source, mount, name, facts);
  const times = { created_time: versions[0]?.createdAt ?? now(), updated_time: now() };
  // One that came before may be written over; one that somebody else made here may not.
  const replace = facts === undefined && journal.knows({ step: 'moved', kind: 'secret', from });
  return {
    async send() {
      const body = importBody(to, facts ?? times, versions, replace);
      try {
        return await imported(user, 'secrets', body);
      } catch (error) {
        // It came before, by a run whose journal is lost, and was replaced since.
        const known = facts === undefined && error instanceof ApiError && error.code === 'secret-exists';
        if (known && (await sameSecret({ source, user }, item))) return { versions: 0, changed: false };
        throw error;
      } finally {
        body.fill(0);
      }
    },
    [Symbol.dispose]: () => wipe(versions),
  };
}

const now = () => new Date().toISOString();

async function onlyVersion(source: VaultHttp, { mount, name, from }: SecretItem): Promise<readonly ReadVersion[]> {
  const read = await readValue(source, mount, name, 0);
  if (read === undefined) throw new CliError(`${from} is gone there.`);
  return [{ number: 1, createdAt: now(), ...read }];
}

async function imported(target: VaultHttp, what: 'keys' | 'secrets', body: Uint8Array): Promise<Moved> {
  const { status, body: answer } = await target.ask('POST', `/claviger/v1/imports/${what}`, body);
  if (status !== 200) throw ApiError.read(status, answer.toString());
  const { added, changed } = parsed(answer) as { added: number; changed: boolean };
  return { versions: added, changed };
}
