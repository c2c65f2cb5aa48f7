/** One request for each operation of STS, and how its errors are provoked. */
import type { Provocation } from './errors-kms.ts';
import type { Requests } from './requests-kms.ts';
import type { World } from './world.ts';

const session = ({ place }: World) => ({ RoleArn: place.role, RoleSessionName: 'conformance' });

export const stsRequests: Requests = {
  AssumeRole: { input: async (world) => ({ ...session(world), DurationSeconds: 900 }) },
  AssumeRoleWithWebIdentity: {
    input: async (world) => ({ ...session(world), WebIdentityToken: world.place.webIdentity() }),
  },
  GetCallerIdentity: { input: async () => ({}) },
  GetSessionToken: { input: async () => ({ DurationSeconds: 900 }) },
};

const withToken =
  (token: (world: World) => string): Provocation =>
  async (world) => ({ ...session(world), WebIdentityToken: token(world) });

const provocations: Readonly<Record<string, Provocation>> = {
  'AssumeRoleWithWebIdentity ExpiredTokenException': withToken(({ place }) => place.webIdentity({ iat: 1, exp: 2 })),
  'AssumeRoleWithWebIdentity IDPRejectedClaimException': withToken(({ place }) =>
    place.webIdentity({ sub: undefined }),
  ),
  'AssumeRoleWithWebIdentity InvalidIdentityTokenException': withToken(({ place }) => `${place.webIdentity()}AAAA`),
};

const never: ReadonlyArray<readonly [RegExp, string]> = [
  [
    /^IDPCommunicationErrorException$/,
    'the keys of the issuer are registered with it; of keys at a URL, beside the code',
  ],
  [
    /^(?:MalformedPolicyDocument|PackedPolicyTooLarge)Exception$/,
    'a policy for the session is refused as `ValidationError`',
  ],
  [/^RegionDisabledException$/, 'every region of an account answers'],
  [/^ExpiredTokenException$/, 'of the session that asks: provoked with a clock of its own, beside the code'],
  [/^InvalidContextAssertionException$/, 'a `ProvidedContexts` is refused as `ValidationError`'],
];

export const provocationOfSts = (operation: string, error: string): Provocation | undefined =>
  provocations[`${operation} ${error}`];

export const whyNeverOfSts = (operation: string, error: string): string | undefined =>
  provocations[`${operation} ${error}`] !== undefined ? undefined : never.find(([errors]) => errors.test(error))?.[1];
