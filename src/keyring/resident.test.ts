import assert from 'node:assert/strict';
import { constants, createPublicKey, verify } from 'node:crypto';
import { after, test } from 'node:test';
import {
  type Command,
  type ErrorCode,
  type HashName,
  type Key,
  KmsError,
  Plaintext,
  SecretBytes,
  type SignatureScheme,
} from '#domain/domain.ts';
import { type Hsm, moduleDigest, openHsm } from '#hsm/hsm.ts';
import { memoryStore } from '#store/store.ts';
import { SoftHsm, softHsmAbsent, softHsmModule, userPin } from '../hsm/testing/softhsm.ts';
import { byId, day, Ring, realm } from './testing/ring.ts';

const soft = softHsmAbsent === undefined ? new SoftHsm() : undefined;
const serial = soft?.addToken('residents') ?? '';
const place = () => ({
  ...{ modulePath: softHsmModule, moduleSha256: moduleDigest(softHsmModule), tokenSerial: serial },
});
const open = () => openHsm(place(), new SecretBytes(Buffer.from(userPin)));
let opened: Promise<Hsm> | undefined;
const token = () => (opened ??= open());
after(async () => {
  await (await opened)?.close();
  soft?.[Symbol.dispose]();
});

const it = (title: string, run: () => Promise<void>) => test(title, { skip: softHsmAbsent ?? false }, run);
const fails = (code: ErrorCode) => (error: unknown) => {
  assert.ok(error instanceof KmsError, String(error));
  assert.equal(error.code, code, error.message);
  return true;
};

interface House {
  readonly ring: Ring;
  /** What the server is connected to. */
  hsm: Hsm | undefined;
}

async function house(): Promise<House> {
  const it: { hsm: Hsm | undefined; ring?: Ring } = { hsm: await token() };
  it.ring = await Ring.open(memoryStore(), { capacity: 100, hsm: () => it.hsm });
  return it as House;
}

async function reserved({ ring }: House): Promise<string> {
  const { objectId, change } = ring.keyring.residents.reserve();
  await ring.commit(change);
  return objectId;
}

async function resident(at: House, more: Partial<Command<'create-key'>> = {}): Promise<Key> {
  const command = {
    ...{ kind: 'create-key', spec: 'ec-p256', usages: ['sign'], class: 'enveloped', protection: 'hsm', ...more },
  } as const satisfies Command<'create-key'>;
  const { keyring, now } = at.ring;
  return (await at.ring.do(keyring.createKey(realm, command, now, await reserved(at)))).key;
}

async function rotated(at: House, key: Key): Promise<Key> {
  const { keyring, now } = at.ring;
  const command = { kind: 'rotate-key', key: byId(key) } as const;
  return (await at.ring.do(keyring.rotateKey(key, command, now, await reserved(at)))).key;
}

/** As the schedule does. Answers of how many notes are gone. */
async function deleteOrphans({ ring }: House): Promise<number> {
  const { residents } = ring.keyring;
  const given = await residents.writeOff();
  if (given !== undefined) await ring.commit(given);
  const deleted = await residents.deleteWrittenOff();
  if (deleted !== undefined) await ring.commit(deleted);
  return deleted?.records.length ?? 0;
}

const message = Buffer.from('what is signed');
const sign = ({ ring }: House, key: Key, scheme: SignatureScheme, version?: number) =>
  ring.do(
    ring.keyring.sign(key, {
      ...{ kind: 'sign', key: byId(key), messageType: 'raw', message: new Plaintext(Buffer.from(message)), scheme },
      ...{ context: {}, ...(version !== undefined && { version }) },
    }),
  );
const isValid = ({ ring }: House, key: Key, scheme: SignatureScheme, signature: Uint8Array, version: number) =>
  ring.do(
    ring.keyring.verify(key, {
      ...{ kind: 'verify', key: byId(key), messageType: 'raw', message: new Plaintext(Buffer.from(message)), scheme },
      ...{ context: {}, signature, version },
    }),
  );
const ecdsa = (hash: HashName) => ({ family: 'ecdsa', hash }) as const;
const publicKeyOf = ({ current }: Key) =>
  createPublicKey({ key: Buffer.from(current.publicKey!), format: 'der', type: 'spki' });
const objects = async (at: House) => (await at.hsm!.list()).map(({ id }) => id);

it('pairs of every kind sign in the token what others verify by the public half', async () => {
  const at = await house();
  for (const [spec, hash] of [
    ['ec-p256', 'sha256'],
    ['ec-p384', 'sha384'],
    ['ec-p521', 'sha512'],
  ] as const) {
    const key = await resident(at, { spec });
    const { signature } = await sign(at, key, ecdsa(hash));
    assert.ok(verify(hash, message, publicKeyOf(key), signature), spec);
    const fixed = await sign(at, key, { ...ecdsa(hash), encoding: 'p1363' });
    assert.ok(verify(hash, message, { key: publicKeyOf(key), dsaEncoding: 'ieee-p1363' }, fixed.signature), spec);
    assert.equal((await isValid(at, key, ecdsa(hash), signature, 1)).valid, true);
  }
  const key = await resident(at, { spec: 'rsa-2048' });
  const pss = await sign(at, key, { family: 'rsa-pss', hash: 'sha256' });
  const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
  assert.ok(verify('sha256', message, { key: publicKeyOf(key), ...padding }, pss.signature));
  const pkcs1 = await sign(at, key, { family: 'rsa-pkcs1', hash: 'sha512' });
  assert.ok(verify('sha512', message, publicKeyOf(key), pkcs1.signature));
  await assert.rejects(sign(at, key, { family: 'rsa-pss', hash: 'sha256', saltLength: 20 }), fails('unsupported'));
  await assert.rejects(sign(at, key, ecdsa('sha256')), fails('wrong-algorithm'));
});

