import { randomBytes } from '#crypto/crypto.ts';
import { KmsError } from '#domain/domain.ts';
import { toHex } from '#encoding/encoding.ts';
import type { SealKind } from '../contract.ts';
import { installed, readCa, ServiceSeal, timely } from '../service/service-seal.ts';
import {
  absolutePath,
  assertPinned,
  binding,
  check,
  type Form,
  readSettings,
  serviceUrl,
} from '../service/settings.ts';
import { AwsKey } from './aws-key.ts';

const kind = 'aws-kms';

export interface AwsKmsSettings {
  /** Id, ARN or alias. What it stands for is found out when the seal is made, or rotated. */
  readonly key: string;
  /** Default: as the SDK finds it. */
  readonly region?: string;
  readonly endpoint?: string;
  /** PEM file with the certificates that the endpoint's must come from. */
  readonly caFile?: string;
  /** Pinned: the ARN of the key itself. */
  readonly keyArn?: string;
  /** Pinned: part of the encryption context, so that what is of one seal is of no other. */
  readonly binding?: string;
  readonly check?: string;
}

const forms: Readonly<Record<keyof AwsKmsSettings, Form>> = {
  key: { form: /^[A-Za-z0-9:/_-]{1,2048}$/, words: 'the id, ARN or alias of a key' },
  region: { form: /^[a-z0-9-]{1,64}$/, words: 'a region' },
  endpoint: serviceUrl,
  caFile: absolutePath,
  keyArn: { form: /^arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key\/[A-Za-z0-9-]{1,128}$/, words: 'the ARN of a key' },
  binding,
  check,
};

/**
 * Holds secrets under a symmetric key of AWS KMS, which it asks to encrypt and decrypt and nothing else: `kms:Encrypt` and `kms:Decrypt`
 * are all that the credential needs. That is found as the AWS SDK does it.
 */
export const awsKmsKind: SealKind<AwsKmsSettings> = {
  kind,
  asks: 'nothing',
  settings: (given) => readSettings(kind, given, forms, ['key']),
  async create({ key, region: wanted, endpoint, caFile }) {
    const place = { ...(endpoint !== undefined && { endpoint }), ...(caFile !== undefined && { caFile }) };
    const { sdk, client, region } = await reach({ ...place, ...(wanted !== undefined && { region: wanted }) });
    const id = toHex(randomBytes(16));
    try {
      const keyArn = await timely(`${kind}: ${AwsKey.at(key, region)}`, (signal) =>
        AwsKey.arnOf({ sdk, client }, key, id, signal),
      );
      const seal = new ServiceSeal(kind, new AwsKey(sdk, client, keyArn, id, region));
      return { settings: { key, region, ...place, keyArn, binding: id, check: await seal.check() }, seal };
    } catch (error) {
      client.destroy();
      throw error;
    }
  },
  async open(settings) {
    assertPinned(settings, ['region', 'keyArn', 'binding', 'check']);
    const { sdk, client, region } = await reach(settings);
    const seal = new ServiceSeal(kind, new AwsKey(sdk, client, settings.keyArn, settings.binding, region));
    try {
      await seal.assertSame(settings.check);
      return seal;
    } catch (error) {
      await seal.close();
      throw error;
    }
  },
};

async function reach({ region, endpoint, caFile }: Pick<AwsKmsSettings, 'region' | 'endpoint' | 'caFile'>) {
  const sdk = await installed(kind, '@aws-sdk/client-kms', () => import('@aws-sdk/client-kms'));
  const client = new sdk.KMSClient({
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
    maxAttempts: 3,
    requestHandler: {
      connectionTimeout: 3000,
      requestTimeout: 4000,
      throwOnRequestTimeout: true,
      // Whatever NODE_TLS_REJECT_UNAUTHORIZED says.
      httpsAgent: { rejectUnauthorized: true, ...(caFile !== undefined && { ca: readCa(kind, caFile) }) },
    },
  });
  // The SDK takes an endpoint from the environment and the profile, too.
  client.middlewareStack.add(
    (next) => async (args) => {
      const { protocol, hostname, port } = args.request as { protocol: string; hostname: string; port?: number };
      if (serviceUrl.form.test(`${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`)) return next(args);
      throw new KmsError('invalid-parameter', `the endpoint of the AWS SDK's own settings is not ${serviceUrl.words}.`);
    },
    { step: 'build', name: 'onlySafely' },
  );
  try {
    return { sdk, client, region: await client.config.region() };
  } catch {
    client.destroy();
    throw new KmsError('invalid-parameter', '"region" is not set, nor AWS_REGION, nor one in the profile.');
  }
}
