import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { Plaintext, SecretBytes } from '#domain/domain.ts';
import { type Hsm, type HsmKey, type HsmUse, moduleDigest, openHsm } from '#hsm/hsm.ts';
import { memoryStore } from '#store/store.ts';
import type { Binding } from '../src/hsm/cryptoki.ts';
import { SoftHsm, softHsmAbsent, softHsmModule, userPin } from '../src/hsm/testing/softhsm.ts';
import { Ring, realm } from '../src/keyring/testing/ring.ts';
import { median } from './load.ts';

/**
 * Keys in SoftHSM2: what the driver, on threads of its own, and the keyring on it, reach of what calls of the binding in a loop reach, in turns
 * in one process.
 *
 *   node bench/hsm.ts [--rounds 5] [--seconds 1] [--parallel 64]
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '1' },
    parallel: { type: 'string', default: '64' },
  },
});
const [rounds, seconds, parallel] = [Number(values.rounds), Number(values.seconds), Number(values.parallel)];
if (softHsmAbsent !== undefined) throw new Error(softHsmAbsent);

using soft = new SoftHsm();
const tokenSerial = soft.addToken('bench');
const pin = new SecretBytes(Buffer.from(userPin));
const place = { modulePath: softHsmModule, moduleSha256: moduleDigest(softHsmModule), tokenSerial };

const digest = Buffer.alloc(32, 7);
const block = Buffer.alloc(32, 8);
const iv = Buffer.alloc(12, 9);
const aad = Buffer.alloc(0);

/** Signs the digest by a key of a keyring: what the gate asks for each request, and no gate, ledger or network. */
async function keyringOn(hsm: Hsm): Promise<() => Promise<unknown>> {
  const ring = await Ring.open(memoryStore(), { capacity: 100, hsm: () => hsm });
  const { objectId, change } = ring.keyring.residents.reserve();
  await ring.commit(change);
  const made = ring.keyring.createKey(
    realm,
    { kind: 'create-key', spec: 'ec-p256', usages: ['sign'], class: 'enveloped', protection: 'hsm' },
    ring.now,
    objectId,
  );
  const { key } = await ring.do(made);
  const scheme = { family: 'ecdsa', hash: 'sha256' } as const;
  return () =>
    ring.keyring.sign(key, {
      ...{ kind: 'sign', key: { by: 'id', id: key.id }, messageType: 'digest', context: {}, scheme },
      message: new Plaintext(Uint8Array.from(digest)),
    });
}

/** The binding, called in a loop on the main thread by handles that it found before. */
function direct(): { readonly sign: () => void; readonly encrypt: () => void } {
  const binding = createRequire(import.meta.url)('pkcs11js') as Binding;
  const module = new binding.PKCS11();
  module.load(softHsmModule);
  module.C_Initialize({ flags: binding.CKF_OS_LOCKING_OK });
  const slot = module
    .C_GetSlotList(true)
    .find((one) => module.C_GetTokenInfo(one).serialNumber.trim() === tokenSerial)!;
  const session = module.C_OpenSession(slot, binding.CKF_RW_SESSION | binding.CKF_SERIAL_SESSION);
  module.C_Login(session, binding.CKU_USER, userPin);
  const handle = (kind: number) => {
    module.C_FindObjectsInit(session, [{ type: binding.CKA_CLASS, value: kind }]);
    const found = module.C_FindObjects(session, 1)[0]!;
    module.C_FindObjectsFinal(session);
    return found;
  };
  const [ec, aes] = [handle(binding.CKO_PRIVATE_KEY), handle(binding.CKO_SECRET_KEY)];
  const room = Buffer.alloc(132);
  const parameter = { type: binding.CK_PARAMS_GCM, iv, ivBits: 96, aad, tagBits: 128 };
  return {
    sign() {
      module.C_SignInit(session, { mechanism: binding.CKM_ECDSA }, ec);
      module.C_Sign(session, digest, room);
    },
    encrypt() {
      module.C_EncryptInit(session, { mechanism: binding.CKM_AES_GCM, parameter }, aes);
      module.C_Encrypt(session, block, room);
    },
  };
}

function directRate(call: () => void): number {
  let count = 0;
  const begin = performance.now();
  for (const end = begin + seconds * 1000; performance.now() < end; count++) call();
  return (count * 1000) / (performance.now() - begin);
}

const rate = (hsm: Hsm, key: HsmKey, use: HsmUse) => rateOf(() => hsm.use(key, use));

async function rateOf(call: () => Promise<unknown>): Promise<number> {
  let count = 0;
  const begin = performance.now();
  const end = begin + seconds * 1000;
  const caller = async () => {
    for (; performance.now() < end; count++) await call();
  };
  await Promise.all(Array.from({ length: parallel }, caller));
  return (count * 1000) / (performance.now() - begin);
}

const first = await openHsm(place, pin, { sessions: 1 });
const ec = await first.generate({ id: '01', label: 'ec', key: { type: 'ec', curve: 'P-256' }, usage: 'sign' });
const aes = await first.generate({ id: '02', label: 'aes', key: { type: 'aes', bits: 256 }, usage: 'encrypt-decrypt' });
const drivers = [
  { sessions: 1, hsm: first },
  { sessions: 2, hsm: await openHsm(place, pin, { sessions: 2 }) },
  { sessions: 4, hsm: await openHsm(place, pin, { sessions: 4 }) },
];
const signing = await keyringOn(drivers[2]!.hsm);
const loop = direct();
const uses = [
  { what: 'ECDSA P-256, a digest', call: loop.sign, key: ec, use: { use: 'sign-ecdsa', data: digest } },
  { what: 'AES-256-GCM, 32 bytes', call: loop.encrypt, key: aes, use: { use: 'encrypt-gcm', iv, aad, data: block } },
] as const;

for (const { what, call, key, use } of uses) {
  const calls: number[] = [];
  const driven = drivers.map((): number[] => []);
  const keyring: number[] = [];
  for (let round = 0; round < rounds; round++) {
    calls.push(directRate(call));
    for (const [i, { hsm }] of drivers.entries()) driven[i]!.push(await rate(hsm, key, use));
    if (use.use === 'sign-ecdsa') keyring.push(await rateOf(signing));
  }
  const base = median(calls);
  console.log(`${what}: ${Math.round(base)}/s by direct calls in a loop`);
  for (const [i, { sessions }] of drivers.entries()) {
    const reached = median(driven[i]!);
    const ratio = (reached / base).toFixed(2);
    console.log(
      `  ${Math.round(reached)}/s by the driver, ${sessions} session(s), ${parallel} at once: ${ratio} of it`,
    );
  }
  if (keyring.length > 0) {
    const reached = median(keyring);
    console.log(`  ${Math.round(reached)}/s by a key of the keyring, 4 sessions: ${(reached / base).toFixed(2)} of it`);
  }
}
for (const { hsm } of drivers) await hsm.close();
