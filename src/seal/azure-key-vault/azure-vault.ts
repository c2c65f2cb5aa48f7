import type { TokenCredential } from '@azure/identity';
import { KmsError } from '#domain/domain.ts';
import { networkFault, outOfReach, type ServiceKey } from '../service/service-seal.ts';

export type AzureSdk = Pick<typeof import('@azure/identity'), 'DefaultAzureCredential'> &
  Pick<typeof import('@azure/keyvault-keys'), 'CryptographyClient' | 'KeyClient'>;

/** RSA-2048 wraps 190 bytes by it, more than a seal does. */
const algorithm = 'RSA-OAEP-256';

/** Milliseconds of one try. */
const longestWait = 4000;

/** One vault, as the Azure SDK reaches it. */
export class AzureVault {
  readonly #sdk: AzureSdk;
  readonly #url: string;
  readonly #credential: TokenCredential;
  readonly #ca: string | undefined;

  constructor(sdk: AzureSdk, url: string, ca: string | undefined) {
    this.#sdk = sdk;
    this.#url = url;
    this.#credential = new sdk.DefaultAzureCredential();
    this.#ca = ca;
  }

  /** Rejects with 'not-found', 'invalid-parameter' and 'unavailable'. */
  async newestOf(name: string, signal: AbortSignal): Promise<string> {
    const client = new this.#sdk.KeyClient(this.#url, this.#credential, this.#pipeline());
    const {
      id,
      keyType,
      keyOperations = [],
    } = await client.getKey(name, asked(signal)).catch((error: unknown) => {
      throw statusOf(error) === 404
        ? new KmsError('not-found', 'there is no such key. None is made in its place.')
        : faultOf('getKey', error);
    });
    const rsa = keyType === 'RSA' || keyType === 'RSA-HSM';
    const may = ['wrapKey', 'unwrapKey'].every((operation) => keyOperations.includes(operation));
    if (id === undefined || !rsa || !may) {
      throw new KmsError('invalid-parameter', 'the key has to be RSA, and may wrap and unwrap.');
    }
    return id;
  }

  /** For one client, which changes it. */
  #pipeline() {
    // Whatever NODE_TLS_REJECT_UNAUTHORIZED says.
    const tlsOptions = { rejectUnauthorized: true, ...(this.#ca !== undefined && { ca: this.#ca }) };
    return {
      tlsOptions,
      // What every cloud of theirs has.
      serviceVersion: '7.5',
      retryOptions: { maxRetries: 2, retryDelayInMs: 200, maxRetryDelayInMs: 2000 },
      // A vault on this machine has no domain that its tokens could be for; no token leaves the machine there.
      disableChallengeResourceVerification: isHere(this.#url),
    };
  }

  key(keyId: string): ServiceKey {
    const client = new this.#sdk.CryptographyClient(keyId, this.#credential, this.#pipeline());
    return new AzureKey(client, keyId);
  }
}

class AzureKey implements ServiceKey {
  readonly at: string;
  readonly #client: InstanceType<AzureSdk['CryptographyClient']>;

  constructor(client: InstanceType<AzureSdk['CryptographyClient']>, keyId: string) {
    this.#client = client;
    this.at = keyId;
  }

  async encrypt(secret: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const plain = Uint8Array.from(secret);
    try {
      const told = await this.#client.wrapKey(algorithm, plain, asked(signal));
      return told.result;
    } catch (error) {
      throw faultOf('wrapKey', error);
    } finally {
      plain.fill(0);
    }
  }

  async decrypt(wrapped: Uint8Array, signal: AbortSignal): Promise<Uint8Array | undefined> {
    try {
      const told = await this.#client.unwrapKey(algorithm, wrapped, asked(signal));
      return told.result;
    } catch (error) {
      const status = statusOf(error);
      if (status === 400) return undefined;
      // A module behind the vault may fail at what is not its own: whether it works shows with what is.
      if (status === 500 && (await this.#works(signal))) return undefined;
      throw faultOf('unwrapKey', error);
    }
  }

  close(): void {}

  async #works(signal: AbortSignal): Promise<boolean> {
    try {
      const { result } = await this.#client.wrapKey(algorithm, Uint8Array.of(0), asked(signal));
      await this.#client.unwrapKey(algorithm, result, asked(signal));
      return true;
    } catch {
      return false;
    }
  }
}

const asked = (abortSignal: AbortSignal) => ({ abortSignal, requestOptions: { timeout: longestWait } });

const isHere = (url: string) => /^https?:\/\/(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::|\/|$)/.test(url);

const statusOf = (error: unknown): number | undefined => (error as { statusCode?: number } | undefined)?.statusCode;

/** By status and name: a message may repeat what was sent. */
function faultOf(call: string, error: unknown): KmsError {
  if (error instanceof KmsError) return error;
  const unavailable = (words: string) => new KmsError('unavailable', `Key Vault ${call}: ${words}`);
  const name = error instanceof Error ? error.name : '';
  if (name === 'CredentialUnavailableError' || name === 'AggregateAuthenticationError') {
    return unavailable('the Azure SDK finds no credential: give it one, as DefaultAzureCredential looks for them.');
  }
  const status = statusOf(error);
  if (name === 'AuthenticationError' || name === 'AuthenticationRequiredError' || status === 401) {
    return unavailable('the credential is refused: it is wrong, or has expired.');
  }
  switch (status) {
    case 403:
      return unavailable(
        reasonIn(error) === 'KeyDisabled'
          ? 'the key is disabled: enable it.'
          : 'it is forbidden: allow wrapKey and unwrapKey with this key to the credential, and see that the key is enabled and in force.',
      );
    case 404:
      return unavailable('the key or this version of it is not there: recover it, if it was deleted.');
    case 409:
      return unavailable('the key is being deleted or recovered.');
  }
  const fault = networkFault(error);
  if (fault !== undefined && status === undefined) return unavailable(outOfReach('the vault', fault));
  if (status === 429 || (status !== undefined && status >= 500)) {
    return unavailable(`the vault has a fault of its own or too much to do (${status}).`);
  }
  return unavailable(`it failed (${status ?? (name || 'unknown')}).`);
}

function reasonIn(error: unknown): string | undefined {
  const { details } = error as { details?: { error?: { innererror?: { code?: string } } } };
  return details?.error?.innererror?.code;
}
