import { isKemPublicKey, openWithKemKey, sealToKemKey } from '#crypto/crypto.ts';
import { KmsError, type SecretBytes } from '#domain/domain.ts';
import { fromPem, toPem, toUtf8 } from '#encoding/encoding.ts';

/** What a share can be encrypted to. */
export type RecipientKind = 'age' | 'pgp' | 'ml-kem';

const envelope = 'CLAVIGER ENCRYPTED SHARE';
const context = toUtf8('claviger/v1/share');
/** Of what is encrypted to each. */
const beginnings: ReadonlyArray<readonly [RecipientKind, Uint8Array]> = [
  ['age', toUtf8('-----BEGIN AGE ENCRYPTED FILE-----')],
  ['pgp', toUtf8('-----BEGIN PGP MESSAGE-----')],
  ['ml-kem', toUtf8(`-----BEGIN ${envelope}-----`)],
];

/** Undefined: it is none of them. */
export function recipientKind(recipient: string): RecipientKind | undefined {
  const text = recipient.trim();
  if (/^age1[0-9a-z]+$/.test(text)) return 'age';
  if (text.startsWith('-----BEGIN PGP PUBLIC KEY BLOCK-----')) return 'pgp';
  return isKemPublicKey(text) ? 'ml-kem' : undefined;
}

/**
 * `share` as only its custodian can read it, as text. Rejects with 'invalid-parameter' where that is no public key, or one that nothing can
 * be encrypted to. The caller still owns `share`.
 */
export async function encryptTo(recipient: string, share: SecretBytes, custodian: string): Promise<Uint8Array> {
  const kind = recipientKind(recipient);
  const plain = Uint8Array.from(share.expose());
  try {
    switch (kind) {
      case 'age':
        return await toAge(recipient.trim(), plain);
      case 'pgp':
        return await toPgp(recipient, plain);
      case 'ml-kem':
        return toUtf8(toPem(envelope, sealToKemKey(recipient, context, share)!));
      case undefined:
        throw new Error('it is no age recipient, no OpenPGP public key and no ML-KEM public key');
    }
  } catch (error) {
    if (error instanceof KmsError) throw error;
    throw new KmsError(
      'invalid-parameter',
      `The share of ${custodian} can't be encrypted to the key that was given: ${(error as Error).message}.`,
    );
  } finally {
    plain.fill(0);
  }
}

/** What it was encrypted to; undefined: to nothing. */
export function encryptionOf(text: Uint8Array): RecipientKind | undefined {
  const begun = text.subarray(text.findIndex((code) => code > 0x20));
  return beginnings.find(([, beginning]) => beginning.every((code, i) => begun[i] === code))?.[0];
}

/** The share. Undefined when it isn't for this private key (PKCS #8 in PEM), which the caller still owns. */
export function openEnvelope(text: string, privatePem: SecretBytes): SecretBytes | undefined {
  const sealed = fromPem(envelope, text);
  return sealed && openWithKemKey(privatePem, context, sealed);
}

async function toAge(recipient: string, plain: Uint8Array): Promise<Uint8Array> {
  const { Encrypter, armor } = await installed('age-encryption', () => import('age-encryption'));
  const encrypter = new Encrypter();
  encrypter.addRecipient(recipient);
  return toUtf8(`${armor.encode(await encrypter.encrypt(plain)).trimEnd()}\n`);
}

async function toPgp(armoredKey: string, plain: Uint8Array): Promise<Uint8Array> {
  const { createMessage, encrypt, readKey } = await installed('openpgp', () => import('openpgp'));
  const key = await readKey({ armoredKey });
  if (key.isPrivate()) throw new Error('it is a private key');
  const message = await createMessage({ binary: plain, format: 'binary' });
  return toUtf8(await encrypt({ message, encryptionKeys: key }));
}

async function installed<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch {
    throw new KmsError('unsupported', `This takes a package that is not installed: npm install ${name}`);
  }
}
