import { randomBytes } from '#crypto/crypto.ts';
import {
  type Change,
  type Command,
  type Key,
  type KeySpec,
  type KeyVersion,
  KmsError,
  type ResidentMaterial,
} from '#domain/domain.ts';
import { toHex } from '#encoding/encoding.ts';
import type { Hsm, HsmCurve, HsmKeyType } from '#hsm/hsm.ts';
import type { Records } from './records.ts';

/*
 * Keys whose material is made in a token and never leaves it. Their versions say where it is in place of what it is, so that there is
 * nothing here to wrap, to renew under another root, to hold back from backups, or to give away.
 */

const prefix = 'resident/';
const idOf = (objectId: string) => `${prefix}${objectId}`;
const page = 500;
/** Longer than any request takes: an object that has no row by then gets none any more. */
const patience = 10 * 60 * 1000;

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
  reserve(realm: string): Reservation {
    this.#connected();
    const objectId = toHex(randomBytes(16));
    this.#underWay.set(objectId, this.#clock());
    const value = { realm };
    return { objectId, change: { records: [{ kind: 'setting', id: idOf(objectId), expect: 0, value }], summary: '' } };
  }

  /** A pair of its own for this version, made in the token. What is answered goes into one change with the version. */
  async make(
    { realm, id, spec }: Pick<Key, 'realm' | 'id' | 'spec'>,
    version: number,
    now: number,
    objectId: string | undefined,
  ): Promise<{ readonly version: KeyVersion; readonly settled: Change }> {
    const row = objectId === undefined ? undefined : await this.#records.read('setting', idOf(objectId));
    if (objectId === undefined || row === undefined) {
      throw new KmsError('conflict', 'The place for the key in the HSM is gone; ask again.', id);
    }
    const hsm = this.#connected();
    await assertReached(hsm, objectId);
    const label = `claviger/${realm}/${id}/${version}`;
    const made = await hsm.generate({ id: objectId, label, key: typeOf(spec)!, usage: 'sign' });
    if (!made.bornConfined) throw new KmsError('unsupported', 'The HSM makes keys that can be read out of it.', id);
    const publicKey = await hsm.publicKey(made);
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

  /** For certain, once it resolves; it may be asked for again. Rejects with 'unavailable' where the token is out of reach. */
  async destroy(key: Key, versions: readonly KeyVersion[]): Promise<void> {
    for (const { resident } of versions) {
      if (resident === undefined) continue;
      await this.holding(key, resident).destroy({ class: 'private', id: resident.objectId });
    }
  }

  /** Removes what was made in the token, or may have been, and never came to belong to a key. */
  async removeOrphans(): Promise<Change | undefined> {
    const hsm = this.#hsm();
    if (hsm === undefined) return undefined;
    const rows = (await this.#records.list('setting', prefix, '', page)).filter(({ id }) => this.#isLeft(id));
    for (const { id } of rows) await hsm.destroy({ class: 'private', id: id.slice(prefix.length) });
    if (rows.length === 0) return undefined;
    return {
      records: rows.map(({ id, revision }) => ({ kind: 'setting', id, expect: revision, value: undefined })),
      summary: '',
      applied: () => {
        for (const { id } of rows) this.#underWay.delete(id.slice(prefix.length));
      },
    };
  }

  #isLeft(id: string): boolean {
    const since = this.#underWay.get(id.slice(prefix.length));
    return since === undefined || since + patience < this.#clock();
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
