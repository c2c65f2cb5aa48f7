/** The door of the roots of trust. */
export { type Asks, type Handout, maxWrapped, type Seal, type SealKind, type Shares } from './contract.ts';
export { Custody, type CustodyOptions, type IsRoot, type Renewal, type SealedRoot, type SealFile } from './custody.ts';
export { type PassphraseCost, passphraseKind, passphraseSeal, strongCost } from './passphrase/passphrase.ts';
