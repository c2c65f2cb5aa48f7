/** Shared secrets by key agreement and key encapsulation. */
export type AgreementCommands = {};

export type AgreementResults = {};
