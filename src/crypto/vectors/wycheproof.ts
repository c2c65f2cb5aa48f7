import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readVectors, vectorsMissing } from '../../../test/vectors.ts';

// Walks the files of Project Wycheproof (Apache-2.0, read from where `test/vectors.ts` finds them, never committed).

export type Fields = Readonly<Record<string, unknown>>;

export interface Group extends Fields {
  readonly type: string;
  readonly tests: readonly Case[];
}

export interface Case extends Fields {
  readonly tcId: number;
  readonly comment?: string;
  readonly flags?: readonly string[];
  readonly result: 'valid' | 'invalid' | 'acceptable';
}

/**
 * What our code says to one case: it took the input and everything it gave was as the case says, it refused the input, or it gave
 * something `wrong`. A text declines the case, with the reason.
 */
export type Verdict = 'taken' | 'refused' | 'wrong' | { readonly declined: string };

export const declined = (reason: string): Verdict => ({ declined: reason });

export function bytes(fields: Fields, name: string): Buffer {
  const hex = fields[name];
  if (typeof hex !== 'string') throw new Error(`the vector has no "${name}"`);
  return Buffer.from(hex, 'hex');
}

export function text(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string') throw new Error(`the vector has no "${name}"`);
  return value;
}

/**
 * One test for one file: `valid` must be taken, `invalid` refused, `acceptable` must not come out wrong. `least` is how many
 * cases must really have been judged, so that a change can't quietly decline them all.
 */
export function wycheproof(
  file: string,
  least: number,
  judge: (vector: Case, group: Group) => Verdict | Promise<Verdict>,
): void {
  const path = `wycheproof/${file}_test.json.gz`;
  test(`stands up to Wycheproof ${file}`, { skip: vectorsMissing(path) }, async (t) => {
    const { testGroups } = JSON.parse(readVectors(path)!.toString()) as { testGroups: readonly Group[] };
    const counts = { passed: 0, declined: new Map<string, number>() };
    for (const group of testGroups) {
      for (const vector of group.tests) {
        const verdict = await judge(vector, group);
        if (typeof verdict === 'object') {
          counts.declined.set(verdict.declined, (counts.declined.get(verdict.declined) ?? 0) + 1);
          continue;
        }
        const right = { valid: ['taken'], invalid: ['refused'], acceptable: ['taken', 'refused'] }[vector.result];
        assert.ok(right.includes(verdict), `${file} case ${vector.tcId} (${vector.comment}) was ${verdict}`);
        counts.passed++;
      }
    }
    for (const [reason, count] of counts.declined) t.diagnostic(`${file}: ${count} declined: ${reason}`);
    t.diagnostic(`${file}: ${counts.passed} passed`);
    assert.ok(counts.passed >= least, `only ${counts.passed} cases of ${file} were judged`);
  });
}
