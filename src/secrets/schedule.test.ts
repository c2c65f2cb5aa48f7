import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KmsError, type RotationSchedule } from '#domain/domain.ts';
import { nextOf, parseCron } from './cron.ts';
import { assertSchedule, nextWindow } from './schedule.ts';

/** A Tuesday. */
const now = Date.UTC(2026, 10, 24, 12, 30);
const iso = (time: number | undefined) => time && new Date(time).toISOString().slice(0, 16);

test('cron expressions of AWS come when they say, in UTC', () => {
  for (const [fields, next, after] of [
    ['0 8 * * ? *', '2026-11-25T08:00', '2026-11-26T08:00'],
    ['0 8,20 * * ? *', '2026-11-24T20:00', '2026-11-25T08:00'],
    ['0 0/6 * * ? *', '2026-11-24T18:00', '2026-11-25T00:00'],
    ['0 10 1 * ? *', '2026-12-01T10:00', '2027-01-01T10:00'],
    ['0 10 L * ? *', '2026-11-30T10:00', '2026-12-31T10:00'],
    ['0 10 1,15 1/3 ? *', '2027-01-01T10:00', '2027-01-15T10:00'],
    ['0 16 ? * SUN *', '2026-11-29T16:00', '2026-12-06T16:00'],
    ['0 16 ? * MON-FRI *', '2026-11-24T16:00', '2026-11-25T16:00'],
    ['0 16 ? * 3#1 *', '2026-12-01T16:00', '2027-01-05T16:00'],
    ['0 16 ? JAN,JUL 6L *', '2027-01-29T16:00', '2027-07-30T16:00'],
    ['0 3 29 2 ? *', '2028-02-29T03:00', '2032-02-29T03:00'],
    ['0 3 30 2 ? *', undefined, undefined],
  ] as const) {
    const cron = parseCron(fields);
    assert.ok(cron, fields);
    const first = nextOf(cron, now);
    assert.equal(iso(first), next, fields);
    if (first !== undefined) assert.equal(iso(nextOf(cron, first)), after, fields);
  }
});

test('what is not understood in full is no cron expression', () => {
  for (const fields of [
    '',
    '0 8 * * ?',
    '5 8 * * ? *',
    '0 24 * * ? *',
    '0 8 * * * *',
    '0 8 ? * ? *',
    '0 8 32 * ? *',
    '0 8 15W * ? *',
    '0 8 ? * TUE#6 *',
    '0 8 ? * TUE,FRI#2 *',
    '0 8 5-1 * ? *',
    '0 8 1-2-3 * ? *',
    '0 8/0 * * ? *',
    '0 8 * FOO ? *',
    '0 8 * * ? 2030',
    '0 8 * * ? */2',
    '00 8 * * ? *',
    '0 8 ? * L *',
    '0 8 ? * 8 *',
    '0 8 ? * 0 *',
    '0 -1 * * ? *',
  ]) {
    assert.equal(parseCron(fields), undefined, fields);
  }
});

test('a window opens at midnight after so many days, or at the hour', () => {
  for (const [schedule, at, by] of [
    [{ days: 30 }, '2026-12-24T00:00', '2026-12-24T23:59'],
    [{ days: 30, windowHours: 3 }, '2026-12-24T00:00', '2026-12-24T03:00'],
    [{ expression: 'rate(1 day)' }, '2026-11-25T00:00', '2026-11-25T23:59'],
    [{ expression: 'rate(4 hours)' }, '2026-11-24T16:00', '2026-11-24T17:00'],
    [{ expression: 'rate(10 hours)', windowHours: 2 }, '2026-11-24T22:00', '2026-11-25T00:00'],
    [{ expression: 'cron(0 8 * * ? *)' }, '2026-11-25T08:00', '2026-11-25T23:59'],
    [{ expression: 'cron(0 8,16 * * ? *)' }, '2026-11-24T16:00', '2026-11-24T17:00'],
  ] as const satisfies ReadonlyArray<readonly [RotationSchedule, string, string]>) {
    assertSchedule(schedule, now);
    const window = nextWindow(schedule, now);
    assert.deepEqual([iso(window.at), iso(window.by)], [at, by], JSON.stringify(schedule));
    assert.ok(window.at > now);
  }
});

test('a schedule that cannot be kept is refused', () => {
  for (const schedule of [
    {},
    { days: 0 },
    { days: 1.5 },
    { days: 3, windowHours: 25 },
    { expression: 'rate(1 minute)' },
    { expression: 'rate(3 hours)' },
    { expression: 'rate(4 hours)', windowHours: 5 },
    { expression: 'cron(0 8,10 * * ? *)' },
    { expression: 'cron(0 22 * * ? *)', windowHours: 3 },
    { expression: 'cron(0 3 30 2 ? *)' },
    { days: 3, expression: 'rate(3 days)' },
  ]) {
    assert.throws(() => assertSchedule(schedule, now), KmsError, JSON.stringify(schedule));
  }
});
