/**
 * The door of authorization: pure decisions over facts that the gate hands in. Deny by default; nothing here reads a clock, a
 * store or a setting.
 */
export { Acl } from './acl.ts';
export { type AclHolder, type AclPolicy, parseAclPolicy } from './acl-policy.ts';
export { type Decision, decide } from './decide.ts';
export { type Duty, isAction, roleActions, rules, type Touch } from './duties.ts';
export { explainAccess } from './explain.ts';
export type { Facts } from './facts.ts';
export { checkGrantOperations } from './grant-operations.ts';
export { type KeyHolder, keyHolder } from './key-duties.ts';
export { type KeyPolicy, type PolicyPlace, parseKeyPolicy, principalsOf } from './key-policy.ts';
export { checkHeldTogether, checkNewGrant, checkNewRole, type GrantFacts, type Holder } from './new-grant.ts';
export { checkKeyGrant, checkKeyPolicy, type Giver } from './new-key-rights.ts';
export type { Mode } from './rights.ts';
export {
  isPublic,
  judgeSecret,
  parseSecretPolicy,
  type SecretPolicy,
  type SecretTarget,
} from './secret-policy.ts';
export { namesPolicies, policiesByRole } from './token-role.ts';
export { type NamedPrincipal, parsePrincipalArn, type Who, whoIs, whoIsRole } from './who.ts';
