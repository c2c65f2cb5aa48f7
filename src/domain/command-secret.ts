/** Versioned secret values. */
export type SecretCommands = {};

export type SecretResults = {};
