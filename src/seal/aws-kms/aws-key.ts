import type { KMSClient } from '@aws-sdk/client-kms';
import { KmsError } from '#domain/domain.ts';
import { networkFault, outOfReach, type ServiceKey } from '../service/service-seal.ts';

export type AwsSdk = typeof import('@aws-sdk/client-kms');

/** One key of AWS KMS. */
export class AwsKey implements ServiceKey {
  readonly at: string;
  readonly #sdk: AwsSdk;
  readonly #client: KMSClient;
  readonly #arn: string;
  readonly #context: Record<string, string>;

  constructor(sdk: AwsSdk, client: KMSClient, arn: string, binding: string, region: string) {
    this.#sdk = sdk;
    this.#client = client;
    this.#arn = arn;
    this.#context = contextOf(binding);
    this.at = AwsKey.at(arn, region);
  }

  static at(key: string, region: string): string {
    return `${key} in ${region}`;
  }

  /** Of the key that an id or alias stands for. Rejects with 'not-found', 'unavailable' and 'invalid-parameter'. */
  static async arnOf(
    { sdk, client }: { readonly sdk: AwsSdk; readonly client: KMSClient },
    key: string,
    binding: string,
    signal: AbortSignal,
  ): Promise<string> {
    const asked = new sdk.EncryptCommand({
      KeyId: key,
      Plaintext: Uint8Array.of(0),
      EncryptionContext: contextOf(binding),
    });
    try {
      const told = await client.send(asked, { abortSignal: signal });
      return told.KeyId ?? '';
    } catch (error) {
      throw nameOf(error) === 'NotFoundException'
        ? new KmsError('not-found', 'KMS has no such key there. None is made in its place.')
        : faultOf('Encrypt', error);
    }
  }

  async encrypt(secret: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const asked = new this.#sdk.EncryptCommand({
      KeyId: this.#arn,
      Plaintext: secret,
      EncryptionContext: this.#context,
    });
    const told = await this.#client.send(asked, { abortSignal: signal }).catch((error: unknown) => {
      throw faultOf('Encrypt', error);
    });
    this.#assertSame(told.KeyId);
    return told.CiphertextBlob ?? new Uint8Array(0);
  }

  async decrypt(wrapped: Uint8Array, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const asked = new this.#sdk.DecryptCommand({
      KeyId: this.#arn,
      CiphertextBlob: wrapped,
      EncryptionContext: this.#context,
    });
    try {
      const told = await this.#client.send(asked, { abortSignal: signal });
      this.#assertSame(told.KeyId);
      return told.Plaintext;
    } catch (error) {
      const name = nameOf(error);
      if (wrong.has(name)) return undefined;
      // Also what is said of a ciphertext that names no key of theirs: whether the caller is let in shows with one that does.
      if (name === 'AccessDeniedException' && (await this.#isLetIn(signal))) return undefined;
      throw faultOf('Decrypt', error);
    }
  }

  close(): void {
    this.#client.destroy();
  }

  async #isLetIn(signal: AbortSignal): Promise<boolean> {
    try {
      const CiphertextBlob = await this.encrypt(Uint8Array.of(0), signal);
      const asked = new this.#sdk.DecryptCommand({
        KeyId: this.#arn,
        CiphertextBlob,
        EncryptionContext: this.#context,
      });
      await this.#client.send(asked, { abortSignal: signal });
      return true;
    } catch {
      return false;
    }
  }

  #assertSame(answered: string | undefined): void {
    if (answered !== this.#arn) throw new KmsError('tampered', 'KMS answered by another key.');
  }
}

/** What key policies may ask for, and what makes the secret of one seal none of another's. */
const contextOf = (binding: string) => ({ 'claviger:purpose': 'claviger seal', 'claviger:seal': binding });

/** What is said of a ciphertext that the key does not open. */
const wrong = new Set(['InvalidCiphertextException', 'IncorrectKeyException', 'ValidationException']);

const credentials =
  /^(?:UnrecognizedClient|InvalidClientTokenId|InvalidSignature|SignatureDoesNotMatch|ExpiredToken|RequestExpired|MissingAuthenticationToken|IncompleteSignature|InvalidAccessKeyId|NotAuthorized|OptInRequired)(?:Exception)?$/;

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : '');

/** By the error's name: a message may repeat what was sent. */
function faultOf(call: string, error: unknown): KmsError {
  if (error instanceof KmsError) return error;
  const name = nameOf(error);
  const unavailable = (words: string) => new KmsError('unavailable', `KMS ${call}: ${words}`);
  switch (name) {
    case 'NotFoundException':
      return new KmsError('tampered', `KMS ${call}: the key is not there any more. It takes another seal.`);
    case 'DisabledException':
      return unavailable('the key is disabled: enable it.');
    case 'KMSInvalidStateException':
      return unavailable("the key's state does not allow it: cancel its deletion, or bring back its material.");
    case 'AccessDeniedException':
      return unavailable('access is denied: allow kms:Encrypt and kms:Decrypt with this key to the credential.');
    case 'CredentialsProviderError':
      return unavailable('the AWS SDK finds no credential: give it one, as it looks for them.');
    case 'InvalidKeyUsageException':
      return new KmsError('invalid-parameter', 'the key is not a symmetric one for encryption.');
    case 'ValidationException':
      return new KmsError('invalid-parameter', `KMS ${call}: "key" names no symmetric key for encryption.`);
  }
  if (credentials.test(name)) return unavailable(`the credential is refused (${name}): it is wrong, or has expired.`);
  const { $fault, $metadata } = error as { $fault?: string; $metadata?: { httpStatusCode?: number } };
  const status = $metadata?.httpStatusCode;
  const fault = networkFault(error);
  if (fault !== undefined) return unavailable(outOfReach('the service', fault));
  if ($fault === 'server' || (status !== undefined && (status >= 500 || status === 429)))
    return unavailable(`the service has a fault of its own or too much to do (${name}, ${status}).`);
  return unavailable(`it failed (${name || 'unknown'}${status === undefined ? '' : `, ${status}`}).`);
}
