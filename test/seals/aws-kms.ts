/** KMS of AWS, played by moto. */
import { CreateAliasCommand, CreateKeyCommand, KMSClient, UpdateAliasCommand } from '@aws-sdk/client-kms';
import { startMoto } from '../moto.ts';
import { relayTo } from '../relay.ts';
import type { SealBackend } from './seal-backend.ts';

export { motoAbsent as awsKmsAbsent } from '../moto.ts';

export const region = 'eu-central-1';
export const env = {
  AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'a secret of nobody',
  AWS_REGION: region,
};

export interface AwsKmsBackend extends SealBackend {
  /** Past the relay. */
  readonly client: KMSClient;
  /** Its ARN. */
  makeKey(alias: string): Promise<string>;
  /** To a new key, whose ARN it answers. */
  moveAlias(alias: string): Promise<string>;
}

export async function startAwsKms(): Promise<AwsKmsBackend> {
  const moto = await startMoto();
  const relay = await relayTo(Number(new URL(moto.url).port));
  const credentials = { accessKeyId: env.AWS_ACCESS_KEY_ID, secretAccessKey: env.AWS_SECRET_ACCESS_KEY };
  const client = new KMSClient({ endpoint: moto.url, region, credentials });
  const makeKey = async (alias: string) => {
    const { KeyMetadata } = await client.send(new CreateKeyCommand({}));
    await client.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: KeyMetadata!.KeyId! }));
    return KeyMetadata!.Arn!;
  };
  await makeKey('alias/seal');
  await makeKey('alias/other');
  const endpoint = `http://127.0.0.1:${relay.port}`;
  return {
    kind: 'aws-kms',
    settings: { key: 'alias/seal', region, endpoint },
    otherSettings: { key: 'alias/other', region, endpoint },
    env,
    wrongEnv: { ...env, AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', AWS_EC2_METADATA_DISABLED: 'true' },
    client,
    makeKey,
    async moveAlias(alias) {
      const { KeyMetadata } = await client.send(new CreateKeyCommand({}));
      await client.send(new UpdateAliasCommand({ AliasName: alias, TargetKeyId: KeyMetadata!.KeyId! }));
      return KeyMetadata!.Arn!;
    },
    breakOff: relay.cut,
    hold: relay.hold,
    mend: relay.mend,
    async stop() {
      client.destroy();
      await relay.close();
      await moto.stop();
    },
  };
}
