/** The AWS doors: what each offers, and what clients ask of it. */
import { operations as kms } from '#wire/aws-kms/operations.ts';
import { operations as secretsmanager } from '#wire/aws-secrets-manager/operations.ts';
import { operations as sts } from '#wire/aws-sts/operations.ts';
import type { Service } from './clients.ts';
import { type Provocation, provocation, whyNever } from './errors-kms.ts';
import { kmsRequests, type Requests } from './requests-kms.ts';
import { provocationOfSecrets, secretsRequests, whyNeverOfSecrets } from './requests-secrets.ts';
import { provocationOfSts, stsRequests, whyNeverOfSts } from './requests-sts.ts';

export interface AwsDoor {
  readonly operations: readonly string[];
  readonly requests: Requests;
  /** How an error that AWS documents is provoked. */
  readonly provocation: (operation: string, error: string) => Provocation | undefined;
  /** Why it never is. */
  readonly whyNever: (operation: string, error: string) => string | undefined;
}

export const doors: Readonly<Record<Service, AwsDoor>> = {
  kms: { operations: Object.keys(kms), requests: kmsRequests, provocation, whyNever },
  secretsmanager: {
    // BatchGetSecretValue asks many times for one secret, and has no row of its own.
    operations: [...Object.keys(secretsmanager), 'BatchGetSecretValue'],
    requests: secretsRequests,
    provocation: provocationOfSecrets,
    whyNever: whyNeverOfSecrets,
  },
  sts: {
    operations: Object.keys(sts),
    requests: stsRequests,
    provocation: provocationOfSts,
    whyNever: whyNeverOfSts,
  },
};
