import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { SecretsManager } from '@aws-sdk/client-secrets-manager';
import type { Env } from '../../harness.ts';

/** The SDK as `claviger env` configures it; see `kmsClient`. */
export function secretsClient(env: Env): SecretsManager {
  return new SecretsManager({
    region: env.AWS_REGION!,
    endpoint: env.AWS_ENDPOINT_URL_SECRETS_MANAGER!,
    credentials: { accessKeyId: env.AWS_ACCESS_KEY_ID!, secretAccessKey: env.AWS_SECRET_ACCESS_KEY! },
    requestHandler: { httpsAgent: new Agent({ ca: readFileSync(env.AWS_CA_BUNDLE!), keepAlive: true, maxSockets: 8 }) },
  });
}
