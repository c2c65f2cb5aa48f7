/** Rights that a key carries itself: its policy and its own grants. */
export type KeyPolicyCommands = {};

export type KeyPolicyResults = {};
