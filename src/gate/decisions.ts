import type { Action, Command, Grant, Key, Principal } from '#domain/domain.ts';
import { type Decision, decide, type Facts } from '#policy/policy.ts';

/**
 * Decisions that hold until a grant or a key changes: both are objects that a change replaces, so an outdated decision can't be
 * found again, and forgetting is the garbage collector's work.
 */
export class Decisions {
  readonly #byGrants = new WeakMap<readonly Grant[], WeakMap<Key, Map<Action, Decision>>>();

  decide(facts: Facts, principal: Principal, command: Command, subjects: readonly Key[]): Decision {
    const [key] = subjects;
    if (key === undefined || subjects.length > 1 || facts.limitedTo !== undefined) {
      return decide(facts, principal, command, subjects);
    }
    const kept = this.#byGrants.get(facts.grants)?.get(key)?.get(command.kind);
    if (kept !== undefined) return kept;
    const decision = decide(facts, principal, command, subjects);
    if (decision.allow && decision.cacheable) this.#keep(facts.grants, key, command.kind, decision);
    return decision;
  }

  #keep(grants: readonly Grant[], key: Key, action: Action, decision: Decision): void {
    let byKey = this.#byGrants.get(grants);
    if (byKey === undefined) {
      byKey = new WeakMap();
      this.#byGrants.set(grants, byKey);
    }
    let byAction = byKey.get(key);
    if (byAction === undefined) {
      byAction = new Map();
      byKey.set(key, byAction);
    }
    byAction.set(action, decision);
  }
}
