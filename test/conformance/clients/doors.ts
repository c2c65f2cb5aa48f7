/** The AWS doors: what each offers, and what clients ask of it. */
import { operations as kms } from '#wire/aws-kms/operations.ts';
import type { Service } from './clients.ts';
import { type Provocation, provocation, whyNever } from './errors-kms.ts';
import { kmsRequests, type Requests } from './requests-kms.ts';

export interface AwsDoor {
  readonly operations: readonly string[];
  readonly requests: Requests;
  /** How an error that AWS documents is provoked. */
  readonly provocation: (operation: string, error: string) => Provocation | undefined;
  /** Why it never is. */
  readonly whyNever: (operation: string, error: string) => string | undefined;
}

export const doors: Readonly<Partial<Record<Service, AwsDoor>>> = {
  kms: { operations: Object.keys(kms), requests: kmsRequests, provocation, whyNever },
};
