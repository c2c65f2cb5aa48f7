import { KmsError, type PassphraseRenewal, Plaintext, SecretBytes, type StagedSeals } from '#domain/domain.ts';
import type { SealKind } from './contract.ts';
import { assertSealName, type Lock, maxSeals, type SealEntry } from './document.ts';
import type { HeldFile } from './held-file.ts';
import { makeLock, openLock } from './lock.ts';
import { digits, randomText } from './random-text.ts';

/** A seal to be made. */
export interface NewSeal {
  readonly name: string;
  readonly settings: Readonly<Record<string, unknown>>;
  /** Of a kind that takes one: what opens it from now on. */
  readonly secret: SecretBytes | undefined;
}

/** 256 bits, in letters that Vault's clients take for hexadecimal and for base64 alike. */
const newPassphraseLength = 64;

/** One more way to `root`, which stays the caller's. Rejects with 'already-exists'. */
export async function addSeal(file: HeldFile, kind: SealKind, made: NewSeal, root: SecretBytes): Promise<StagedSeals> {
  const { name, settings, secret } = made;
  const { generation } = file;
  assertSealName(name);
  assertRoom(file.current().seals, name);
  const { lock, handouts } = await makeLock(name, kind, settings, secret, root);
  const entry: SealEntry = { name, kind: kind.kind, ...lock, ...(handouts.length > 0 && { unproven: true }) };
  return {
    handouts,
    keep: () =>
      file.edit(generation, (seals) => {
        assertRoom(seals, name);
        return [...seals, entry];
      }),
    undo: () => file.edit(generation, (seals) => seals.filter((seal) => !isSame(seal, entry))),
  };
}

function assertRoom(seals: readonly SealEntry[], name: string): void {
  if (seals.some((seal) => seal.name === name)) {
    throw new KmsError('already-exists', `There is a seal called "${name}" already.`);
  }
  if (seals.length >= maxSeals) throw new KmsError('limit-exceeded', `A server has at most ${maxSeals} seals.`);
}

/**
 * Another credential or key for the seal, and another key pair: what opened it before opens no root that comes after. `former`: what goes on
 * opening it until what is handed out has arrived, and somebody is known to have.
 */
export async function rotateSeal(
  file: HeldFile,
  kind: SealKind,
  before: SealEntry,
  former: Lock,
  { settings, secret }: Omit<NewSeal, 'name'>,
  root: SecretBytes,
): Promise<StagedSeals> {
  const { name } = before;
  const { generation } = file;
  const { lock, handouts } = await makeLock(name, kind, settings, secret, root);
  const arriving = handouts.length === 0 ? {} : { former: lockOf(former), ...(before.unproven && { unproven: true }) };
  const after: SealEntry = { name, kind: kind.kind, ...lock, ...arriving };
  return {
    handouts,
    keep: () => file.edit(generation, replacing([before], after)),
    undo: () => file.edit(generation, replacing([after], before)),
  };
}

/** Throws 'invalid-state' where no way would be left of which it is known that somebody has it. */
export function removeSeal(file: HeldFile, entry: SealEntry): StagedSeals {
  const { name } = entry;
  const { generation } = file;
  const without = (seals: readonly SealEntry[]) => {
    const left = seals.filter((seal) => seal.name !== name);
    if (left.length === 0) throw new KmsError('invalid-state', 'The last seal stays: nobody could open the server.');
    if (left.every((seal) => seal.unproven === true)) {
      throw new KmsError(
        'invalid-state',
        'The shares of the seals that would be left have not been used yet: prove that they have arrived first.',
      );
    }
    return left;
  };
  without(file.current().seals);
  return {
    handouts: [],
    keep: () => file.edit(generation, without),
    undo: () =>
      file.edit(generation, (seals) => (seals.some((seal) => seal.name === name) ? seals : [...seals, entry])),
  };
}

/** A passphrase of the server's own making. What was `opened` stays good until the new one has arrived. */
export async function renewPassphrase(
  file: HeldFile,
  kind: SealKind,
  entry: SealEntry,
  opened: Lock,
  root: SecretBytes,
): Promise<PassphraseRenewal> {
  const { name } = entry;
  const { generation } = file;
  const text = randomText(digits, newPassphraseLength);
  using next = SecretBytes.copyOf(text);
  const { lock } = await makeLock(name, kind, {}, next, root);
  const renewed = { name, kind: kind.kind, ...lock };
  return {
    passphrase: new Plaintext(text),
    keep: () => file.edit(generation, replacing([entry, renewed], { ...renewed, former: lockOf(opened) })),
    settle: () => file.edit(generation, replacing([renewed], renewed)),
    prove: async (given) => {
      using secret = SecretBytes.copyOf(given.release());
      (await openLock(name, kind, lock, secret)).dispose();
    },
  };
}

/** Puts an entry in the place of the one of its name, as long as that is one of these. Throws 'conflict'. */
function replacing(known: readonly SealEntry[], entry: SealEntry): (seals: readonly SealEntry[]) => SealEntry[] {
  return (seals) => {
    if (!seals.some((seal) => known.some((one) => isSame(seal, one)))) {
      throw new KmsError('conflict', `The seal "${entry.name}" was changed meanwhile; ask again.`);
    }
    return seals.map((seal) => (seal.name === entry.name ? entry : seal));
  };
}

const isSame = (a: SealEntry, b: SealEntry): boolean => a.name === b.name && Buffer.compare(a.guarded, b.guarded) === 0;

const lockOf = ({ settings, recipient, guarded, root }: Lock): Lock => ({ settings, recipient, guarded, root });
