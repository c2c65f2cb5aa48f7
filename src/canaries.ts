import { randomBytes } from '#crypto/crypto.ts';
import { type Key, KmsError, Plaintext } from '#domain/domain.ts';
import { canonicalJson, fromBase64, parseJson, toBase64, toUtf8 } from '#encoding/encoding.ts';
import type { Keyring } from '#keyring/keyring.ts';

/** Of each realm; and of all. */
const mostOfRealm = 8;
const most = 256;
const length = 32;

interface Canary {
  readonly realm: string;
  readonly key: string;
  readonly ciphertext: string;
  readonly plaintext: string;
}

const context = { pairs: [['purpose', 'canary']] } as const;

/**
 * Ciphertexts of some keys of every realm, and what is in them: whoever restores the backup knows that it opens what was encrypted. Only
 * keys that encrypt anyway, so nothing is learnt from them.
 */
export async function makeCanaries(keyring: Keyring): Promise<Uint8Array> {
  const canaries: Canary[] = [];
  for (const realm of await realmsOf(keyring)) {
    const rows = await keyring.records.list('key', `${realm}/`, '', 64);
    let ofRealm = 0;
    for (const { id } of rows) {
      if (ofRealm === mostOfRealm || canaries.length === most) break;
      const key = await keyring.find(realm, { by: 'id', id: id.slice(realm.length + 1) });
      if (key === undefined || !encryptsAnything(key)) continue;
      const plaintext = randomBytes(length);
      const canary = await encrypted(keyring, key, plaintext);
      if (canary === undefined) continue;
      canaries.push({ realm, key: key.id, ciphertext: toBase64(canary), plaintext: toBase64(plaintext) });
      ofRealm++;
    }
  }
  return toUtf8(canonicalJson({ canaries }));
}

/**
 * How many open as they should, and which keys are gone for good: destroyed after the backup. Those whose secret the shelf lacks are neither.
 * Rejects with 'tampered' where one is wrong.
 */
export async function openCanaries(
  keyring: Keyring,
  text: Uint8Array,
): Promise<{ readonly opened: number; readonly gone: readonly string[] }> {
  const gone: string[] = [];
  let opened = 0;
  const { canaries } = parseJson(text) as unknown as { readonly canaries: readonly Canary[] };
  for (const { realm, key: id, ciphertext, plaintext } of canaries) {
    const key = await keyring.find(realm, { by: 'id', id });
    const shelved = key === undefined ? 'here' : keyring.shelved(key);
    if (shelved === 'destroyed') gone.push(id);
    if (shelved !== 'here') continue;
    const decrypted =
      key &&
      (await keyring.decrypt(key, {
        ...{ kind: 'decrypt', key: { by: 'id', id }, ciphertext: fromBase64(ciphertext)!, context, scheme: 'envelope' },
      }));
    if (decrypted === undefined || toBase64(decrypted.result.plaintext.release()) !== plaintext) {
      throw new KmsError('tampered', `The key ${id} of realm ${realm} does not open what it encrypted.`);
    }
    opened++;
  }
  return { opened, gone };
}

async function realmsOf(keyring: Keyring): Promise<readonly string[]> {
  const realms = new Set<string>();
  for (let after = ''; ; ) {
    const [row] = await keyring.records.list('key', '', after, 1);
    if (row === undefined) return [...realms];
    const realm = row.id.slice(0, row.id.lastIndexOf('/'));
    realms.add(realm);
    // Behind all keys of the realm: their ids go on with a slash.
    after = `${realm}0`;
  }
}

const encryptsAnything = (key: Key): boolean =>
  key.class === 'enveloped' &&
  !key.derived &&
  key.enabled &&
  key.destruction === undefined &&
  key.usages.includes('encrypt') &&
  key.current.wrapped !== undefined &&
  /^(?:aes|chacha20)/.test(key.spec);

/** Undefined where the key may not be used now. */
async function encrypted(keyring: Keyring, key: Key, bytes: Uint8Array): Promise<Uint8Array | undefined> {
  try {
    const { result } = await keyring.encrypt(key, {
      ...{ kind: 'encrypt', key: { by: 'id', id: key.id }, plaintext: new Plaintext(Uint8Array.from(bytes)) },
      ...{ context, scheme: 'envelope' },
    });
    return result.ciphertext;
  } catch (error) {
    if (error instanceof KmsError && error.code !== 'tampered') return undefined;
    throw error;
  }
}
