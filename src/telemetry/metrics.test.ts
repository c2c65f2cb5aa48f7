import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Counter, Gauge, Histogram, Metrics } from './telemetry.ts';

test('writes the text exposition format of Prometheus', () => {
  const metrics = new Metrics();
  const answers = metrics.add(new Counter('answers_total', 'Answers.', ['action', 'outcome']));
  let size = 3;
  metrics.add(new Gauge('size', 'How many.', () => size));
  const time = metrics.add(new Histogram('seconds', 'How long.', [0.1, 1]));
  answers.add('encrypt', 'ok');
  answers.add('encrypt', 'ok');
  answers.add('encrypt', 'denied');
  for (const value of [0.05, 0.1, 0.5, 7]) time.observe(value);
  size = 4;
  assert.deepEqual(metrics.text().split('\n'), [
    '# HELP answers_total Answers.',
    '# TYPE answers_total counter',
    'answers_total{action="encrypt",outcome="ok"} 2',
    'answers_total{action="encrypt",outcome="denied"} 1',
    '',
    '# HELP size How many.',
    '# TYPE size gauge',
    'size 4',
    '',
    '# HELP seconds How long.',
    '# TYPE seconds histogram',
    'seconds_bucket{le="0.1"} 2',
    'seconds_bucket{le="1"} 3',
    'seconds_bucket{le="+Inf"} 4',
    'seconds_sum 7.65',
    'seconds_count 4',
    '',
  ]);
});

test('every line is one that a scraper can read', () => {
  const metrics = new Metrics();
  metrics.add(new Histogram('empty', 'Nothing yet.', [1, 2, 3]));
  metrics.add(new Counter('none_total', 'None yet.', ['a', 'b']));
  assert.ok(metrics.text().endsWith('\n'));
  for (const line of metrics.text().split('\n').filter(Boolean)) {
    assert.match(line, /^# (?:HELP|TYPE) \w+ .+$|^\w+(?:\{\w+="[^"\\]*"(?:,\w+="[^"\\]*")*\})? -?[0-9.]+$/);
  }
});
