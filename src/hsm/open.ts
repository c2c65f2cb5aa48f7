import { KmsError, SecretBytes } from '#domain/domain.ts';
import type { Hsm, HsmKey, HsmOptions, HsmUse, KeyClass, KeyName, NewKey, TokenFacts, TokenPlace } from './contract.ts';
import { nameOf } from './messages.ts';
import { copyModule, type ModuleCopy } from './module-copy.ts';
import { Pool } from './pool.ts';

/** Milliseconds that a token may take to make a key: primes of a long RSA key are found by luck. */
const makingTime = 120_000;

/**
 * Checks the module, loads it, finds the token, logs in and lets it answer what is known. Tries once; what is opened reconnects by
 * itself from then on, and logs in with a copy of `pin`, which stays the caller's. Rejects with 'tampered' where module or token are
 * not those, with 'invalid-unseal' where the PIN is refused, with 'unavailable' where the token is out of reach, and with 'unsupported'
 * where the binding isn't installed.
 */
export async function openHsm(place: TokenPlace, pin: SecretBytes, options: HsmOptions = {}): Promise<Hsm> {
  const { modulePath, moduleSha256, tokenSerial, tokenLabel } = place;
  const { sessions = 4, deadline = 5000 } = options;
  if (tokenSerial === undefined && tokenLabel === undefined)
    throw new KmsError('invalid-parameter', 'A token is named by its serial, or by its label.');
  const copy = copyModule(modulePath, moduleSha256);
  const pool = new Pool({
    modulePath: copy.path,
    serial: tokenSerial,
    label: tokenLabel,
    pin: SecretBytes.copyOf(pin.expose()),
    sessions,
    deadline,
  });
  try {
    return new OpenHsm(pool, await pool.open(), copy);
  } catch (error) {
    copy[Symbol.dispose]();
    throw error;
  }
}

class OpenHsm implements Hsm {
  readonly token: TokenFacts;
  readonly #pool: Pool;
  readonly #copy: ModuleCopy;

  constructor(pool: Pool, token: TokenFacts, copy: ModuleCopy) {
    this.#pool = pool;
    this.token = token;
    this.#copy = copy;
  }

  async find(wanted: { readonly class: KeyClass; readonly id?: string; readonly label?: string }): Promise<HsmKey> {
    if (wanted.id === undefined && wanted.label === undefined)
      throw new KmsError('invalid-parameter', 'A key is found by its id or its label.');
    return await this.#pool.ask({ repeat: true }, 'find', wanted);
  }

  list(): Promise<readonly HsmKey[]> {
    return this.#pool.ask({ repeat: true }, 'list');
  }

  generate(wanted: NewKey): Promise<HsmKey> {
    return this.#pool.ask({ repeat: false, within: makingTime }, 'generate', wanted);
  }

  publicKey(key: KeyName): Promise<Uint8Array> {
    return this.#pool.ask({ repeat: true }, 'publicKey', key);
  }

  use(key: KeyName, use: HsmUse): Promise<Uint8Array> {
    return this.#pool.use(nameOf(key), use);
  }

  destroy(key: KeyName): Promise<void> {
    return this.#pool.ask({ repeat: true }, 'destroy', key);
  }

  async close(): Promise<void> {
    await this.#pool.close();
    this.#copy[Symbol.dispose]();
  }
}
