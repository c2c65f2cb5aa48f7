/** What the tables of requests share: what a case is, and what a key needs before it is asked about. */
import type { Key } from '#domain/domain.ts';
import { toBase64, toUtf8 } from '#encoding/encoding.ts';
import type { Answer, Doors } from './doors.ts';
import { byId, type House, plain } from './house.ts';

/** Readies what the request needs, and answers how to send it; a request may be sent more than once. */
export type Case = (doors: Doors) => Promise<() => Promise<Answer>>;
export type Cases = Readonly<Record<string, Case>>;

/** What callers gave to keep secret: no ledger line, log, metric, error or stored row may hold any of it. */
export const canaries = {
  plaintext: 'canary-plaintext-5d1f',
  message: 'canary-message-77aa',
  input: 'canary-input-c0de',
  material: 'canary-material-0123456789abcdef',
} as const;

export const b64 = (text: string) => toBase64(toUtf8(text));
let counted = 0;
/** A name that nothing has yet. */
export const fresh = (word: string) => `${word}-${++counted}`;

export type WithKey = (key: Key, house: House) => object | Promise<object>;
export type Ready = (key: Key, house: House) => Promise<unknown>;

export const pending: Ready = (key, house) => house.perform({ kind: 'schedule-destruction', key: byId(key), days: 7 });
export const blobOf = async (key: Key, house: House) =>
  toBase64((await house.encrypt(key, canaries.plaintext)).ciphertext);
export const ec = { spec: 'ec-p256', usages: ['sign'] } as const;

export async function signatureOf(key: Key, house: House): Promise<string> {
  const scheme = { family: 'ecdsa', hash: 'sha256' } as const;
  const message = plain(canaries.message);
  const { signature } = await house.perform({
    ...{ kind: 'sign', key: byId(key), message, messageType: 'raw', scheme, context: {} },
  });
  return toBase64(signature);
}

export const freshRegion = () => `test-region-${++counted}`;

export async function madeRegion(house: House): Promise<string> {
  const region = freshRegion();
  await house.perform({ kind: 'create-region', name: fresh('place'), region });
  return region;
}

export async function replicaRegion(key: Key, house: House): Promise<string> {
  const region = await madeRegion(house);
  await house.perform({ kind: 'replicate-key', key: byId(key), region });
  return region;
}

export const plaintext = () => ({ plaintext: b64(canaries.plaintext) });
