import {
  type Action,
  type Ceremony,
  type Command,
  KmsError,
  Plaintext,
  type Proof,
  type Result,
  tokenLength,
} from '#domain/domain.ts';
import { fromUtf8, toBase64, toUtf8 } from '#encoding/encoding.ts';
import type { JsonObject } from '#wire/common/common.ts';
import { encodeNothing } from './encode-keys.ts';
import { PlacedError } from './errors.ts';
import { boolean, integer, refuseFields, text } from './fields.ts';
import { type Input, type Row, rowAt } from './row.ts';
import { sealStatus } from './system.ts';

function at<A extends Action>(paths: readonly string[], given: Omit<Row<A>, 'operation' | 'paths' | 'maxBody'>): Row {
  return rowAt(`${paths[0]}:${given.method.toLowerCase()}`, paths, given);
}

/** Who opens the seal proves to be nobody: the passphrase is its own proof. */
const nobody: Proof = Object.freeze({ kind: 'none', unread: true });

function keyOf(body: JsonObject, otherwise = ''): Plaintext {
  const key = text(body, 'key');
  if (key !== undefined) return new Plaintext(toUtf8(key));
  throw new KmsError('invalid-parameter', `'key' must be specified in request body as JSON${otherwise}`);
}

/** A passphrase, or one share of a quorum; `reset` takes back the shares that were brought so far. */
function decodeUnseal({ body }: Input): Command<'unseal'> {
  if (boolean(body, 'reset') === true) {
    return { kind: 'unseal', passphrase: new Plaintext(new Uint8Array(0)), reset: true, ifSealed: true };
  }
  if (boolean(body, 'migrate') === true) {
    throw new KmsError('unsupported', 'Seals are migrated while serving: "claviger seal add", then "remove".');
  }
  return { kind: 'unseal', passphrase: keyOf(body, ", or 'reset' set to true"), ifSealed: true };
}

function encodeUnsealed(status: Result<'unseal'>, { body }: Input): string {
  if (!status.sealed && boolean(body, 'reset') === true) {
    throw new PlacedError(400, 'not-sealed', 'vault is unsealed');
  }
  return sealStatus(status, '', status.version).body;
}

const seal: readonly Row[] = [
  at(['sys/seal'], { method: 'POST', action: 'seal', decode: () => ({ kind: 'seal' }), encode: encodeNothing }),
  at(['sys/unseal'], {
    method: 'POST',
    action: 'unseal',
    // What can't be read is refused before anything is tried, and counted like wrong logins.
    proof: (input) => {
      const command = decodeUnseal(input);
      command.passphrase.wipe();
      return nobody;
    },
    decode: decodeUnseal,
    encode: encodeUnsealed,
    as: 'whole',
  }),
  at(['sys/init'], {
    method: 'POST',
    action: 'read-status',
    proof: () => {
      throw new KmsError('already-exists', 'Vault is already initialized');
    },
    decode: () => ({ kind: 'read-status' }),
    encode: encodeNothing,
  }),
];

const read = (ceremony: Ceremony) => (): Command<'read-ceremony'> => ({ kind: 'read-ceremony', ceremony });
const cancel = (ceremony: Ceremony) => (): Command<'cancel-ceremony'> => ({ kind: 'cancel-ceremony', ceremony });

const feed =
  (ceremony: Ceremony, verification = false) =>
  ({ body }: Input): Command<'feed-ceremony'> => ({
    kind: 'feed-ceremony',
    ceremony,
    passphrase: keyOf(body),
    nonce: text(body, 'nonce') ?? '',
    ...(verification && { verification: true }),
  });

function decodeStartRootToken({ body }: Input): Command<'start-ceremony'> {
  refuseFields(body, ['pgp_key']);
  const otp = text(body, 'otp');
  return {
    kind: 'start-ceremony',
    ceremony: 'root-token',
    ...(otp !== undefined && { otp: new Plaintext(toUtf8(otp)) }),
  };
}

/** As Vault hides it: each byte of the token by one of the one-time pad, in base64 without padding. */
function hidden(token: Uint8Array, pad: Uint8Array): string {
  return toBase64(token.map((byte, i) => byte ^ pad[i]!)).replace(/=+$/, '');
}

type OfRootToken = Result<'read-ceremony'> & Partial<Pick<Result<'feed-ceremony'>, 'complete' | 'token' | 'otp'>>;

function encodeRootToken({ nonce, started, complete = false, token, otp }: OfRootToken): string {
  const encoded = token === undefined || otp === undefined ? '' : hidden(token.release(), otp.release());
  return JSON.stringify({
    complete,
    encoded_root_token: encoded,
    encoded_token: encoded,
    nonce,
    otp: complete || otp === undefined ? '' : (fromUtf8(otp.release()) ?? ''),
    otp_length: tokenLength,
    pgp_fingerprint: '',
    progress: complete ? 1 : 0,
    required: 1,
    started,
  });
}

