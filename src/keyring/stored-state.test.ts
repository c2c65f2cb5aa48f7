import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { type Key, type RecordKind, SecretBytes, type StoredRecord, type WrappedMaterial } from '#domain/domain.ts';
import { fromUtf8, toUtf8 } from '#encoding/encoding.ts';
import { memoryStore, type Store } from '#store/store.ts';
import { keyRecordId, nameRecordId, versionRecordId } from './key-record.ts';
import { Keyring, loosen, readHead } from './keyring.ts';
import { bindingOf } from './open.ts';
import { unwrapMaterial, wrapMaterial } from './root.ts';
import { byId, byName, Ring, realm, refused, rootBytes, startTime } from './testing/ring.ts';

let ring: Ring;
let key: Key;
const place = () => ({ kind: 'key', id: keyRecordId(key) }) as const;

before(async () => {
  ring = await Ring.open();
  key = await ring.key({ name: 'kept' });
});

/** A store with its own copy of what another one holds. */
async function copyOf(store: Store): Promise<Store> {
  const copy = memoryStore();
  const kinds: readonly RecordKind[] = ['key', 'version', 'name', 'setting'];
  const rows = (await Promise.all(kinds.map((kind) => store.list(kind, '', '', 1e6)))).flat();
  for (const row of rows) {
    // Revisions grow one by one in a store that is written as it should be.
    const write = { kind: row.kind, id: row.id, expect: 0, next: row };
    await copy.commit({ changes: [[write]], block: undefined, head: new Uint8Array(1), anchor: undefined });
  }
  const [head, anchors] = [(await store.head())!, await store.anchors()];
  await copy.commit({ changes: [], block: undefined, head, anchor: anchors[0] });
  return copy;
}

test('a row whose body, MAC, revision or place was altered is not believed', async () => {
  const { kind, id } = place();
  const other = await ring.key();
  const row = await ring.row(kind, id);
  const foreign = await ring.row('key', keyRecordId(other));
  const flipped = (bytes: Uint8Array, bit: number) => {
    const copy = Uint8Array.from(bytes);
    copy[bit >> 3]! ^= 1 << (bit & 7);
    return copy;
  };
  const enabled = fromUtf8(row.body)!;
  const forgeries: ReadonlyArray<readonly [what: string, next: StoredRecord]> = [
    ['another body', { ...row, body: toUtf8(enabled.replace('"enabled":true', '"enabled":false')) }],
    ['another revision', { ...row, revision: row.revision + 1 }],
    ['an older revision', { ...row, revision: 0 }],
    ['the row of another key', { ...foreign, kind, id }],
    ['no MAC', { ...row, mac: new Uint8Array(32) }],
    ['an empty body', { ...row, body: new Uint8Array(0) }],
    ...[0, 7, 100, row.body.length * 8 - 1].map(
      (bit) => [`bit ${bit}`, { ...row, body: flipped(row.body, bit) }] as const,
    ),
    ...Array.from({ length: 256 }, (_, bit) => [`MAC bit ${bit}`, { ...row, mac: flipped(row.mac, bit) }] as const),
  ];
  assert.ok(enabled.includes('"enabled":true'));
  for (const [what, next] of forgeries) {
    const forged = await Ring.open(await copyOf(ring.store));
    await forged.forge(kind, id, next);
    await refused('tampered', () => forged.keyring.find(realm, byId(key)), what);
    // A start compares MACs; a body is judged when it is read.
    if (Buffer.compare(next.mac, row.mac) !== 0) await refused('tampered', forged.restart(), `${what}, at start`);
    else await forged.restart();
    await refused('tampered', () => forged.keyring.find(realm, byId(key)), `${what}, after the start`);
  }
});

test('a row of one kind does not pass for a row of another, nor a name for another name', async () => {
  const forged = await Ring.open(await copyOf(ring.store));
  const other = await forged.key({ name: 'other' });
  const name = await forged.row('name', nameRecordId(realm, 'kept'));
  await forged.forge('name', nameRecordId(realm, 'other'), name);
  await refused('tampered', () => forged.keyring.find(realm, byName('other')));
  await forged.forge('version', versionRecordId(other, 1), { ...name, kind: 'version' });
  await refused('tampered', () =>
    forged.keyring.describeKey(
      { ...other, current: { ...other.current, version: 2 } },
      { kind: 'describe-key', key: byId(other), withVersions: true },
    ),
  );
  await forged.restart().then(
    () => assert.fail('opened'),
    () => {},
  );
});

