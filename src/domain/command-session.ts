/** Roles, and the sessions of those who take them on. */
export type SessionCommands = {};

export type SessionResults = {};
