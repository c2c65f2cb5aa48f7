/**
 * `cron(minutes hours day-of-month month day-of-week year)` as rotation schedules of Secrets Manager write it: in UTC, on the hour, every
 * year. Pure. Why no library does this is said in docs/dependencies.md.
 */

export interface Cron {
  readonly hours: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  /** Whether a day of this month fits. */
  fits(day: Day): boolean;
}

interface Day {
  /** 1 to 31. */
  readonly date: number;
  /** 1 (Sunday) to 7. */
  readonly weekday: number;
  /** Days in the month. */
  readonly last: number;
}

const monthNames = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const dayNames = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

/** Undefined where it isn't understood in full. */
export function parseCron(text: string): Cron | undefined {
  const [, hourField = '', dateField = '', monthField = '', weekdayField = ''] =
    /^ *0 +([^ ]+) +([^ ]+) +([^ ]+) +([^ ]+) +\* *$/.exec(text) ?? [];
  const hours = numbers(hourField, 0, 23, []);
  const months = numbers(monthField, 1, 12, monthNames);
  const byDate = dateRule(dateField);
  const byWeekday = weekdayRule(weekdayField);
  // One of the two says the day, and the other says that it doesn't.
  const oneIsOpen = (dateField === '?') !== (weekdayField === '?');
  if (!hours || !months || !byDate || !byWeekday || !oneIsOpen) return undefined;
  return { hours, months, fits: (day) => byDate(day) && byWeekday(day) };
}

type Rule = (day: Day) => boolean;

function dateRule(field: string): Rule | undefined {
  if (field === '?' || field === '*') return () => true;
  if (field === 'L') return ({ date, last }) => date === last;
  const dates = numbers(field, 1, 31, []);
  return dates && (({ date }) => dates.has(date));
}

function weekdayRule(field: string): Rule | undefined {
  if (field === '?' || field === '*') return () => true;
  const [, named, order] = /^([A-Z]{3}|[1-7])(L|#[1-5])$/i.exec(field) ?? [];
  if (named !== undefined && order !== undefined) {
    const weekday = oneNumber(named, 1, 7, dayNames);
    if (weekday === undefined) return undefined;
    if (/^L$/i.test(order)) return (day) => day.weekday === weekday && day.date > day.last - 7;
    const nth = Number(order.slice(1));
    return (day) => day.weekday === weekday && Math.ceil(day.date / 7) === nth;
  }
  const weekdays = numbers(field, 1, 7, dayNames);
  return weekdays && (({ weekday }) => weekdays.has(weekday));
}

/** Lists of numbers, ranges and steps: `1,4-6` or `0/4`. */
function numbers(field: string, min: number, max: number, names: readonly string[]): Set<number> | undefined {
  const found = new Set<number>();
  for (const part of field.split(',')) {
    const [, range, stepText] = /^([^/]+)(?:\/([0-9]{1,3}))?$/.exec(part) ?? [];
    if (range === undefined) return undefined;
    const step = stepText === undefined ? 1 : Number(stepText);
    const [from, to] = rangeOf(range, stepText !== undefined, min, max, names) ?? [];
    if (from === undefined || to === undefined || from > to || step < 1) return undefined;
    for (let value = from; value <= to; value += step) found.add(value);
  }
  return found;
}

function rangeOf(text: string, stepped: boolean, min: number, max: number, names: readonly string[]) {
  if (text === '*') return [min, max] as const;
  const ends = text.split('-').map((end) => oneNumber(end, min, max, names));
  const [from, to] = ends;
  if (ends.length > 2 || from === undefined || (ends.length === 2 && to === undefined)) return undefined;
  return [from, to ?? (stepped ? max : from)] as const;
}

function oneNumber(text: string, min: number, max: number, names: readonly string[]): number | undefined {
  const named = names.indexOf(text.toUpperCase());
  const value = named >= 0 ? named + 1 : /^[0-9]{1,4}$/.test(text) ? Number(text) : Number.NaN;
  return value >= min && value <= max ? value : undefined;
}

const hour = 60 * 60 * 1000;
const day = 24 * hour;
/** Long enough for 29 February on one weekday. */
const horizon = 41 * 366;

/** The first hour after `after` that fits; undefined where none comes. */
export function nextOf({ hours, months, fits }: Cron, after: number): number | undefined {
  let midnight = after - (after % day);
  for (let i = 0; i < horizon; i++, midnight += day) {
    const date = new Date(midnight);
    const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
    if (!months.has(month + 1)) continue;
    const last = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
    if (!fits({ date: date.getUTCDate(), weekday: date.getUTCDay() + 1, last })) continue;
    const found = [...hours].sort((a, b) => a - b).find((at) => midnight + at * hour > after);
    if (found !== undefined) return midnight + found * hour;
  }
  return undefined;
}
