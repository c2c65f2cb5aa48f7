import { digest, type KeyHandle, openMaterial, openPublicKey, rsaDecrypt, sign, verify } from '#crypto/crypto.ts';
import { type EncryptionScheme, type KeySpec, keySpecs, SecretBytes, type SignatureScheme } from '#domain/domain.ts';
import { hashNamed } from './keys.ts';
import { bytes, type Case, declined, type Fields, type Group, text, type Verdict, wycheproof } from './wycheproof.ts';

const handles = new WeakMap<Group, KeyHandle>();

/** Opened once for each group of cases. */
function keyOf(group: Group, open: (spec: KeySpec, der: Buffer) => KeyHandle, field: string): KeyHandle | undefined {
  const spec = `rsa-${group.keySize}` as KeySpec;
  if (!(spec in keySpecs)) return undefined;
  const handle = handles.get(group) ?? open(spec, bytes(group, field));
  handles.set(group, handle);
  return handle;
}

const openPrivate = (spec: KeySpec, der: Buffer) => openMaterial(spec, new SecretBytes(der));

/** The message by OpenSSL and the digest by our own encoding: both must say the same. */
async function judgeSignature(key: KeyHandle, scheme: SignatureScheme, vector: Case): Promise<Verdict> {
  const [msg, sig] = [bytes(vector, 'msg'), bytes(vector, 'sig')];
  const hash = scheme.hash as Exclude<typeof scheme.hash, 'none' | undefined>;
  const byMessage = await verify(key, scheme, 'raw', msg, sig);
  const byDigest = await verify(key, scheme, 'digest', digest(hash, msg), sig);
  if (byMessage !== byDigest) return 'wrong';
  return byMessage ? 'taken' : 'refused';
}

function judgePss(vector: Case, group: Group): Verdict | Promise<Verdict> {
  const hash = hashNamed(text(group, 'sha'));
  if (hash === undefined) return declined(`hash ${group.sha}`);
  if (group.sha !== group.mgfSha) return declined('another hash in MGF1');
  const key = keyOf(group, openPublicKey, 'publicKeyDer');
  if (key === undefined) return declined('a modulus of another size');
  return judgeSignature(key, { family: 'rsa-pss', hash, saltLength: group.sLen as number }, vector);
}

for (const file of [
  '2048_sha256_mgf1_0',
  '2048_sha256_mgf1_32',
  '2048_sha384_mgf1_48',
  '3072_sha256_mgf1_32',
  '4096_sha256_mgf1_32',
  '4096_sha384_mgf1_48',
  '4096_sha512_mgf1_32',
  '4096_sha512_mgf1_64',
]) {
  wycheproof(`rsa_pss_${file}`, 100, judgePss);
}
wycheproof('rsa_pss_misc', 20, judgePss);

for (const bits of [2048, 3072, 4096]) {
  for (const sha of ['sha256', 'sha384', 'sha512'] as const) {
    wycheproof(`rsa_signature_${bits}_${sha}`, 250, (vector, group) => {
      const key = keyOf(group, openPublicKey, 'publicKeyDer')!;
      return judgeSignature(key, { family: 'rsa-pkcs1', hash: sha }, vector);
    });
  }
  wycheproof(`rsa_pkcs1_${bits}_sig_gen`, 20, async (vector, group) => {
    const hash = hashNamed(text(group, 'sha'));
    if (hash === undefined) return declined(`hash ${group.sha}`);
    const key = keyOf(group, openPrivate, 'privateKeyPkcs8')!;
    const scheme = { family: 'rsa-pkcs1', hash } as const;
    const [msg, sig] = [bytes(vector, 'msg'), bytes(vector, 'sig')];
    const ours = [await sign(key, scheme, 'raw', msg), await sign(key, scheme, 'digest', digest(hash, msg))];
    if (!ours.every((signature) => sig.equals(signature))) return 'wrong';
    return judgeSignature(key, scheme, vector);
  });
}

const oaepSchemes: Readonly<Record<string, EncryptionScheme>> = {
  'SHA-1': 'rsa-oaep-sha1',
  'SHA-256': 'rsa-oaep-sha256',
  'SHA-512': 'rsa-oaep-sha512',
};

function judgeOaep(vector: Case, group: Group): Verdict {
  const scheme = oaepSchemes[text(group, 'sha')];
  if (scheme === undefined) return declined(`OAEP with ${group.sha}`);
  if (group.sha !== group.mgfSha) return declined('another hash in MGF1');
  const key = keyOf(group, openPrivate, 'privateKeyPkcs8');
  if (key === undefined) return declined('a modulus of another size');
  if (hasLabel(vector)) return declined('labels');
  const plaintext = rsaDecrypt(key, scheme, bytes(vector, 'ct'));
  if (plaintext === undefined) return 'refused';
  return plaintext.equals(bytes(vector, 'msg')) ? 'taken' : 'wrong';
}

const hasLabel = (vector: Fields) => vector.label !== '';

for (const file of [
  '2048_sha1_mgf1sha1',
  '2048_sha256_mgf1sha256',
  '2048_sha512_mgf1sha512',
  '3072_sha256_mgf1sha256',
  '3072_sha512_mgf1sha512',
  '4096_sha256_mgf1sha256',
  '4096_sha512_mgf1sha512',
]) {
  wycheproof(`rsa_oaep_${file}`, 20, judgeOaep);
}
wycheproof('rsa_oaep_misc', 10, judgeOaep);
