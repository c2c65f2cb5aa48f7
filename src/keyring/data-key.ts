import { generateMaterial, randomBytes, releaseToCaller } from '#crypto/crypto.ts';
import { type Command, isSymmetric, type Key, KmsError, type Outcome, Plaintext, type Result } from '#domain/domain.ts';
import type { Parts } from './change.ts';
import { encrypt } from './encrypt.ts';
import { noKeyStore } from './key-stores.ts';
import { then } from './version.ts';

const maxBytes = 1024;
const maxRandom = 1024 * 1024;

/** A data key for the caller, and the same under this key: envelope encryption. */
export function generateDataKey(
  parts: Parts,
  key: Key,
  command: Command<'generate-data-key'>,
): Outcome<Result<'generate-data-key'>> | Promise<Outcome<Result<'generate-data-key'>>> {
  if (!Number.isInteger(command.bytes) || command.bytes < 1 || command.bytes > maxBytes) {
    throw new KmsError('invalid-parameter', `A data key has 1 to ${maxBytes} bytes.`);
  }
  const { context, version, scheme = 'envelope' } = command;
  if (scheme === 'envelope') assertWraps(key);
  const plaintext = new Plaintext(randomBytes(command.bytes));
  const wrap: Command<'encrypt'> = { kind: 'encrypt', key: command.key, plaintext, context, scheme };
  return then(encrypt(parts, key, version === undefined ? wrap : { ...wrap, version }), (outcome) =>
    command.withPlaintext ? { ...outcome, result: { ...outcome.result, plaintext } } : outcome,
  );
}

/** A key pair for the caller, its private half (PKCS#8 DER) also under this key. */
export async function generateDataKeyPair(
  parts: Parts,
  key: Key,
  command: Command<'generate-data-key-pair'>,
): Promise<Outcome<Result<'generate-data-key-pair'>>> {
  if (isSymmetric(command.spec)) throw new KmsError('invalid-parameter', `${command.spec} is no key pair.`);
  assertWraps(key);
  const { material, publicKey } = await generateMaterial(command.spec);
  using _ = material;
  const plaintext = releaseToCaller(material);
  const { context } = command;
  const { result } = await encrypt(parts, key, {
    kind: 'encrypt',
    key: command.key,
    plaintext,
    context,
    scheme: 'envelope',
  });
  const { ciphertext: privateKeyCiphertext, ...used } = result;
  return {
    result: {
      ...used,
      privateKeyCiphertext,
      publicKey: publicKey!,
      ...(command.withPlaintext && { privateKey: plaintext }),
    },
  };
}

/**
 * What is handed out is kept for years and comes back with its ciphertext alone: only an envelope says which key and version open it.
 */
function assertWraps(key: Key): void {
  if (!isSymmetric(key.spec)) {
    throw new KmsError('wrong-usage', `Data keys are protected by symmetric keys only, not by ${key.spec}.`, key.id);
  }
  if (key.class === 'raw') throw noRaw(key);
}

const noRaw = (key: Key) =>
  new KmsError('unsupported', 'Data keys are protected by enveloped keys only; this one is raw.', key.id);

export function generateRandom(command: Command<'generate-random'>): Outcome<Result<'generate-random'>> {
  if (command.keyStore !== undefined) throw noKeyStore(command.keyStore);
  if (!Number.isInteger(command.bytes) || command.bytes < 1 || command.bytes > maxRandom) {
    throw new KmsError('invalid-parameter', `1 to ${maxRandom} random bytes can be asked for.`);
  }
  return { result: { bytes: new Plaintext(randomBytes(command.bytes)) } };
}
