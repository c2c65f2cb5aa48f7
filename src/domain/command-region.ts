/** Keys that live in several regions of one account. */
export type RegionCommands = {};

export type RegionResults = {};