test('a row put back to an older state, then valid in full, is refused at the next opening', async () => {
  const rolled = await Ring.open(await copyOf(ring.store));
  const { kind, id } = place();
  const enabled = await rolled.row(kind, id);
  await rolled.do(rolled.keyring.disableKey(await rolled.fresh(key)));
  await rolled.restart();
  const { body, mac, revision } = await rolled.row(kind, id);
  assert.notEqual(revision, enabled.revision);
  await rolled.forge(kind, id, enabled);
  await refused('tampered', rolled.restart());
  await rolled.forge(kind, id, { kind, id, body, mac, revision });
  await rolled.restart();
});

test('a row taken away, or a valid one added, is refused at the next opening', async () => {
  const changed = await Ring.open(await copyOf(ring.store));
  const name = nameRecordId(realm, 'kept');
  const row = await changed.row('name', name);
  await changed.forge('name', name, undefined);
  await refused('tampered', changed.restart());
  await changed.forge('name', name, row);
  await changed.restart();
  // Two rows that say the same cancel out in a sum of rows alone; they don't here.
  await changed.do(changed.keyring.deleteAlias(realm, { kind: 'delete-alias', name: 'kept' }));
  await changed.restart();
  await changed.forge('name', name, row);
  await refused('tampered', changed.restart());
});

test('the digest over all rows follows every change, so each state opens again', async () => {
  const busy = await Ring.open();
  for (let i = 0; i < 8; i++) {
    let one = await busy.key({ name: `k${i}`, ...(i % 2 === 0 && { rotationPeriodDays: 30 }), deletionAllowed: true });
    one = await busy.rotate(one);
    one = await busy.update(one, { rotationPeriodDays: i % 3 === 0 ? null : 60 });
    await busy.do(busy.keyring.createAlias(one, { kind: 'create-alias', key: byId(one), name: `n${i}` }, busy.now));
    await busy.do(busy.keyring.deleteAlias(realm, { kind: 'delete-alias', name: `n${i}` }));
    one = await busy.fresh(one);
    await busy.do(busy.keyring.createAlias(one, { kind: 'create-alias', key: byId(one), name: `n${i}` }, busy.now));
    if (i % 4 === 3) await busy.do(busy.keyring.destroyKey(await busy.fresh(one), busy.now));
    await busy.restart();
  }
});

test('an older database under a newer anchor is refused', async () => {
  const original = await Ring.open(await copyOf(ring.store));
  const older = await copyOf(original.store);
  await original.do(original.keyring.disableKey(await original.fresh(key)));
  const [newest] = await original.store.anchors();
  const head = (await older.head())!;
  await older.commit({ changes: [], block: undefined, head, anchor: newest });
  await refused('tampered', Ring.open(older), 'the older database');
  const message = await Ring.open(older).catch((error: Error) => error.message);
  assert.match(String(message), /older/);
});

test('without an anchor, with a torn one, and with that of another server nothing opens', async () => {
  const other = await Ring.open();
  await other.key();
  const [foreign] = await other.store.anchors();
  const own = await ring.store.anchors();
  const withAnchor = async (anchor: Uint8Array) => {
    const copy = await copyOf(ring.store);
    await copy.commit({ changes: [], block: undefined, head: (await copy.head())!, anchor });
    return copy;
  };
  await Ring.open(await withAnchor(own[0]!));
  // The same root made it, but for another database: it holds less, so it can't vouch, and what it knows of is there.
  assert.ok(foreign);
  using root = new SecretBytes(rootBytes(9));
  const stranger = await Keyring.open(root, memoryStore(), undefined, { capacity: 4, clock: () => startTime });
  const ledger = { size: 0, checkpointed: 0, root: new Uint8Array(32), frontier: new Uint8Array(0) };
  const strange = stranger.nextHead([], ledger, 1).bytes;
  await refused('tampered', Ring.open(await withAnchor(strange)), "another server's anchor");
  for (const torn of [own[0]!.subarray(0, 20), own[0]!.subarray(0, -1), new Uint8Array(0), new Uint8Array(200)]) {
    await refused('tampered', Ring.open(await withAnchor(torn)), `${torn.length} bytes of an anchor`);
  }
  for (let bit = 8; bit < own[0]!.length * 8; bit += 3) {
    const flipped = Uint8Array.from(own[0]!);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    await refused('tampered', Ring.open(await withAnchor(flipped)), `bit ${bit} of the anchor`);
  }
  const bare: Store = Object.assign(Object.create(ring.store) as Store, { anchors: async () => [] });
  for (const name of ['head', 'macs', 'read', 'list'] as const) {
    Object.assign(bare, { [name]: (ring.store[name] as () => unknown).bind(ring.store) });
  }
  await refused('tampered', Ring.open(bare), 'no anchor');
});

