/** The door of cryptography: OpenSSL through `node:crypto`, one file per family. No primitive is written here. */
export { type AeadName, aeadOpen, aeadSeal, nonceLength, tagLength } from './aead.ts';
export { Ed25519Signer, verifyEd25519 } from './ed25519.ts';
export { digest, digestHex, digestLatin1, digestLength, equalSecrets } from './hash.ts';
export { hkdf } from './hkdf.ts';
export { hmac } from './hmac.ts';
export { KeyHandle, openMaterial, openPublicKey } from './key-handle.ts';
export { commitmentLength, MessageCipher } from './message-cipher.ts';
export { randomBytes, randomInto, randomUuid } from './random.ts';