it('nothing of the material is here: the row says where it is, and the token does not give it away', async () => {
  const at = await house();
  const key = await resident(at);
  assert.equal(key.current.wrapped, undefined);
  assert.equal(key.slot, undefined);
  const { tokenSerial, objectId } = key.current.resident!;
  assert.equal(tokenSerial, serial);
  const object = await at.hsm!.find({ class: 'private', id: objectId });
  assert.ok(object.bornConfined);
  assert.equal(object.label, `claviger/${realm}/${key.id}/1`);
});

it('a disabled key signs nothing from that moment, and again once it is enabled', async () => {
  const at = await house();
  const key = await resident(at);
  const { key: disabled } = await at.ring.do(at.ring.keyring.disableKey(key));
  await assert.rejects(sign(at, disabled, ecdsa('sha256')), fails('disabled'));
  const { key: enabled } = await at.ring.do(at.ring.keyring.enableKey(disabled));
  assert.ok((await sign(at, enabled, ecdsa('sha256'))).signature);
});

it('a rotation makes another pair; the one before verifies on, also after a restart', async () => {
  const at = await house();
  const key = await resident(at);
  const { signature } = await sign(at, key, ecdsa('sha256'));
  const next = await rotated(at, key);
  assert.equal(next.current.version, 2);
  assert.notEqual(next.current.resident!.objectId, key.current.resident!.objectId);
  await at.ring.restart({ capacity: 100, hsm: () => at.hsm });
  const after = await at.ring.fresh(key);
  assert.equal((await isValid(at, after, ecdsa('sha256'), signature, 1)).valid, true);
  const newest = await sign(at, after, ecdsa('sha256'));
  assert.equal(newest.version, 2);
  assert.ok(verify('sha256', message, publicKeyOf(after), newest.signature));
});

it('destroying the key takes every object out of the token before it is answered', async () => {
  const at = await house();
  const key = await rotated(at, await resident(at));
  const first = (await at.ring.keyring.describeKey(key, { kind: 'describe-key', key: byId(key), withVersions: true }))
    .result.versions;
  const ids = first.map(({ resident: where }) => where!.objectId);
  assert.equal(ids.length, 2);
  const command = { kind: 'schedule-destruction', key: byId(key), days: 7 } as const;
  const { key: ending } = await at.ring.do(at.ring.keyring.scheduleDestruction(key, command, at.ring.now));
  at.ring.now += 8 * day;
  const connected = at.hsm;
  at.hsm = undefined;
  await assert.rejects(at.ring.keyring.destroyKey(ending, at.ring.now), fails('unavailable'));
  assert.equal((await at.ring.fresh(key)).current.state, 'active');
  at.hsm = connected;
  const { key: destroyed } = await at.ring.do(at.ring.keyring.destroyKey(ending, at.ring.now));
  assert.equal(destroyed.current.state, 'destroyed');
  assert.equal(destroyed.current.resident, undefined);
  const left = await objects(at);
  for (const id of ids) assert.ok(!left.includes(id));
});

it('a destruction that loses to another change deletes nothing, and trimming only what is trimmed', async () => {
  const at = await house();
  const first = await resident(at, { deletionAllowed: true });
  const { keyring } = at.ring;
  const destruction = await keyring.destroyKey(first, at.ring.now);
  await at.ring.do(keyring.disableKey(first));
  await assert.rejects(at.ring.commit(destruction.change), fails('conflict'));
  const { key: living } = await at.ring.do(keyring.enableKey(await at.ring.fresh(first)));
  assert.ok((await sign(at, living, ecdsa('sha256'))).signature);

  const next = await rotated(at, living);
  const newest = await at.ring.update(next, { minDecryptionVersion: 2, minEncryptionVersion: 2 });
  const command = { kind: 'trim-key', key: byId(newest), minAvailableVersion: 2 } as const;
  await at.ring.do(keyring.trimKey(newest, command));
  const left = await objects(at);
  assert.ok(!left.includes(first.current.resident!.objectId));
  assert.ok(left.includes(next.current.resident!.objectId));
});

