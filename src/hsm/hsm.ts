/** The door of hardware security modules. */
export type {
  Hsm,
  HsmCurve,
  HsmHash,
  HsmKey,
  HsmKeyType,
  HsmOptions,
  HsmUsage,
  HsmUse,
  KeyClass,
  KeyName,
  NewKey,
  TokenFacts,
  TokenPlace,
} from './contract.ts';
export { moduleDigest } from './module-copy.ts';
export { openHsm } from './open.ts';
