// A program with nothing but its environment: AWS_ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE and the endpoints.
import { readFileSync } from 'node:fs';
import { KMS } from '@aws-sdk/client-kms';
import { STS } from '@aws-sdk/client-sts';
import { fromTokenFile, fromWebToken } from '@aws-sdk/credential-provider-web-identity';

const { AWS_ROLE_ARN: roleArn, AWS_WEB_IDENTITY_TOKEN_FILE: file } = process.env;
const providers = {
  fromTokenFile: fromTokenFile(),
  fromWebToken: fromWebToken({ roleArn, roleSessionName: 'by-token', webIdentityToken: readFileSync(file, 'utf8') }),
  defaultChain: undefined,
};
const arns = {};
for (const [name, credentials] of Object.entries(providers)) {
  const config = credentials === undefined ? {} : { credentials };
  const { Arn } = await new STS(config).getCallerIdentity({});
  const kms = new KMS(config);
  const { CiphertextBlob } = await kms.encrypt({ KeyId: 'alias/first', Plaintext: Buffer.from(name) });
  const { Plaintext } = await kms.decrypt({ CiphertextBlob });
  arns[name] = [Arn, Buffer.from(Plaintext).toString()];
}
process.stdout.write(JSON.stringify(arns));
