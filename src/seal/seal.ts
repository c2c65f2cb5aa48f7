/** The door of the roots of trust. */
export { type Asks, type Handout, maxWrapped, type Seal, type SealKind, type Shares } from './contract.ts';
export { Custody, type CustodyOptions, type Opening } from './custody.ts';
export type { SealFile } from './held-file.ts';
export { sealKinds } from './kinds.ts';
export { type PassphraseCost, passphraseKind } from './passphrase/passphrase.ts';
export { acknowledgements } from './shamir/acknowledgement.ts';
export { shamirKind } from './shamir/shamir.ts';
export type { Given } from './ways.ts';
