import { signStatement, verifyStatement } from '#crypto/crypto.ts';
import { type AcknowledgedShare, KmsError, type SealFacts, type SecretBytes } from '#domain/domain.ts';
import {
  canonicalJson,
  fromBase64,
  fromHex,
  fromUtf8,
  hasTwins,
  isJsonObject,
  type Json,
  parseJson,
  toBase64,
  toHex,
  toUtf8,
} from '#encoding/encoding.ts';
import { commitmentTo, readOwnShare, receiptOf } from './commitment.ts';
import { custodianOf, issueOf, readSettings, type ShamirSettings } from './settings.ts';

/** What somebody accepts who keeps a share (PCI DSS v4.0.1, requirement 3.7.8: understood and accepted, in writing or electronically). */
export const duties = [
  'I have received this share, checked it against the seal, and keep it where nobody but me reaches it.',
  'I show it to nobody, copy it nowhere but to the places that were agreed, and send it by no means that others can read.',
  'I enter it only where I have seen for myself that it goes to the server that it is for.',
  'I say at once when it is lost, was seen by somebody, or may have been, and when I leave this duty.',
  'I understand that together with others it opens every key of the server, and accept the duties of a key custodian.',
] as const;

/** What a custodian says of one share; its date to the second, in UTC. */
export interface Statement extends Omit<AcknowledgedShare, 'signed'> {
  readonly duties: readonly string[];
  /** 64 hexadecimal digits that only the share itself gives: it has arrived. */
  readonly receipt: string;
}

/** A seal that shares open, as the seal file and the server tell it. */
export interface SealOfShares {
  readonly name: string;
  readonly settings: ShamirSettings;
}

const format = 1;
const longest = 8 * 1024;
/** Letters of any member but the duties: a name or 64 hexadecimal digits. */
const longestMember = 64;
const datePattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;
const statementMembers = ['seal', 'set', 'number', 'threshold', 'total', 'custodian', 'date', 'duties', 'receipt'];

/** Who acknowledges signs with a key of his own: in PEM, encrypted or not. */
export interface Signing {
  readonly key: SecretBytes;
  readonly passphrase: SecretBytes | undefined;
}

/**
 * That the custodian of this share has it and accepts his duties, as text. Throws 'invalid-unseal' where it is no share of the seal, and
 * 'invalid-parameter' where the key is not the one that was named for him. The caller still owns all secrets.
 */
export function acknowledge(
  { name: seal, settings }: SealOfShares,
  typed: SecretBytes,
  signing: Signing | undefined,
  date: string,
): string {
  const share = readOwnShare(settings, typed);
  using _ = share.point;
  const { set, number, threshold, total } = share;
  const custodian = custodianOf(settings, number);
  const receipt = toHex(receiptOf(share));
  const statement: Statement = {
    seal,
    set,
    number,
    threshold,
    total,
    custodian: custodian.name,
    date,
    duties,
    receipt,
  };
  if (custodian.key === undefined) return textOf(statement, undefined);
  if (signing === undefined)
    throw invalid(`${custodian.name} signs with the key that was named for this share: say where it is`);
  const signed = signStatement(signing.key, signing.passphrase, messageOf(statement));
  if (signed === undefined)
    throw invalid('The key to sign with is no Ed25519 or ECDSA key in PEM, or its passphrase is wrong');
  if (!verifyStatement(custodian.key, messageOf(statement), signed))
    throw invalid(`The key is another one than was named for ${custodian.name}`);
  return textOf(statement, signed);
}

/**
 * Throws 'invalid-parameter' where the text is no acknowledgement or says what isn't so, and 'invalid-signature' where it is not signed by
 * the key that was named for this custodian. `now`: milliseconds since the epoch.
 */
