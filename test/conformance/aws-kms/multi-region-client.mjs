// A user's program as it would run against AWS: it knows nothing of Claviger, and is configured by the environment alone.
import { buildAwsKmsMrkAwareStrictMultiKeyringNode, buildClient, CommitmentPolicy, KMS } from '@aws-crypto/client-node';

const [, , here, there] = process.argv;
const { encrypt, decrypt } = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT);
const clientProvider = (region) => new KMS({ region });
const keyring = (generatorKeyId) => buildAwsKmsMrkAwareStrictMultiKeyringNode({ clientProvider, generatorKeyId });

const { result } = await encrypt(keyring(here), 'from one region to another', {
  encryptionContext: { purpose: 'test' },
});
const { plaintext } = await decrypt(keyring(there), result);
console.log(plaintext.toString());
