/** The door of cryptography: OpenSSL through `node:crypto`, one file per family. No primitive is written here. */
export { type AeadName, aeadOpen, aeadSeal, aeadSealInto, nonceLength, tagLength } from './aead.ts';
export { agree } from './agree.ts';
export { type Argon2Costs, argon2id } from './argon2.ts';
export {
  type CertificateAndKey,
  createAuthority,
  issueServerCertificate,
  type ServerCertificateRequest,
} from './certificate.ts';
export { certificateRequest } from './certificate-request.ts';
export {
  Authorities,
  type CertificateFault,
  type ChainLink,
  type ClientCertificate,
  PresentedCertificate,
  TrustedCertificate,
} from './client-certificate.ts';
export { deriveEd25519 } from './derived-ed25519.ts';
export { Ed25519Signer, verifyEd25519 } from './ed25519.ts';
export { exportForm } from './export-form.ts';
export { readForeignMaterial } from './foreign-material.ts';
export { type GeneratedMaterial, generateMaterial, publicKeyOf } from './generate.ts';
export { digest, digestHex, digestLatin1, digestLength, equalSecrets } from './hash.ts';
export { hkdf } from './hkdf.ts';
export { hmac } from './hmac.ts';
export {
  type IdTokenClaims,
  issuerNamedBy,
  type KeySet,
  readKeySet,
  type TokenFault,
  verifyIdToken,
} from './id-token.ts';
export { unwrapImport } from './import-unwrap.ts';
export { type JwtClaims, type JwtFault, jwtAlgorithms, keyOfPem, unverifiedJwt, verifyJwt } from './jwt.ts';
export { isKemPublicKey, openWithKemKey, sealToKemKey } from './kem-envelope.ts';
export { openBundle, sealBundle } from './key-bundle.ts';
export { assertCertificatesOf } from './key-certificates.ts';
export { KeyHandle, openMaterial, openPublicKey } from './key-handle.ts';
export { unwrapTransferred, wrapForTransfer } from './key-transfer.ts';
export { guardMemory, type MemoryGuard } from './locked-memory.ts';
export {
  commitmentLength,
  forgetMessageKeys,
  MessageCipher,
  type MessageLayout,
  messageEngine,
  openMessage,
  sealMessage,
} from './message-cipher.ts';
export { decapsulate, encapsulate } from './ml-kem.ts';
export { countedUuids, randomBytes, randomInto, randomUuid } from './random.ts';
export {
  newRecipientSecret,
  openAsRecipient,
  recipientLength,
  recipientOf,
  recipientSecretLength,
  sealToRecipient,
} from './recipient.ts';
export { releaseToCaller } from './release.ts';
export { type RevocationList, readRevocationList } from './revocation-list.ts';
export { rsaDecrypt, rsaEncrypt, rsaMaxPlaintext } from './rsa-encryption.ts';
export { ShortPrf } from './short-prf.ts';
export { digestToSign, sign, verify } from './signature.ts';
export { isSigV4aSignature, sigV4aPublicKey } from './sigv4a.ts';
export { isStatementKey, signStatement, verifyStatement } from './statement.ts';
export { digestOfStream } from './stream-digest.ts';
export { syntheticSalt } from './synthetic-salt.ts';
export { convergentNonce, deriveAsVault, deriveEd25519AsVault } from './vault-derivation.ts';
export { unwrapAesKw, unwrapAesKwp, wrapAesKw, wrapAesKwp } from './wrap.ts';