export function verifyAcknowledgement(
  seals: readonly SealOfShares[],
  text: Uint8Array,
  now: number,
): AcknowledgedShare {
  const { statement, signature } = readText(text);
  const { receipt, duties: accepted, ...facts } = statement;
  const seal = seals.find(({ name }) => name === facts.seal);
  if (seal === undefined) throw invalid(`There is no seal "${facts.seal}" of shares`);
  const { set, threshold, commitments } = issueOf(seal.settings);
  if (facts.set !== set) throw invalid(`It is of the set ${facts.set}; the shares of the set ${set} are in force`);
  const commitment = commitments[facts.number - 1];
  const { name, key } = custodianOf(seal.settings, facts.number);
  if (commitment === undefined || facts.threshold !== threshold || facts.total !== commitments.length)
    throw invalid(`There is no share ${facts.number} of ${facts.total} in that set`);
  if (facts.custodian !== name) throw invalid(`Share ${facts.number} is kept by ${name}, not by ${facts.custodian}`);
  if (canonicalJson(accepted) !== canonicalJson(duties)) throw invalid('It does not accept the duties of a custodian');
  if (Date.parse(facts.date) > now + 24 * 3_600_000) throw invalid('Its date is to come yet');
  const told = fromHex(receipt);
  if (told === undefined || commitmentTo(told) !== commitment)
    throw invalid(`Its receipt is not of share ${facts.number}`);
  if (key === undefined && signature !== undefined) throw invalid(`No key was named that ${name} signs with`);
  if (key !== undefined && !(signature !== undefined && verifyStatement(key, messageOf(statement), signature)))
    throw new KmsError('invalid-signature', `It is not signed by the key that was named for ${name}.`);
  return { ...facts, signed: key !== undefined };
}

/** For the gate, which knows seals by what is told of them. */
export const acknowledgements = {
  verify(seals: readonly SealFacts[], text: Uint8Array, now: number): AcknowledgedShare {
    return verifyAcknowledgement(ofShares(seals), text, now);
  },
  issues(seals: readonly SealFacts[]) {
    return ofShares(seals).map(({ name, settings }) => {
      const { set, commitments } = issueOf(settings);
      return { seal: name, set, total: commitments.length };
    });
  },
};

function ofShares(seals: readonly SealFacts[]): readonly SealOfShares[] {
  const taking = seals.filter(({ asks }) => asks === 'shares');
  return taking.map(({ name, settings }) => ({ name, settings: readSettings(settings) }));
}

function textOf(statement: Statement, signature: Uint8Array | undefined): string {
  const content = { format, statement, ...(signature !== undefined && { signature: toBase64(signature) }) };
  return `${JSON.stringify(content, undefined, 2)}\n`;
}

const messageOf = (statement: Statement) => toUtf8(`claviger/v1/share-acknowledgement\n${canonicalJson(statement)}`);

function readText(text: Uint8Array): { statement: Statement; signature: Uint8Array | undefined } {
  const json = text.length > longest || hasTwins(fromUtf8(text) ?? '') ? undefined : parseJson(text, { depth: 4 });
  if (!isJsonObject(json) || json.format !== format) throw unreadable();
  const { statement, signature, format: _, ...more } = json;
  const bytes = typeof signature === 'string' ? fromBase64(signature) : undefined;
  if (Object.keys(more).length > 0 || (signature !== undefined && bytes === undefined)) throw unreadable();
  return { statement: readStatement(statement), signature: bytes };
}

function readStatement(json: Json | undefined): Statement {
  if (!isJsonObject(json)) throw unreadable();
  const whole = Object.keys(json).length === statementMembers.length && statementMembers.every((name) => name in json);
  const { seal, set, custodian, date, receipt, number, threshold, total, duties: accepted } = json;
  const texts = [seal, set, custodian, date, receipt];
  const counts = [number, threshold, total];
  if (!whole || !texts.every(isShortText) || !counts.every((one) => Number.isSafeInteger(one))) throw unreadable();
  if (!datePattern.test(date as string) || Number.isNaN(Date.parse(date as string))) throw unreadable();
  if (!Array.isArray(accepted) || !accepted.every((one) => typeof one === 'string')) throw unreadable();
  return json as unknown as Statement;
}

const isShortText = (json: Json | undefined) => typeof json === 'string' && json.length <= longestMember;

const unreadable = () => invalid('This is no acknowledgement of a share');
const invalid = (words: string) => new KmsError('invalid-parameter', `${words}.`);