it('what could not be deleted with its key is deleted later, in its own token', async () => {
  const at = await house();
  const key = await resident(at, { deletionAllowed: true });
  const { objectId } = key.current.resident!;
  const { change } = await at.ring.keyring.destroyKey(key, at.ring.now);
  // A crash between the rows and the token.
  const { finish: _, ...rows } = change;
  await at.ring.commit(rows);
  assert.ok((await objects(at)).includes(objectId));
  const connected = at.hsm!;
  at.hsm = new Proxy(connected, {
    get: (hsm, name: keyof Hsm) => (name === 'token' ? { ...hsm.token, serial: 'another' } : hsm[name].bind(hsm)),
  });
  assert.equal(await deleteOrphans(at), 0);
  at.hsm = connected;
  assert.equal(await deleteOrphans(at), 1);
  assert.ok(!(await objects(at)).includes(objectId));
});

it('out of reach it is unavailable, still verifies, and signs again by itself once the token is back', async () => {
  const at = await house();
  const key = await resident(at);
  const { signature } = await sign(at, key, ecdsa('sha256'));
  const connected = at.hsm;
  at.hsm = undefined;
  await assert.rejects(sign(at, key, ecdsa('sha256')), fails('unavailable'));
  assert.equal((await isValid(at, key, ecdsa('sha256'), signature, 1)).valid, true);
  assert.throws(() => at.ring.keyring.residents.reserve(), fails('unavailable'));
  at.hsm = connected;
  assert.ok((await sign(at, key, ecdsa('sha256'))).signature);
});

it('an object that somebody deleted is told as such, and its key can still be destroyed', async () => {
  const at = await house();
  const key = await resident(at, { deletionAllowed: true });
  soft!.pkcs11Tool(['--delete-object', '--type', 'privkey', '--id', key.current.resident!.objectId]);
  await assert.rejects(sign(at, key, ecdsa('sha256')), fails('invalid-state'));
  const { key: destroyed } = await at.ring.do(at.ring.keyring.destroyKey(key, at.ring.now));
  assert.equal(destroyed.current.state, 'destroyed');
});

it('what was made and never came to a key is removed after a restart, and nothing else', async () => {
  const at = await house();
  const key = await resident(at);
  const objectId = await reserved(at);
  const command = {
    ...{ kind: 'create-key', spec: 'ec-p256', usages: ['sign'], class: 'enveloped', protection: 'hsm' },
  } as const satisfies Command<'create-key'>;
  // The object is there, and the row is never written.
  const outcome = await at.ring.keyring.createKey(realm, command, at.ring.now, objectId);
  assert.ok((await objects(at)).includes(objectId));
  await deleteOrphans(at);
  assert.ok((await objects(at)).includes(objectId), 'it may still be under way');
  const others = (await objects(at)).filter((id) => id !== objectId);
  await at.ring.restart({ capacity: 100, hsm: () => at.hsm });
  await at.ring.commit((await at.ring.keyring.residents.writeOff())!);
  // Before anything is deleted whoever comes too late with the row is told.
  await assert.rejects(at.ring.commit(outcome.change!), fails('conflict'));
  await assert.rejects(at.ring.keyring.createKey(realm, command, at.ring.now, objectId), fails('conflict'));
  assert.equal(await deleteOrphans(at), 0, 'the token may still be making it');
  assert.deepEqual((await objects(at)).sort(), others.sort());
  assert.ok((await sign(at, await at.ring.fresh(key), ecdsa('sha256'))).signature);
  at.ring.now += 11 * 60 * 1000;
  assert.equal(await deleteOrphans(at), 1);
  assert.equal(await deleteOrphans(at), 0);
});

it('makes no key whose public half does not verify what the token signs by it', async () => {
  const at = await house();
  const { publicKey: stranger } = (await resident(at)).current;
  const connected = at.hsm!;
  at.hsm = new Proxy(connected, {
    get: (hsm, name: keyof Hsm) => {
      if (name === 'publicKey') return async () => stranger;
      return name === 'token' ? hsm.token : hsm[name].bind(hsm);
    },
  });
  await assert.rejects(resident(at), fails('tampered'));
});

it('refuses what would take the material out of the token, or bring some into it', async () => {
  const at = await house();
  const command = { spec: 'ec-p256', usages: ['sign'] } as const;
  const never: readonly Partial<Command<'create-key'>>[] = [
    { exportable: true },
    { backupAllowed: true },
    { multiRegion: true },
    { origin: 'external' },
    { class: 'raw' },
    { spec: 'ed25519' },
    { spec: 'aes-256', usages: ['encrypt'] },
    { spec: 'rsa-2048', usages: ['encrypt'] },
    { rotationPeriodDays: 90, pairsRotate: true },
  ];
  for (const one of never) await assert.rejects(resident(at, { ...command, ...one }), fails('unsupported'));
  const key = await resident(at);
  const { keyring, now } = at.ring;
  for (const patch of [{ exportable: true }, { backupAllowed: true }, { rotationPeriodDays: 90 }] as const) {
    const update = { kind: 'update-key', key: byId(key), patch, pairsRotate: true } as const;
    await assert.rejects(async () => keyring.updateKey(key, update, now), fails('unsupported'));
  }
  await assert.rejects(
    async () => keyring.exportKey(key, { kind: 'export-key', key: byId(key), part: 'sign', form: 'pkcs8' } as never),
    fails('unsupported'),
  );
  await assert.rejects(async () => keyring.backupKey(key), fails('unsupported'));
});
