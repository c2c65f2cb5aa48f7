import { accountOf, type Key, type Result } from '#domain/domain.ts';
import { seconds } from '../common/aws-fields.ts';
import { nextPage } from './encode-keys.ts';
import type { Names } from './names.ts';
import type { Asked } from './row.ts';

/** What AWS gives a key that is made without a policy; KMS developer guide, "Default key policy". */
function defaultPolicy(account: string): string {
  const policy = {
    Version: '2012-10-17',
    Id: 'key-default-1',
    Statement: [
      {
        Sid: 'Enable IAM User Permissions',
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam::${account}:root` },
        Action: 'kms:*',
        Resource: '*',
      },
    ],
  };
  return JSON.stringify(policy, undefined, 2);
}

export function policyOf({ policy, realm }: Pick<Key, 'policy' | 'realm'>): string {
  return policy ?? defaultPolicy(accountOf(realm));
}

export function encodeGetKeyPolicy(result: Result<'read-key-policy'>): string {
  return JSON.stringify({ Policy: policyOf(result), PolicyName: 'default' });
}

export function encodeListKeyPolicies(_: Result<'read-key-policy'>, { page }: Asked<'read-key-policy'>): string {
  return JSON.stringify({ PolicyNames: (page?.after ?? '') < 'default' ? ['default'] : [], Truncated: false });
}

export function encodeCreateGrant({ grant, token }: Result<'create-key-grant'>): string {
  return JSON.stringify({ GrantId: grant.id, GrantToken: token });
}

export function encodeGrants({ grants, next }: Result<'list-key-grants'>, _: unknown, names: Names): string {
  return JSON.stringify({
    Grants: grants.map(({ realm, keyId, id, name, grantee, retiring, operations, constraints, createdAt }) => ({
      KeyId: names.keyArn(realm, keyId),
      GrantId: id,
      Name: name ?? '',
      CreationDate: seconds(createdAt),
      GranteePrincipal: grantee,
      ...(retiring !== undefined && { RetiringPrincipal: retiring }),
      IssuingAccount: `arn:aws:iam::${accountOf(realm)}:root`,
      Operations: operations,
      ...(constraints && {
        Constraints: {
          ...(constraints.subset && { EncryptionContextSubset: constraints.subset }),
          ...(constraints.equals && { EncryptionContextEquals: constraints.equals }),
        },
      }),
    })),
    ...nextPage(next),
  });
}
