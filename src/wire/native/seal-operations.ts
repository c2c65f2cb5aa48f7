import {
  type Commands,
  type Handout,
  KmsError,
  type Opener,
  Plaintext,
  type SealAwaited,
  type SealMade,
} from '#domain/domain.ts';
import { fromUtf8, toUtf8 } from '#encoding/encoding.ts';
import { type JsonObject, optionalBoolean, optionalObject, optionalString, requiredString } from '../common/common.ts';
import type { Input } from './decode.ts';
import { status } from './encode.ts';
import type { Operations } from './row.ts';

const KiB = 1024;

const secretOf = (text: string | undefined) => (text === undefined ? {} : { secret: new Plaintext(toUtf8(text)) });

function openerOf(body: JsonObject): { readonly opener?: Opener } {
  const opener = optionalObject(body, 'opener');
  if (opener === undefined) return {};
  const unknown = Object.keys(opener).find((name) => name !== 'seal' && name !== 'secret');
  if (unknown !== undefined) throw new KmsError('malformed', `"opener" has no field "${unknown}".`);
  const seal = optionalString(opener, 'seal');
  return {
    opener: { secret: new Plaintext(toUtf8(requiredString(opener, 'secret'))), ...(seal !== undefined && { seal }) },
  };
}

const making = (body: JsonObject) => ({
  settings: optionalObject(body, 'settings') ?? {},
  ...secretOf(optionalString(body, 'secret')),
  ...openerOf(body),
});

function addSeal({ body }: Input): Commands['add-seal'] {
  return { name: requiredString(body, 'name'), sealKind: requiredString(body, 'kind'), ...making(body) };
}

function unseal({ body }: Input): Commands['unseal'] {
  const reset = optionalBoolean(body, 'reset') === true;
  const seal = optionalString(body, 'seal');
  const passphrase = reset ? (optionalString(body, 'passphrase') ?? '') : requiredString(body, 'passphrase');
  return {
    passphrase: new Plaintext(toUtf8(passphrase)),
    ...(seal !== undefined && { seal }),
    ...(reset && { reset }),
  };
}

const handed = (handouts: readonly Handout[]) =>
  handouts.map(({ custodian, text }) => ({ custodian, text: fromUtf8(text.release()) ?? '' }));

const made = (result: SealMade | SealAwaited) =>
  'awaits' in result ? { awaits: result.awaits } : { seal: result.seal, handouts: handed(result.handouts) };

/** The ways to the root key. What opens one is a passphrase, a PIN, or shares, one a line. */
export const sealOperations = {
  'POST /unseal': {
    action: 'unseal',
    maxBody: 64 * KiB,
    body: ['passphrase', 'seal', 'reset'],
    decode: unseal,
    encode: status,
  },
  'GET /seals': { action: 'list-seals', maxBody: 0, decode: () => ({}), encode: ({ seals }) => ({ seals }) },
  'POST /seals': {
    action: 'add-seal',
    maxBody: 256 * KiB,
    body: ['name', 'kind', 'settings', 'secret', 'opener'],
    decode: addSeal,
    encode: made,
  },
  'DELETE /seals/{seal}': {
    action: 'remove-seal',
    maxBody: 0,
    decode: ({ path }) => ({ name: path[0]! }),
    encode: ({ seals }) => ({ seals }),
  },
  'POST /seals/{seal}/rotate': {
    action: 'rotate-seal',
    maxBody: 256 * KiB,
    body: ['settings', 'secret', 'opener'],
    decode: ({ path, body }) => ({ name: path[0]!, ...making(body) }),
    encode: made,
  },
  'POST /seals/{seal}/prove': {
    action: 'prove-seal',
    maxBody: 64 * KiB,
    body: ['secret'],
    decode: ({ path, body }) => ({ name: path[0]!, ...secretOf(optionalString(body, 'secret')) }),
    encode: ({ seal, proven }) => ({ seal, proven }),
  },
} as const satisfies Operations;
