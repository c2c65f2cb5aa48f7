/** What is known of how a key was used. */
export type UsageCommands = {};

export type UsageResults = {};