test('every flipped bit of the head is noticed', async () => {
  const head = (await ring.store.head())!;
  const anchors = await ring.store.anchors();
  for (let bit = 0; bit < head.length * 8; bit++) {
    const flipped = Uint8Array.from(head);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    const read = readHead(flipped);
    if (read === undefined) continue;
    using root = new SecretBytes(rootBytes());
    const store: Store = Object.assign(Object.create(ring.store) as Store, {
      macs: () => ring.store.macs(),
      read: ring.store.read.bind(ring.store),
      anchors: async () => anchors,
    });
    const options = { capacity: 4, clock: () => startTime };
    await refused('tampered', Keyring.open(root, store, read.sealed, options), `bit ${bit}`);
  }
});

test('a head with a loose end is read back as it was written, and cut anywhere it says nothing', async () => {
  const { bytes } = readHead((await ring.store.head())!)!.sealed;
  const loose = { size: 7, frontier: new Uint8Array(96).fill(3) };
  const whole = loosen(bytes, loose);
  const read = readHead(whole)!;
  assert.deepEqual([read.loose!.size, [...read.loose!.frontier]], [7, [...loose.frontier]]);
  assert.deepEqual([...read.sealed.bytes], [...bytes]);
  for (let length = 0; length < whole.length; length++) {
    if (length !== bytes.length) assert.equal(readHead(whole.subarray(0, length)), undefined, `${length} bytes`);
  }
  assert.equal(readHead(Buffer.concat([whole, Buffer.alloc(1)])), undefined);
});

test('another root opens nothing', async () => {
  using root = new SecretBytes(rootBytes(8));
  const head = readHead((await ring.store.head())!)!.sealed;
  await refused('tampered', Keyring.open(root, ring.store, head, { capacity: 4, clock: () => startTime }));
});

test('material wrapped for one row opens in no other', async () => {
  const wrapping = new SecretBytes(rootBytes(1));
  const secret = 'sixteen byte key';
  const facts = { realm, id: key.id, spec: 'aes-128', usages: ['encrypt'], class: 'enveloped' } as const;
  const wrapped = wrapMaterial(wrapping, bindingOf(facts, 1), new SecretBytes(Buffer.from(secret)));
  const open = (binding: object, bytes: Uint8Array = wrapped, under = wrapping) =>
    Buffer.from(unwrapMaterial(under, binding, bytes).expose()).toString();
  assert.equal(open(bindingOf(facts, 1)), secret);
  const moved: ReadonlyArray<readonly [string, object]> = [
    ['another realm', bindingOf({ ...facts, realm: '444455556666' }, 1)],
    ['another key', bindingOf({ ...facts, id: '00000000-0000-4000-8000-000000000000' }, 1)],
    ['another version', bindingOf(facts, 2)],
    ['another spec', bindingOf({ ...facts, spec: 'aes-256' }, 1)],
    ['another usage', bindingOf({ ...facts, usages: ['mac'] }, 1)],
    ['more usages', bindingOf({ ...facts, usages: ['encrypt', 'mac'] }, 1)],
    ['another class', bindingOf({ ...facts, class: 'raw' }, 1)],
    ['nothing', {}],
    ['a realm key', { purpose: 'realm-key', realm }],
  ];
  for (const [what, binding] of moved) await refused('tampered', () => open(binding), what);
  await refused('tampered', () => open(bindingOf(facts, 1), wrapped, new SecretBytes(rootBytes(2))), 'another key');
  for (let bit = 0; bit < wrapped.length * 8; bit++) {
    const flipped = Uint8Array.from(wrapped);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    await refused('tampered', () => open(bindingOf(facts, 1), flipped), `bit ${bit}`);
  }
  for (let length = 0; length < wrapped.length; length++) {
    await refused('tampered', () => open(bindingOf(facts, 1), wrapped.subarray(0, length)), `${length} bytes`);
  }
});

test('wrapped material swapped between keys, versions and realms is found at its use', async () => {
  const mixed = await Ring.open();
  const [a, b] = [await mixed.key(), await mixed.key()];
  const abroad = await mixed.key({}, '444455556666');
  const rotated = await mixed.rotate(a);
  const swaps: ReadonlyArray<readonly [string, Key, WrappedMaterial]> = [
    ['of another key', b, a.current.wrapped!],
    ['of another realm', abroad, b.current.wrapped!],
    ['of an older version', rotated, a.current.wrapped!],
  ];
  for (const [what, into, wrapped] of swaps) {
    const swapped: Key = { ...into, current: { ...into.current, wrapped } };
    await refused('tampered', mixed.encrypt(swapped, 'x'), what);
  }
  const turned: Key = { ...b, usages: ['encrypt', 'mac'] };
  await refused('tampered', mixed.encrypt(turned, 'x'), 'with another usage');
});
