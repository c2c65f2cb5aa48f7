import { openPublicKey, randomBytes, verify } from '#crypto/crypto.ts';
import {
  type Change,
  type Command,
  type Key,
  type KeySpec,
  type KeyVersion,
  KmsError,
  type RecordChange,
  type ResidentMaterial,
  type SignatureScheme,
} from '#domain/domain.ts';
import { toHex } from '#encoding/encoding.ts';
import type { Hsm, HsmCurve, HsmKeyType, HsmUse, KeyName } from '#hsm/hsm.ts';
import type { Records } from './records.ts';

/*
 * Keys whose material is made in a token and never leaves it. Their versions say where it is in place of what it is, so that there is
 * nothing here to wrap, to renew under another root, to hold back from backups, or to give away.
 */

const prefix = 'resident/';
const idOf = (objectId: string) => `${prefix}${objectId}`;
const objectOf = ({ id }: { readonly id: string }) => id.slice(prefix.length);
const page = 500;
/** Longer than any request takes: what is not made in the token by then is never made. */
const patience = 10 * 60 * 1000;

/** Of an object that no key has: not yet, or no more. */
interface Note {
  readonly tokenSerial: string;
  /** When it was to be made; absent: it had a key. */
  readonly reservedAt?: number;
  /** No key will have it: it is to be deleted. */
  readonly over?: true;
}

interface NoteRow {
  readonly id: string;
  readonly revision: number;
  readonly value: Note;
}

/** An object that may be made in the token, because a row says so already. */
export interface Reservation {
  readonly objectId: string;
  /** Durable before the object is made. */
  readonly change: Change;
}

export const isResident = ({ protection }: Pick<Key, 'protection'>): boolean => protection === 'hsm';

/** Throws 'unsupported' for what would need the material of the key, or be of no use without. */
export function assertNotResident(key: Pick<Key, 'id' | 'protection'>, what: string): void {
  if (!isResident(key)) return;
  throw new KmsError('unsupported', `The material of this key never leaves its HSM: it can not be ${what}.`, key.id);
}

/** Throws where no token makes such a key. */
export function assertMayReside(command: Command<'create-key'>): void {
  if (command.protection !== 'hsm') return;
  const refuse = (reason: string): never => {
    throw new KmsError('unsupported', reason);
  };
  const { spec, usages } = command;
  if (typeOf(spec) === undefined || usages.some((usage) => usage !== 'sign')) {
    refuse('Keys in an HSM are RSA and ec-p256, ec-p384 and ec-p521 keys that sign.');
  }
  if (command.class === 'raw' || command.derived === true) refuse('A key in an HSM is used as it is.');
  if (command.origin === 'external') refuse('Nothing is imported into an HSM: the material of its keys is made there.');
  if (command.exportable === true || command.backupAllowed === true) {
    refuse('The material of a key in an HSM never leaves it: it is neither exportable nor backed up.');
  }
  if (command.multiRegion === true) refuse('A key in an HSM lives in one region.');
  if (command.rotationPeriodDays !== undefined) refuse('A key in an HSM does not rotate by itself.');
}

/** The objects of this server in the token that its seal opened. */
export class Residents {
  readonly #records: Pick<Records, 'read' | 'list'>;
  readonly #hsm: () => Hsm | undefined;
  readonly #clock: () => number;
  /** Reservations of this process, and when they were made. */
  readonly #underWay = new Map<string, number>();

  constructor(
    records: Pick<Records, 'read' | 'list'>,
    clock: () => number,
    hsm: () => Hsm | undefined = () => undefined,
  ) {
    this.#records = records;
    this.#clock = clock;
    this.#hsm = hsm;
  }

  /** A place for one object. Without its row an object could be left behind that nobody knows to be his. Throws 'unavailable'. */
  reserve(): Reservation {
    const { serial: tokenSerial } = this.#connected().token;
    const objectId = toHex(randomBytes(16));
    const reservedAt = this.#clock();
    this.#underWay.set(objectId, reservedAt);
    const value: Note = { tokenSerial, reservedAt };
    return { objectId, change: { records: [{ kind: 'setting', id: idOf(objectId), expect: 0, value }], summary: '' } };
  }

  /** A pair of its own for this version, made in the token. What is answered goes into one change with the version. */
  async make(
    { realm, id, spec }: Pick<Key, 'realm' | 'id' | 'spec'>,
    version: number,
    now: number,
    objectId: string | undefined,
  ): Promise<{ readonly version: KeyVersion; readonly settled: Change }> {
    const hsm = this.#connected();
    const row = objectId === undefined ? undefined : await this.#records.read('setting', idOf(objectId));
    const note = row?.value as Note | undefined;
    if (objectId === undefined || row === undefined || note?.over === true || note?.tokenSerial !== hsm.token.serial) {
      throw new KmsError('conflict', 'The place for the key in the HSM is gone; ask again.', id);
    }
    await assertReached(hsm, objectId);
    const label = `claviger/${realm}/${id}/${version}`;
    const made = await hsm.generate({ id: objectId, label, key: typeOf(spec)!, usage: 'sign' });
    if (!made.bornConfined) throw new KmsError('unsupported', 'The HSM makes keys that can be read out of it.', id);
    const publicKey = await hsm.publicKey(made);
    if (!(await isPair(hsm, made, spec, publicKey))) {
      throw new KmsError('tampered', 'What the HSM signs by the new key does not verify by its public half.', id);
    }
    const resident: ResidentMaterial = { tokenSerial: hsm.token.serial, objectId };
    const settled: Change = {
      records: [{ kind: 'setting', id: idOf(objectId), expect: row.revision, value: undefined }],
      summary: '',
      applied: () => this.#underWay.delete(objectId),
    };
    const facts = { version, state: 'active', createdAt: now, materialId: toHex(randomBytes(32)) } as const;
    return { version: Object.freeze({ ...facts, resident, publicKey }), settled };
  }

