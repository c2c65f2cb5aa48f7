import { isStatementKey } from '#crypto/crypto.ts';
import { KmsError } from '#domain/domain.ts';
import { fromHex } from '#encoding/encoding.ts';
import { mostShares, setLength } from './share-text.ts';

/** Who keeps a share. The first of the list keeps number 1. */
export interface Custodian {
  readonly name: string;
  /** What his share is encrypted to: of age, OpenPGP in its armour, or ML-KEM in PEM. */
  readonly recipient?: string;
  /** What he signs with that he has received it and accepts its duties: a public key in PEM. */
  readonly key?: string;
}

/** The shares that were handed out. */
export interface Issue {
  /** 16 hexadecimal digits. */
  readonly set: string;
  readonly threshold: number;
  /** Of each share, by number: 64 hexadecimal digits that it can be told by and not made from. */
  readonly commitments: readonly string[];
}

export interface ShamirSettings {
  /** Of the shares that are to be made. */
  readonly shares: number;
  readonly threshold: number;
  readonly custodians?: readonly Custodian[];
  /** Absent: none were made yet. */
  readonly issued?: Issue;
  /** Sets that were in force before, newest first. */
  readonly superseded?: readonly string[];
}

/** So many old sets are remembered, to call a share of one by its name. */
export const mostSuperseded = 64;

const longestName = 64;
const longestKey = 16 * 1024;
const mostText = 512 * 1024;
const setPattern = new RegExp(`^[0-9a-f]{${2 * setLength}}$`);
const namePattern = /^[^\p{C}\p{Zl}\p{Zp}]+$/u;

/** Throws 'invalid-parameter', which names the member. */
export function readSettings(given: Readonly<Record<string, unknown>>): ShamirSettings {
  onlyMembers(given, ['shares', 'threshold', 'custodians', 'issued', 'superseded'], 'A seal of shares');
  const shares = count(given.shares, 'shares');
  const threshold = count(given.threshold, 'threshold');
  if (threshold > shares) throw invalid('threshold', `can't be more than the ${shares} shares`);
  const { custodians, issued, superseded } = given;
  return {
    ...{ shares, threshold },
    ...(custodians !== undefined && { custodians: readCustodians(custodians, shares) }),
    ...(issued !== undefined && { issued: readIssue(issued) }),
    ...(superseded !== undefined && { superseded: readSuperseded(superseded) }),
  };
}

/** What the shares of these settings are called by. Throws 'tampered' where none were ever made. */
export function issueOf({ issued }: ShamirSettings): Issue {
  if (issued === undefined) throw new KmsError('tampered', 'The settings of the seal name no set of shares.');
  return issued;
}

/** Who keeps the share of that number. */
export function custodianOf({ custodians }: ShamirSettings, number: number): Custodian {
  return custodians?.[number - 1] ?? { name: `custodian ${number}` };
}

function readCustodians(given: unknown, shares: number): readonly Custodian[] {
  if (!Array.isArray(given)) throw invalid('custodians', 'is a list');
  if (given.length > shares) throw invalid('custodians', `names ${given.length} for ${shares} shares: name them anew`);
  const custodians = given.map((entry, i) => readCustodian(entry, `custodians[${i}]`));
  if (new Set(custodians.map(({ name }) => name)).size !== custodians.length)
    throw invalid('custodians', 'names somebody twice: each share has a custodian of its own');
  if (JSON.stringify(custodians).length > mostText) throw invalid('custodians', 'has too much text in its keys');
  return custodians;
}

function readCustodian(given: unknown, member: string): Custodian {
  if (typeof given !== 'object' || given === null) throw invalid(member, 'is an object');
  onlyMembers(given, ['name', 'recipient', 'key'], member);
  const { name, recipient, key } = given as Record<string, unknown>;
  if (typeof name !== 'string' || name.length > longestName || name.trim() !== name || !namePattern.test(name))
    throw invalid(`${member}.name`, `is a name of up to ${longestName} letters`);
  if (recipient !== undefined && !isText(recipient)) throw invalid(`${member}.recipient`, 'is a public key as text');
  if (key !== undefined && !(isText(key) && isStatementKey(key))) {
    throw invalid(`${member}.key`, 'is a public key in PEM, Ed25519 or ECDSA on P-256, P-384 or P-521');
  }
  return { name, ...(recipient !== undefined && { recipient }), ...(key !== undefined && { key }) };
}

function readIssue(given: unknown): Issue {
  if (typeof given !== 'object' || given === null) throw invalid('issued', 'is an object');
  onlyMembers(given, ['set', 'threshold', 'commitments'], 'issued');
  const { set, threshold, commitments } = given as Record<string, unknown>;
  if (!isSet(set)) throw invalid('issued.set', 'is 16 hexadecimal digits');
  if (!Array.isArray(commitments) || !commitments.every(isDigest) || commitments.length > mostShares)
    throw invalid('issued.commitments', 'are digests, one a share');
  const needed = count(threshold, 'issued.threshold');
  if (needed > commitments.length) throw invalid('issued.threshold', "can't be more than the shares");
  return { set, threshold: needed, commitments };
}

function readSuperseded(given: unknown): readonly string[] {
  if (Array.isArray(given) && given.length <= mostSuperseded && given.every(isSet)) return given;
  throw invalid('superseded', 'are sets of 16 hexadecimal digits');
}

const isText = (given: unknown): given is string => typeof given === 'string' && given.length <= longestKey;
const isSet = (given: unknown): given is string => typeof given === 'string' && setPattern.test(given);
const isDigest = (given: unknown): given is string =>
  typeof given === 'string' && /^[0-9a-f]+$/.test(given) && fromHex(given)?.length === 32;

function count(given: unknown, member: string): number {
  const number = typeof given === 'string' && /^\d{1,3}$/.test(given) ? Number(given) : given;
  if (typeof number === 'number' && Number.isInteger(number) && number >= 2 && number <= mostShares) return number;
  throw invalid(member, `is a whole number from 2 to ${mostShares}`);
}

function onlyMembers(given: object, known: readonly string[], what: string): void {
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new KmsError('invalid-parameter', `${what} has no setting "${unknown}".`);
}

const invalid = (member: string, words: string) => new KmsError('invalid-parameter', `"${member}" ${words}.`);
