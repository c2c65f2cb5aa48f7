import { fromHex } from '#encoding/encoding.ts';
import { ckr } from './ckr.ts';
import { type Binding, type Handle, type Module, returnValue } from './cryptoki.ts';
import { gcm } from './mechanisms.ts';

const bytes = (hex: string) => Buffer.from(fromHex(hex)!);

/** FIPS 180-4, the example of one block. */
const digested = { data: Buffer.from('abc'), is: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad' };

/** The GCM specification of McGrew and Viega, test case 14: a key, an IV and a block of zeros. */
const encrypted = { is: 'cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919' };

/** Tokens that don't do it, or take no key from outside, aren't asked. */
const notOffered: ReadonlySet<number | undefined> = new Set([
  ckr.ATTRIBUTE_READ_ONLY,
  ckr.ATTRIBUTE_TYPE_INVALID,
  ckr.ATTRIBUTE_VALUE_INVALID,
  ckr.FUNCTION_NOT_SUPPORTED,
  ckr.KEY_FUNCTION_NOT_PERMITTED,
  ckr.KEY_SIZE_RANGE,
  ckr.MECHANISM_INVALID,
  ckr.MECHANISM_PARAM_INVALID,
  ckr.SESSION_READ_ONLY,
  ckr.TEMPLATE_INCOMPLETE,
  ckr.TEMPLATE_INCONSISTENT,
]);

/** A digest, and a block under a key that is made for it and ends with the session: neither touches what the token keeps. */
export function givesKnownAnswers(binding: Binding, module: Module, session: Handle, slot: Handle): boolean {
  const offered = new Set(module.C_GetMechanismList(slot));
  const answers = (mechanism: number, expected: string, ask: () => Buffer): boolean => {
    if (!offered.has(mechanism)) return true;
    try {
      return ask().toString('hex') === expected;
    } catch (error) {
      if (notOffered.has(returnValue(error))) return true;
      throw error;
    }
  };
  return (
    answers(binding.CKM_SHA256, digested.is, () => {
      module.C_DigestInit(session, { mechanism: binding.CKM_SHA256 });
      return module.C_Digest(session, digested.data, Buffer.alloc(32));
    }) &&
    answers(binding.CKM_AES_GCM, encrypted.is, () => {
      const key = module.C_CreateObject(session, [
        { type: binding.CKA_CLASS, value: binding.CKO_SECRET_KEY },
        { type: binding.CKA_KEY_TYPE, value: binding.CKK_AES },
        { type: binding.CKA_TOKEN, value: false },
        { type: binding.CKA_ENCRYPT, value: true },
        { type: binding.CKA_VALUE, value: Buffer.alloc(32) },
      ]);
      try {
        module.C_EncryptInit(session, gcm(binding, Buffer.alloc(12), bytes('')), key);
        return module.C_Encrypt(session, Buffer.alloc(16), Buffer.alloc(32));
      } finally {
        module.C_DestroyObject(session, key);
      }
    })
  );
}
