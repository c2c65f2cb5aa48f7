import { KmsError, type RotationSchedule } from '#domain/domain.ts';
import { type Cron, nextOf, parseCron } from './cron.ts';

const hour = 60 * 60 * 1000;
const day = 24 * hour;

interface Window {
  readonly at: number;
  readonly by: number;
}

type Rule = { readonly hours: number } | { readonly days: number } | { readonly cron: Cron };

function invalid(why: string): KmsError {
  return new KmsError('invalid-parameter', `The rotation schedule is not valid: ${why}`);
}

function ruleOf({ days, expression }: RotationSchedule): Rule {
  if ((days === undefined) === (expression === undefined)) throw invalid('give days or an expression, and not both.');
  if (expression === undefined) return { days: whole(days!, 1, 1000) };
  const [, count, unit] = /^rate\( *([0-9]{1,4}) +(hours?|days?) *\)$/.exec(expression) ?? [];
  if (count !== undefined && unit !== undefined) {
    return unit.startsWith('day') ? { days: whole(Number(count), 1, 999) } : { hours: whole(Number(count), 4, 999) };
  }
  const [, fields] = /^cron\((.+)\)$/.exec(expression) ?? [];
  const cron = fields === undefined ? undefined : parseCron(fields);
  if (cron === undefined) throw invalid('the expression is neither rate(...) nor cron(...) on the hour.');
  return { cron };
}

function whole(value: number, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max) throw invalid(`a rate is from ${min} to ${max}.`);
  return value;
}

/** Throws 'invalid-parameter' for a schedule that isn't understood, or whose window would reach into the next day or the next window. */
export function assertSchedule(schedule: RotationSchedule, now: number): void {
  const rule = ruleOf(schedule);
  const { windowHours } = schedule;
  if (windowHours !== undefined && !(Number.isInteger(windowHours) && windowHours >= 1 && windowHours <= 24)) {
    throw invalid('a window has 1 to 24 hours.');
  }
  if ('hours' in rule && (windowHours ?? 1) > rule.hours) throw invalid('the window reaches into the next one.');
  if ('cron' in rule) {
    const first = nextOf(rule.cron, now);
    if (first === undefined) throw invalid('it never comes.');
    const hours = [...rule.cron.hours].sort((a, b) => a - b);
    const gaps = hours.map((at, i) => (hours[i + 1] ?? hours[0]! + 24) - at);
    if (Math.min(...gaps) < 4) throw invalid('a secret is rotated every four hours at most.');
    if (hours.at(-1)! + (windowHours ?? 1) > 24) throw invalid('the window reaches into the next day.');
    if ((windowHours ?? 1) > Math.min(...gaps)) throw invalid('the window reaches into the next one.');
  }
}

/** The window in which a secret whose value changed at `last` is rotated next, for a schedule that was found good. */
export function nextWindow(schedule: RotationSchedule, last: number): Window {
  const rule = ruleOf(schedule);
  const { windowHours } = schedule;
  const until = (at: number, whole: boolean) => {
    if (windowHours !== undefined) return at + windowHours * hour;
    return whole ? at - (at % day) + day - 1000 : at + hour;
  };
  if ('days' in rule) {
    const due = last + rule.days * day;
    const at = due - (due % day);
    return { at, by: until(at, true) };
  }
  if ('hours' in rule) {
    const due = last + rule.hours * hour;
    // Windows open at midnight and every so many hours after it, where that comes out even.
    const at = due - (due % (24 % rule.hours === 0 ? rule.hours * hour : hour));
    return { at, by: until(at, false) };
  }
  const at = nextOf(rule.cron, last)!;
  return { at, by: until(at, rule.cron.hours.size === 1) };
}

/** How many days lie between two rotations, as AWS shows it beside an expression. */
export function daysBetween(schedule: RotationSchedule, now: number): number {
  const rule = ruleOf(schedule);
  if ('days' in rule) return rule.days;
  if ('hours' in rule) return Math.max(1, Math.floor(rule.hours / 24));
  const first = nextOf(rule.cron, now)!;
  return Math.max(1, Math.round((nextOf(rule.cron, first)! - first) / day));
}
