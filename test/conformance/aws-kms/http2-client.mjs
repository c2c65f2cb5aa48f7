import { createRequire } from 'node:module';
import { KMS } from '@aws-sdk/client-kms';

// The SDK brings the handler as a dependency of its own.
const { NodeHttp2Handler } = createRequire(import.meta.resolve('@aws-sdk/client-kms'))('@smithy/node-http-handler');

const kms = new KMS({ requestHandler: new NodeHttp2Handler() });
const { KeyMetadata } = await kms.createKey({});
const { CiphertextBlob } = await kms.encrypt({ KeyId: KeyMetadata.KeyId, Plaintext: Buffer.from('hello over h2') });
const { Plaintext } = await kms.decrypt({ CiphertextBlob });
console.log(Buffer.from(Plaintext).toString());
kms.destroy();
