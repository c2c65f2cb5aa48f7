import { accountOf, type Command, type Grant, type Principal } from '#domain/domain.ts';
import { type Duty, roleActions, rules } from './duties.ts';

export type Mode = 'development' | 'production';

export function isLive(grant: Grant, now: number): boolean {
  return grant.expiresAt === undefined || grant.expiresAt > now;
}

export function reaches({ realm, grantee }: Grant, principal: Principal): boolean {
  if (realm !== accountOf(principal.realm)) return false;
  return grantee.kind === 'group' ? principal.groups.includes(grantee.name) : grantee.name === principal.name;
}

export function gives(grant: Grant, mode: Mode, action: Command['kind']): boolean {
  if (grant.role === 'developer' && mode !== 'development') return false;
  return roleActions[grant.role].has(action) && (grant.actions === undefined || grant.actions.includes(action));
}

/** Whether the grant gives anything of that duty, conditions aside. */
export function givesDuty(grant: Grant, mode: Mode, duty: Duty): boolean {
  for (const action of roleActions[grant.role]) {
    if (rules[action][0] === duty && gives(grant, mode, action)) return true;
  }
  return false;
}

/** Whether it gives what an administrator must keep from: with a copy of its material a key is used without asking. */
export function givesUse(grant: Grant, mode: Mode): boolean {
  return givesDuty(grant, mode, 'use') || givesDuty(grant, mode, 'export');
}
