/**
 * The door of authorization: pure decisions over facts that the gate hands in. Deny by default; nothing here reads a clock, a
 * store or a setting.
 */
export { type Decision, decide, type Facts, type Mode } from './decide.ts';
export { type Duty, isAction, roleActions, rules, type Touch } from './duties.ts';
export { checkHeldTogether, checkNewGrant, checkNewRole, type GrantFacts, type Holder } from './new-grant.ts';
