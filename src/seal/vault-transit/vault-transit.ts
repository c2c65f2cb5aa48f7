import { readFileSync } from 'node:fs';
import { randomBytes } from '#crypto/crypto.ts';
import { KmsError } from '#domain/domain.ts';
import { toHex } from '#encoding/encoding.ts';
import type { Seal, SealKind } from '../contract.ts';
import { readCa, ServiceSeal } from '../service/service-seal.ts';
import {
  absolutePath,
  assertPinned,
  binding,
  check,
  type Form,
  readSettings,
  serviceUrl,
} from '../service/settings.ts';
import { TokenRenewal } from './renewal.ts';
import { TransitKey } from './transit-key.ts';
import { VaultCaller } from './vault-caller.ts';

const kind = 'vault-transit';

export interface VaultTransitSettings {
  readonly address: string;
  readonly key: string;
  /** Default: transit. */
  readonly mount?: string;
  readonly namespace?: string;
  /** PEM file with the certificates that the server's must come from. */
  readonly caFile?: string;
  /** File that holds the token and nothing else; read again each time. Default: VAULT_TOKEN. */
  readonly tokenFile?: string;
  /** Pinned: part of the associated data, so that what is of one seal is of no other. */
  readonly binding?: string;
  readonly check?: string;
}

const path = /^(?!.*(?:^|\/)\.{1,2}(?:\/|$))[A-Za-z0-9_.-]{1,128}(?:\/[A-Za-z0-9_.-]{1,128}){0,15}$/;
const forms: Readonly<Record<keyof VaultTransitSettings, Form>> = {
  address: serviceUrl,
  key: { form: /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}$/, words: 'the name of a key' },
  mount: { form: path, words: 'the path of a transit engine, without slashes at its ends' },
  namespace: { form: path, words: 'the path of a namespace, without slashes at its ends' },
  caFile: absolutePath,
  tokenFile: absolutePath,
  binding,
  check,
};

/**
 * Holds secrets under a key of Vault's transit engine, or of what speaks its protocol. It asks to encrypt and to decrypt and nothing else;
 * the token is renewed for as long as that is possible and the process runs. `vaultToken`: the one of the environment.
 */
export function vaultTransitKind(vaultToken: () => string | undefined): SealKind<VaultTransitSettings> {
  const renewal = new TokenRenewal();

  const reach = (settings: VaultTransitSettings, id: string) => {
    const { address, namespace, caFile, tokenFile } = settings;
    const caller = new VaultCaller({
      address,
      namespace,
      ca: caFile === undefined ? undefined : readCa(kind, caFile),
      token: tokenFile === undefined ? givenToken(vaultToken()) : readToken(tokenFile),
    });
    return { caller, seal: new ServiceSeal(kind, new TransitKey(caller, settings, id)) };
  };

  return {
    kind,
    asks: 'nothing',
    settings: (given) => readSettings(kind, given, forms, ['address', 'key']),
    async create(settings) {
      const { check: _, ...place } = settings;
      const id = toHex(randomBytes(16));
      const { caller, seal } = reach(settings, id);
      const pinned = { ...place, binding: id, check: await seal.check().catch(notThere) };
      renewal.of(caller);
      return { settings: pinned, seal };
    },
    async open(settings): Promise<Seal> {
      assertPinned(settings, ['binding', 'check']);
      const { caller, seal } = reach(settings, settings.binding);
      await seal.assertSame(settings.check);
      renewal.of(caller);
      return seal;
    },
  };
}

/** A key that is gone is a tampered seal; one that was never there is a wrong name. */
function notThere(error: unknown): never {
  if (error instanceof KmsError && error.code === 'tampered') throw new KmsError('not-found', error.message);
  throw error;
}

function readToken(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new KmsError('unavailable', `${kind}: the token's file ${file} can't be read (${code}).`);
  }
  return givenToken(text.trim());
}

function givenToken(token: string | undefined): string {
  if (token !== undefined && /^[\x21-\x7e]{1,8192}$/.test(token)) return token;
  throw new KmsError(
    'unavailable',
    `${kind}: there is no token: set VAULT_TOKEN, or "tokenFile" to a file that holds one.`,
  );
}
