/** The door of the roots of trust. */
export type { Seal } from './contract.ts';
export { type PassphraseCost, passphraseSeal, strongCost } from './passphrase/passphrase.ts';
