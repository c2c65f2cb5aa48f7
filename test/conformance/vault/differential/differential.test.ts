import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { playedDifferences } from './against.ts';
import { readReasons } from './recordings.ts';

const reasons = readReasons();

test('answers at least 300 calls as OpenBao does, or differs for a reason that is written down', async () => {
  const { calls, found } = await playedDifferences();
  assert.ok(calls >= 300, `${calls} calls`);
  const unexplained: string[] = [];
  const used = new Set<string>();
  for (const [scenario, ofScenario] of Object.entries(found)) {
    for (const [call, differences] of Object.entries(ofScenario)) {
      for (const difference of differences) {
        const reason = reasons.find(({ differences: patterns }) =>
          patterns.some(
            (pattern) =>
              new RegExp(`^(?:${pattern.scenario})$`).test(scenario) &&
              new RegExp(pattern.call).test(call) &&
              new RegExp(pattern.difference).test(difference),
          ),
        );
        if (reason === undefined) unexplained.push(`${scenario} | ${call} | ${difference}`);
        else used.add(reason.why);
      }
    }
  }
  assert.deepEqual(unexplained, []);
  assert.deepEqual(
    reasons.map(({ why }) => why).filter((why) => !used.has(why)),
    [],
    'reasons of nothing',
  );
});

test('the reasons are those that DIVERGENCES.md tells', () => {
  const page = readFileSync(new URL('../../../../src/wire/vault/DIVERGENCES.md', import.meta.url), 'utf8');
  const section = page.split('## Seen beside OpenBao')[1]?.split('\n## ')[0] ?? '';
  const told = section
    .split('\n- ')
    .slice(1)
    .map((item) => item.replace(/\s+/g, ' ').trim());
  assert.deepEqual(
    told,
    reasons.map(({ why }) => why),
  );
});
