import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kubernetesRole, labelsOf } from './kubernetes-role.ts';
import { rejectsWith } from './rig.test.ts';

test('a selector is read in JSON and in plain YAML', () => {
  const both = [
    ['stage', 'prod'],
    ['kubernetes.io/metadata.name', 'shop-1'],
  ];
  for (const text of [
    '{"matchLabels":{"stage":"prod","kubernetes.io/metadata.name":"shop-1"}}',
    ' { "matchLabels": { "stage": "prod", "kubernetes.io/metadata.name": "shop-1" } } ',
    'matchLabels:\n  stage: prod\n  kubernetes.io/metadata.name: shop-1\n',
    'matchLabels:\r\n stage: "prod"\r\n kubernetes.io/metadata.name: \'shop-1\'',
  ]) {
    assert.deepEqual(labelsOf(text), both, text);
  }
  assert.deepEqual(labelsOf('matchLabels:\n  a: "true"\n  b: ""'), [
    ['a', 'true'],
    ['b', ''],
  ]);
});

test('a selector that says anything else, or nothing, is none', () => {
  for (const text of [
    ...[
      '',
      '{}',
      '[]',
      '{"matchLabels":{}}',
      '{"matchLabels":[]}',
      '{"matchLabels":{"a":1}}',
      '{"matchLabels":{"":"a"}}',
    ],
    ...['{"matchLabels":{"a":"b"},"matchExpressions":[]}', '{"matchExpressions":[{"key":"a","operator":"Exists"}]}'],
    ...[
      'matchLabels:',
      'matchLabels: {}',
      'matchLabels:\n',
      'matchLabels:\na: b',
      'matchLabels:\n  a:',
      'matchLabels:\n  a: true',
    ],
    ...[
      'matchLabels:\n  a: No',
      'matchLabels:\n  a: 1',
      'matchLabels:\n  a: ~',
      'matchLabels:\n  a: *x',
      'matchLabels:\n  a: b # c',
    ],
    ...[
      'matchLabels:\n  a: b\n  a: c',
      'matchLabels:\n  a: b\n   c: d',
      'matchLabels:\n  a: b\nmatchExpressions:\n  c: d',
    ],
    ...['matchLabels:\n\ta: b', '---\nmatchLabels:\n  a: b', `matchLabels:\n  a: ${'b'.repeat(5000)}`],
  ]) {
    assert.equal(labelsOf(text), undefined, JSON.stringify(text));
  }
});

test('a role is bound to names, and to namespaces or their labels', async () => {
  const names = ['app'];
  const selector = 'matchLabels:\n  a: b';
  assert.deepEqual(kubernetesRole({ names, namespaces: ['*'] }, undefined).namespaces, ['*']);
  assert.equal(kubernetesRole({ names, namespaceSelector: selector }, undefined).namespaceSelector, selector);
  const known = kubernetesRole({ names, namespaces: ['shop'], audience: 'claviger' }, undefined);
  assert.deepEqual(kubernetesRole({ names: ['other'] }, known), { ...known, names: ['other'] });
  for (const wrong of [
    {},
    { names },
    { namespaces: ['shop'] },
    { names: ['*', 'app'], namespaces: ['shop'] },
    { names, namespaces: ['*', 'shop'] },
    { names: ['x'.repeat(300)], namespaces: ['shop'] },
    { names, namespaces: Array.from({ length: 101 }, (_, i) => `n${i}`) },
    { names, namespaceSelector: 'matchLabels:' },
    { names, namespaces: ['shop'], audience: 'x'.repeat(300) },
  ]) {
    await rejectsWith('invalid-parameter', () => kubernetesRole(wrong, undefined), JSON.stringify(wrong));
  }
});
