import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, test } from 'node:test';
import { SecretBytes } from '#domain/domain.ts';
import { returnValue } from './cryptoki.ts';
import type { Hsm, HsmKey, NewKey } from './hsm.ts';
import { moduleDigest, openHsm } from './hsm.ts';
import { idBytes } from './objects.ts';
import { SoftHsm, softHsmAbsent, softHsmModule, userPin } from './testing/softhsm.ts';

/*
 * Somebody else with the user PIN tries what is known to bring keys out of tokens (Clulow, CHES 2003; Bortolozzo, Centenaro, Focardi and
 * Steel, CCS 2010): to read a key, give it another use, copy it with other attributes, wrap it, or wrap and decrypt with one key.
 */

type Template = ReadonlyArray<{ readonly type: number; readonly value?: unknown }>;
/** The calls of the binding that the driver has no use for. */
interface Intruder {
  load(path: string): void;
  C_Initialize(options: object): void;
  C_Finalize(): void;
  C_GetSlotList(present: boolean): Buffer[];
  C_GetTokenInfo(slot: Buffer): { readonly serialNumber: string };
  C_OpenSession(slot: Buffer, flags: number): Buffer;
  C_Login(session: Buffer, user: number, pin: string): void;
  C_FindObjectsInit(session: Buffer, template: Template): void;
  C_FindObjects(session: Buffer, most: number): Buffer[];
  C_FindObjectsFinal(session: Buffer): void;
  C_GetAttributeValue(session: Buffer, object: Buffer, template: Template): ReadonlyArray<{ readonly value: Buffer }>;
  C_SetAttributeValue(session: Buffer, object: Buffer, template: Template): void;
  C_CopyObject(session: Buffer, object: Buffer, template: Template): Buffer;
  C_GenerateKey(session: Buffer, mechanism: object, template: Template): Buffer;
  C_WrapKey(session: Buffer, mechanism: object, wrapping: Buffer, key: Buffer, room: Buffer): Buffer;
  C_EncryptInit(session: Buffer, mechanism: object, key: Buffer): void;
  C_DecryptInit(session: Buffer, mechanism: object, key: Buffer): void;
  C_SignInit(session: Buffer, mechanism: object, key: Buffer): void;
}
type Constants = Readonly<Record<string, number>> & { readonly PKCS11: new () => Intruder };

const soft = softHsmAbsent === undefined ? new SoftHsm() : undefined;
const tokenSerial = soft?.addToken('confined') ?? '';
const made: readonly NewKey[] = [
  { id: '01', label: 'aes', key: { type: 'aes', bits: 256 }, usage: 'encrypt-decrypt' },
  { id: '02', label: 'hmac', key: { type: 'hmac', bytes: 32 }, usage: 'sign' },
  { id: '03', label: 'rsa to sign', key: { type: 'rsa', bits: 2048 }, usage: 'sign' },
  { id: '04', label: 'rsa to decrypt', key: { type: 'rsa', bits: 2048 }, usage: 'decrypt' },
  { id: '05', label: 'ec', key: { type: 'ec', curve: 'P-256' }, usage: 'sign' },
];
let hsm: Hsm | undefined;
after(async () => {
  await hsm?.close();
  soft?.[Symbol.dispose]();
});

