/** The door of the roots of trust. */
export type { Seal } from './contract.ts';
export { Custody, type CustodyOptions, type IsRoot, type Renewal, type SealedRoot, type SealFile } from './custody.ts';
export { type PassphraseCost, passphraseSeal, strongCost } from './passphrase/passphrase.ts';
