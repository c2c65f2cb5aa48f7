import { inRange, KmsError, parseIpRange } from '#domain/domain.ts';
import { findConditionKey, type KeyRequest, type ValueType } from './condition-keys.ts';
import { arnMatches, arnParts, globMatches } from './glob.ts';

/** One line of a statement's Condition, ready to be asked. */
export interface Condition {
  holds(request: KeyRequest): boolean;
}

/** Compares what the request says with one value of the policy; made once for each value of a policy. */
type Comparison = (given: string) => boolean;

interface Operator {
  readonly types: readonly ValueType[];
  /** Undefined for a value that the operator can't compare with. */
  readonly compile: (wanted: string) => Comparison | undefined;
  /** Holds where no value matches, and where the request has none. */
  readonly negated?: true;
}

const textual = ['string', 'arn', 'bool', 'number'] as const;
const numeric = ['number'] as const;
const dated = ['date'] as const;

const not = (operator: Operator): Operator => ({ ...operator, negated: true });

const equals: Operator = { types: textual, compile: (wanted) => (given) => given === wanted };
const equalsIgnoreCase: Operator = {
  types: textual,
  compile: (wanted) => (given) => given.toLowerCase() === wanted.toLowerCase(),
};
const like: Operator = { types: textual, compile: (wanted) => (given) => globMatches(wanted, given) };
const arnLike: Operator = {
  types: ['arn'],
  compile: (wanted) => (wanted === '*' || isArn(wanted) ? (given) => arnMatches(wanted, given) : undefined),
};
const address: Operator = {
  types: ['ip'],
  compile(wanted) {
    const range = parseIpRange(wanted);
    return range && ((given) => inRange(range, given));
  },
};
const bool: Operator = {
  types: ['bool'],
  compile: (wanted) => (isBool(wanted) ? (given) => given.toLowerCase() === wanted.toLowerCase() : undefined),
};

type Order = (given: number, wanted: number) => boolean;

function ordered(types: readonly ValueType[], parse: (text: string) => number | undefined, order: Order): Operator {
  return {
    types,
    compile(text) {
      const wanted = parse(text);
      if (wanted === undefined) return undefined;
      return (value) => {
        const given = parse(value);
        return given !== undefined && order(given, wanted);
      };
    },
  };
}

const orders: Readonly<Record<string, Order>> = {
  Equals: (given, wanted) => given === wanted,
  LessThan: (given, wanted) => given < wanted,
  LessThanEquals: (given, wanted) => given <= wanted,
  GreaterThan: (given, wanted) => given > wanted,
  GreaterThanEquals: (given, wanted) => given >= wanted,
};

function family(stem: string, types: readonly ValueType[], parse: (text: string) => number | undefined) {
  const made = Object.entries(orders).map(([name, order]) => [`${stem}${name}`, ordered(types, parse, order)] as const);
  return Object.fromEntries([...made, [`${stem}NotEquals`, not(made[0]![1])]]);
}

/** IAM user guide, "IAM JSON policy elements: Condition operators", without Binary, of which KMS has no key, and Null. */
const operators: Readonly<Record<string, Operator>> = {
  StringEquals: equals,
  StringNotEquals: not(equals),
  StringEqualsIgnoreCase: equalsIgnoreCase,
  StringNotEqualsIgnoreCase: not(equalsIgnoreCase),
  StringLike: like,
  StringNotLike: not(like),
  // The two say the same: "ArnEquals and ArnLike behave identically".
  ArnEquals: arnLike,
  ArnLike: arnLike,
  ArnNotEquals: not(arnLike),
  ArnNotLike: not(arnLike),
  Bool: bool,
  IpAddress: address,
  NotIpAddress: not(address),
  ...family('Numeric', numeric, parseNumber),
  ...family('Date', dated, parseDate),
};

export const operatorNames: readonly string[] = [...Object.keys(operators), 'Null'];

const isArn = (text: string) => arnParts(text)?.[0] === 'arn';
const isBool = (text: string) => /^(true|false)$/i.test(text);

function parseNumber(text: string): number | undefined {
  return /^-?[0-9]{1,15}(\.[0-9]{1,15})?$/.test(text) ? Number(text) : undefined;
}

/** Seconds since the epoch, or ISO 8601 as W3C narrows it: a day, or a time with its zone. In milliseconds. */
function parseDate(text: string): number | undefined {
  if (/^-?[0-9]{1,12}$/.test(text)) return Number(text) * 1000;
  const form =
    /^([0-9]{4})-([0-9]{2})-([0-9]{2})(T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9]))?$/;
  const [, year, month, day] = form.exec(text) ?? [];
  if (year === undefined) return undefined;
  // The runtime takes the 31st of a short month for the 1st of the next.
  const lastDay = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  const time = new Date(text).getTime();
  return Number.isNaN(time) || Number(day) > lastDay ? undefined : time;
}

function refuse(reason: string): never {
  throw new KmsError('malformed-policy', reason);
}

/** Throws 'malformed-policy' for what it doesn't understand to the last letter. */
export function compileCondition(
  operator: string,
  name: string,
  values: readonly string[],
  effect: 'Allow' | 'Deny',
): Condition {
  const found = findConditionKey(name);
  if (found === undefined) refuse(`The condition key ${shown(name)} is not known.`);
  const { key, tail } = found;
  if (operator === 'Null') return compileNull(values, (request) => isAbsent(key.read(request, tail)));

  const [, set, base = '', ifExists] = /^(?:(ForAllValues|ForAnyValue):)?(.*?)(IfExists)?$/.exec(operator) ?? [];
  const chosen = Object.hasOwn(operators, base)
    ? operators[base]!
    : refuse(`The operator ${shown(operator)} is not known.`);
  // The epoch's seconds are a number and a date.
  const types = name.toLowerCase() === 'aws:epochtime' ? ['date', 'number'] : [key.type];
  if (!chosen.types.some((type) => types.includes(type))) refuse(`${operator} can't be asked of ${shown(name)}.`);
  if (key.many === true && set === undefined) {
    refuse(`${shown(name)} has a set of values: ask with ForAllValues:${operator} or ForAnyValue:${operator}.`);
  }
  const comparisons = values.map(
    (value) => chosen.compile(value) ?? refuse(`${shown(value)} is no value for ${operator}.`),
  );
  const negated = chosen.negated === true;
  const fits = (given: string) => comparisons.some((compare) => compare(given)) !== negated;
  const whenAbsent = ifExists !== undefined || set === 'ForAllValues' || (set === undefined && negated);
  // A key that has one value by its nature can still have two here: two pairs of a context whose names differ by case. Then an
  // Allow needs both to fit and a Deny only one.
  const every = set === 'ForAllValues' || (set === undefined && effect === 'Allow');
  return {
    holds(request) {
      const given = key.read(request, tail);
      if (isAbsent(given)) return whenAbsent;
      return every ? given.every(fits) : given.some(fits);
    },
  };
}

function compileNull(values: readonly string[], absent: (request: KeyRequest) => boolean): Condition {
  if (!values.every(isBool)) refuse('Null compares with true or false.');
  const wanted = values.map((value) => value.toLowerCase() === 'true');
  return { holds: (request) => wanted.includes(absent(request)) };
}

function isAbsent(values: readonly string[] | undefined): values is undefined {
  return values === undefined || values.length === 0;
}

export function shown(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}...` : text);
}