test('no call of somebody who has the PIN brings a key out of its token, or to another use', {
  skip: softHsmAbsent ?? false,
}, async () => {
  const place = { modulePath: softHsmModule, moduleSha256: moduleDigest(softHsmModule), tokenSerial };
  hsm = await openHsm(place, new SecretBytes(Buffer.from(userPin)), { sessions: 1 });
  const before: HsmKey[] = [];
  for (const wanted of made) before.push(await hsm.generate(wanted));

  const p = createRequire(import.meta.url)('pkcs11js') as Constants;
  const intruder = new p.PKCS11();
  intruder.load(softHsmModule);
  intruder.C_Initialize({ flags: p.CKF_OS_LOCKING_OK });
  const slot = intruder
    .C_GetSlotList(true)
    .find((one) => intruder.C_GetTokenInfo(one).serialNumber.trim() === tokenSerial)!;
  const session = intruder.C_OpenSession(slot, p.CKF_RW_SESSION! | p.CKF_SERIAL_SESSION!);
  intruder.C_Login(session, p.CKU_USER!, userPin);
  const wrapping = intruder.C_GenerateKey(session, { mechanism: p.CKM_AES_KEY_GEN }, [
    { type: p.CKA_TOKEN!, value: false },
    { type: p.CKA_VALUE_LEN!, value: 32 },
    { type: p.CKA_WRAP!, value: true },
    { type: p.CKA_DECRYPT!, value: true },
  ]);

  // The same calls do succeed on a key that nobody confined.
  const ordinary = intruder.C_GenerateKey(session, { mechanism: p.CKM_AES_KEY_GEN }, [
    { type: p.CKA_TOKEN!, value: false },
    { type: p.CKA_VALUE_LEN!, value: 32 },
    { type: p.CKA_EXTRACTABLE!, value: true },
  ]);
  const copy = intruder.C_CopyObject(session, ordinary, [{ type: p.CKA_WRAP!, value: true }]);
  intruder.C_SetAttributeValue(session, copy, [{ type: p.CKA_DECRYPT!, value: true }]);
  const room = Buffer.alloc(4096);
  assert.equal(intruder.C_WrapKey(session, { mechanism: p.CKM_AES_KEY_WRAP }, wrapping, copy, room).length, 40);

  const other: ReadonlyArray<readonly [string, boolean]> = [
    ...(['EXTRACTABLE', 'WRAP', 'UNWRAP', 'DERIVE', 'MODIFIABLE', 'TRUSTED'] as const).map(
      (name) => [name, true] as const,
    ),
    ['SENSITIVE', false],
    ['PRIVATE', false],
    ['WRAP_WITH_TRUSTED', false],
  ];
  const uses = ['ENCRYPT', 'DECRYPT', 'SIGN', 'VERIFY', 'SIGN_RECOVER'] as const;
  let tried = 0;
  for (const key of before) {
    intruder.C_FindObjectsInit(session, [
      { type: p.CKA_CLASS!, value: key.class === 'secret' ? p.CKO_SECRET_KEY : p.CKO_PRIVATE_KEY },
      { type: p.CKA_ID!, value: idBytes(key.id) },
    ]);
    const [handle] = intruder.C_FindObjects(session, 2);
    intruder.C_FindObjectsFinal(session);
    const fails = (what: string, call: () => unknown) => {
      tried++;
      assert.throws(call, (error) => returnValue(error) !== undefined, `${key.label}: ${what}`);
    };
    for (const name of ['VALUE', 'PRIVATE_EXPONENT', 'PRIME_1', 'EXPONENT_1'])
      fails(`reads ${name}`, () => intruder.C_GetAttributeValue(session, handle!, [{ type: p[`CKA_${name}`]! }]));
    const changes = [...other, ...uses.map((name) => [name, true] as const)];
    for (const [name, value] of changes) {
      const template = [{ type: p[`CKA_${name}`]!, value }];
      fails(`sets ${name}`, () => intruder.C_SetAttributeValue(session, handle!, template));
      fails(`copies with ${name}`, () =>
        intruder.C_CopyObject(session, handle!, [{ type: p.CKA_TOKEN!, value: false }, ...template]),
      );
    }
    for (const mechanism of [p.CKM_AES_KEY_WRAP, p.CKM_AES_KEY_WRAP_PAD, p.CKM_AES_CBC_PAD])
      fails('is wrapped', () =>
        intruder.C_WrapKey(
          session,
          { mechanism, parameter: mechanism === p.CKM_AES_CBC_PAD ? Buffer.alloc(16) : null },
          wrapping,
          handle!,
          Buffer.alloc(4096),
        ),
      );
    fails('wraps', () =>
      intruder.C_WrapKey(session, { mechanism: p.CKM_AES_KEY_WRAP }, handle!, wrapping, Buffer.alloc(4096)),
    );
    if (!key.usages.has('sign'))
      fails('signs', () =>
        intruder.C_SignInit(session, { mechanism: key.class === 'secret' ? p.CKM_AES_CMAC : p.CKM_RSA_PKCS }, handle!),
      );
    if (!key.usages.has('decrypt'))
      fails('decrypts', () =>
        intruder.C_DecryptInit(
          session,
          { mechanism: key.class === 'secret' ? p.CKM_AES_ECB : p.CKM_RSA_PKCS },
          handle!,
        ),
      );
  }
  intruder.C_Finalize();
  assert.ok(tried > 150, `only ${tried} ways were tried`);
  for (const key of before) assert.deepEqual(await hsm.find({ class: key.class, id: key.id }), key);
  assert.equal((await hsm.list()).length, made.length);
});
