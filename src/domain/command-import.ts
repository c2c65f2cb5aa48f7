/** Key material that is made elsewhere. */
export type ImportCommands = {};

export type ImportResults = {};
