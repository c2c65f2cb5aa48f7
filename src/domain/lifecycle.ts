import { KmsError } from './error.ts';

/** The states of a key version; SP 800-57 part 1 rev. 5 section 7, with the waiting states that the clouds add. */
export const versionStates = [
  'pending-generation',
  'pending-import',
  'failed',
  'pre-active',
  'active',
  'suspended',
  'deactivated',
  'compromised',
  'destroy-scheduled',
  'destroyed',
  'destroyed-compromised',
] as const;

export type VersionState = (typeof versionStates)[number];

/** What may be asked of material: `protect` makes something new with it, `process` undoes or checks what it made. */
export type VersionOperation =
  | 'protect'
  | 'process'
  | 'process-compromised' // by special permission only, and always recorded as such
  | 'prove-possession'
  | 'import'
  | 'activate'
  | 'rotate'
  | 'export'
  | 'cancel-destruction'
  | 'describe';

interface StateRow {
  readonly allows: readonly VersionOperation[];
  readonly to: readonly VersionState[];
}

/** The one table of moves and operations. What is not in it is refused. */
export const lifecycle = {
  'pending-generation': { allows: [], to: ['pre-active', 'failed'] },
  // Straight to use where a protocol activates with the import.
  'pending-import': {
    allows: ['import', 'describe'],
    to: ['pre-active', 'active', 'deactivated', 'failed', 'destroy-scheduled'],
  },
  failed: { allows: ['describe'], to: [] },
  'pre-active': {
    allows: ['describe', 'activate', 'prove-possession'],
    to: ['active', 'destroy-scheduled', 'compromised'],
  },
  active: {
    allows: ['protect', 'process', 'export', 'rotate', 'describe'],
    to: ['suspended', 'deactivated', 'compromised', 'destroy-scheduled', 'pending-import'],
  },
  suspended: {
    allows: ['describe'],
    to: ['active', 'deactivated', 'compromised', 'destroy-scheduled', 'pending-import'],
  },
  // Into suspension where one older version is in doubt; out of it again to what it was.
  deactivated: {
    allows: ['process', 'export', 'describe'],
    to: ['suspended', 'compromised', 'destroy-scheduled', 'pending-import'],
  },
  compromised: { allows: ['process-compromised', 'describe'], to: ['destroy-scheduled', 'destroyed-compromised'] },
  // Also back to the state before, where a protocol promises that (Azure recover, Vault restore): see `moveBack`.
  'destroy-scheduled': { allows: ['describe', 'cancel-destruction'], to: ['suspended', 'destroyed'] },
  destroyed: { allows: ['describe'], to: ['destroyed-compromised', 'pending-import'] },
  'destroyed-compromised': { allows: ['describe'], to: [] },
} as const satisfies Record<VersionState, StateRow>;

export function allows(state: VersionState, operation: VersionOperation): boolean {
  return (lifecycle[state].allows as readonly VersionOperation[]).includes(operation);
}

export function canMove(from: VersionState, to: VersionState): boolean {
  return (lifecycle[from].to as readonly VersionState[]).includes(to);
}

/** The new state, or 'invalid-state' naming both. */
export function move(from: VersionState, to: VersionState): VersionState {
  if (!canMove(from, to))
    throw new KmsError('invalid-state', `A key version that is ${from} can't become ${to}.`, from);
  return to;
}

/** Restoring from the waiting period: to `before`, unless that state is terminal or was itself a waiting one. */
export function moveBack(from: VersionState, before: VersionState): VersionState {
  const restorable: readonly VersionState[] = ['pre-active', 'active', 'suspended', 'deactivated', 'compromised'];
  if (from !== 'destroy-scheduled' || !restorable.includes(before)) {
    throw new KmsError('invalid-state', `A key version that is ${from} can't be restored to ${before}.`, from);
  }
  return before;
}