  /** The token that holds the material. Throws 'unavailable'. */
  holding({ id }: Pick<Key, 'id'>, { tokenSerial }: ResidentMaterial): Hsm {
    const hsm = this.#connected();
    if (hsm.token.serial === tokenSerial) return hsm;
    throw new KmsError(
      'unavailable',
      `The key is in the token ${tokenSerial}, which this server is not connected to.`,
      id,
    );
  }

  /**
   * What goes with the rows of versions that are destroyed. First the rows, then the objects: the other way round a change that loses to
   * another would have taken the material of a living key. Rejects with 'unavailable' where the token is out of reach.
   */
  async destroying(
    key: Key,
    versions: readonly KeyVersion[],
  ): Promise<{ readonly records: readonly RecordChange[]; readonly finish?: () => Promise<void> }> {
    const places = versions.flatMap(({ resident }) => resident ?? []);
    if (places.length === 0) return { records: [] };
    const objects = places.map((place) => ({ hsm: this.holding(key, place), ...place }));
    for (const { hsm, objectId } of objects) await assertReached(hsm, objectId);
    const records = places.map(({ tokenSerial, objectId }): RecordChange => {
      const value: Note = { tokenSerial, over: true };
      return { kind: 'setting', id: idOf(objectId), expect: 0, value };
    });
    const finish = async () => {
      for (const { hsm, objectId } of objects) await hsm.destroy({ class: 'private', id: objectId });
    };
    return { records, finish };
  }

  /** Writes off what no key came to have. Durable before any of it is deleted: who comes with the key after that is refused. */
  async writeOff(): Promise<Change | undefined> {
    const rows = (await this.#notes()).filter((row) => row.value.over !== true && this.#isLeft(row));
    return changeOf(rows, ({ value }) => ({ ...value, over: true }));
  }

  /** Deletes what was written off. What may still be in the making is looked for again until it can't be. */
  async deleteWrittenOff(): Promise<Change | undefined> {
    const hsm = this.#hsm();
    if (hsm === undefined) return undefined;
    const rows = (await this.#notes()).filter(
      ({ value: { tokenSerial, over } }) => over === true && tokenSerial === hsm.token.serial,
    );
    for (const row of rows) await hsm.destroy({ class: 'private', id: objectOf(row) });
    const done = rows.filter(({ value: { reservedAt = 0 } }) => reservedAt + patience < this.#clock());
    return changeOf(done, () => undefined);
  }

  async #notes(): Promise<readonly NoteRow[]> {
    return (await this.#records.list('setting', prefix, '', page)) as readonly NoteRow[];
  }

  #isLeft(row: NoteRow): boolean {
    const since = this.#underWay.get(objectOf(row));
    if (since !== undefined && since + patience >= this.#clock()) return false;
    this.#underWay.delete(objectOf(row));
    return true;
  }

  #connected(): Hsm {
    const hsm = this.#hsm();
    if (hsm !== undefined) return hsm;
    throw new KmsError(
      'unavailable',
      'This server is not connected to an HSM: keys in it need a pkcs11 seal, and its PIN since the server was unsealed.',
    );
  }
}

/** Whether one half verifies what the other signs: a pair-wise consistency test, of the token. */
async function isPair(hsm: Hsm, key: KeyName, spec: KeySpec, publicKey: Uint8Array): Promise<boolean> {
  const data = randomBytes(32);
  const [use, scheme]: readonly [HsmUse, SignatureScheme] =
    curves[spec] === undefined
      ? [
          { use: 'sign-pkcs1', hash: 'SHA-256', data },
          { family: 'rsa-pkcs1', hash: 'sha256' },
        ]
      : [
          { use: 'sign-ecdsa', data },
          { family: 'ecdsa', hash: 'sha256', encoding: 'p1363' },
        ];
  return await verify(openPublicKey(spec, publicKey), scheme, 'digest', data, await hsm.use(key, use));
}

function changeOf(rows: readonly NoteRow[], next: (row: NoteRow) => Note | undefined): Change | undefined {
  if (rows.length === 0) return undefined;
  const records = rows.map((row): RecordChange => {
    return { kind: 'setting', id: row.id, expect: row.revision, value: next(row) };
  });
  return { records, summary: '' };
}

/** Keys of some kinds take minutes to make: a token that is away is to be told sooner. */
async function assertReached(hsm: Hsm, objectId: string): Promise<void> {
  await hsm.find({ class: 'private', id: objectId }).catch((error: unknown) => {
    if (!(error instanceof KmsError && error.code === 'not-found')) throw error;
  });
}

const curves: Readonly<Partial<Record<KeySpec, HsmCurve>>> = {
  'ec-p256': 'P-256',
  'ec-p384': 'P-384',
  'ec-p521': 'P-521',
};
const moduli: Readonly<Partial<Record<KeySpec, number>>> = { 'rsa-2048': 2048, 'rsa-3072': 3072, 'rsa-4096': 4096 };

function typeOf(spec: KeySpec): HsmKeyType | undefined {
  const [curve, bits] = [curves[spec], moduli[spec]];
  if (curve !== undefined) return { type: 'ec', curve };
  return bits === undefined ? undefined : { type: 'rsa', bits };
}
