// A user's program as it would run against AWS: it knows nothing of Claviger, and is configured by the environment alone.
import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { buildClient, CommitmentPolicy, KMS, KmsKeyringNode } from '@aws-crypto/client-node';

const [, , verb, arns, from, to] = process.argv;
const { encryptStream, decryptStream } = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT);
const keyIds = arns.split(',');
const clientProvider = (region) => new KMS({ region });
const encryptionContext = { purpose: 'backup', origin: 'eu' };

if (verb === 'encrypt') {
  const keyring = new KmsKeyringNode({ clientProvider, generatorKeyId: keyIds[0], keyIds: keyIds.slice(1) });
  await pipeline(createReadStream(from), encryptStream(keyring, { encryptionContext }), createWriteStream(to));
} else {
  const keyring = new KmsKeyringNode({ clientProvider, keyIds });
  await pipeline(createReadStream(from), decryptStream(keyring), createWriteStream(to));
}
