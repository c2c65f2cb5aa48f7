import { readFileSync } from 'node:fs';
import { equalSecrets } from '#crypto/crypto.ts';
import { KmsError, SecretBytes } from '#domain/domain.ts';
import { fromBase64, toBase64, toUtf8 } from '#encoding/encoding.ts';
import { maxWrapped, type Seal } from '../contract.ts';

/** A key that a service keeps and lends. Calls end soon after `signal` says so. */
export interface ServiceKey {
  /** What is asked, and where: for the errors. */
  readonly at: string;
  /** Rejects with 'unavailable', and with 'tampered' where the key is gone or another one answers. The caller still owns `secret`. */
  encrypt(secret: Uint8Array, signal: AbortSignal): Promise<Uint8Array>;
  /** The caller owns the result. Undefined: this key does not open it. Rejects as `encrypt`. */
  decrypt(wrapped: Uint8Array, signal: AbortSignal): Promise<Uint8Array | undefined>;
  close(): void;
}

/** Milliseconds for one call with all that belongs to it: finding a credential, connecting, trying again. */
const longestCall = 10_000;
/** Bytes. No service makes more of a secret of the server. */
const longestWrapped = 4096;

const opensNothing = () => new KmsError('invalid-unseal', 'its key does not open it.');

/** Holds secrets under a key that a service lends to whoever has the credential. */
export class ServiceSeal implements Seal {
  readonly kind: string;
  #key: ServiceKey | undefined;

  constructor(kind: string, key: ServiceKey) {
    this.kind = kind;
    this.#key = key;
  }

  async wrap(secret: SecretBytes): Promise<Uint8Array> {
    if (secret.length > maxWrapped) throw new KmsError('too-large', `A seal wraps at most ${maxWrapped} bytes.`);
    return await this.#ask((key, signal) => key.encrypt(secret.expose(), signal));
  }

  async unwrap(wrapped: Uint8Array): Promise<SecretBytes> {
    if (wrapped.length === 0 || wrapped.length > longestWrapped) throw opensNothing();
    const opened = await this.#ask((key, signal) => key.decrypt(wrapped, signal));
    if (opened === undefined) throw opensNothing();
    try {
      return SecretBytes.copyOf(opened);
    } finally {
      opened.fill(0);
    }
  }

  async close(): Promise<void> {
    this.#key?.close();
    this.#key = undefined;
  }

  /** Known words under the key, in base64: whoever opens them is that key. */
  async check(): Promise<string> {
    using words = new SecretBytes(this.#words());
    return toBase64(await this.wrap(words));
  }

  /** Rejects with 'tampered' unless the key is the one that made `check`. */
  async assertSame(check: string): Promise<void> {
    const wrapped = fromBase64(check);
    const opened = wrapped && (await this.#ask((key, signal) => key.decrypt(wrapped, signal)));
    if (opened !== undefined && equalSecrets(opened, this.#words())) return;
    throw new KmsError('tampered', `${this.kind}: the key is another than the one that the seal was made with.`);
  }

  #words(): Uint8Array {
    return Uint8Array.from(toUtf8(`claviger/v1/seal/${this.kind}/check`));
  }

  async #ask<T>(act: (key: ServiceKey, signal: AbortSignal) => Promise<T>): Promise<T> {
    const key = this.#key;
    if (key === undefined) throw new KmsError('unavailable', `${this.kind}: the seal was closed.`);
    return await timely(`${this.kind}: ${key.at}`, (signal) => act(key, signal));
  }
}

/** Rejects with 'unavailable' when it takes too long, whether or not what is asked heeds the signal. Failures begin with `what`. */
export async function timely<T>(what: string, act: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const giveUp = new AbortController();
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(
      new KmsError('unavailable', `no answer within ${longestCall / 1000} s: see to the network and to the service.`),
    );
    giveUp.abort();
  }, longestCall);
  try {
    return await Promise.race([act(giveUp.signal), late]);
  } catch (error) {
    if (error instanceof KmsError) throw new KmsError(error.code, `${what}: ${error.message}`);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** A network's failure by its name alone. What a service or an SDK says otherwise may repeat what it was sent. */
export function networkFault(error: unknown): string | undefined {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth++) {
    const code = (cause as Error & { code?: unknown }).code;
    if (
      typeof code === 'string' &&
      /^(?:E[A-Z_]+|UND_ERR_[A-Z_]+|CERT_[A-Z_]+|[A-Z_]*(?:CERT|SIGNATURE|ISSUER|CRL)[A-Z_]*)$/.test(code)
    )
      return code;
    if (['TimeoutError', 'AbortError'].includes(cause.name)) return cause.name;
  }
  return undefined;
}

/** What is to be done about a network's fault. */
export function outOfReach(service: string, fault: string): string {
  return /CERT|SIGNATURE|ISSUER|CRL|ALTNAME/.test(fault)
    ? `${service} shows a certificate that is not believed (${fault}): see to its address, and to "caFile".`
    : `${service} can't be reached (${fault}): see to the network and to the service.`;
}

/** An SDK, of one or several optional packages. Throws 'unsupported', which says what to install. */
export async function installed<T>(kind: string, packages: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new KmsError('unsupported', `${kind}: its SDK is not installed: npm install ${packages}`);
  }
}

/** The certificates of authorities that a server's must come from, in PEM. Throws 'unavailable'. */
export function readCa(kind: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new KmsError('unavailable', `${kind}: caFile ${path} can't be read (${code}).`);
  }
}
