import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Hsm } from '#hsm/hsm.ts';
import type { SealKind } from './contract.ts';
import { HeldToken } from './held-token.ts';

/** A token that is there once it is told to be. */
function slowToken() {
  const { promise, resolve } = Promise.withResolvers<void>();
  let open = 0;
  const hsm = { close: async () => void open-- } as unknown as Hsm;
  const token = async () => {
    await promise;
    open++;
    return hsm;
  };
  return { kind: { token } as unknown as SealKind, arrive: resolve, hsm, open: () => open };
}

test('a token that comes in reach after the server was sealed is not kept open', async () => {
  const held = new HeldToken();
  const { kind, arrive, open } = slowToken();
  const reaching = held.reach(kind, {}, undefined);
  held.leave();
  arrive();
  await reaching;
  assert.equal(held.hsm, undefined);
  assert.equal(open(), 0);
});

test('of a token that is reached twice at once one opening is kept, until it is left', async () => {
  const held = new HeldToken();
  const { kind, arrive, hsm, open } = slowToken();
  const both = [held.reach(kind, {}, undefined), held.reach(kind, {}, undefined)];
  arrive();
  await Promise.all(both);
  assert.equal(held.hsm, hsm);
  assert.equal(open(), 1);
  held.leave();
  assert.equal(held.hsm, undefined);
  assert.equal(open(), 0);
});
