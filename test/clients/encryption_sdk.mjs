// A user's program for the AWS Encryption SDK: configured by the environment alone. VERB MANNER ARN,ARN FROM TO
import { readFileSync, writeFileSync } from 'node:fs';
import {
  buildClient,
  CommitmentPolicy,
  getLocalCryptographicMaterialsCache,
  KMS,
  KmsKeyringNode,
  MultiKeyringNode,
  NodeCachingMaterialsManager,
} from '@aws-crypto/client-node';

const [, , verb, manner, arns, from, to] = process.argv;
const { encrypt, decrypt } = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT);
const keyIds = arns.split(',');
const clientProvider = (region) => new KMS({ region });
const encryptionContext = { purpose: 'exchange', origin: 'eu' };

const keyring = () => new KmsKeyringNode({ clientProvider, generatorKeyId: keyIds[0], keyIds: keyIds.slice(1) });
const manners = {
  keyring,
  multi: () =>
    new MultiKeyringNode({
      generator: new KmsKeyringNode({ clientProvider, generatorKeyId: keyIds[0] }),
      children: keyIds.slice(1).map((keyId) => new KmsKeyringNode({ clientProvider, keyIds: [keyId] })),
    }),
  caching: () =>
    new NodeCachingMaterialsManager({
      backingMaterials: keyring(),
      cache: getLocalCryptographicMaterialsCache(10),
      maxAge: 60_000,
      maxMessagesEncrypted: 10,
    }),
};
const materials = manners[manner]();
const input = readFileSync(from);

if (verb === 'encrypt') {
  // Twice: the second time a cache has the data key already.
  await encrypt(materials, input, { encryptionContext });
  const { result } = await encrypt(materials, input, { encryptionContext });
  writeFileSync(to, result);
} else {
  await decrypt(materials, input);
  const { plaintext, messageHeader } = await decrypt(materials, input);
  if (messageHeader.encryptionContext.purpose !== 'exchange') throw new Error('the context is another');
  writeFileSync(to, plaintext);
}
