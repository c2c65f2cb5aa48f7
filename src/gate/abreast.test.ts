import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Abreast } from './abreast.ts';

const turn = () => new Promise(setImmediate);

/** Things that are done when they are told to be. */
function things(room: Abreast) {
  const begun: string[] = [];
  const ends = new Map<string, (fail?: Error) => void>();
  const take = (name: string, weight: number) =>
    room.take(weight, () => {
      begun.push(name);
      return new Promise<string>((resolve, reject) =>
        ends.set(name, (fail) => (fail === undefined ? resolve(name) : reject(fail))),
      );
    });
  return { begun, take, end: (name: string, fail?: Error) => ends.get(name)!(fail) };
}

test('lets in what there is room for at once, and the rest in the order of coming, light ones behind heavy ones', async () => {
  const { begun, take, end } = things(new Abreast(10));
  const all = [take('a', 6), take('b', 4), take('c', 8), take('d', 1)];
  await turn();
  assert.deepEqual(begun, ['a', 'b']);
  end('b');
  await turn();
  await turn();
  assert.deepEqual(begun, ['a', 'b']);
  end('a');
  await turn();
  await turn();
  assert.deepEqual(begun, ['a', 'b', 'c', 'd']);
  end('c');
  end('d');
  assert.deepEqual(await Promise.all(all), ['a', 'b', 'c', 'd']);
});

test('what is heavier than all of it waits for all of it, and goes', async () => {
  const { begun, take, end } = things(new Abreast(10));
  const [light, heavy] = [take('light', 1), take('heavy', 1000)];
  await turn();
  assert.deepEqual(begun, ['light']);
  end('light');
  await light;
  await turn();
  await turn();
  assert.deepEqual(begun, ['light', 'heavy']);
  end('heavy');
  await heavy;
});

test('what fails gives its room back', async () => {
  const { begun, take, end } = things(new Abreast(1));
  const [bad, good] = [take('bad', 1), take('good', 1)];
  end('bad', new Error('it broke'));
  await assert.rejects(bad, /it broke/);
  await turn();
  await turn();
  assert.deepEqual(begun, ['bad', 'good']);
  end('good');
  await good;
});
