import { type ClaimValue, type JwtRole, KmsError, type TokenSettings } from '#domain/domain.ts';

const maxList = 100;
const maxText = 1024;

const fresh: JwtRole = {
  type: 'oidc',
  userClaim: '',
  userClaimIsPointer: false,
  groupsClaim: '',
  boundAudiences: [],
  boundSubject: '',
  boundClaimsType: 'string',
  boundClaims: {},
  claimMappings: {},
  expirationLeeway: 0,
  notBeforeLeeway: 0,
  clockSkewLeeway: 0,
  maxAge: 0,
  scopes: [],
  redirects: [],
};

const wrong = (words: string) => new KmsError('invalid-parameter', words);

/** What the role asks for, with what it asked for before where nothing is said. Throws 'invalid-parameter'. */
export function jwtRole(given: Partial<JwtRole>, known: JwtRole | undefined, token: TokenSettings): JwtRole {
  const role = { ...(known ?? fresh), ...given };
  if (role.userClaim === '') throw wrong('a user claim must be defined on the role');
  checkSizes(role);
  checkBoundClaims(role);
  const targets = Object.values(role.claimMappings);
  if (targets.includes('role')) {
    throw wrong('metadata key "role" is reserved and may not be a mapping destination');
  }
  const twice = targets.find((target, i) => targets.indexOf(target) !== i);
  if (twice !== undefined) throw wrong(`multiple keys are mapped to metadata key "${twice.slice(0, 64)}"`);
  for (const leeway of [role.expirationLeeway, role.notBeforeLeeway, role.clockSkewLeeway]) {
    if (!Number.isSafeInteger(leeway) || leeway < -1 || leeway > 24 * 3600) {
      throw wrong('A leeway is -1 (none), 0 (the usual one) or up to 86400 seconds.');
    }
  }
  if (!Number.isSafeInteger(role.maxAge) || role.maxAge < 0) throw wrong('max_age is a number of seconds.');
  if (role.type === 'oidc' && role.redirects.length === 0) {
    throw wrong("'allowed_redirect_uris' must be set if 'role_type' is 'oidc' or unspecified.");
  }
  if (!role.redirects.every(isRedirect)) throw wrong('A redirect URI is an absolute URL without a fragment.');
  const bound =
    role.boundAudiences.length > 0 ||
    role.boundSubject !== '' ||
    Object.keys(role.boundClaims).length > 0 ||
    token.cidrs.length > 0;
  if (role.type === 'jwt' && !bound) {
    throw wrong('must have at least one bound constraint when creating/updating a role');
  }
  return role;
}

function checkSizes(role: JwtRole): void {
  const lists = [
    [role.userClaim, role.groupsClaim, role.boundSubject],
    role.boundAudiences,
    role.scopes,
    role.redirects,
    Object.keys(role.boundClaims),
    Object.keys(role.claimMappings),
    Object.values(role.claimMappings),
  ];
  if (lists.some((list) => list.length > maxList || list.some((text) => text.length > maxText))) {
    throw wrong(`A role has at most ${maxList} of each, of up to ${maxText} characters.`);
  }
  if (!role.scopes.every((scope) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope))) {
    throw wrong('A scope has printable characters and no spaces.');
  }
}

function checkBoundClaims({ boundClaims, boundClaimsType }: JwtRole): void {
  for (const given of Object.values(boundClaims)) {
    const values: readonly ClaimValue[] = [given].flat();
    if (values.length > maxList || values.some((value) => String(value).length > maxText)) {
      throw wrong(`A claim is bound to at most ${maxList} values of ${maxText} characters.`);
    }
    if (boundClaimsType === 'glob' && values.some((value) => typeof value !== 'string')) {
      throw wrong('claim is not a string');
    }
  }
}

function isRedirect(uri: string): boolean {
  return URL.canParse(uri) && !uri.includes('#') && /^[\x21-\x7e]+$/.test(uri);
}
