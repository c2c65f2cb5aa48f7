import type { HsmHash } from './contract.ts';

export type Handle = Buffer;
export interface Mechanism {
  readonly mechanism: number;
  readonly parameter?: object;
}
export interface Attribute {
  readonly type: number;
  readonly value?: Buffer | boolean | number | string;
}

/** What is called of a PKCS#11 module through the binding. A call that fails throws an error whose `code` is the return value. */
export interface Module {
  load(path: string): void;
  C_Initialize(options: { readonly flags: number }): void;
  C_Finalize(): void;
  C_GetSlotList(tokenPresent: boolean): readonly Handle[];
  C_GetTokenInfo(slot: Handle): {
    readonly label: string;
    readonly manufacturerID: string;
    readonly model: string;
    readonly serialNumber: string;
    readonly flags: number;
    readonly firmwareVersion: { readonly major: number; readonly minor: number };
  };
  C_GetMechanismList(slot: Handle): readonly number[];
  C_OpenSession(slot: Handle, flags: number): Handle;
  C_CloseSession(session: Handle): void;
  C_GetSessionInfo(session: Handle): { readonly state: number };
  C_Login(session: Handle, user: number, pin: string): void;
  C_Logout(session: Handle): void;
  C_CreateObject(session: Handle, template: readonly Attribute[]): Handle;
  C_DestroyObject(session: Handle, object: Handle): void;
  C_FindObjectsInit(session: Handle, template: readonly Attribute[]): void;
  C_FindObjects(session: Handle, most: number): readonly Handle[];
  C_FindObjectsFinal(session: Handle): void;
  C_GetAttributeValue(session: Handle, object: Handle, template: readonly Attribute[]): readonly Attribute[];
  C_GenerateKey(session: Handle, mechanism: Mechanism, template: readonly Attribute[]): Handle;
  C_GenerateKeyPair(
    session: Handle,
    mechanism: Mechanism,
    open: readonly Attribute[],
    secret: readonly Attribute[],
  ): { readonly publicKey: Handle; readonly privateKey: Handle };
  C_SignInit(session: Handle, mechanism: Mechanism, key: Handle): void;
  C_Sign(session: Handle, data: Buffer, room: Buffer): Buffer;
  C_EncryptInit(session: Handle, mechanism: Mechanism, key: Handle): void;
  C_Encrypt(session: Handle, data: Buffer, room: Buffer): Buffer;
  C_DecryptInit(session: Handle, mechanism: Mechanism, key: Handle): void;
  C_Decrypt(session: Handle, data: Buffer, room: Buffer): Buffer;
  C_DigestInit(session: Handle, mechanism: Mechanism): void;
  C_Digest(session: Handle, data: Buffer, room: Buffer): Buffer;
}

type Constant =
  | `CKA_${'ALWAYS_SENSITIVE' | 'CLASS' | 'DECRYPT' | 'DERIVE' | 'EC_PARAMS' | 'EC_POINT' | 'ENCRYPT' | 'EXTRACTABLE'}`
  | `CKA_${'ID' | 'KEY_TYPE' | 'LABEL' | 'LOCAL' | 'MODIFIABLE' | 'MODULUS' | 'MODULUS_BITS' | 'NEVER_EXTRACTABLE'}`
  | `CKA_${'PRIVATE' | 'PUBLIC_EXPONENT' | 'SENSITIVE' | 'SIGN' | 'TOKEN' | 'UNWRAP' | 'VALUE' | 'VALUE_LEN'}`
  | `CKA_${'VERIFY' | 'WRAP'}`
  | `CKF_${'OS_LOCKING_OK' | 'RW_SESSION' | 'SERIAL_SESSION'}`
  | `CKG_MGF1_${'SHA1' | 'SHA224' | 'SHA256' | 'SHA384' | 'SHA512'}`
  | `CKK_${'AES' | 'EC' | 'GENERIC_SECRET' | 'RSA'}`
  | `CKM_${'AES_GCM' | 'AES_KEY_GEN' | 'ECDSA' | 'EC_KEY_PAIR_GEN' | 'GENERIC_SECRET_KEY_GEN'}`
  | `CKM_${'RSA_PKCS' | 'RSA_PKCS_KEY_PAIR_GEN' | 'RSA_PKCS_OAEP' | 'RSA_PKCS_PSS'}`
  | `CKM_${'SHA_1' | 'SHA224' | 'SHA256' | 'SHA384' | 'SHA512'}${'' | '_HMAC'}`
  | `CKO_${'PRIVATE_KEY' | 'PUBLIC_KEY' | 'SECRET_KEY'}`
  | 'CKA_COPYABLE'
  | 'CKU_USER'
  | `CK_PARAMS_${'GCM' | 'RSA_OAEP' | 'RSA_PSS'}`;

/** The binding. Described here rather than by its own types: it is missing where it could not be compiled. */
export type Binding = Readonly<Record<Constant, number>> & { readonly PKCS11: new () => Module };

/** Rejects where it wasn't installed, or not compiled. */
export async function importBinding(): Promise<Binding> {
  const name: string = 'pkcs11js';
  const loaded = (await import(name)) as Binding & { readonly default?: Binding };
  return loaded.default ?? loaded;
}

/** The return value that a call of the binding failed with; undefined: it failed otherwise. Some of its calls tell it in words only. */
export function returnValue(error: unknown): number | undefined {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  if (typeof code === 'number' && code > 0) return code;
  const told = /^CKR_\w+:(\d+)$/m.exec(String(message))?.[1];
  return told === undefined ? undefined : Number(told);
}

interface HashFacts {
  readonly mechanism: number;
  readonly mgf: number;
  readonly hmac: number;
  /** Of the digest, in bytes. */
  readonly length: number;
}

const hashNames = {
  'SHA-1': { name: 'SHA_1', mgf: 'SHA1', length: 20 },
  'SHA-224': { name: 'SHA224', mgf: 'SHA224', length: 28 },
  'SHA-256': { name: 'SHA256', mgf: 'SHA256', length: 32 },
  'SHA-384': { name: 'SHA384', mgf: 'SHA384', length: 48 },
  'SHA-512': { name: 'SHA512', mgf: 'SHA512', length: 64 },
} as const satisfies Record<HsmHash, object>;

/** What PKCS#11 calls a hash. */
export function hashFacts(binding: Binding, hash: HsmHash): HashFacts {
  const { name, mgf, length } = hashNames[hash];
  const [mechanism, hmac] = [binding[`CKM_${name}`], binding[`CKM_${name}_HMAC`]];
  return { mechanism, hmac, mgf: binding[`CKG_MGF1_${mgf}`], length };
}