/** Both names that clients have for it: Vault's, and the one that OpenBao asks a token for. */
const rootPaths = (step: string) => [`sys/generate-root/${step}`, `sys/generate-root-token/${step}`];

const rootToken: readonly Row[] = [
  at(rootPaths('attempt'), {
    ...{ method: 'GET', action: 'read-ceremony', decode: read('root-token'), encode: encodeRootToken, as: 'both' },
  }),
  at(rootPaths('attempt'), {
    ...{ method: 'POST', action: 'start-ceremony', decode: decodeStartRootToken, encode: encodeRootToken, as: 'both' },
  }),
  at(rootPaths('attempt'), {
    ...{ method: 'DELETE', action: 'cancel-ceremony', decode: cancel('root-token'), encode: encodeNothing },
  }),
  at(rootPaths('update'), {
    ...{ method: 'POST', action: 'feed-ceremony', decode: feed('root-token'), encode: encodeRootToken, as: 'both' },
  }),
];

function decodeStartRekey({ body }: Input): Command<'start-ceremony'> {
  refuseFields(body, ['pgp_keys', 'backup', 'stored_shares']);
  if (integer(body, 'secret_shares') !== 1 || integer(body, 'secret_threshold') !== 1) {
    throw new KmsError(
      'invalid-parameter',
      'The seal has one share, its passphrase: ask for secret_shares 1 and secret_threshold 1.',
    );
  }
  return { kind: 'start-ceremony', ceremony: 'rekey', verified: boolean(body, 'require_verification') === true };
}

function encodeRekey({ nonce, started, verified = false, verificationNonce }: Result<'read-ceremony'>): string {
  return JSON.stringify({
    backup: false,
    n: started ? 1 : 0,
    nonce,
    pgp_fingerprints: null,
    progress: 0,
    required: 1,
    started,
    t: started ? 1 : 0,
    verification_required: verified,
    ...(verificationNonce !== undefined && { verification_nonce: verificationNonce }),
  });
}

/** The new passphrase is 64 hexadecimal digits: as it stands it is what opens the seal, whichever of the two a client keeps. */
function encodeRekeyed(result: Result<'feed-ceremony'>): string {
  const { nonce, complete, passphrase, verified = false, verificationNonce } = result;
  const keys = passphrase === undefined ? [] : [fromUtf8(passphrase.release()) ?? ''];
  return JSON.stringify({
    backup: false,
    complete,
    keys,
    keys_base64: keys,
    nonce,
    pgp_fingerprints: null,
    verification_required: verified,
    ...(verificationNonce !== undefined && { verification_nonce: verificationNonce }),
  });
}

function encodeVerification({ started, verificationNonce }: Result<'read-ceremony'>): string {
  if (!started) throw new PlacedError(400, 'invalid-parameter', 'no rekey configuration found');
  const waits = verificationNonce !== undefined;
  return JSON.stringify({ n: 1, nonce: verificationNonce ?? '', progress: 0, started: waits, t: 1 });
}

/** Vault's name, and the one of OpenBao that asks for a token. */
const rekeyPaths = (step: string) => [`sys/rekey/${step}`, `sys/rotate/root/${step}`];

const rekey: readonly Row[] = [
  at(rekeyPaths('init'), {
    ...{ method: 'GET', action: 'read-ceremony', decode: read('rekey'), encode: encodeRekey, as: 'both' },
  }),
  at(rekeyPaths('init'), {
    ...{ method: 'POST', action: 'start-ceremony', decode: decodeStartRekey, encode: encodeRekey, as: 'both' },
  }),
  at(rekeyPaths('init'), {
    ...{ method: 'DELETE', action: 'cancel-ceremony', decode: cancel('rekey'), encode: encodeNothing },
  }),
  at(rekeyPaths('update'), {
    ...{ method: 'POST', action: 'feed-ceremony', decode: feed('rekey'), encode: encodeRekeyed, as: 'both' },
  }),
  at(rekeyPaths('verify'), {
    ...{ method: 'GET', action: 'read-ceremony', decode: read('rekey'), encode: encodeVerification, as: 'both' },
  }),
  at(rekeyPaths('verify'), {
    method: 'POST',
    action: 'feed-ceremony',
    decode: feed('rekey', true),
    encode: ({ nonce, complete }) => JSON.stringify({ complete, nonce }),
    as: 'both',
  }),
  at(rekeyPaths('verify'), {
    method: 'DELETE',
    action: 'cancel-ceremony',
    decode: () => ({ kind: 'cancel-ceremony', ceremony: 'rekey', verification: true }),
    encode: encodeVerification,
    as: 'both',
  }),
];

/** Opening and closing the server, and what takes its passphrase beside a security officer's token. */
export const ceremonyOperations: readonly Row[] = [...seal, ...rootToken, ...rekey];
