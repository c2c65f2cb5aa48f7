import assert from 'node:assert/strict';
import { test } from 'node:test';
import { derInteger, derSequence, fromPem, readDer } from '#encoding/encoding.ts';
import { clientCertificate, revocationList } from '../crypto/testing/recorded-certificates.ts';
import { Rig, rejectsWith } from './rig.test.ts';

const list = fromPem('X509 CRL', revocationList)!;

/** The same list, of so many certificates. */
function listOf(count: number): Uint8Array {
  const [whole] = readDer(list)!;
  const [tbs, ...signed] = readDer(whole!.body)!;
  const parts = readDer(tbs!.body)!.map((part) => part.whole);
  const [entry] = readDer(readDer(tbs!.body)![4]!.body)!;
  const [, date] = readDer(entry!.body)!;
  parts[4] = derSequence(
    ...Array.from({ length: count }, (_, i) => derSequence(derInteger(Uint8Array.of(i >> 8, i & 0xff)), date!.whole)),
  );
  return derSequence(derSequence(...parts), ...signed.map((part) => part.whole));
}

async function office() {
  const { rig, officer } = await Rig.withOfficer();
  const { verbs } = rig.room;
  const asking = await officer.byToken();
  await rig.commit(verbs['enable-auth-mount'](asking, { kind: 'enable-auth-mount', path: 'cert', type: 'cert' }));
  const write = (name: string, der = list) =>
    rig.commit(verbs['write-revocation-list'](asking, { kind: 'write-revocation-list', name, list: der }));
  const names = async () =>
    (await rig.commit(verbs['list-revocation-lists'](asking, { kind: 'list-revocation-lists' }))).names;
  const serials = async (name: string) =>
    (await rig.commit(verbs['read-revocation-list'](asking, { kind: 'read-revocation-list', name }))).serials;
  return { rig, verbs, asking, write, names, serials };
}

test('a list takes the place of a former one of its name, in whatever case', async () => {
  const { write, names, serials } = await office();
  await write('First', listOf(3));
  await write('first', listOf(2));
  assert.deepEqual(await names(), ['first']);
  assert.deepEqual(await serials('FIRST'), ['0', '1']);
  await rejectsWith('not-found', () => serials('second'));
});

test('a list has its limits, and so has a mount', async () => {
  const { write } = await office();
  await write('large', listOf(10_000));
  await rejectsWith('limit-exceeded', () => write('larger', listOf(10_001)));
  for (const name of ['', 'a/b', '../x', 'x'.repeat(65), 'ä'])
    await rejectsWith('invalid-parameter', () => write(name));
  await rejectsWith('invalid-parameter', () => write('certificate', fromPem('CERTIFICATE', clientCertificate)!));
  for (let i = 1; i < 100; i++) await write(`list-${i}`);
  await rejectsWith('limit-exceeded', () => write('one-more'));
  await write('list-1');
});

test('lists are of their mount, and go with it', async () => {
  const { rig, verbs, asking, write, names } = await office();
  await write('first');
  await rig.commit(verbs['disable-auth-mount'](asking, { kind: 'disable-auth-mount', path: 'cert' }));
  await rejectsWith('not-found', names);
  assert.equal((await rig.store.list('revocation-list', '', '', 10)).length, 1);
  await rig.commit(rig.room.sweep());
  assert.equal((await rig.store.list('revocation-list', '', '', 10)).length, 0);
  await rig.commit(verbs['enable-auth-mount'](asking, { kind: 'enable-auth-mount', path: 'cert', type: 'cert' }));
  assert.deepEqual(await names(), []);
});
